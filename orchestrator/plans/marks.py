"""Marks one track of a roadmap as done, and leaves every other byte as it is."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import CannotParse, NotFound
from orchestrator.plans import document, labels, outline, status, table
from orchestrator.plans.inline import masked, open_comment
from orchestrator.plans.labels import Label
from orchestrator.plans.outline import Entry, Section
from orchestrator.plans.status import Piece

_TRACK_DONE: Final = " \u2705 **[DONE]**"
_GROUP_DONE: Final = " **[DONE]**"
_CELL_DONE: Final = "[DONE]"

_ITEM: Final = re.compile(r"\A\ufeff?[ \t]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")
_HEADING: Final = re.compile(r"\A\ufeff?[ \t]*(?:#{1,6}[ \t]+)?")
_CLOSING: Final = re.compile(r"(?:[ \t]+#+)?[ \t]*$")
_OPENED: Final = re.compile(r"(?:[^*]*\s)?\*\*\S")


def done(text: str, track: str) -> str:
    """Return ``text`` with the one line of ``track`` marked as done.

    The heading of its group is marked too where all of its tracks are then done. A track that is
    done already leaves the text as it is. Raises :class:`NotFound` where there is no such track, and
    :class:`CannotParse` where a mark would turn the line into something else.
    """
    read = document.read(text)
    sections = outline.read(read)
    places = ((section, entry) for section in sections for entry in section.entries if entry.track == track)
    section, entry = next(places, (None, None))
    if section is None or entry is None:
        raise NotFound(f"there is no track '{visible(track, 110)}' in the text", hint="'orchd plan' shows the tracks")
    if entry.state == "done":
        return text
    lines = list(read.lines)
    lines[entry.line - 1] = _track(lines[entry.line - 1], entry)
    if entry.columns is None and _changes_table(lines[entry.line - 1], lines, sections):
        raise CannotParse(
            f"line {entry.line} would become a table if it were marked", hint="take the bar out of the title"
        )
    all_done = all(each.state == "done" or each is entry for each in section.entries)
    if section.label and section.state != "done" and all_done:
        heading = lines[section.line - 1]
        lines[section.line - 1] = _group(heading)
        if _changes_table(lines[section.line - 1], lines, sections):
            lines[section.line - 1] = heading
    return "".join(lines)


def _changes_table(line: str, lines: Sequence[str], before: Sequence[Section]) -> bool:
    """Tell whether the change of a ``line`` with bars, which may head a table, changes which tracks there are."""
    if "|" not in line:
        return False
    after = outline.read(document.read("".join(lines)))
    return [each.track for section in after for each in section.entries] != [
        each.track for section in before for each in section.entries
    ]


def _track(line: str, entry: Entry) -> str:
    if entry.columns is not None:
        content = line.rstrip("\r\n")
        position = entry.columns.roles["status"]
        _, boxed = status.box(entry.block.cells[position])
        words = _CELL_DONE if boxed is None else "[x]"
        return table.with_cell(content, position, words) + line[len(content) :]
    heading = entry.block.kind == "heading"
    before, text, behind = _apart(line, heading=heading)
    read = partial(labels.track, heading=heading)
    return before + _done(text, read, _TRACK_DONE, wrapped=labels.wrapped(entry.block.text)) + behind


def _group(line: str) -> str:
    before, text, behind = _apart(line, heading=True)
    return before + _done(text, labels.group, _GROUP_DONE, wrapped=False) + behind


def _apart(line: str, *, heading: bool) -> tuple[str, str, str]:
    """What stands before the text of a ``line``, the text, and what stands behind it."""
    content = line.rstrip("\r\n")
    text = (_HEADING if heading else _ITEM).sub("", content, count=1)
    start = len(content) - len(text)
    if heading:
        text = _CLOSING.sub("", text)
    text = text.rstrip(" \t")
    return content[:start], text, line[start + len(text) :]


def _done(text: str, read: Callable[[str], Label | None], sign: str, *, wrapped: bool) -> str:
    """The text of one line without its marks for anything but done, and with one for done."""
    text = _undone(text, read)
    _, boxed = status.box(text)
    if boxed is not None:
        return "[x]" + text[3:]
    label = read(text)
    if label and label.state == "done":
        return text
    mask = masked(text)
    if not wrapped and mask.count("**") % 2 and _OPENED.match(mask):
        text += "**"
    before = text[: open_comment(text)].rstrip(" \t")
    return _undone(before + sign + text[len(before) :], read)


def _undone(text: str, read: Callable[[str], Label | None]) -> str:
    """The text of a line without its marks for anything but done; without one, another may come to count."""
    label = read(text)
    while label and (runs := _runs(masked(text), label.pieces)):
        for start, end in reversed(runs):
            before, behind = text[:start].rstrip(" \t"), text[end:]
            if not before.strip("*_~"):
                behind = behind.lstrip(" \t")
            elif behind[:1].isalnum() or (before.endswith("]") and behind.startswith("*")):
                behind = " " + behind
            text = before + behind
        label = read(text)
    return text


def _runs(mask: str, pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """Where marks stand that say anything but done, with the stars around each if bold stays closed without them."""
    runs: list[tuple[int, int]] = []
    for piece in pieces:
        if piece.state not in {None, "done"}:
            joined = runs and not mask[runs[-1][1] : piece.start].strip()
            start = runs.pop()[0] if joined else piece.start
            runs.append((start, piece.end))
    left = {piece.end: piece.start for piece in pieces if piece.part == "stars"}
    right = {piece.start: piece.end for piece in pieces if piece.part == "stars"}
    count = mask.count("**")
    for number, (start, end) in enumerate(runs):
        first, last = left.get(start, start), right.get(end, end)
        for span in ((first, last), (first, end), (start, last)):
            if (count - mask.count("**", *span)) % 2 == 0:
                runs[number] = span
                count -= mask.count("**", *span)
                break
    return runs
