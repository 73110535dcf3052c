"""Copies of single files: nothing is written over, no link is followed, and a copy cut short is made anew."""

import os
from pathlib import Path

import pytest

from orchestrator.host import copies

NAMES = ("plain", "deep/er/with blank", "\N{SNOWMAN}\n'\"", os.fsdecode(b"not-\xff-utf8"))


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Return two folders, to copy from and to."""
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    return tmp_path / "from", tmp_path / "to"


@pytest.mark.parametrize("name", NAMES)
def test_bytes_rights_and_time_are_those_of_the_original(trees: tuple[Path, Path], name: str) -> None:
    """Whatever the file is called; done twice, nothing is done."""
    there, here = trees
    (there / name).parent.mkdir(parents=True, exist_ok=True)
    (there / name).write_bytes(b"\0secret\n" * 300_000)
    (there / name).chmod(0o4750)
    os.utime(there / name, ns=(1, 123_456_789_012))
    assert copies.copy(str(there), str(here), name)
    facts = (here / name).stat()
    assert (here / name).read_bytes() == (there / name).read_bytes()
    assert (facts.st_mode & 0o7777, facts.st_mtime_ns) == (0o750, 123_456_789_012)
    assert not copies.copy(str(there), str(here), name)


def test_what_stands_there_stays(trees: tuple[Path, Path]) -> None:
    """A file, a folder, a link; but a copy that was cut short is made anew."""
    there, here = trees
    (there / "a").write_text("new")
    path = here / "a"
    for kind in ("file", "folder", "link"):
        if kind == "file":
            path.write_text("old")
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("x")
        before = os.lstat(path)
        assert not copies.copy(str(there), str(here), "a")
        assert os.lstat(path) == before
        path.rmdir() if path.is_dir() else path.unlink()
    (here / "a").write_text("ne")
    (here / "a").chmod(0o200)
    assert copies.copy(str(there), str(here), "a")
    assert (here / "a").read_text() == "new"


def test_no_link_on_the_way_is_followed(trees: tuple[Path, Path], tmp_path: Path) -> None:
    """Neither where it is read nor where it is written; a link itself is copied as one."""
    there, here = trees
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("x")
    (there / "way").symlink_to(outside)
    assert not copies.copy(str(there), str(here), "way/f")
    (there / "real").mkdir()
    (there / "real" / "g").write_text("x")
    (here / "real").symlink_to(outside)
    assert not copies.copy(str(there), str(here), "real/g")
    assert [each.name for each in outside.iterdir()] == ["f"]
    assert copies.copy(str(there), str(here), "way") is False or os.readlink(here / "way") == str(outside)


def test_what_is_no_file_is_not_copied(trees: tuple[Path, Path]) -> None:
    """A FIFO keeps nobody waiting, and what is gone meanwhile is no fault."""
    there, here = trees
    os.mkfifo(there / "pipe")
    (there / "folder").mkdir()
    assert not any(copies.copy(str(there), str(here), name) for name in ("pipe", "folder", "nothing", "no/thing"))
    assert list(here.iterdir()) in ([], [here / "no"])
