"""What a command prints: one JSON document, lines, or a table. Text from outside comes out escaped, always."""

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

from orchestrator.cli.frame import columns, cut, shrunk
from orchestrator.core.text import visible

LONGEST: Final = 1_000_000
"""A line of more characters is cut."""

_CODES: Final[Mapping[str, str]] = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2"}
_SURROGATES: Final = r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\(ud[89a-f][0-9a-f]{2})"


def settle() -> None:
    """Make both streams take any text, whatever their encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(document: Mapping[str, object]) -> None:
    """Print one JSON document on one line, in ASCII; bytes of names that are no text are written out."""
    text = json.dumps(document, allow_nan=False)
    if "\\ud" in text:
        text = re.sub(_SURROGATES, lambda match: f"\\\\{match[1]}" if match[1] else match[0], text)
    write(text + "\n")


def say(line: str) -> None:
    """Print one line."""
    write(visible(line, LONGEST) + "\n")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], colours: Mapping[str, str] | None = None) -> str:
    """Return aligned columns. ``colours`` maps a whole cell to the colour that it has on a terminal.

    On a terminal each row fits its width, see :func:`orchestrator.cli.frame.shrunk`; elsewhere all is whole.
    """
    cells = [list(header), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    room = _room()
    widths = widths if room is None else shrunk(widths, room)
    shades = (colours or {}) if coloured(sys.stdout) else {}
    lines = []
    for row in cells:
        texts = [cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        gaps = [" " * (width - columns(text)) for text, width in zip(texts[:-1], widths, strict=False)]
        painted = [_painted(text, shades.get(cell)) for text, cell in zip(texts, row, strict=True)]
        lines.append("  ".join(map("".join, zip(painted, [*gaps, ""], strict=True))).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _room() -> int | None:
    """Return how many columns the terminal on stdout has; None where there is none, or it does not say."""
    if not is_terminal(sys.stdout):
        return None
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _painted(text: str, colour: str | None) -> str:
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour else text


def coloured(stream: TextIO | None) -> bool:
    """Tell whether colour is wanted on that stream."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person looks at that stream."""
    return stream is not None and not stream.closed and stream.isatty()


def write(text: str) -> None:
    """Put text that is safe to show on stdout; a command started without one prints nothing."""
    if sys.stdout is not None:
        sys.stdout.write(text)


def flush() -> None:
    """Hand over what was printed so far."""
    if sys.stdout is not None:
        sys.stdout.flush()
