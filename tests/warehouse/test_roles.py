"""The shipped roles: SQL that the engine understands, that names tables which exist, and that grants no more than said.

The embedded engine has no users, so what a role may do in practice is not tried here.
"""

from __future__ import annotations

import re

import pytest

from jobs.errors import WrongUseError
from jobs.warehouse import Warehouse
from jobs.warehouse.roles import ROLES, script
from jobs.warehouse.sql import literal, statements
from schemas.tables import BY_NAME, TABLES

every_role = pytest.mark.parametrize("role", ROLES)
LEDGERS = {"schema_migrations", "model_parameters"}
pytestmark = pytest.mark.leaves_threads(reason="chDB keeps its threads")


@every_role
def test_the_engine_understands_every_statement(embedded: Warehouse, role: str) -> None:
    found = statements(script(role, "perception"))
    assert found[0].split()[-1] == f"perception_{role}"
    for statement in found:
        assert embedded.query(f"SELECT formatQuery({literal(statement)})").value()


def test_a_statement_that_is_wrong_would_be_found(embedded: Warehouse) -> None:
    with pytest.raises(Exception, match="Syntax error"):
        embedded.query("SELECT formatQuery('GRANT SELEKT ON a.* TO b')")


@every_role
def test_rights_stay_in_the_database_and_cannot_be_passed_on(role: str) -> None:
    text = re.sub(r"--[^\n]*", "", script(role, "perception"))
    assert set(re.findall(r"\bON ([\w*.]+)", text)) <= {"perception.*"} | {
        f"perception.{name}" for name in {*BY_NAME, *LEDGERS}
    }
    assert "*.*" not in text
    for word in (
        "GRANT OPTION",
        "ADMIN OPTION",
        "ACCESS MANAGEMENT",
        "IDENTIFIED",
        "GRANT ALL",
        "SYSTEM",
        "FILE",
        "URL",
    ):
        assert not re.search(rf"\b{word}\b", text.upper())


def granted(role: str) -> set[str]:
    rights = re.findall(r"GRANT ([A-Z, \n]+?)(?:\(.*?\))?\s+ON", script(role, "x"), re.DOTALL)
    return {right.strip() for group in rights for right in group.split(",")}


def test_each_role_has_only_its_verbs() -> None:
    assert granted("reader") == {"SELECT", "SHOW TABLES", "SHOW COLUMNS"}
    assert granted("writer") == {"INSERT", "SELECT", "SHOW TABLES", "SHOW COLUMNS"}
    selects = re.findall(r"GRANT SELECT ON x\.(\w+)", script("writer", "x"))
    assert set(selects) == LEDGERS, "the worker reads no customers"


def test_every_table_with_a_customer_is_kept_from_readers_or_has_a_policy() -> None:
    text = script("reader", "x")
    policies = set(re.findall(r"CREATE ROW POLICY IF NOT EXISTS \w+ ON x\.(\w+)", text))
    revoked = set(re.findall(r"REVOKE SELECT ON x\.(\w+)", text))
    with_customers = {table.name for table in TABLES if "customer_id" in {column.name for column in table.columns}}
    assert with_customers - revoked == policies
    readable = re.findall(r"GRANT SELECT\((.*?)\)", text, re.DOTALL)[0].split(", ")
    columns = {column.name for column in BY_NAME["rejected_rows"].columns}
    assert set(readable) == columns - {"key", "payload"}


def test_names_are_never_pasted() -> None:
    with pytest.raises(WrongUseError):
        script("reader", "a; DROP DATABASE b")
    with pytest.raises(WrongUseError):
        script("root", "perception")
