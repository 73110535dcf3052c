"""A plan: the tracks that a source parses into, and what is doubtful about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mark = Literal["open", "done", "in_progress", "skipped"]
Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a source. ``line`` counts from 1; 0 means the whole document."""

    level: Level
    rule: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """One independent unit of work, as its source states it.

    ``line`` counts from 1 and names the line that carries the track's mark. ``depends_on`` holds
    track ids. ``group`` is the letter or word as written, None where the source has no groups;
    ``number`` is the track's number as written. ``rule`` says which words gave the dependencies.
    ``estimate`` is in minutes.
    """

    track: str
    title: str
    line: int
    group: str | None = None
    group_name: str = ""
    number: str = ""
    state: Mark = "open"
    depends_on: tuple[str, ...] = ()
    rule: str = ""
    paths: tuple[str, ...] = ()
    body: str = ""
    acceptance: tuple[str, ...] = ()
    estimate: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a source says: its tracks in document order, and the findings."""

    source: str
    kind: str
    tracks: tuple[Track, ...]
    findings: tuple[Finding, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    def find(self, track: str) -> Track | None:
        """Return the track with that id, or None."""
        return next((each for each in self.tracks if each.track == track), None)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid a run."""
        return tuple(each for each in self.findings if each.level == "error")
