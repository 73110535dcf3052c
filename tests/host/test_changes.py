"""Whether anything below a folder has changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.host import changes, clock
from tests.waiting import wait_for


def calm(folder: Path) -> int:
    """Return a moment after which nothing below the folder has changed yet."""
    return int(wait_for(lambda: (now := clock.wall_ns()) and not changes.since(str(folder), now - 20_000_000) and now))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files on several levels, as long ago as a look can tell."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "file").touch()
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "file").write_text("x", encoding="ascii"),
        lambda tree: (tree / "a" / "b" / "file").write_text("x", encoding="ascii"),
        lambda tree: (tree / "a" / "b" / "file").unlink(),
        lambda tree: (tree / "file").unlink(),
        lambda tree: (tree / "new").touch(),
        lambda tree: (tree / "a" / "new").mkdir(),
        lambda tree: os.utime(tree / "a" / "b" / "file", (0, 0)),
        lambda tree: (tree / "a" / "link").symlink_to("nowhere"),
    ],
)
def test_a_change_is_seen(tree: Path, change: Callable[[Path], object]) -> None:
    """Written, removed, made, made old again: on every level."""
    before = calm(tree) - 20_000_000
    assert not changes.since(str(tree), before)
    change(tree)
    assert changes.since(str(tree), before)


def test_what_does_not_count(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is in .git, and what a link leads to."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (tree / "link").symlink_to(elsewhere)
    before = calm(tree) - 20_000_000
    (tree / ".git" / "index").touch()
    (elsewhere / "file").touch()
    assert not changes.since(str(tree), before)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Nothing changes where nothing is."""
    assert not changes.since(str(tmp_path / "gone"), 0)
