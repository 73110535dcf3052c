"""The words, sentences and paragraphs of a text."""

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_BLANK_LINES = re.compile(r"\n\s*\n")


def words(text: str) -> list[str]:
    """Return the words in order, in lower case; an apostrophe or a hyphen inside belongs to one."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def sentences(text: str) -> list[str]:
    """Return the sentences in order, each on one line; what holds no word is not one."""
    found = (" ".join(match.group().split()) for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if _WORD.search(sentence)]


def paragraphs(text: str) -> list[str]:
    """Return the parts between blank lines that hold a word."""
    return [part.strip() for part in _BLANK_LINES.split(text) if _WORD.search(part)]
