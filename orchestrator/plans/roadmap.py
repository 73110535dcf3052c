"""A ROADMAP.md: groups of tracks that run side by side, one group after another.

The forms that are accepted stand in :data:`FORMS`. Where a text can be read in two ways a finding
says which one was taken, with its line, and how to write it so that there is only one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from orchestrator.core.graph import SETTLED
from orchestrator.core.text import visible
from orchestrator.core.track import Finding, Plan, Track
from orchestrator.errors import CannotParse
from orchestrator.plans import checks, details, document, groups, outline, prerequisites
from orchestrator.plans.budget import Budget
from orchestrator.plans.document import Block, Document
from orchestrator.plans.groups import Group
from orchestrator.plans.mentions import Names
from orchestrator.plans.order import Reader
from orchestrator.plans.outline import Entry, Section

KIND: Final = "roadmap"
_MOST_RULES: Final = 5  # that are shown of a group, and of a track
FORMS: Final = (
    "group headings '### Group A: Name' (or Stream, Phase), and under them tracks as '1. **Track 1: Title**', "
    "'- [ ] **Track 1: Title**', '#### Track 1: Title', or rows of a table with Task ID, Description and Status"
)


def parse(source: str, text: str) -> Plan:
    """Return the plan that the roadmap ``text`` of the name ``source`` states.

    Raises :class:`CannotParse` where there is no track in it, or more than can be made use of.
    """
    lines = document.read(text)
    sections = outline.read(lines)
    found = groups.collect(sections)
    findings = [finding for section in sections for finding in section.findings]
    if not any(group.entries for group in found.values()):
        why = f"; line {findings[0].line}: {findings[0].message}" if findings else ""
        raise CannotParse(f"no tracks found in {visible(source, 200)}{why}", hint=f"accepted: {FORMS}")
    tracks = _Tracks(lines, found, findings).all()
    names = {key: group.name for key, group in found.items() if key is not None and group.entries}
    findings += _headings(sections, found)
    findings += checks.doubts(tracks)
    return Plan(source, KIND, tracks, (*checks.summary(tracks, names), *checks.bounded(findings)), names)


class _Tracks:
    """Makes tracks of entries: adds what they wait for and what their details say."""

    def __init__(self, lines: Document, found: Mapping[str | None, Group], findings: list[Finding]) -> None:
        self._lines = lines.lines
        self._groups = found
        self._findings = findings
        self._names = Names(key for key in found if key is not None)
        self._first = next(group for group in found.values() if group.entries)
        self._budget = Budget()

    def all(self) -> tuple[Track, ...]:
        """The tracks of all groups in the order of the document."""
        tracks = [track for group in self._groups.values() for track in self._group(group)]
        return tuple(sorted(tracks, key=lambda track: track.line))

    def _group(self, group: Group) -> Iterator[Track]:
        needs, rule = self._prerequisites(group)
        orders = Reader(group, self._groups, self._names, self._budget).orders()
        for entry, order in zip(group.entries, orders, strict=True):
            own = needs
            if order.needs:
                own = tuple(dict.fromkeys((*needs, *order.needs)))
                self._budget.spend(len(needs))
            settled = entry.state in SETTLED
            self._findings += [_eased(finding) if settled else finding for finding in order.findings]
            yield self._track(group.key, entry, own, _rules(rule, order.rules))

    def _prerequisites(self, group: Group) -> tuple[tuple[str, ...], list[str]]:
        """The tracks that all of a group waits for, and the words that say so."""
        stated = [each for section in group.sections for each in prerequisites.statements(section.rest)]
        if group.key is None or not group.entries:
            return (), []
        findings: list[Finding] = []
        needs: dict[str, None] = {}
        for statement in stated:
            understood = prerequisites.understand(statement, group.key, self._names, self._budget)
            findings += understood.findings
            for key in understood.groups:
                needs |= dict.fromkeys(self._groups[key].ids)
                findings += _nothing_to_wait_for(self._groups[key], statement.line)
        if not stated and group is not self._first:
            message = "this group states no prerequisites and can start at once; write '**Prerequisites:** …'"
            findings.append(Finding("warn", "prerequisites", message, group.sections[0].line))
        if group.settled:
            findings = [_eased(finding) for finding in findings if finding.level == "error"]
        self._findings += findings
        self._budget.spend(len(needs))
        words = [f"Prerequisites: {visible(each.words, 120)} (line {each.line})" for each in stated]
        return tuple(needs), words

    def _track(self, key: str | None, entry: Entry, needs: tuple[str, ...], rule: str) -> Track:
        label = entry.label
        texts = [(block, text) for block, text in details.texts(entry.parts) if text]
        body = _body(self._lines[entry.line : entry.end])
        stated = "\n".join(text for _, text in texts)
        paths = [path for _, text in texts for path in details.paths(text)]
        if entry.columns is not None:
            body, stated = entry.columns.others(entry.block), f"Estimate: {entry.columns.text(entry.block, 'estimate')}"
            paths = details.listed_paths(entry.columns.text(entry.block, "paths"))
        self._findings += _unheard(entry, texts)
        accepted = (details.acceptance(block, text) for block, text in texts)
        return Track(
            track=entry.track,
            title=label.title,
            line=entry.line,
            group=key,
            group_name=self._groups[key].name,
            number=label.key,
            state=entry.state,
            depends_on=needs,
            rule=rule,
            paths=tuple(dict.fromkeys(paths)),
            body=body,
            acceptance=tuple(each for each in accepted if each),
            estimate=details.estimate(f"{label.title} {label.notes}", stated),
        )


def _unheard(entry: Entry, texts: Sequence[tuple[Block, str]]) -> Iterator[Finding]:
    """Details that say how far a track is, where its title does not: they do not count."""
    for block, text in texts if entry.state == "open" and entry.own is None else ():
        if details.status(text) not in {None, "open"}:
            words = visible(text.split("\n", 1)[0].strip(), 60)
            message = f"'{words}' does not count; mark the title of '{visible(entry.label.title, 60)}'"
            yield Finding("warn", "status", message, block.line + 1)


def _rules(group: Sequence[str], own: Sequence[str]) -> str:
    words = [*group[:_MOST_RULES], *own[:_MOST_RULES]]
    return "; ".join(words) + ("; and more" if len(words) < len(group) + len(own) else "")


def _body(lines: Sequence[str]) -> str:
    """The lines as they are, without blank ones at either end."""
    rows = list(lines)
    while rows and not rows[-1].strip():
        rows.pop()
    start = next((number for number, row in enumerate(rows) if row.strip()), 0)
    return "".join(rows[start:])


def _eased(finding: Finding) -> Finding:
    """An error about work that is settled, which forbids nothing any more."""
    return replace(finding, level="warn")


def _nothing_to_wait_for(group: Group, line: int) -> list[Finding]:
    if group.entries or group.settled:
        return []
    where = group.sections[0].line
    message = (
        f"the prerequisites name group {visible(str(group.key), 40)}, whose heading on line {where} holds no track "
        "and is not marked done"
    )
    return [Finding("error", "unknown_group", message, line)]


def _headings(sections: Sequence[Section], found: Mapping[str | None, Group]) -> Iterator[Finding]:
    """Headings that look like groups and hold nothing, and groups with several headings."""
    for position, section in enumerate(sections):
        if section.label is None:
            continue
        first = next((each for each in found[section.key].sections if each.entries), section)
        if section.entries and first is not section:
            name = visible(section.label.key, 40)
            message = f"group {name} has a heading on line {first.line} already; both are read as one group"
            yield Finding("warn", "group", message, section.line)
        elif not section.entries and section.state not in SETTLED and not _holds_groups(sections, position):
            name = visible(section.label.title or section.label.key, 60)
            yield Finding("warn", "no_tracks", f"'{name}' holds no track; {outline.FORM}", section.line)


def _holds_groups(sections: Sequence[Section], position: int) -> bool:
    """Tell whether groups with tracks stand under the heading of another."""
    for number in range(position + 1, len(sections)):
        if sections[number].level <= sections[position].level:
            return False
        if sections[number].entries:
            return True
    return False
