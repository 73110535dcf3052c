"""A Markdown text as blocks that know their lines.

The parser works on a copy with plain line ends; ``lines`` holds the text as it came, so that a line
can be changed and everything else stays as it is, byte for byte. What is not work has no block:
fenced and indented code, HTML comments, quotations, rules and front matter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.errors import CannotParse
from orchestrator.plans.cuts import cuts

DEEPEST: Final = 60  # lists and quotations inside each other; each costs the parser a few frames
LARGEST: Final = 16_000_000  # characters

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FRONT_KEY: Final = re.compile(r"[A-Za-z_][\w.-]*\s*[:=]")
_FRONT_ENDS: Final = {"---": ("---", "..."), "+++": ("+++",)}

Kind = Literal["heading", "paragraph", "item", "table", "row"]


@dataclass(frozen=True, slots=True)
class Block:
    """One block: lines ``line`` up to, not including, ``end``, counted from 0.

    ``text`` is its Markdown without the block's own signs; of an item, the paragraph on its first
    line. ``level`` is a heading's 1 to 6. ``parts`` are the blocks inside an item and the rows of a
    table, ``cells`` the cells of a row.
    """

    kind: Kind
    line: int
    end: int
    text: str = ""
    level: int = 0
    parts: tuple["Block", ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The lines of a text, each with its own line end, and its top-level blocks in order."""

    lines: tuple[str, ...]
    blocks: tuple[Block, ...]


def read(text: str) -> Document:
    """Return the blocks of ``text``.

    Raises :class:`CannotParse` where it is larger or nested deeper than any real document.
    """
    if len(text) > LARGEST:
        raise CannotParse(f"the text has more than {LARGEST} characters", hint="split it into several files")
    lines = tuple(_LINE.findall(text))
    contents = [line.rstrip("\r\n") for line in lines]
    if contents:
        contents[0] = contents[0].removeprefix("\ufeff")
    front = _front_matter(contents)
    contents[:front] = [""] * front
    return Document(lines, tuple(blocks(contents, cuts(contents))))


def blocks(contents: Sequence[str], places: Iterable[int]) -> Iterator[Block]:
    """The blocks of lines without their ends, parsed in the pieces that ``places`` cuts them into."""
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table").disable("reference")
    parser.core.ruler.enableOnly(["normalize", "block"])  # positions only: inline text is read by ourselves
    start = 0
    least = 0
    for place in places:
        if place < least and place < len(contents):
            continue
        tokens = parser.parse("\n".join([*contents[start:place], ""]))
        if place < len(contents) and _goes_on(tokens, place - start):
            least = place + (place - start)  # twice as much each time: reading again stays cheap
            continue
        yield from _Builder(start).build(tokens)
        start = place


def _goes_on(tokens: Sequence[Token], length: int) -> bool:
    """Tell whether a fence or a block of HTML at the end of a piece may reach beyond it."""
    return bool(tokens) and tokens[-1].type in {"fence", "html_block"} and _span(tokens[-1])[1] >= length


def _front_matter(contents: Sequence[str]) -> int:
    """The number of lines that front matter takes at the top."""
    ends = _FRONT_ENDS.get(contents[0].rstrip()) if len(contents) > 1 else None
    if ends is None or _FRONT_KEY.match(contents[1]) is None:
        return 0
    return next((number for number, line in enumerate(contents[1:], 2) if line.rstrip() in ends), 0)


def _span(token: Token) -> tuple[int, int]:
    line, end = token.map or (0, 0)
    return line, end


class _Open:
    """A container that is still being filled."""

    __slots__ = ("end", "kind", "line", "parts", "text")

    def __init__(self, kind: Kind, line: int, end: int) -> None:
        self.kind: Kind = kind
        self.line = line
        self.end = end
        self.text = ""
        self.parts: list[Block] = []


class _Builder:
    """Turns the flat row of tokens of a piece that begins at line ``first`` into blocks."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._stack = [_Open("item", -1, -1)]
        self._quotes = 0
        self._cells: list[str] = []
        self._leaf = Token("", "", 0)

    def build(self, tokens: Iterable[Token]) -> list[Block]:
        """All top-level blocks."""
        steps: Mapping[str, Callable[[Token], None]] = {
            "blockquote_open": self._quote,
            "blockquote_close": self._unquote,
            "list_item_open": self._open,
            "list_item_close": self._close,
            "table_open": self._open,
            "table_close": self._close,
            "heading_open": self._begin,
            "paragraph_open": self._begin,
            "tr_open": self._begin,
            "tr_close": self._row,
            "inline": self._inline,
        }
        for token in tokens:
            step = steps.get(token.type)
            if step is not None and (not self._quotes or step in {self._quote, self._unquote}):
                step(token)
        return self._stack[0].parts

    def _quote(self, token: Token) -> None:
        self._check(token)
        self._quotes += 1

    def _unquote(self, _: Token) -> None:
        self._quotes -= 1

    def _check(self, token: Token) -> None:
        if token.level >= DEEPEST - 1:  # the parser drops what is inside, and all that follows
            line = _span(token)[0] + self._first + 1
            raise CannotParse(f"line {line} is nested too deep", hint="make lists and quotations flatter")

    def _open(self, token: Token) -> None:
        self._check(token)
        line, end = _span(token)
        kind: Kind = "table" if token.type == "table_open" else "item"
        self._stack.append(_Open(kind, line + self._first, end + self._first))

    def _close(self, _: Token) -> None:
        done = self._stack.pop()
        self._stack[-1].parts.append(Block(done.kind, done.line, done.end, done.text, parts=tuple(done.parts)))

    def _begin(self, token: Token) -> None:
        self._leaf = token
        self._cells = []

    def _row(self, _: Token) -> None:
        line, end = _span(self._leaf)
        self._stack[-1].parts.append(Block("row", line + self._first, end + self._first, cells=tuple(self._cells)))

    def _inline(self, token: Token) -> None:
        parent = self._stack[-1]
        leaf = self._leaf
        if leaf.type == "tr_open":
            self._cells.append(token.content)
            return
        line, end = _span(leaf)
        line += self._first
        end += self._first
        if leaf.type == "heading_open" and not _only_underlined(leaf, token.content):
            parent.parts.append(Block("heading", line, end, token.content, int(leaf.tag[1])))
        elif line == parent.line and not parent.text:
            parent.text = token.content
        else:
            parent.parts.append(Block("paragraph", line, end, token.content))


def _only_underlined(heading: Token, content: str) -> bool:
    """Tell a bold paragraph with a rule right below it, which Markdown takes for a heading."""
    return heading.markup == "-" and ("\n" in content or content.startswith(("*", "_")))
