"""What a track, run, agent or profile may be called."""

import re
import unicodedata
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import BadName

LONGEST: Final = 100
_NAME: Final = re.compile(rf"(?!.*(?:\.\.|\.\Z|\.(?i:lock|json)\Z))[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}\Z")
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


def is_name(text: str) -> bool:
    """Tell whether ``text`` may stand as one component of our file names.

    Letters, digits, dot, underscore and dash; no ``..``, no dot at the end, and no ending that is ours.
    """
    return _NAME.match(text) is not None


def check_name(kind: str, text: str) -> str:
    """Return ``text`` unchanged, or raise :class:`BadName` with what ``kind`` of name is meant."""
    if not is_name(text):
        raise BadName(
            f"{kind} name '{visible(text, 60)}' is not allowed",
            hint="use 1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit, "
            "without '..', a final dot, or the endings .lock and .json",
        )
    return text


def slug(title: str, longest: int = 40) -> str:
    """Turn a title into a lower-case name of at most ``longest`` characters; never empty."""
    ascii_text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    short = _NOT_SLUG.sub("-", ascii_text.lower()).strip("-")[:longest].strip("-")
    return short or "untitled"
