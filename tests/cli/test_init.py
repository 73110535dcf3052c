"""``orchd init``: settings to begin with, and the ignore lines."""

import os
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.cli.init import TEMPLATE
from orchestrator.core.run import Options, Validator
from orchestrator.state.layout import IGNORED
from tests.cli.orchd import Orchd


def test_it_writes_settings_and_ignore_lines(tmp_path: Path) -> None:
    """In a git repository both are written; the settings are good, and mean what holds without them."""
    (tmp_path / ".git").mkdir()
    orchd = Orchd(tmp_path)
    ended = orchd("init", "--json")
    assert ended.status == 0, ended.err
    assert ended.document == {"root": str(tmp_path), "settings": "written", "ignored": list(IGNORED)}
    assert (tmp_path / ".gitignore").read_text().splitlines() == list(IGNORED)
    assert settings.options(settings.load(str(tmp_path), {})) == Options()


def test_twice_is_harmless(tmp_path: Path) -> None:
    """The second time changes no byte and says so."""
    (tmp_path / ".git").mkdir()
    orchd = Orchd(tmp_path)
    orchd("init")
    before = orchd.files()
    ended = orchd("init", "--json")
    assert (ended.status, ended.document["settings"], ended.document["ignored"]) == (0, "kept", [])
    assert orchd.files() == before
    assert orchd("init").out == "orchestrator.toml: was there, and is as it was\n"


def test_what_exists_is_kept(tmp_path: Path) -> None:
    """Settings stay as they are; only the missing ignore lines are added, after the last line of the file."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "orchestrator.toml").write_text("# mine")
    (tmp_path / ".gitignore").write_bytes(b"*.pyc\r\n/runtime/\n\xff")
    (tmp_path / ".gitignore").chmod(0o640)
    assert Orchd(tmp_path)("init").status == 0
    assert (tmp_path / "orchestrator.toml").read_text() == "# mine"
    added = b"".join(line.encode() + b"\n" for line in IGNORED if line != "/runtime/")
    assert (tmp_path / ".gitignore").read_bytes() == b"*.pyc\r\n/runtime/\n\xff\n" + added
    assert (tmp_path / ".gitignore").stat().st_mode & 0o777 == 0o640


def test_without_git_there_is_nothing_to_ignore(tmp_path: Path) -> None:
    """No repository: settings only, in the present folder, which is no root yet."""
    orchd = Orchd(tmp_path)
    assert orchd("init", ORCHD_ROOT="").status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["orchestrator.toml"]


@pytest.mark.parametrize("name", ["orchestrator.toml", ".gitignore"])
def test_a_link_is_not_followed(tmp_path: Path, name: str) -> None:
    """A link in the place of a file is neither read nor written through."""
    (tmp_path / ".git").mkdir()
    target = tmp_path / "target"
    (tmp_path / name).symlink_to(target)
    ended = Orchd(tmp_path)("init")
    assert ended.tame
    assert not target.exists()
    assert ended.status == (0 if name == "orchestrator.toml" else 9)


VALIDATORS = TEMPLATE[TEMPLATE.index("# [[validators]]") : TEMPLATE.index("[git]")]
WITHOUT_VALIDATORS = TEMPLATE.replace(VALIDATORS, "")

# Keys without a default: what stands there is an example.
EXAMPLES = {"kind", "sign", "EDITOR", "command", "librarian", "usd", "tokens", "time"}


def test_every_key_is_in_the_template(tmp_path: Path) -> None:
    """Each commented key, taken in, is one that the settings know and has the value that holds without it."""
    text = re.sub(r"^# (\w+ = )", r"\1", WITHOUT_VALIDATORS, flags=re.MULTILINE)
    (tmp_path / "orchestrator.toml").write_text(text)
    shown, default = settings.load(str(tmp_path), {}), settings.Settings()
    assert replace(shown.run, kind_limits={}, profile_limits={}) == default.run
    assert shown.daemon == default.daemon
    assert replace(shown.git, sign=None) == default.git
    assert shown.agent.command.prompt == default.agent.command.prompt
    assert shown.agent.command.reduced == default.agent.command.reduced
    assert shown.agent.scripted.scripts == os.path.join(tmp_path, default.agent.scripted.scripts)
    keys = set(re.findall(r"^# (\w+) = ", WITHOUT_VALIDATORS, re.MULTILINE))
    known = {
        name.removesuffix("_seconds")
        for table in (default.run, default.git, default.daemon, default.agent.command, default.agent.scripted)
        for name in asdict(table)
    }
    assert keys == known - {"kind_limits", "profile_limits", "trailers"} | EXAMPLES


def test_the_validator_of_the_template(tmp_path: Path) -> None:
    """Taken in, the example has every key of a validator, and the values that hold without them."""
    text = VALIDATORS.replace("# ", "")
    (tmp_path / "orchestrator.toml").write_text(text)
    (shown,) = settings.validators(settings.load(str(tmp_path), {}))
    assert shown == Validator("tests", "command", argv=("make", "test"))
    keys = set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    assert keys == {each.name.removesuffix("_seconds") for each in fields(Validator)}
