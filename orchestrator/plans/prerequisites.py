"""What a group says must be finished before it, and which groups that means.

Words are believed where they name a group. "Can develop in parallel with Group D" takes one away,
"Group L recommended" is shown and not believed, and text that names no group is shown as well.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.core.track import Finding
from orchestrator.plans.budget import Budget
from orchestrator.plans.document import Block
from orchestrator.plans.inline import uncommented
from orchestrator.plans.mentions import Mention, Names, mentions

_LABEL: Final = re.compile(
    r"[ \t*_]*(?:pre-?requisites?|prereqs?|depends[ \t]+on|dependenc(?:y|ies)|requires|blocked[ \t]+by)"
    r"[ \t*_]*:[ \t*_]*",
    re.IGNORECASE,
)
_HEADING: Final = re.compile(r"[ \t*_]*(?:pre-?requisites?|dependencies)[ \t*_]*", re.IGNORECASE)
_OTHER_LABEL: Final = re.compile(r"[ \t]*(?:\*\*|__)[^*_\n]{1,80}(?::(?:\*\*|__)|(?:\*\*|__)[ \t]*:)")
_NONE: Final = re.compile(r"\W*(?:none|nothing|no\s+(?:prerequisites|dependencies)|n/a|nil)\b", re.IGNORECASE)
_MOST_LISTED: Final = 50  # items of a list of prerequisites
_REMARK: Final = re.compile(r"\([^()]*\)")
_CLAUSE: Final = re.compile(r"[;.](?=\s|$)|\bbut\b", re.IGNORECASE)
_BESIDE: Final = re.compile(r"\b(?:parallel|alongside|concurrent|independent|same time|regardless)", re.IGNORECASE)
_BESIDE_AFTER: Final = re.compile(
    r"\W*(?:can\s+)?(?:run\s+|be\s+|proceed\s+|developed\s+){0,3}in\s+parallel\b", re.IGNORECASE
)
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|no longer|without|before|blocks|unblocks|enables|instead of)|n't)\b[\w\s]{0,40}$", re.IGNORECASE
)
_SOFT_AFTER: Final = re.compile(
    r"\W*(?:is\s+|are\s+)?(?:recommended|optional|preferred|helpful|nice|suggested)\b", re.IGNORECASE
)
_SOFT_BEFORE: Final = re.compile(r"\b(?:optionally|ideally|preferably|recommended|optional)[\s:,]{0,5}$", re.IGNORECASE)
_EARLIER: Final = re.compile(
    r"\ball\s+(?:the\s+)?(?:previous|prior|earlier|preceding|above)\s+(?:groups|phases|streams)\b"
    r"|\b(?:groups|phases|streams|everything)\s+above\b",
    re.IGNORECASE,
)
_OTHERS: Final = re.compile(r"\ball\s+(?:the\s+)?other\s+(?:groups|phases|streams)\b", re.IGNORECASE)
_PREVIOUS: Final = re.compile(r"\b(?:previous|preceding)\s+(?:group|phase|stream)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """Words about prerequisites, and the line they begin on, counted from 1."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """The groups that a statement makes a group wait for, and what is doubtful about it."""

    groups: tuple[str, ...]
    findings: tuple[Finding, ...]


def statements(blocks: Sequence[Block]) -> Iterator[Statement]:
    """What the ``blocks`` of a group, those of its tracks left out, say of its prerequisites."""
    for position, block in enumerate(blocks):
        if block.kind == "heading" and _HEADING.fullmatch(block.text):
            yield Statement(block.line + 1, _listed(blocks, position + 1))
        elif ":" in block.text:
            for line, words in _labelled(uncommented(block.text).split("\n")):
                yield Statement(block.line + 1 + line, words or _listed(blocks, position + 1))


def _labelled(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The words behind each label in a paragraph, up to the next one, with the number of its line."""
    words: list[str] | None = None
    begin = 0
    for number, line in enumerate(lines):
        label = _LABEL.match(line)
        if label or _OTHER_LABEL.match(line):
            if words is not None:
                yield begin, " ".join(words).strip()
            words, begin = ([line[label.end() :]], number) if label else (None, number)
        elif words is not None:
            words.append(line.strip())
    if words is not None:
        yield begin, " ".join(words).strip()


