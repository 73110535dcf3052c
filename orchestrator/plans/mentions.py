"""Where a text speaks of groups or tracks, "Groups C, D-F and H", and which ones it means."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

Noun = Literal["group", "track"]

_DASH: Final = "[-\u2010-\u2015]"
_NOUN: Final = r"(?P<noun>(?i:groups?|phases?|streams?|tracks?))"
_ID: Final = r"(?:[A-Z]{1,2}\d{0,4}(?!\w)|\d+(?:\.\d+)*[A-Za-z]?(?!\w))"
_FIRST: Final = re.compile(rf"\b{_NOUN}[ \t]+[(#]?(?P<name>{_ID}|[A-Z]\w*(?:[.-]\w+)*)")
_RANGE: Final = re.compile(rf"[ \t]*(?:{_DASH}|(?:to|through)\b)[ \t]*(?:{_NOUN}[ \t]+)?#?(?P<name>{_ID})")
_NEXT: Final = re.compile(
    rf"[ \t]*(?:[,&+/]|(?:and|or)\b)[ \t]*(?:&|(?:and|or)\b)?[ \t]*(?:{_NOUN}[ \t]+)?#?(?P<name>{_ID})"
)
_OR: Final = re.compile(r"\bor\b")
_AFTER_ALL: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention: ``names`` are pairs of first and last, equal where no range is meant.

    ``choice``: the names are joined by "or".
    """

    noun: Noun
    start: int
    end: int
    names: tuple[tuple[str, str], ...]
    choice: bool = False


def mentions(text: str) -> Iterator[Mention]:
    """All mentions in ``text``, in order."""
    position = 0
    while match := _FIRST.search(text, position):
        yield (mention := _mention(text, match))
        position = mention.end


def _mention(text: str, match: re.Match[str]) -> Mention:
    noun = _noun(match)
    start, end = match.span()
    names = []
    choice = False
    following: re.Match[str] | None = match
    while following:
        first = last = following["name"]
        through = _RANGE.match(text, end)
        if through and _agrees(through, noun):
            last = through["name"]
            end = through.end()
        names.append((first, last))
        following = _NEXT.match(text, end)
        if following and _agrees(following, noun):
            choice = choice or _OR.search(following.group()) is not None
            end = following.end()
        else:
            following = None
    return Mention(noun, start, end, tuple(names), choice)


def _noun(match: re.Match[str]) -> Noun:
    return "track" if match["noun"].lower().startswith("track") else "group"


def _agrees(match: re.Match[str], noun: Noun) -> bool:
    return match["noun"] is None or _noun(match) == noun


class Names:
    """The groups of a text, or the tracks of a group, that words can name."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {name: position for position, name in enumerate(dict.fromkeys(known))}
        self._folded = {name.casefold(): name for name in reversed(self._known)}
        self._numbers = sorted((int(name), name) for name in self._known if _countable(name) and name.isascii())
        self._letters = sorted((name.upper(), name) for name in self._known if len(name) == 1 and name.isalpha())

    def find(self, name: str) -> str | None:
        """The known name that ``name`` stands for, whatever its case."""
        return name if name in self._known else self._folded.get(name.casefold())

    def before(self, name: str) -> list[str]:
        """Those that come before ``name``."""
        return list(islice(self._known, self._known[name]))

    def others(self, name: str) -> list[str]:
        """All but ``name``."""
        return [each for each in self._known if each != name]

    def resolve(self, mention: Mention) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The known names that a mention means, and the words in it that name nothing."""
        found: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for first, last in mention.names:
            for word in (first, last):
                name = self.find(word)
                if name is None:
                    unknown[word] = None
                else:
                    found[name] = None
            if first != last:
                found |= dict.fromkeys(self._between(first, last))
        return tuple(found), tuple(unknown)

    def _between(self, first: str, last: str) -> list[str]:
        if _countable(first) and _countable(last):
            low = bisect_left(self._numbers, (int(first), ""))
            return [name for _, name in self._numbers[low : bisect_right(self._numbers, (int(last), _AFTER_ALL))]]
        low = bisect_left(self._letters, (first.upper(), ""))
        return [name for _, name in self._letters[low : bisect_right(self._letters, (last.upper(), _AFTER_ALL))]]


def _countable(name: str) -> bool:
    return name.isdecimal() and len(name) < 10
