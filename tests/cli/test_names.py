"""Hostile names, wherever the command line takes one."""

from pathlib import Path

import pytest

from tests.cli.orchd import Orchd, hostile_names

COMMANDS = {
    "release": ("release", "--token", "x"),
    "break": ("break", "--token", "x", "--yes"),
    "logs": ("logs",),
    "report": ("report",),
    "claim": ("claim",),
    "cancel": ("cancel",),
    "cancel a track": ("cancel", "run"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_names_that_are_none(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Each is refused with 64, in a line and a hint that are safe to show, and nothing is written or run."""
    orchd = Orchd(tmp_path / "root")
    orchd.root.mkdir()
    names = hostile_names()
    for name, ended in zip(names, orchd.many([(*words, "--", name) for name in names], tmp_path / "said"), strict=True):
        assert (ended.status, ended.out) == (64, ""), (name, ended)
        assert ended.tame
        assert len(ended.err.splitlines()) == 2
        assert len(ended.err) < 500
    assert orchd.files() == {}
    assert not list(tmp_path.glob("*.lock"))


def test_a_real_start_refuses_them_too(tmp_path: Path) -> None:
    """One of each kind through the interpreter's own front door."""
    orchd = Orchd(tmp_path)
    for name in ("../x", b"\xff\n", "x" * 5000):
        ended = orchd("release", "--token", "x", "--", name)
        assert (ended.status, ended.out) == (64, "")
        assert "is not allowed" in ended.err
        assert ended.tame


def test_names_that_are_some_are_taken(tmp_path: Path) -> None:
    """What is allowed is not refused: letters, digits, dot, underscore, hyphen, a hundred of them."""
    orchd = Orchd(tmp_path / "root")
    orchd.root.mkdir()
    names = ("a", "A-b_c.d", "0", "x" * 100, "group_E_track_1", "con")
    for ended in orchd.many([("release", "--token", "x", "--", name) for name in names], tmp_path / "said"):
        assert ended.status == 76
