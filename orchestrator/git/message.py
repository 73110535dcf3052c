"""Commit messages. Titles and names come from strangers: each stays on its line, and nothing is hidden in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from orchestrator.core.text import visible

LONGEST_SUBJECT: Final = 160
LONGEST_LINE: Final = 300
MOST_LINES: Final = 40

_OURS: Final = b"orchd-"
_TRAILER: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*: ")

_TEST_FOLDERS: Final = frozenset({"test", "tests", "testing", "spec", "specs", "__tests__"})
_TEST_ENDS: Final = ("_test", "_tests", "_spec", ".test", ".spec", "Test", "Tests")


def line(text: str, limit: int = LONGEST_LINE) -> str:
    """Return ``text`` as one line: blanks of every kind become one blank, the rest is made visible."""
    shown = visible(" ".join(text.split()), 2 * limit)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def trailers(pairs: Mapping[str, str]) -> str:
    """Return the last paragraph of a message: a line ``Key: value`` each."""
    return "\n".join(f"{line(key).replace(' ', '-')}: {line(value)}" for key, value in pairs.items())


def beside(own: Mapping[str, str], more: Mapping[str, str]) -> Mapping[str, str]:
    """Return the trailers of orchd with those of the settings after them; what is orchd's to say stays its own.

    git does not tell capital letters from small ones in the names of trailers.
    """
    ours = _OURS.decode("ascii")
    return {**own, **{key: value for key, value in more.items() if not key.lower().startswith(ours)}}


def of_commit(subject: str, what: Sequence[str], changed: Sequence[str], pairs: Mapping[str, str]) -> bytes:
    """Return the message of a track's commit: what, key files, tests, and the trailers.

    ``changed`` are the paths that the commit changes.
    """
    tests = [each for each in changed if is_test(each)]
    others = [each for each in changed if not is_test(each)]
    parts = (
        line(subject, LONGEST_SUBJECT),
        _listed("What", what),
        _listed("Key files", others),
        _listed("Tests", tests) or "Tests: none changed",
        trailers(pairs),
    )
    return _joined(parts)


def of_merge(track: str, title: str, pairs: Mapping[str, str]) -> bytes:
    """Return the message of the commit that merges a track."""
    return _joined((line(f"Merge track {track}: {title}", LONGEST_SUBJECT), trailers(pairs)))


def of_squash(title: str, subjects: Sequence[str], pairs: Mapping[str, str]) -> bytes:
    """Return the message of the one commit that stands for all of a branch; ``subjects`` are those of its commits."""
    return _joined((line(title, LONGEST_SUBJECT), _listed("What", subjects), trailers(pairs)))


def with_trailers(text: bytes, pairs: Mapping[str, str]) -> bytes:
    """Return a message with these trailers; what it said itself in lines like those of orchd is left out."""
    lines = [each for each in text.rstrip().split(b"\n") if not each.lower().startswith(_OURS)]
    kept = b"\n".join(lines).rstrip()
    last = kept.rpartition(b"\n\n")[2].split(b"\n") if b"\n\n" in kept else []
    gap = b"\n" if last and all(_TRAILER.match(each) for each in last) else b"\n\n"
    return kept + gap + trailers(pairs).encode() + b"\n"


def of_join(target: str, pairs: Mapping[str, str]) -> bytes:
    """Return the message of the commit that joins what was integrated with what came to the target meanwhile."""
    return _joined((line(f"Merge what was integrated into {target}", LONGEST_SUBJECT), trailers(pairs)))


def of_catching_up(remote: str, branch: str, pairs: Mapping[str, str]) -> bytes:
    """Return the message of the commit that joins what was integrated with what a remote had got meanwhile."""
    return _joined((line(f"Merge what was integrated into {branch} of {remote}", LONGEST_SUBJECT), trailers(pairs)))


def is_test(path: str) -> bool:
    """Tell whether a path looks like a test: by its folders, or by its name in the usual spellings."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    return bool(_TEST_FOLDERS.intersection(folders)) or stem.startswith("test_") or stem.endswith(_TEST_ENDS)


def _listed(heading: str, entries: Sequence[str]) -> str:
    shown = [each for each in (line(entry) for entry in entries[:MOST_LINES]) if each]
    if len(entries) > MOST_LINES:
        shown.append(f"… and {len(entries) - MOST_LINES} more")
    return "\n".join((f"{heading}:", *(f"- {each}" for each in shown))) if shown else ""


def _joined(parts: Iterable[str]) -> bytes:
    return ("\n\n".join(each for each in parts if each) + "\n").encode()
