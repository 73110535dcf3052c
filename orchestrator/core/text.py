"""Text from outside, made safe to show."""

import re
from typing import Final

# C0, DEL, C1, soft hyphen, zero-width and bidirectional marks, all other format characters, line and
# paragraph separators, byte-order mark, fillers, tags, and lone surrogates (undecodable bytes of a name).
# The selectors FE00 to FE0F stay: every second emoji ends in one.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str, limit: int = 300) -> str:
    """Return ``text`` with everything that a terminal or a reader would not see written out.

    Longer than ``limit`` characters: cut, with an ellipsis. The result holds no control character,
    no direction mark, no line break and can always be encoded.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return _HIDDEN.sub(_escaped, text)


def first_line(text: str, limit: int = 200) -> str:
    """Return the first non-empty line of ``text``, made safe to show."""
    for line in text.splitlines():
        if line.strip():
            return visible(line.strip(), limit)
    return ""
