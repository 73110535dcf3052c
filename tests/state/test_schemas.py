"""The published schemas: up to date, valid themselves, and true of what is written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrator.core import claim, phase, result, run
from orchestrator.core.claim import Claim
from orchestrator.settings import schema as settings
from orchestrator.state.published import text_of
from orchestrator.state.schemas import NAMES, schema
from tests.state.records import JOB, OUTCOME, RESULT, RUN

TOP = Path(__file__).parents[2]
CLAIM = Claim("t", "0" * 32, 7, 99, 5, "b", 4, "h", "host", None, "me", None, None, "2026-01-31T12:00:00.000Z")


def _tool(*arguments: str, top: Path = TOP) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "orchestrator.state.schemas", *arguments]
    env = os.environ | {"PYTHONPATH": str(top)}
    return subprocess.run(words, cwd=top, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name: str) -> None:
    """Each is valid JSON Schema 2020-12 with an id, a title and a description."""
    made = schema(name)
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["$id"] == f"urn:orchd:schema:{name}:1"
    assert made["title"]
    assert made["description"]


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_up_to_date(name: str) -> None:
    """What is published is what the dataclasses say."""
    assert (TOP / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8") == text_of(schema(name))


def test_there_are_no_others() -> None:
    """No schema is published that nothing makes."""
    made = {f"{name}.schema.json" for name in (*NAMES, *settings.FORMS)}
    assert {each.name for each in (TOP / "schemas").iterdir()} == made


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("lock", claim.encode(CLAIM)),
        ("job", phase.encode(JOB)),
        ("result", result.encode(RESULT)),
        ("run", run.encode(RUN)),
        ("outcome", run.encode(OUTCOME)),
    ],
)
def test_what_is_written_is_valid_and_versioned(name: str, data: bytes) -> None:
    """The bytes of each writer pass its schema; without the version they do not."""
    validator, fields = Draft202012Validator(schema(name)), json.loads(data)
    validator.validate(fields)
    assert not validator.is_valid({key: value for key, value in fields.items() if key != "v"})
    assert not validator.is_valid(fields | {"v": 2})


def test_the_tool_checks() -> None:
    """``--check`` is silent and succeeds when nothing is stale; other words are refused."""
    checked = _tool("--check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert _tool("--chekc").returncode == 64


def test_the_tool_names_and_mends_what_is_stale(tmp_path: Path) -> None:
    """In a copy of the repository a changed schema is named, with exit status 1, and then written anew."""
    for folder in ("orchestrator", "schemas"):
        shutil.copytree(TOP / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "schemas" / "lock.schema.json"
    path.write_text("{}")
    (tmp_path / "schemas" / "run.schema.json").unlink()
    checked = _tool("--check", top=tmp_path)
    assert (checked.returncode, len(checked.stdout.splitlines())) == (1, 2)
    assert f"{path} is stale" in checked.stdout
    assert _tool(top=tmp_path).returncode == 0
    assert _tool("--check", top=tmp_path).returncode == 0
    assert path.read_text() == text_of(schema("lock"))
