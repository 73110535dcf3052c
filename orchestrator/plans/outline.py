"""The outline of a roadmap: which groups it has, which tracks stand in each, and how far they are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.core.name import is_name, slug
from orchestrator.core.text import visible
from orchestrator.core.track import Finding, Mark
from orchestrator.plans import labels
from orchestrator.plans.document import Block, Document
from orchestrator.plans.labels import Label
from orchestrator.plans.table import Columns, columns

FORM: Final = "write '### Group A: Name', and under it '1. **Track 1: Title**'"

_NOT_WORK: Final = re.compile(
    r"(?:[a-z]+ ){0,2}"
    r"(?:deliverables?|criteria|checklist|verification|notes?|risks?|examples?|legend|summary|references?|out of scope)"
    r"(?: (?:for|of|on|and|about)\b.*)?",
    re.IGNORECASE,
)
_SHOWN: Final = re.compile(
    r"(?:an? |the )?(?:examples?|samples?|legend|templates?|formats?)(?: (?:for|of) .*)?"
    r"|(?:roadmap|plan|group|track|entry) (?:examples?|samples?|legend|templates?|formats?)",
    re.IGNORECASE,
)
_SHELL: Final = " \t*_:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One track as it is written.

    ``line`` counts from 1; ``end`` is the number of its last line. ``own`` is what its own marks
    say, ``state`` what follows from them and from the group's heading. A row has ``columns``.
    """

    track: str
    block: Block
    label: Label
    line: int
    end: int
    own: Mark | None
    state: Mark
    parts: tuple[Block, ...] = ()
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one group heading; without ``label``, the tracks of a text with no groups."""

    label: Label | None
    line: int
    level: int
    entries: tuple[Entry, ...]
    rest: tuple[Block, ...]
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str | None:
        """The group's letter or word as written."""
        return self.label.key if self.label else None

    @property
    def name(self) -> str:
        """The group's name; empty without a heading."""
        return self.label.title if self.label else ""

    @property
    def state(self) -> Mark | None:
        """What the heading's marks say."""
        return self.label.state if self.label else None


@dataclass(slots=True)
class _Draft:
    label: Label | None
    line: int
    level: int
    blocks: list[Block] = field(default_factory=list)


def read(document: Document) -> tuple[Section, ...]:
    """The sections of a roadmap in the order of their headings; those without a track too."""
    reach = _reach(document)
    drafts = _drafts(document, reach)
    groups = [_section(draft, reach, document.lines) for draft in drafts[1:]]
    outside = _section(drafts[0], reach, document.lines)
    if not any(section.entries for section in groups):
        return (*groups, outside)
    if outside.entries:
        lost = Finding(
            "warn",
            "outside_group",
            f"tracks under no group heading are left out: {len(outside.entries)}, the first on this line",
            outside.entries[0].line,
        )
        groups.append(replace(outside, entries=(), findings=(lost,)))
    return tuple(groups)


def _drafts(document: Document, reach: dict[int, int]) -> list[_Draft]:
    """The blocks by the group heading they stand under; the first draft has what stands under none."""
    drafts = [_Draft(None, 0, 0)]
    stack = [drafts[0]]
    shown_until = 0
    for block in document.blocks:
        if block.kind == "heading":
            label = labels.group(block.text) if block.line >= shown_until else None
            if label is None and block.level > 1 and _SHOWN.fullmatch(block.text.strip(_SHELL)):
                shown_until = max(shown_until, reach[block.line])
            track = label is None and labels.track(block.text, heading=True) is not None
            while stack[-1].level > block.level or (stack[-1].level == block.level and not track):
                stack.pop()
            if label:
                stack.append(_Draft(label, block.line + 1, block.level))
                drafts.append(stack[-1])
                continue
        stack[-1].blocks.append(block)
    return drafts


