"""The groups of a roadmap: the sections that bear the same letter, as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.graph import SETTLED
from orchestrator.plans.mentions import Names
from orchestrator.plans.outline import Entry, Section


@dataclass(frozen=True, slots=True)
class Group:
    """All tracks of one letter, in order; ``ids`` are theirs, ``numbers`` say which is which."""

    key: str | None
    sections: tuple[Section, ...]
    entries: tuple[Entry, ...]
    ids: tuple[str, ...]
    names: Names
    numbers: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the first heading with tracks calls it."""
        return next((section.name for section in self.sections if section.entries), self.sections[0].name)

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do in it: its tracks say so, or, where it has none, its heading."""
        if self.entries:
            return all(entry.state in SETTLED for entry in self.entries)
        return all(section.state in SETTLED for section in self.sections)


def collect(sections: Sequence[Section]) -> dict[str | None, Group]:
    """The groups by their letter, in the order of the document."""
    by_key: dict[str | None, list[Section]] = {}
    for section in sections:
        by_key.setdefault(section.key, []).append(section)
    return {key: _group(key, tuple(same)) for key, same in by_key.items()}


def _group(key: str | None, sections: tuple[Section, ...]) -> Group:
    entries = tuple(entry for section in sections for entry in section.entries)
    numbers: dict[str, str] = {}
    for entry in entries:
        numbers.setdefault(entry.label.key, entry.track)
    ids = tuple(dict.fromkeys(entry.track for entry in entries))
    return Group(key, sections, entries, ids, Names(numbers), numbers)
