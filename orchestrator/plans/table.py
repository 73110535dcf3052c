"""Tracks in table form: which columns a table must have, and what a row says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.core.track import Mark
from orchestrator.plans import status
from orchestrator.plans.document import Block
from orchestrator.plans.inline import masked

Role = Literal["key", "title", "status", "paths", "needs", "estimate"]

_COLUMNS: Final[Mapping[Role, frozenset[str]]] = {
    "key": frozenset({"task id", "track id", "id", "#", "no", "no.", "nr", "task #", "track #", "track no", "number"}),
    "title": frozenset({"description", "title", "name", "summary", "task", "track", "work", "what"}),
    "status": frozenset({"status", "state"}),
    "paths": frozenset({"files", "file", "paths", "path"}),
    "needs": frozenset({"depends on", "dependencies", "dependency", "blocked by", "after", "needs", "requires"}),
    "estimate": frozenset({"estimate", "effort", "time", "duration", "size"}),
}
_TRACK_WORD: Final = re.compile(r"(?i:track|task)[ \t]*#?(?=\d)")
_SHELL: Final = " \t*_`~"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column plays which role, and what stands above all of them."""

    roles: Mapping[Role, int]
    titles: tuple[str, ...]

    def text(self, row: Block, role: Role) -> str:
        """The cell of ``row`` in that role, without emphasis; empty if there is no such column."""
        position = self.roles.get(role)
        return "" if position is None else row.cells[position].strip(_SHELL).replace("**", "")

    @property
    def complete(self) -> bool:
        """Whether there is a Status column, without which nobody could say what is done."""
        return "status" in self.roles

    def key(self, row: Block) -> str:
        """The number of the track in ``row``: what is written, without the word track before it."""
        return _TRACK_WORD.sub("", self.text(row, "key"), count=1)

    def state(self, row: Block) -> Mark | None:
        """What the Status cell says; None if that is not understood."""
        return status.cell(masked(row.cells[self.roles["status"]]))

    def others(self, row: Block) -> str:
        """What the row says beside id, title and status, a cell a line."""
        told = {self.roles[role] for role in ("key", "title", "status")}
        cells = enumerate(zip(self.titles, row.cells, strict=True))
        return "\n".join(f"{title}: {cell}" for number, (title, cell) in cells if number not in told and cell)


def columns(table: Block) -> Columns | None:
    """The columns of a ``table`` of tracks, with a Status column or not; None for another table."""
    roles: dict[Role, int] = {}
    for position, cell in enumerate(table.parts[0].cells):
        words = cell.strip(_SHELL).lower()
        role = next((role for role, names in _COLUMNS.items() if words in names and role not in roles), None)
        if role is not None:
            roles[role] = position
    if not {"key", "title"} <= roles.keys():
        return None
    spoken = table.parts[0].cells[roles["key"]].strip(_SHELL).lower()
    return Columns(roles, table.parts[0].cells) if "status" in roles or spoken in {"task id", "track id"} else None


def with_cell(content: str, position: int, words: str) -> str:
    """The ``content`` of a row's line with ``words`` in the cell at ``position``, as wide as it was if they fit.

    Cells that the row lacks are added.
    """
    bars = [number for number, sign in enumerate(content) if sign == "|" and content[number - 1 : number] != "\\"]
    edges = bars if bars and not content[: bars[0]].strip() else [-1, *bars]
    closed = not content[edges[-1] + 1 :].strip()
    cells = len(edges) - 1 if closed else len(edges)
    if position >= cells:
        row = content.rstrip() + ("" if closed else " |")
        return row + "  |" * (position - cells) + f" {words} |"
    start = edges[position] + 1
    end = edges[position + 1] if position + 1 < len(edges) else len(content)
    cell = content[start:end]
    blank = cell[: len(cell) - len(cell.lstrip())] if cell.strip() else " "
    filled = blank + words
    if end < len(content):
        filled = filled.ljust(max(len(cell), len(filled) + 1))
    return content[:start] + filled + content[end:]