def _listed(blocks: Sequence[Block], position: int) -> str:
    """The text of the paragraph or of the list that begins at ``position``."""
    rows: list[str] = []
    for number in range(position, len(blocks)):
        block = blocks[number]
        if block.kind not in {"item", "paragraph"} or _OTHER_LABEL.match(block.text) or len(rows) == _MOST_LISTED:
            break
        rows.append(uncommented(block.text).replace("\n", " "))
        if block.kind == "paragraph":
            break
    return "; ".join(rows)


def understand(statement: Statement, own: str, names: Names, budget: Budget) -> Prerequisites:
    """Which of the groups in ``names`` a statement of the group ``own`` makes it wait for."""
    words = statement.words
    if not words or _NONE.match(words):
        return Prerequisites((), ())
    plain = _REMARK.sub(" ", words)
    if not any(True for _ in mentions(plain)):
        plain = words
    sorted_out = _Sorted(own, names, budget)
    for clause in _CLAUSE.split(plain):
        sorted_out.take(clause)
    return sorted_out.close(statement)


class _Sorted:
    """The groups that a statement names, sorted by what it says of them."""

    def __init__(self, own: str, names: Names, budget: Budget) -> None:
        self._own = own
        self._budget = budget
        self._names = names
        self._needed: dict[str, None] = {}
        self._beside: dict[str, None] = {}
        self._unknown: dict[str, None] = {}
        self._remarks: list[str] = []
        self._understood = False

    def take(self, clause: str) -> None:
        """Sort what one clause names."""
        self._phrases(clause)
        row = [mention for mention in mentions(clause) if mention.noun == "group"]
        for position, mention in enumerate(row):
            before = clause[row[position - 1].end if position else 0 : mention.start]
            after = clause[mention.end : row[position + 1].start if position + 1 < len(row) else len(clause)]
            self._mention(mention, before, after)

    def _phrases(self, clause: str) -> None:
        if _EARLIER.search(clause):
            named = self._names.before(self._own)
        elif _OTHERS.search(clause):
            named = self._names.others(self._own)
        elif _PREVIOUS.search(clause):
            named = self._names.before(self._own)[-1:]
        else:
            return
        self._understood = True
        self._budget.spend(len(named))
        self._needed |= dict.fromkeys(named)

    def _mention(self, mention: Mention, before: str, after: str) -> None:
        self._understood = True
        found, unknown = self._names.resolve(mention)
        self._budget.spend(len(found))
        if _BESIDE.search(before) or _BESIDE_AFTER.match(after) or _NEGATED.search(before):
            self._beside |= dict.fromkeys(found)
            return
        self._unknown |= dict.fromkeys(unknown)
        if _SOFT_AFTER.match(after) or _SOFT_BEFORE.search(before):
            self._remarks.append(f"group {_joined(found)} is recommended, not required: nothing waits for it")
            return
        if mention.choice:
            self._remarks.append(f"'or' between groups is read as 'and': all of {_joined(found)} must be complete")
        self._needed |= dict.fromkeys(found)

    def close(self, statement: Statement) -> Prerequisites:
        """The result, once all clauses are taken."""
        if not self._understood:
            text = visible(statement.words, 80)
            self._remarks.append(f"'{text}' names no group and is not waited for; write 'Group A complete' or 'None'")
        findings = [Finding("warn", "prerequisites", text, statement.line) for text in self._remarks]
        for word in self._unknown:
            text = f"the prerequisites name group {visible(word, 40)}, and there is no such group"
            findings.append(Finding("error", "unknown_group", text, statement.line))
        return Prerequisites(tuple(name for name in self._needed if name not in self._beside), tuple(findings))


def _joined(names: Sequence[str]) -> str:
    return visible(", ".join(names), 120)
