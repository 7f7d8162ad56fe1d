# One command each; `make` alone lists them. Everything is set up in .venv on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
PYTEST_ARGS ?=
# Half of the suite waits for brokers: two processes, each with services of its own, fill two cores.
TEST_PROCESSES ?= 2
BENCH_ARGS ?=
EVALUATE_ARGS ?=
PERCEPTION_ARGS ?=
FAULTS_ARGS ?=
FUZZ_ARGS ?=
MEMORY_ARGS ?=
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench evaluate faults fuzz lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## simulate a telecom operator's customers and show what they perceive (needs only Python)
	@$(BIN)/perception demo

test: $(DEVELOPMENT) ## all tests, against a real Kafka broker and the native ClickHouse protocol
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(DEVELOPMENT) ## lint, format, types, import contracts, generated schemas and pages, locks, known vulnerabilities
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m schemas.generate --check
	@$(BIN)/python -m jobs.reference --check
	@$(BIN)/python -m tests.architecture.locks
	@$(BIN)/python -m tests.architecture.audit

format: $(DEVELOPMENT) ## format the code and repair what the linter can
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: $(DEVELOPMENT) ## a plain Faust agent and this worker on one broker: events per CPU second, memory, state
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)
	@$(BIN)/python -m tests.bench.perceive

evaluate: $(DEVELOPMENT) ## perception next to an exact Gaussian process; false alarms and falls found: on known truth
	@$(BIN)/python -m tests.evaluate.perception $(PERCEPTION_ARGS)
	@$(BIN)/python -m tests.evaluate.alerts $(EVALUATE_ARGS)

faults: $(DEVELOPMENT) ## break a stock Faust agent and this worker in every way, and print what was lost and doubled
	@$(BIN)/python -m tests.faults $(FAULTS_ARGS)
	@$(BIN)/python -m tests.faults.memory $(MEMORY_ARGS)

fuzz: $(DEVELOPMENT) ## hostile inputs for every reader, a million each (FUZZ_ARGS="--inputs N")
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

lock: $(DEVELOPMENT) ## resolve the dependencies of pyproject.toml into the hashed locks
	@$(BIN)/python -m tests.architecture.locks --write

clean: ## remove the environment, caches and demo data
	@rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@rm -rf perception-data demo-data
	@find jobs pipeline schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 1; }
	@echo "Setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned dependencies (a minute or two)"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing the development tools"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
