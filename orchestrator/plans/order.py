"""The order inside a group: tracks run side by side unless a track says after which others it comes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from orchestrator.core.text import visible
from orchestrator.core.track import Finding
from orchestrator.plans.budget import Budget
from orchestrator.plans.details import texts
from orchestrator.plans.groups import Group
from orchestrator.plans.inline import masked
from orchestrator.plans.mentions import Mention, Names, mentions
from orchestrator.plans.outline import Entry

_LOOK_BACK: Final = 80
_FIRST_WORD: Final = (
    r"(?:after|following|follows|once|blocked[ \t]+by|requires?|needs?|waits?[ \t]+(?:for|on)"
    r"|depend\w*[ \t]+on|dependenc(?:y|ies)|prerequisites?)"
)
_VERB: Final = re.compile(
    rf"\b{_FIRST_WORD}[ \t*_:]*"
    r"(?:(?:the|both|all|of|on|completion|finishing|completing|results?|outputs?)[ \t]+){0,4}$",
    re.IGNORECASE,
)
_NEGATED: Final = re.compile(r"(?:\b(?:not|no longer|never|without)|n't)[ \t]+(?:\w+[ \t]+){0,2}$", re.IGNORECASE)
_ALL: Final = re.compile(
    rf"\b{_FIRST_WORD}[ \t*_:]*(?:all[ \t]+)?(?:of[ \t]+)?(?:the[ \t]+)?"
    r"(?P<which>other|previous|earlier|above|preceding)[ \t]+tracks\b",
    re.IGNORECASE,
)
_INTO: Final = re.compile(r"[ \t]*[,:/-]?[ \t]*")
_OUT_OF: Final = re.compile(r"[ \t]+(?:of|in|from)[ \t]+")
_TESTS: Final = re.compile(r"\b(?:tests|testing|test suite)[ \t]*(?:$|[&,+/:-]|\band\b)", re.IGNORECASE)
_NOUNS: Final = ("track", "group", "phase", "stream")
_SPLIT: Final = re.compile(r"[\s,;&+]+")


@dataclass(slots=True)
class Order:
    """What one track waits for by its own words, the words, and what is doubtful about them."""

    needs: dict[str, None] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Reader:
    """Reads the order that the tracks of one group state."""

    def __init__(self, group: Group, groups: Mapping[str | None, Group], names: Names, budget: Budget) -> None:
        self._group = group
        self._budget = budget
        self._groups = groups
        self._names = names

    def orders(self) -> list[Order]:
        """What each track of the group waits for, in their order; the group's tests wait for the others."""
        entries = self._group.entries
        orders = [self._stated(entry) for entry in entries]
        tests = {position for position, entry in enumerate(entries) if _TESTS.search(entry.label.title)}
        others = [entry.track for position, entry in enumerate(entries) if position not in tests]
        after = self._after(orders)
        for position in tests if others else ():
            self._last(entries[position], orders[position], others, after)
        return orders

    def _after(self, orders: Sequence[Order]) -> dict[str, list[str]]:
        """For each track those of the group that by their own words wait for it."""
        after: dict[str, list[str]] = {}
        for entry, order in zip(self._group.entries, orders, strict=True):
            for need in order.needs:
                after.setdefault(need, []).append(entry.track)
        return after

    def _need(self, order: Order, tracks: Sequence[str]) -> None:
        self._budget.spend(len(tracks))
        order.needs |= dict.fromkeys(tracks)

    def _stated(self, entry: Entry) -> Order:
        order = Order()
        if entry.columns is not None:
            self._cell(entry, entry.columns.text(entry.block, "needs"), order)
            self._text(entry, entry.label.title, entry.line, order)
            return order
        self._text(entry, entry.block.text, entry.line, order)
        for block, text in texts(entry.parts):
            self._text(entry, text, block.line + 1, order)
        return order

    def _text(self, entry: Entry, text: str, line: int, order: Order) -> None:
        lower = text.lower()
        if not any(noun in lower for noun in _NOUNS):
            return
        text = masked(text)
        for match in _ALL.finditer(text):
            others = self._group.ids
            if match["which"].lower() != "other":
                others = tuple(takewhile(lambda track: track != entry.track, others))
            self._need(order, [track for track in others if track != entry.track])
            order.rules.append(_rule(match.group(), line))
        row = tuple(mentions(text))
        position = 0
        counted = 0
        while position < len(row):
            group, track, used = _pair(text, row[position : position + 2])
            start = row[position].start
            position += used
            line += text.count("\n", counted, start)
            counted = start
            before = text[max(0, start - _LOOK_BACK) : start]
            verb = _VERB.search(before)
            if verb and not _NEGATED.search(before, 0, verb.start()):
                words = verb.group() + text[start : row[position - 1].end]
                self._wait(group, track, _Words(words, line), order)

    def _wait(self, group: Mention | None, track: Mention | None, words: "_Words", order: Order) -> None:
        targets = [self._group]
        if group is not None:
            found, unknown = self._names.resolve(group)
            targets = [self._groups[key] for key in found]
            order.findings += [_unknown(f"group {visible(word, 40)}", words.line) for word in unknown]
        for target in targets:
            if track is None:
                self._need(order, target.ids)
                continue
            found, unknown = target.names.resolve(track)
            self._need(order, [target.numbers[name] for name in found])
            order.findings += [_unknown(f"track {visible(word, 40)}", words.line) for word in unknown]
        order.rules.append(_rule(words.text, words.line))

    def _cell(self, entry: Entry, text: str, order: Order) -> None:
        """Read a cell of a column such as "Depends on": ids of rows, or words."""
        self._text(entry, f"after {text}", entry.line, order)
        if order.needs or order.findings:
            return
        words = [word.strip("`*#()") for word in _SPLIT.split(text)]
        found = [self._group.names.find(word) for word in words]
        known = [self._group.numbers[name] for name in found if name is not None]
        if known:
            self._need(order, known)
            order.rules.append(_rule(f"Depends on {text}", entry.line))
        missing = [word for word, name in zip(words, found, strict=True) if name is None and _numbered(word)]
        order.findings += [_unknown(f"track {visible(word, 40)}", entry.line) for word in missing]

    def _last(self, entry: Entry, order: Order, others: Sequence[str], after: Mapping[str, Sequence[str]]) -> None:
        """Let the tests of the group wait for all tracks that do not wait for them."""
        if entry.label.parallel:
            order.rules.append(_rule("marked parallel", entry.line))
            return
        waiting: set[str] = set()
        stack = [entry.track]
        while stack:
            each = stack.pop()
            if each not in waiting:
                waiting.add(each)
                stack.extend(after.get(each, ()))
        self._budget.spend(len(waiting))
        self._need(order, [track for track in others if track not in waiting])
        order.rules.append(_rule("the tests of a group run last", entry.line))


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    line: int


def _pair(text: str, row: Sequence[Mention]) -> tuple[Mention | None, Mention | None, int]:
    """Group and track of the first mention in ``row``, and how many mentions say it."""
    first, second = row[0], row[-1]
    if first.noun == "group":
        if second.noun == "track" and _INTO.fullmatch(text, first.end, second.start):
            return first, second, 2
        return first, None, 1
    if second.noun == "group" and _OUT_OF.fullmatch(text, first.end, second.start):
        return second, first, 2
    return None, first, 1


def _numbered(word: str) -> bool:
    return any(sign.isdigit() for sign in word)


def _rule(words: str, line: int) -> str:
    return f"{visible(' '.join(words.replace('*', ' ').split()), 120)} (line {line})"


def _unknown(what: str, line: int) -> Finding:
    return Finding("error", "unknown_track", f"it waits for {what}, and there is none", line)
