"""Files that grow: every line once, across what happens to a log."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli import tail
from orchestrator.errors import Unreadable


def _all(path: Path) -> list[bytes]:
    return [line for batch in tail.batches(str(path), follow=False) for line in batch]


def _next(lines: Iterator[list[bytes]], count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        found += next(lines)
    return found


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\n", [b"a"]),
        (b"a\n\nb", [b"a", b"", b"b"]),
        (b"\xff\x00\r\n", [b"\xff\x00\r"]),
    ],
)
def test_lines_of_a_file(tmp_path: Path, data: bytes, lines: list[bytes]) -> None:
    """Lines come without their ends, an unfinished last one too."""
    (tmp_path / "log").write_bytes(data)
    assert _all(tmp_path / "log") == lines


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    """Nothing is there: nothing comes."""
    assert _all(tmp_path / "log") == []
    assert _all(tmp_path / "no" / "log") == []


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    """Memory does not grow with the length of a line."""
    (tmp_path / "log").write_bytes(b"x" * 1_000_000)
    pieces = _all(tmp_path / "log")
    assert b"".join(pieces) == b"x" * 1_000_000
    assert max(map(len, pieces)) <= 2 * tail.LONGEST


def test_many_lines_come_once_each(tmp_path: Path) -> None:
    """Lines that lie across two reads are put together."""
    lines = [f"line {number} {'y' * (number % 97)}".encode() for number in range(20_000)]
    (tmp_path / "log").write_bytes(b"\n".join(lines) + b"\n")
    assert _all(tmp_path / "log") == lines


def test_following_a_file(tmp_path: Path) -> None:
    """It waits for the file, for more, for the rest of a line; and goes on when the file is replaced or begins anew."""
    log = tmp_path / "log"
    log.write_bytes(b"one\nhal")
    lines = tail.batches(str(log), follow=True)
    assert _next(lines, 1) == [b"one"]
    with log.open("ab") as more:
        more.write(b"f\ntwo\n")
    assert _next(lines, 2) == [b"half", b"two"]
    log.rename(tmp_path / "log.1")
    with (tmp_path / "log.1").open("ab") as late:
        late.write(b"late")
    log.write_bytes(b"new\n")
    assert _next(lines, 2) == [b"late", b"new"]
    log.write_bytes(b"x\n")
    assert _next(lines, 1) == [b"x"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A link, a folder, a FIFO: refused at once, never followed, never waited for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "fifo")
    for name in ("folder", "link", "fifo"):
        with pytest.raises(Unreadable):
            _all(tmp_path / name)
