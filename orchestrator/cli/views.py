"""What a person sees of a run: a picture that is drawn again in place, or a line a change."""

import os
import sys
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from orchestrator.cli import output
from orchestrator.cli.frame import Look, Row, columns, picture
from orchestrator.core.duration import brief
from orchestrator.core.text import visible
from orchestrator.host import clock

_OVER: Final = frozenset({"merged", "done", "conflict", "failed", "cancelled", "quarantined"})
_SAID: Final = _OVER | {"blocked", "needs_input", "orphaned", "parked"}
_AT_WORK: Final = frozenset({"running", "validating"})
_BARE: Final = os.terminal_size((80, 24))


class View(Protocol):
    """Shows what there is to see. Neither method raises when nobody looks any more."""

    def show(self, look: Look) -> None:
        """Show how things stand."""

    def note(self, line: str) -> None:
        """Say something, once. May be called from another thread."""


class Lines:
    """One line a change, for logs and pipes. ``write`` gets text that is safe to show."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._before: dict[str, str] = {}

    def show(self, look: Look) -> None:
        """Say which tracks are somewhere else than before."""
        for row in look.rows:
            said = _said(row)
            if said and said != self._before.get(row.track):
                self._write(f"{_time()}  {row.track}  {visible(said)}\n")
                self._before[row.track] = said

    def note(self, line: str) -> None:
        """Say something."""
        self._write(f"{_time()}  {visible(line)}\n")


def _said(row: Row) -> str:
    """Return what is worth a line of its own; nothing for what soon goes on to something else."""
    if row.last.startswith("needs input: "):
        return row.last
    if row.state in _SAID and row.last:
        return row.last if row.last.startswith((row.state, "merged")) else f"{row.state}: {row.last}"
    if row.state == "waiting" and row.last.startswith("attempt "):
        return row.last
    return row.phase if row.state in _AT_WORK else ""


def _time() -> str:
    return f"{clock.iso()[:19]}Z"


class Picture:
    """One line a track, drawn again in place whenever something is different. ``size`` is that of the terminal."""

    def __init__(self, write: Callable[[str], None], size: Callable[[], os.terminal_size]) -> None:
        self._write = write
        self._size = size
        self._drawn: list[str] = []
        self._drawn_on = _BARE
        self._notes: deque[str] = deque()

    def show(self, look: Look) -> None:
        """Draw the run as it stands, below what was to be said."""
        size = self._size()
        lines = picture(_head(look), look.rows, size.columns, size.lines - 1)
        notes = [f"{visible(self._notes.popleft())}\x1b[K\n" for _ in range(len(self._notes))]
        if notes or lines != self._drawn or size != self._drawn_on:
            text = "".join(f"{line}\x1b[K\n" for line in lines)
            self._write(f"{self._back(size.columns)}{''.join(notes)}{text}\x1b[J")
            self._drawn, self._drawn_on = lines, size

    def note(self, line: str) -> None:
        """Say something above the picture, with the next one."""
        self._notes.append(line)

    def _back(self, width: int) -> str:
        """Return what leads to the top of the last picture; lines that are wider than the terminal now are broken.

        Only a picture that was broken is cleared as a whole: some terminals keep every cleared screen.
        """
        rows = sum(max(1, -(-columns(line) // max(width, 1))) for line in self._drawn)
        clear = "\x1b[J" if rows > len(self._drawn) else ""
        return f"\r\x1b[{rows}A{clear}" if rows else ""


def _head(look: Look) -> str:
    counts = Counter(row.state for row in look.rows)
    merged = counts.pop("merged", 0) + counts.pop("done", 0)
    others = "".join(f", {number} {what}" for what, number in counts.items())
    over = all(row.state in _OVER for row in look.rows) and not look.ended
    spent = "" if look.seconds is None else f" · {brief(look.seconds)}"
    return f"{look.run}: {merged} of {len(look.rows)} merged{others}{', publishing' if over else ''}{spent}"


class Quiet:
    """Hands text to a stream for as long as somebody reads it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write: Callable[[str], None] | None = write

    def __call__(self, text: str) -> None:
        """Write ``text``; once that fails, never again: the run goes on whether or not it is watched."""
        if self._write is not None:
            try:
                self._write(text)
            except (OSError, ValueError):
                self._write = None


def view(*, as_json: bool) -> View:
    """Return the view for whoever looks: a picture on a terminal, else lines; with JSON these go to stderr."""
    if as_json:
        return Lines(Quiet(_to_stderr))
    if output.is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") != "dumb":
        return Picture(Quiet(_to_stdout), terminal_size)
    return Lines(Quiet(_to_stdout))


def _to_stdout(text: str) -> None:
    output.write(text)
    output.flush()


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()


def remark(line: str) -> None:
    """Say on stderr what a person should know, although nothing is wrong."""
    Quiet(_to_stderr)(f"orchd: {visible(line, 1000)}\n")


def say_aside(line: str, hint: str) -> None:
    """Say on stderr, below whatever is drawn, how things stand and what to do next."""
    Quiet(_to_stderr)(f"\norchd: {visible(line, 1000)}\n  hint: {visible(hint, 1000)}\n")


def terminal_size() -> os.terminal_size:
    """Return the size of the terminal on stdout; that of an old one where it does not say."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return _BARE
    return os.terminal_size((size.columns or _BARE.columns, size.lines or _BARE.lines))
