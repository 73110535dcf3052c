"""The entry point: help, version, completion, and what a wrong word meets."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from orchestrator import __version__
from orchestrator.cli.lazy import COMMANDS
from orchestrator.cli.main import cli
from tests.cli.orchd import ARGV, Orchd

IMPORTED = re.compile(r"import time: +\d+ \| +\d+ \| +(orchestrator\.\S+)")


def _imported(orchd: Orchd, *words: str) -> set[str]:
    """Return which of our modules a command loads."""
    argv = [ARGV[0], "-X", "importtime", *ARGV[1:], *words]
    ended = subprocess.run(argv, cwd=orchd.root, env=orchd.env, capture_output=True, text=True, timeout=60, check=True)
    return set(IMPORTED.findall(ended.stderr))


def test_version_is_ours(tmp_path: Path) -> None:
    """``--version`` says the version of the package, without a root."""
    ended = Orchd(tmp_path)("--version", cwd=Path("/"))
    assert (ended.status, ended.out) == (0, f"orchd {__version__}\n")


def test_help_names_every_command_and_loads_none(tmp_path: Path) -> None:
    """All commands stand in the help with a few words; none of them is imported for it."""
    orchd = Orchd(tmp_path)
    ended = orchd("--help")
    assert ended.status == 0
    assert all(re.search(rf"^  {name} +\S", ended.out, re.MULTILINE) for name in COMMANDS)
    places = {place.partition(":")[0] for place, _ in COMMANDS.values()}
    assert _imported(orchd, "--help") & places == set()


@pytest.mark.parametrize("incomplete", ["", "lo"])
def test_completion_loads_no_command(tmp_path: Path, incomplete: str) -> None:
    """Completing the name of a command answers from the table alone, also an empty word."""
    orchd = Orchd(tmp_path)
    env = {"_ORCHD_COMPLETE": "bash_complete", "COMP_WORDS": f"orchd {incomplete}", "COMP_CWORD": "1"}
    orchd.env |= env
    ended = orchd()
    assert ended.status == 0
    names = [line.partition(",")[2] for line in ended.out.splitlines()]
    assert names == [name for name in COMMANDS if name.startswith(incomplete)]
    assert _imported(orchd) & {place.partition(":")[0] for place, _ in COMMANDS.values()} == set()


def test_completion_knows_the_options_of_a_command(tmp_path: Path) -> None:
    """After a command, its own options are offered."""
    ended = Orchd(tmp_path)(_ORCHD_COMPLETE="bash_complete", COMP_WORDS="orchd locks --", COMP_CWORD="2")
    assert {"plain,--stale", "plain,--watch", "plain,--json"} <= set(ended.out.splitlines())


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_can_be_loaded(name: str) -> None:
    """The table points at commands of that name, and each takes the two common options."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert {"root", "as_json"} <= {each.name for each in command.params}
    assert command.help


def test_no_command_is_a_wrong_use(tmp_path: Path) -> None:
    """Nothing at all is answered with where the help is."""
    ended = Orchd(tmp_path)()
    assert (ended.status, ended.out) == (64, "")
    assert "orchd --help" in ended.err


def test_a_near_miss_is_named(tmp_path: Path) -> None:
    """A mistyped command gets one line with those that are near."""
    ended = Orchd(tmp_path)("lcoks")
    assert ended.status == 64
    assert "'locks'" in ended.err
    assert len(ended.err.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("no\x1b[31mcommand",),
        ("x" * 5000,),
        (b"\xff\xfe",),
        ("locks", "--st\x1b]0;x\x07"),
        ("locks", b"\xff\n\r"),
        ("locks", "--root", "no\nsuch\x1b[2Jfolder"),
        ("--root", "", "locks"),
        ("locks", "--watch=\x9b31m"),
        ("release", "t"),
        ("release", "t", "--token"),
        ("-\x1b[1m",),
        ("--", "--json"),
    ],
)
def test_a_wrong_word_is_repeated_escaped(tmp_path: Path, words: tuple[str | bytes, ...]) -> None:
    """Whatever the words are: exit code 64, a line and a hint, no control character, nothing written."""
    orchd = Orchd(tmp_path)
    ended = orchd(*words)
    assert ended.status == 64, ended.err
    assert ended.out == ""
    assert ended.err.startswith("orchd: ")
    assert len(ended.err.splitlines()) == 2
    assert len(ended.err) < 2500
    assert ended.tame
    assert orchd.files() == {}


def test_a_wrong_word_in_json(tmp_path: Path) -> None:
    """With ``--json`` anywhere among our words the error is one object."""
    orchd = Orchd(tmp_path)
    for words in (("--json", "lcoks"), ("locks", "--json", "--stael")):
        ended = orchd(*words)
        assert (ended.status, ended.out) == (64, "")
        assert set(ended.error) == {"code", "message", "hint"}
        assert ended.error["code"] == "usage"


def test_common_options_stand_before_or_after_the_command(tmp_path: Path) -> None:
    """``--root`` and ``--json`` mean the same in both places; the one after the command wins."""
    orchd = Orchd(tmp_path / "nowhere")
    orchd.env.pop("ORCHD_ROOT")
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    Orchd(root).write_lock("t", b"")
    for words in (
        ("--root", str(root), "--json", "locks"),
        ("locks", "--root", str(root), "--json"),
        ("--root", str(other), "locks", "--root", str(root), "--json"),
    ):
        (lock,) = orchd(*words, cwd=tmp_path).document["locks"]
        assert lock["path"] == f"{root}/.orchestrator_locks/t.lock"


def test_python_m_is_orchd(tmp_path: Path) -> None:
    """``python -m orchestrator`` calls itself orchd, as the installed command does."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrator", "locks", "--help"],
        env=Orchd(tmp_path).env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.startswith("Usage: orchd locks ")
