"""The published schemas of what people write: up to date, valid themselves, and true of what is read."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrator.cli.init import TEMPLATE
from orchestrator.settings.schema import FORMS, main, schema
from orchestrator.state.published import text_of

TOP = Path(__file__).parents[2]


def test_they_are_schemas_and_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """They are valid JSON Schema 2020-12, and what is published is what the tables say."""
    for name in FORMS:
        Draft202012Validator.check_schema(schema(name))
        assert (TOP / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8") == text_of(schema(name))
    assert main(["--check"]) == 0
    assert main(["--chekc"]) == 64
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("", True),
        ("[run]\ntimeout = '10m'\nstagger = 0", True),
        ("[run]\nstagger = -1", False),
        ("[run]\ntimeout = 0", False),
        ("[run]\ntimeout_seconds = 60", False),
        ("[daemon]\nrescan = true", False),
        ("[budget.day]\ntime = '2h'", True),
        ("[budget.day]\ntime = 0", False),
        ("[[validators]]\nname = 'tests'\nkind = 'command'\nargv = ['make']", True),
        ("[[validators]]\nname = 'tests'\nkind = 'committee'", False),
        ("[run]\nagnets = 3", False),
    ],
)
def test_it_says_what_may_be_written(text: str, *, is_valid: bool) -> None:
    """Durations are numbers or texts, keys are those of the file, and bounds are kept."""
    assert Draft202012Validator(schema("settings")).is_valid(tomllib.loads(text)) == is_valid


def test_what_we_show_is_valid() -> None:
    """Every key that `orchd init` writes, taken in, and the settings of the example."""
    written = re.sub(r"^# (\[\[\w+\]\]$|[\w-]+ = )", r"\1", TEMPLATE, flags=re.MULTILINE)
    example = (TOP / "examples" / "roadmap" / "orchestrator.toml").read_text(encoding="utf-8")
    assert "validators" in tomllib.loads(written)
    for text in (written, example):
        Draft202012Validator(schema("settings")).validate(tomllib.loads(text))
    watch = (TOP / "examples" / "wake" / "condense.toml").read_text(encoding="utf-8")
    Draft202012Validator(schema("wake")).validate(tomllib.loads(watch))
    assert not Draft202012Validator(schema("wake")).is_valid({"tracks": ["t"], "evry": "4m"})
