"""What the details of a track say: its files, when it is accepted, how long it may take."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.core.track import Mark
from orchestrator.plans.document import Block
from orchestrator.plans.inline import code_spans, masked, uncommented
from orchestrator.plans.status import cell

LONGEST_PATH: Final = 300

_PATH: Final = re.compile(r"[\w.@+*{}\[\],-]+(?:/[\w.@+*{}\[\],-]*)*")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_PLACE: Final = re.compile(r":\d+(?:-\d+)?$")
_MEDIA_TYPE: Final = re.compile(r"(?:application|audio|image|multipart|text|video)/[a-z0-9+-]+$")
_SUFFIXES: Final = re.compile(
    r"c|cc|cfg|conf|cpp|css?|csv|dart|env|exs?|feature|go|graphql|h|hpp|html|ini|ipynb|java|jsx?|json|jsonl|kt|lock|lua"
    r"|md|mdx|mjs|mk|php|pl|proto|ps1|pyi?|rb?|rs|rst|scala|scss|sh|sql|svelte|svg|swift|tf|toml|tsx?|txt|vue|xml|ya?ml|zig",
    re.IGNORECASE,
)
_WHOLE_NAMES: Final = frozenset({"Dockerfile", "Makefile", "LICENSE", "CHANGELOG", "README", "Justfile", "Procfile"})
_DEMAND: Final = re.compile(r"\b(?:must|should|will|shall)\b", re.IGNORECASE)
_BOX: Final = re.compile(r"\[[ xX~-]\][ \t]+")
_STATUS: Final = re.compile(r"[ \t*_]*status[ \t*_]*:[ \t*_]*([^\n]{1,80})", re.IGNORECASE)
_TIME: Final = (
    r"(?:(?:\d{1,4}(?:\.\d{1,2})?)\s*(?:-|\u2013|to)\s*)?(?P<amount>\d{1,4}(?:\.\d{1,2})?)\s*"
    r"(?P<unit>m|min|mins|minutes?|h|hr|hrs|hours?)(?:\s*(?P<rest>\d{1,2})\s*(?:m|min|mins|minutes?))?\b"
)
_ROUGH: Final = re.compile(rf"[~\u2248]\s*{_TIME}", re.IGNORECASE)
_ONLY: Final = re.compile(rf"\(\s*(?:[~\u2248]|about|ca\.?|est\.?:?)?\s*{_TIME}\s*\)", re.IGNORECASE)
_STATED: Final = re.compile(
    rf"[ \t*_]*(?:estimated?(?:[ \t]+(?:time|effort))?|effort|duration|time|size)[ \t*_]*:[ \t*_]*[~\u2248]?\s*{_TIME}",
    re.IGNORECASE,
)


def texts(parts: Sequence[Block]) -> Iterator[tuple[Block, str]]:
    """Every item and paragraph inside ``parts`` with its text, in order; comments are blank."""
    stack = list(reversed(parts))
    while stack:
        block = stack.pop()
        yield block, uncommented(block.text)
        stack.extend(reversed(block.parts))


def paths(text: str) -> Iterator[str]:
    """The files and folders that stand in backticks in ``text``."""
    for _, _, content in code_spans(text) if "`" in text else ():
        path = _PLACE.sub("", content).removeprefix("./")
        if _is_path(path):
            yield path


def listed_paths(text: str) -> list[str]:
    """The files and folders in a cell that lists nothing else, in backticks or not."""
    return [path for word in _BETWEEN.split(text) for path in paths(f"`{word.strip('`')}`")]


def _is_path(text: str) -> bool:
    if len(text) > LONGEST_PATH or not _PATH.fullmatch(text):
        return False
    folder, _, name = text.rpartition("/")
    if ".." in text.split("/") or text.strip("./*") == "":
        return False
    if folder:
        return _MEDIA_TYPE.match(text) is None
    stem, _, suffix = name.rpartition(".")
    return (stem != "" and _SUFFIXES.fullmatch(suffix) is not None) or name in _WHOLE_NAMES


def acceptance(block: Block, text: str) -> str | None:
    """The condition that an item states: a box, or a sentence with must, should or will."""
    if block.kind != "item":
        return None
    box = _BOX.match(text)
    if box is None and _DEMAND.search(text) is None:
        return None
    return " ".join(text[box.end() if box else 0 :].split())


def status(text: str) -> Mark | None:
    """What a line of details such as ``**Status:** Complete`` says."""
    match = _STATUS.match(text) if ":" in text else None
    return cell(masked(match.group(1))) if match else None


def estimate(title: str, text: str) -> int | None:
    """The minutes that a title, or a line of ``text`` about nothing else, says the work takes."""
    match = _ROUGH.search(title) or _ONLY.search(title)
    lines = text.split("\n") if ":" in text else ()
    match = match or next((found for line in lines if (found := _STATED.match(line))), None)
    if match is None:
        return None
    amount = float(match["amount"])
    minutes = amount * 60 if match["unit"].lower().startswith("h") else amount
    return round(minutes) + int(match["rest"] or 0)
