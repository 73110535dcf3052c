"""Texts from files, whatever wrote them."""

from pathlib import Path

_FENCE = "---\n"


def read(path: str | Path) -> str:
    """Return the text of a file: UTF-8 with or without a mark, else Latin-1; one kind of line end."""
    data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_front_matter(text: str) -> str:
    """Return the text without the block between two lines of dashes at its very beginning."""
    if not text.startswith(_FENCE):
        return text
    head, fence, body = text[len(_FENCE) :].partition("\n" + _FENCE)
    return body if fence else text
