"""The last lines of a track's log, as far as they belong to one attempt."""

import re
from collections.abc import Sequence
from typing import Final

from orchestrator.core.result import Attempt
from orchestrator.core.text import visible

LINES: Final = 20
LONGEST: Final = 300

_BEGUN: Final = re.compile(rb"^\[orchd [^\]\n]*\] attempt [0-9]+ of [^\n]*, fence ([0-9]{1,19}),", re.MULTILINE)
_SAID: Final = re.compile(rb"^\[orchd ([^\]\n]{1,40})\]", re.MULTILINE)


def excerpt(tail: bytes, attempt: Attempt) -> tuple[str, ...]:
    """Return the last LINES lines that are not blank, safe to show; ``tail`` is the end of the track's log.

    The log goes on over all attempts and all runs: what does not belong to this attempt is left out.
    """
    text = _own(tail, attempt).decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.expandtabs().rstrip() for line in text.split("\n")]
    return tuple(visible(line, LONGEST) for line in [each for each in lines if each][-LINES:])


def _own(tail: bytes, attempt: Attempt) -> bytes:
    begun = list(_BEGUN.finditer(tail))
    for number, each in enumerate(begun):
        if int(each[1]) == attempt.fence:
            end = begun[number + 1].start() if number + 1 < len(begun) else len(tail)
            return tail[each.start() : end]
    if begun:
        return b""
    return tail if _may_be_of(_SAID.findall(tail), attempt) else b""


def _may_be_of(said: Sequence[bytes], attempt: Attempt) -> bool:
    """Tell whether lines with these times can be of an attempt that printed more than we see; to the second."""
    if not said:
        return not attempt.finished
    last = said[-1][:19].decode("ascii", "replace")
    return last >= attempt.started_at[:19] and (not attempt.finished or last <= attempt.ended_at[:19])
