"""Marks one track of a roadmap as done, and leaves every other byte as it is."""

import re
from collections.abc import Sequence
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import NotFound
from orchestrator.plans import document, labels, outline, status, table
from orchestrator.plans.inline import masked
from orchestrator.plans.labels import Label
from orchestrator.plans.outline import Entry
from orchestrator.plans.status import Piece

_TRACK_DONE: Final = " \u2705 **[DONE]**"
_GROUP_DONE: Final = " **[DONE]**"
_CELL_DONE: Final = "[DONE]"

_ITEM: Final = re.compile(r"\ufeff?[ \t]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")
_HEADING: Final = re.compile(r"\ufeff?[ \t]*(?:#{1,6}[ \t]+)?")
_CLOSING: Final = re.compile(r"(?:[ \t]+#+)?[ \t]*$")
_OPENED: Final = re.compile(r"(?:[^*]*\s)?\*\*\S")


def done(text: str, track: str) -> str:
    """Return ``text`` with the one line of ``track`` marked as done.

    The heading of its group is marked too where all of its tracks are then done. A track that is
    done already leaves the text as it is. Raises :class:`NotFound` where there is no such track.
    """
    read = document.read(text)
    places = ((section, entry) for section in outline.read(read) for entry in section.entries if entry.track == track)
    section, entry = next(places, (None, None))
    if section is None or entry is None:
        raise NotFound(f"there is no track '{visible(track, 110)}' in the text", hint="'orchd plan' shows the tracks")
    if entry.state == "done":
        return text
    lines = list(read.lines)
    lines[entry.line - 1] = _track(lines[entry.line - 1], entry)
    all_done = all(each.state == "done" or each is entry for each in section.entries)
    if section.label and section.state != "done" and all_done:
        lines[section.line - 1] = _group(lines[section.line - 1])
    return "".join(lines)


def _track(line: str, entry: Entry) -> str:
    if entry.columns is not None:
        content = line.rstrip("\r\n")
        position = entry.columns.roles["status"]
        _, boxed = status.box(entry.block.cells[position])
        words = _CELL_DONE if boxed is None else "[x]"
        return table.with_cell(content, position, words) + line[len(content) :]
    heading = entry.block.kind == "heading"
    before, text, behind = _apart(line, heading=heading)
    label = labels.track(text, heading=heading)
    return before + _done(text, label, _TRACK_DONE, wrapped=labels.wrapped(entry.block.text)) + behind


def _group(line: str) -> str:
    before, text, behind = _apart(line, heading=True)
    return before + _done(text, labels.group(text), _GROUP_DONE, wrapped=False) + behind


def _apart(line: str, *, heading: bool) -> tuple[str, str, str]:
    """What stands before the text of a ``line``, the text, and what stands behind it."""
    content = line.rstrip("\r\n")
    lead = (_HEADING if heading else _ITEM).match(content)
    text = content[lead.end() :] if lead else content
    if heading:
        text = _CLOSING.sub("", text)
    text = text.rstrip()
    start = lead.end() if lead else 0
    return content[:start], text, line[start + len(text) :]


def _done(text: str, label: Label | None, sign: str, *, wrapped: bool) -> str:
    """The text of one line without its marks for anything but done, and with one for done."""
    pieces = label.pieces if label else ()
    for start, end in reversed(_runs(masked(text), pieces)):
        before, behind = text[:start].rstrip(), text[end:]
        text = before + (behind if before.strip("*_~") else behind.lstrip())
    _, boxed = status.box(text)
    if boxed is not None:
        return "[x]" + text[3:]
    if any(piece.state == "done" for piece in pieces):
        return text
    mask = masked(text)
    if not wrapped and mask.count("**") % 2 and _OPENED.match(mask):
        text += "**"
    place = text.rfind("<!--")
    if place < 0 or "-->" in text[place:] or mask[place] == "<":
        place = len(text)
    before = text[:place].rstrip()
    return before + sign + text[len(before) :]


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
