"""Model files: they read back as the same model, and say all that is wrong with them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ModelFileError
from jobs.models import chosen_model, dump, parse, read
from jobs.settings import ModelSettings, Settings
from pipeline.model import DEFAULT_MODEL, Horizon, Model, start_model
from pipeline.policy import DAY_MS
from pipeline.predictor import Bins, Levels, Line, Predictor
from pipeline.priors import Prior

TEXT = dump(DEFAULT_MODEL)
POINTS = st.floats(0, 100)
PRIORS = POINTS | st.tuples(POINTS, POINTS, POINTS)


def test_the_start_model_reads_back_as_itself() -> None:
    assert parse(dump(start_model())) == start_model()


@given(
    mean=PRIORS,
    segments=st.dictionaries(st.text(st.characters(codec="utf-8")), PRIORS, max_size=4),
    half_life_ms=st.integers(1, 10**13).map(float) | st.just(inf),
    names=st.sets(st.sampled_from(DEFAULT_MODEL.signal_names)),
)
def test_any_model_reads_back_as_itself(
    mean: Prior, segments: dict[str, Prior], half_life_ms: float, names: set[str]
) -> None:
    effects = {name: DEFAULT_MODEL.effects[name] for name in names}
    journey = replace(DEFAULT_MODEL.journey, half_life_ms=half_life_ms)
    model = Model("x", prior_mean=mean, segments=segments, journey=journey, effects=effects)
    model = replace(model, version=f"own-{model.digest()}")
    assert parse(dump(model)) == model


def test_fitted_counts_read_back() -> None:
    scales = dict(DEFAULT_MODEL.scales)
    scales["csat"] = replace(scales["csat"], counts=(1.0, 2.0, 3.0, 4.0, 5.5))
    assert parse(dump(replace(DEFAULT_MODEL, scales=scales))).scales == scales


def test_changed_values_are_another_version() -> None:
    changed = parse(TEXT.replace("prior_mean = 70.0", "prior_mean = 71"))
    assert changed.prior_mean == 71.0
    assert changed.version != DEFAULT_MODEL.version
    assert changed.version == f"start-{changed.digest()}"
    assert parse(TEXT.replace('name = "start"', 'name = "acme"')).version == f"acme-{DEFAULT_MODEL.digest()}"


def test_one_number_as_a_prior_is_what_it_always_was() -> None:
    """The digest is in the version of every row: it must not change for models without priors per dimension."""
    model = replace(DEFAULT_MODEL, prior_mean=66.5, segments={"gold": 80.25})
    assert (DEFAULT_MODEL.digest(), model.digest()) == ("df918209", "7fb0907f")
    three = replace(model, segments={"gold": (80.25, 80.25, 80.25)})
    assert three.digest() != model.digest()
    assert three.prior_of("gold") == model.prior_of("gold") == (80.25, 80.25, 80.25)
    assert model.prior_of("other") == (66.5, 66.5, 66.5)


def test_priors_per_dimension_are_three_scores() -> None:
    read = parse(TEXT.replace("prior_mean = 70.0", "prior_mean = [71, 68.5, 70.0]"))
    assert read.prior_mean == (71.0, 68.5, 70.0)
    for wrong in ("[71, 68]", "[71, 68, 700]", "true"):
        with pytest.raises(ModelFileError, match="prior_mean must be"):
            parse(TEXT.replace("prior_mean = 70.0", f"prior_mean = {wrong}"))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("prior_mean = 70.0", "", "prior_mean is missing"),
        ("prior_mean = 70.0", "prior_mean = 700", "prior_mean must be a number from 0 to 100, is 700"),
        ("prior_mean = 70.0", "prior_mena = 70.0", "prior_mena is unknown; known are name, prior_mean"),
        ("implicit_cap = 0.38", "implicit_cap = nan", "implicit_cap must be a finite number, is nan"),
        ("implicit_cap = 0.38", "implicit_cap = true", "implicit_cap must be a finite number, is True"),
        ("[segments]", "", r"the section \[segments\] is missing"),
        ("[segments]", "[segments]\ngold = 101", r"segments.gold must be a number from 0 to 100"),
        ("[journey]", "[journeys]", r"the section \[journey\] is missing"),
        ("half_life_days = 14.0", "half_life_days = 0", "journey.half_life_days must be a number above 0"),
        ("[signals.wait]", "[signals.horoscope]", "signals.horoscope is unknown; known are competence, complaint"),
        ('kind = "slope"', 'kind = "curve"', "signals.severity.kind must be one of outcome, slope, is 'curve'"),
        ("explained = 0.117", "explained = 1.5", "signals.complaint: explained share must be within"),
        ("[scales.nps]", "[scales.stars]", "scales.stars is unknown"),
        ("first = 0\nlevels = 11", "first = 0\nlevels = 10", "scales.nps: shares must be empty or one per level"),
        ("format = 1", "format = 2", "format is 2, this release reads 1"),
        ("format = 1", "format = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, wanted: str) -> None:
    assert old in TEXT
    with pytest.raises(ModelFileError, match=wanted) as caught:
        parse(TEXT.replace(old, new, 1), "model.toml")
    assert "model.toml" in str(caught.value)
    assert caught.value.action


def test_all_problems_are_named_at_once() -> None:
    broken = TEXT.replace("prior_mean = 70.0", "").replace("present = -23.7", "presnt = -23.7")
    with pytest.raises(ModelFileError) as caught:
        parse(broken)
    text = str(caught.value)
    assert "prior_mean is missing" in text
    assert "signals.resolved.presnt is unknown" in text
    assert "signals.resolved.present is missing" in text


def test_the_settings_name_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(TEXT.replace("prior_mean = 70.0", "prior_mean = 61.5"), encoding="utf-8")
    assert chosen_model(Settings(model=ModelSettings(file=str(path)))).prior_mean == 61.5
    assert chosen_model(Settings()) == DEFAULT_MODEL
    with pytest.raises(ModelFileError, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_the_text_is_toml_that_explains_itself() -> None:
    table = tomllib.loads(TEXT)
    assert set(table["signals"]) == set(DEFAULT_MODEL.signal_names)
    assert table["relationship"]["half_life_days"] == DEFAULT_MODEL.relationship.half_life_ms / DAY_MS
    assert table["interaction"]["half_life_days"] == inf
    assert isinstance(Horizon(1, 1, 1, inf).half_life_ms, float)
    assert "# whether the concern was resolved" in TEXT


def predicting() -> Model:
    """The start model with a predictor of every form."""
    features: dict[str, Line | Bins | Levels] = {
        "measures.a b": Line((1.0, 2.0, 3.0), 0.5, 0.1, 9.0, (0.3, 0.3, 0.3), types=("call",), logarithm=True),
        "amount": Bins((1.0, 2.0), ((1.0, 1.0, 1.0),) * 3, (0.1, 0.1, 0.1), missing=(0.0, 0.0, -2.5)),
        'attributes.ö "x"': Levels({"#": (1.0, 2.0, 3.0), "a\nb": (0.0, 0.0, 0.1)}, (0.2, 0.2, 0.2)),
        "signals.wait": Line((1.0, 2.0, 3.0), 0.5, -2.0, 9.0, (0.4, 0.4, 0.4)),
    }
    model = replace(DEFAULT_MODEL, version="", predictor=Predictor("symptom", (0.3, 0.2, 0.0), features))
    return replace(model, version=f"own-{model.digest()}")


def test_a_predictor_reads_back() -> None:
    assert parse(dump(predicting())) == predicting()


def test_causes_that_stay_read_back() -> None:
    features = {"signals.wait": Line((1.0, 2.0, 3.0), 0.5, -2.0, 9.0, (0.0, 0.0, 0.0))}
    predictor = Predictor("cause", (0.0, 0.0, 0.0), features, (0.5, 0.0, -0.5), (0.06, 0.4))
    model = replace(DEFAULT_MODEL, version="", predictor=predictor)
    model = replace(model, version=f"own-{model.digest()}")
    assert parse(dump(model)) == model
    with pytest.raises(ModelFileError, match="two numbers"):
        parse(dump(model).replace("stays = [0.06, 0.4]", "stays = [0.06]"))
    with pytest.raises(ModelFileError, match="of causes only"):
        parse(dump(model).replace('role = "cause"', 'role = "symptom"'))


def test_a_predictor_is_part_of_the_version() -> None:
    model = predicting()
    assert model.predictor is not None
    changed = parse(dump(model).replace("explained = [0.3, 0.2, 0.0]", "explained = [0.3, 0.2, 0.1]"))
    assert changed.version != model.version
    assert replace(model, predictor=None).digest() == DEFAULT_MODEL.digest()


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('role = "symptom"', 'role = "reason"', "role must be one of symptom, cause"),
        ('role = "symptom"\n', "", "predictor.role is missing"),
        ("explained = [0.3, 0.2, 0.0]", "explained = [0.3, 1.0, 0.0]", "explained must be within [0, 1)"),
        ('kind = "bins"', 'kind = "steps"', "predictor.features.amount.kind must be one of line, bins, levels"),
        ("edges = [1.0, 2.0]", "edges = [2.0, 1.0]", "predictor.features.amount: edges must rise"),
        ("edges = [1.0, 2.0]", "edges = [1.0]", "effects must be one more than edges"),
        ("predictor.features.amount]", "predictor.features.amont]", "there is nothing called amont"),
        ("predictor.features.amount]", "predictor.features.outcome]", "features.outcome is of the wrong kind"),
        ('types = ["call"]', 'types = ["cal"]', "there is no event type cal"),
        ("low = 0.1", "low = 0.0", "low must be above 0 for a logarithm"),
        ("mean = 0.5\nlow = -2.0", "low = -2.0", "predictor.features.signals.wait.mean is missing"),
        ('"#" = [1.0, 2.0, 3.0]', '"#" = [1.0, 2.0]', "levels must be three numbers"),
    ],
)
def test_problems_of_a_predictor_are_named(old: str, new: str, wanted: str) -> None:
    text = dump(predicting())
    assert old in text
    with pytest.raises(ModelFileError) as caught:
        parse(text.replace(old, new))
    assert wanted in str(caught.value)


def test_counts_of_other_numbers_of_levels_read_back() -> None:
    scales = dict(DEFAULT_MODEL.scales)
    scales["rating"] = replace(scales["rating"], other_counts=((1.0, 2.0), (1.0, 2.0, 3.0, 4.0, 5.5)))
    model = parse(dump(replace(DEFAULT_MODEL, scales=scales)))
    assert model.scales == scales
    assert model.scales["rating"].known(5) == ((), (1.0, 2.0, 3.0, 4.0, 5.5))
    assert model.scales["rating"].known(3) == ((), ())
    with pytest.raises(ValueError, match="one list per other number of levels"):
        replace(scales["nps"], other_counts=((1.0,) * 11,))
