"""What stands inside one line of Markdown: code, comments, and everything else."""

import re
from typing import Final

_BACKTICKS: Final = re.compile(r"`+")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE: Final = "\x1a"


def code_spans(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of each code span in ``text``, in time linear in its length."""
    runs = [match.span() for match in _BACKTICKS.finditer(text)]
    following: dict[int, int] = {}
    partner = [0] * len(runs)
    for number in range(len(runs) - 1, -1, -1):
        length = runs[number][1] - runs[number][0]
        partner[number] = following.get(length, 0)
        following[length] = number
    spans = []
    number = 0
    while number < len(runs):
        last = partner[number]
        if last:
            spans.append((runs[number][0], runs[last][1], text[runs[number][1] : runs[last][0]].strip()))
        number = max(number, last) + 1
    return spans


def masked(text: str) -> str:
    """``text``, equally long, with comments blanked and code overwritten: no mark stands in either."""
    return uncommented(_without_code(text))


def open_comment(text: str) -> int:
    """Where a comment begins that does not end in ``text``; the length of ``text`` if there is none."""
    found = [match for match in _COMMENT.finditer(_without_code(text)) if not match.group().endswith("-->")]
    return found[-1].start() if found else len(text)


def _without_code(text: str) -> str:
    if "`" not in text:
        return text
    pieces = []
    done = 0
    for start, end, _ in code_spans(text):
        pieces += [text[done:start], _CODE * (end - start)]
        done = end
    return "".join([*pieces, text[done:]])


def uncommented(text: str) -> str:
    """``text``, equally long, with comments blanked; one that does not end in it reaches to its end."""
    return _COMMENT.sub(lambda match: " " * len(match.group()), text) if "<!--" in text else text
