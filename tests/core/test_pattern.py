"""Paths as people declare them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.pattern import covers, fixed, parts


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a.txt", "a.txt"),
        ("./a.txt", "a.txt"),
        ("/src/a.txt", "src/a.txt"),
        ("src", "src/a.txt"),
        ("src/", "src/deep/a.txt"),
        ("src//deep", "src/deep/a.txt"),
        (".", "anything/at.all"),
        ("*.txt", "a.txt"),
        ("src/*", "src/a.txt"),
        ("src/*", "src/deep/a.txt"),  # the folder src/deep covers it
        ("src/*.py", "src/a.py"),
        ("**/*.py", "a.py"),
        ("**/*.py", "x/y/a.py"),
        ("src/**/test_*.py", "src/test_a.py"),
        ("src/**/test_*.py", "src/x/y/test_a.py"),
        ("src/**", "src/x/y"),
        ("**/docs", "a/docs/b.md"),
        ("a?.txt", "ab.txt"),
        ("[ab].txt", "a.txt"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("a[.txt", "a[.txt"),
    ],
)
def test_inside(pattern: str, path: str) -> None:
    """The file itself, what is below a folder, and what a glob stands for."""
    assert covers(parts(pattern), path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a.txt", "b.txt"),
        ("a.txt", "src/a.txt"),
        ("src", "src2/a.txt"),
        ("src/a", "src"),
        ("*.txt", "src/a.txt"),
        ("src/*.py", "src/deep/a.py"),
        ("**/*.py", "a.txt"),
        ("../a.txt", "a.txt"),
        ("src/../a.txt", "a.txt"),
        ("A.txt", "a.txt"),
        ("a?.txt", "a/.txt"),
        ("~/a.txt", "a.txt"),
    ],
)
def test_outside(pattern: str, path: str) -> None:
    """Nothing else: no other folder, no deeper file, no other case."""
    assert not covers(parts(pattern), path)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("docs/a.md", ("docs", "a.md")), ("docs/*.md", ("docs",)), ("**/x", ()), ("a/[b]/c", ("a",)), (".", ())],
)
def test_where_the_search_begins(pattern: str, expected: tuple[str, ...]) -> None:
    """The components that can stand for one name only."""
    assert fixed(parts(pattern)) == expected


_NAME = st.text("ab*?[]", min_size=1, max_size=4)


@given(st.lists(_NAME, min_size=1, max_size=6), st.integers(0, 6))
def test_every_path_is_inside_itself_and_the_folders_above(names: list[str], depth: int) -> None:
    """Whatever characters it is made of."""
    assert covers(names[:depth], "/".join(names))


@given(st.lists(st.sampled_from(["**", "*", "a", "*a*a*a*a*b"]), max_size=30), st.lists(_NAME, min_size=1, max_size=60))
def test_no_glob_takes_long(pattern: list[str], names: list[str]) -> None:
    """However many stars are in it: the answer comes, one way or the other."""
    assert covers(pattern, "/".join(names)) in {True, False}