def _reach(document: Document) -> dict[int, int]:
    """For each heading the line where the next one of its level or above stands."""
    reach: dict[int, int] = {}
    above: list[Block] = []
    for block in document.blocks:
        if block.kind == "heading":
            while above and above[-1].level >= block.level:
                reach[above.pop().line] = block.line
            above.append(block)
    return reach | {block.line: len(document.lines) for block in above}


def _announces_other(text: str) -> bool:
    """Tell whether ``text`` ends with a line such as ``**Success Criteria:**``, below which no work stands."""
    last = text.rsplit("\n", 1)[-1]
    return last.rstrip(" \t*_").endswith(":") and _NOT_WORK.fullmatch(last.strip(_SHELL)) is not None


class _Reader:
    """Goes through the blocks of one section and sorts tracks from the rest."""

    def __init__(self, draft: _Draft, reach: dict[int, int], lines: Sequence[str]) -> None:
        self._draft = draft
        self._reach = reach
        self._lines = lines
        self.entries: list[Entry] = []
        self.rest: list[Block] = []
        self.findings: list[Finding] = []
        self._aside = False  # under a heading or a line that announces something other than work
        self._aside_until = 0
        self._left_out: list[tuple[Block, Label]] = []

    def run(self) -> None:
        blocks = self._draft.blocks
        position = 0
        while position < len(blocks):
            position += self._take(blocks, position)
        numbers = {entry.label.key for entry in self.entries}
        for block, label in self._left_out:
            if label.key not in numbers:
                message = f"'{visible(label.title, 60)}' stands under what is no work by its heading, and is not read"
                self._warn("not_a_track", message, block.line + 1)

    def _take(self, blocks: Sequence[Block], position: int) -> int:
        """Read the block at ``position``; returns how many were used up."""
        block = blocks[position]
        if block.kind == "heading":
            label = labels.track(block.text, heading=True)
            if label:
                end = self._reach[block.line]
                last = position + 1
                while last < len(blocks) and blocks[last].line < end:
                    last += 1
                self._add(block, label, end, tuple(blocks[position + 1 : last]))
                return last - position
            if labels.like_track(block.text):
                self._warn("not_a_track", f"'{visible(block.text, 60)}' has no number; {FORM}", block.line + 1)
            self._aside = False
            if block.level > 1 and _NOT_WORK.fullmatch(block.text.strip(_SHELL)):
                self._aside_until = max(self._aside_until, self._reach[block.line])
        elif block.kind == "paragraph":
            self._paragraph(block)
        elif block.kind == "table":
            self._table(block)
        else:
            return self._item(blocks, position)
        self.rest.append(block)
        return 1

    def _paragraph(self, block: Block) -> None:
        self._aside = _announces_other(block.text)
        for number, line in enumerate(block.text.split("\n"), block.line + 1):
            if labels.track(line):
                self._warn("not_a_track", f"'{visible(line.strip(), 60)}' is no list item and not read; {FORM}", number)

    def _item(self, blocks: Sequence[Block], position: int) -> int:
        """Read an item and, where it is a track, those after it that are meant to stand in it."""
        block = blocks[position]
        label = labels.track(block.text)
        if label is None or self._set_aside(block):
            self._nested(block)
            return 1
        last = position + 1
        while last < len(blocks) and self._belongs(blocks[last], block):
            last += 1
        self._add(block, label, blocks[last - 1].end, (*block.parts, *blocks[position + 1 : last]))
        return last - position

    def _belongs(self, block: Block, track: Block) -> bool:
        """Tell a detail that is indented too little for Markdown: two blanks below ``1.``, three below ``10.``."""
        return (
            block.kind == "item"
            and _indent(self._lines[block.line]) > _indent(self._lines[track.line])
            and labels.track(block.text) is None
        )

    def _nested(self, block: Block) -> None:
        stack = [block]
        while stack:
            item = stack.pop()
            label = labels.track(item.text)
            if label is None:
                self.rest.append(replace(item, parts=tuple(part for part in item.parts if part.kind != "item")))
                if not _announces_other(item.text):
                    stack.extend(part for part in reversed(item.parts) if part.kind == "item")
                if labels.like_track(item.text.split("\n", 1)[0]) and not self._set_aside(item):
                    message = f"'{visible(item.text, 60)}' has no number or no title; {FORM}"
                    self._warn("not_a_track", message, item.line + 1)
            elif self._set_aside(item):
                self.rest.append(item)
                self._left_out.append((item, label))
            else:
                self._add(item, label, item.end, item.parts)

    def _set_aside(self, block: Block) -> bool:
        return self._aside or block.line < self._aside_until

    def _table(self, block: Block) -> None:
        roles = columns(block)
        if roles is None or self._set_aside(block):
            return
        if not roles.complete:
            self._warn("table", "this table has no Status column, so its rows are not read as tracks", block.line + 1)
            return
        for row in block.parts[1:]:
            key = roles.key(row)
            if not any(sign.isalnum() for sign in key):
                self._warn("row", "this row has no id and is left out", row.line + 1)
                continue
            state = roles.state(row)
            if state is None:
                words = visible(roles.text(row, "status"), 40)
                self._warn("status", f"status '{words}' is not understood and taken as open", row.line + 1)
            title = roles.text(row, "title") or key
            label = Label(key, title, state, clash=False, stray=False, notes="", pieces=())
            self._add(row, label, row.end, (), roles)

    def _add(
        self, block: Block, label: Label, end: int, parts: tuple[Block, ...], roles: Columns | None = None
    ) -> None:
        line = block.line + 1
        self.findings += _marks(label, line)
        heading = self._draft.label
        inherited = heading.state if heading and heading.state in {"done", "skipped"} else None
        state = label.state or inherited or "open"
        name = track_id(heading.key if heading else None, label.key)
        self.entries.append(Entry(name, block, label, line, end, label.state, state, parts, roles))

    def _warn(self, rule: str, message: str, line: int) -> None:
        self.findings.append(Finding("warn", rule, message, line))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _section(draft: _Draft, reach: dict[int, int], lines: Sequence[str]) -> Section:
    reader = _Reader(draft, reach, lines)
    reader.run()
    findings = (*reader.findings, *_against_heading(draft, reader.entries))
    return Section(draft.label, draft.line, draft.level, tuple(reader.entries), tuple(reader.rest), findings)


