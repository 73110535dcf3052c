"""Files that grow: every line once, across what happens to a log."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli import tail
from orchestrator.errors import Unreadable
from orchestrator.host import logfile

MIB = 1024 * 1024


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


def test_a_file_that_loses_its_head(tmp_path: Path) -> None:
    """What was dropped before it was read is passed over; when the gap is closed nothing comes twice."""
    log = tmp_path / "log"
    fd = logfile.open_log(str(log))
    os.write(fd, b"x" * (MIB - 1) + b"\n" + b"y" * (MIB - 1) + b"\nlast\n")
    assert logfile.drop_head(fd, MIB)
    lines = tail.batches(str(log), follow=True)
    assert b"".join(_next(lines, len(_all(log)))) == b"y" * (MIB - 1) + b"last"
    logfile.close_gap(fd, str(log))
    os.write(fd, b"new\n")
    assert _next(lines, 1) == [b"new"]
    os.close(fd)


def test_a_reader_that_is_overtaken(tmp_path: Path) -> None:
    """The head is dropped while it is read: what was read of a line stands alone, and what is left comes after it."""
    log = tmp_path / "log"
    fd = logfile.open_log(str(log))
    os.write(fd, b"first\n" + b"x" * 2 * MIB + b"\nlast\n")
    lines = tail.batches(str(log), follow=False)
    assert next(lines) == [b"first"]
    assert logfile.drop_head(fd, MIB)
    rest = [line for batch in lines for line in batch]
    assert b"".join(rest) == b"x" * (len(b"".join(rest)) - 4) + b"last"
    assert MIB <= len(b"".join(rest)) < MIB + 3 * tail.LONGEST
    os.close(fd)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A link, a folder, a FIFO: refused at once, never followed, never waited for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "fifo")
    for name in ("folder", "link", "fifo"):
        with pytest.raises(Unreadable):
            _all(tmp_path / name)
