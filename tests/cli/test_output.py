"""What is printed: JSON that every reader takes, tables that line up, nothing that a terminal would act on."""

import io
import json
import os
import pty
import termios
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli import output
from orchestrator.cli.frame import columns
from orchestrator.core.text import visible
from tests.cli.orchd import Orchd


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_document_is_one_line_of_ascii(value: object) -> None:
    """Any value comes out as one line that reads back as it was."""
    captured = io.StringIO()
    with redirect_stdout(captured):
        output.emit({"value": value})
    text = captured.getvalue()
    assert text.isascii()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert json.loads(text)["value"] == value


def test_undecodable_bytes_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a surrogate, as names that are no text have them, is written out; a whole character and a backslash stay."""
    output.emit({"half": "a\udcffb", "whole": "\U0001f600", "written": "\\ud800", "both": "\\\udcff"})
    said = json.loads(capsys.readouterr().out)
    assert said == {"half": "a\\udcffb", "whole": "\U0001f600", "written": "\\ud800", "both": "\\\\udcff"}
    assert json.dumps(said).encode()


def test_nan_is_no_json() -> None:
    """A number that JSON does not have is a bug, not a document."""
    with pytest.raises(ValueError, match="JSON"):
        output.emit({"x": float("nan")})


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is in it."""
    output.say("a\n\x1b[31mb\u202e\udcff")
    assert capsys.readouterr().out == "a\\x0a\\x1b[31mb\\u202e\\udcff\n"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_table_lines_up(rows: list[tuple[str, str]]) -> None:
    """Each row is one line of what can be seen; the second column begins at the same place in all."""
    lines = output.table(("one", "two"), rows).split("\n")
    assert len(lines) == len(rows) + 2
    width = max(len("one"), *(columns(visible(first)) for first, _ in rows), 0)
    for (first, second), line in zip([("one", "two"), *rows], lines, strict=False):
        gap = " " * (width - columns(visible(first)))
        assert line == f"{visible(first)}{gap}  {visible(second)}".rstrip()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals(tmp_path: Path, *, variables: dict[str, str], coloured: bool) -> None:
    """Colour only where a person looks and has not refused it; what the lock says is escaped there too."""
    orchd = Orchd(tmp_path)
    orchd.claim("t", owner="a\x1b[31mb")
    orchd.env |= {"TERM": "xterm"} | variables
    orchd.env = {name: value for name, value in orchd.env.items() if name != "NO_COLOR" or name in variables}
    mine, theirs = pty.openpty()
    assert orchd.into(theirs, "locks") == (0, b"")
    said = os.read(mine, 65536)
    os.close(mine)
    os.close(theirs)
    assert (b"\x1b[32malive" in said) is coloured
    assert b"a\\x1b[31mb" in said


@pytest.mark.parametrize(("variables", "width"), [({}, 80), ({"COLUMNS": "60"}, 60), ({"COLUMNS": "x"}, 80)])
def test_a_table_fits_the_terminal(tmp_path: Path, variables: dict[str, str], width: int) -> None:
    """Each row is one line there, what does not fit cut with an ellipsis; a pipe gets it whole."""
    orchd = Orchd(tmp_path)
    orchd.claim("t", owner="ada-with-a-rather-long-name", run="roadmap")
    orchd.env |= {"TERM": "xterm"}
    whole = orchd("locks").out
    orchd.env |= {"NO_COLOR": "1"} | variables
    mine, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    assert orchd.into(theirs, "locks") == (0, b"")
    shown = os.read(mine, 65536).decode().splitlines()
    os.close(mine)
    os.close(theirs)
    assert max(map(len, shown)) == width < max(map(len, whole.splitlines()))
    assert shown[1].endswith("…")
    assert "…" not in whole


def test_no_colour_in_a_pipe(tmp_path: Path) -> None:
    """Not a terminal: plain text."""
    orchd = Orchd(tmp_path)
    orchd.claim("t")
    assert "\x1b" not in orchd("locks", TERM="xterm").out