def _marks(label: Label, line: int) -> Iterator[Finding]:
    """What is doubtful about the marks of one line."""
    name = visible(label.title, 60)
    if label.clash:
        yield Finding("warn", "mark", f"the marks of '{name}' contradict each other; read as {label.state}", line)
    if label.stray:
        yield Finding("warn", "mark", f"a mark inside '{name}' does not count; put it at the end", line)


def _against_heading(draft: _Draft, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Where the marks of tracks and of their heading do not agree."""
    heading = draft.label
    if heading is None:
        return
    yield from _marks(heading, draft.line)
    if heading.state not in {"done", "skipped"}:
        return
    some = any(entry.own == "done" for entry in entries)
    for entry in entries:
        name = visible(entry.label.title, 60)
        if entry.own in {"open", "in_progress"}:
            message = f"the heading on line {draft.line} says {heading.state}; '{name}' says {entry.own} and is right"
            yield Finding("warn", "mark", message, entry.line)
        elif entry.own is None and some:
            message = f"'{name}' has no mark; read as {heading.state} because of the heading on line {draft.line}"
            yield Finding("warn", "mark", message, entry.line)


def track_id(group: str | None, number: str) -> str:
    """The name of a track: letter and number as written where they make a name, as slugs where not."""
    letter, count = _component(group), _component(number)
    name = f"track_{count}" if letter is None else f"group_{letter}_track_{count}"
    if is_name(name):
        return name
    return f"track_{slug(number)}" if group is None else f"group_{slug(group)}_track_{slug(number)}"


def _component(text: str | None) -> str | None:
    return text if text is None or is_name(text) else slug(text)
