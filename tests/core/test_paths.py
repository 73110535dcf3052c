"""Which declared paths overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import paths


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/x.py", "src/x.py/"),
        ("./src//x.py", "src/x.py/"),
        ("/src/", "src/"),
        ("src/**", "src/"),
        ("src/**/*.py", "src/"),
        ("src/test_*.py", "src/test_"),
        ("app/[id]/page.tsx", "app/"),
        ("{a,b}.py", ""),
        ("a?.py", "a"),
        (".", ""),
        ("", ""),
        ("src/../x.py", ""),
        ("..hidden/x", "..hidden/x/"),
    ],
)
def test_what_a_path_reaches(path: str, text: str) -> None:
    """Itself and what is below; a pattern all that begins as it does; upwards everything."""
    assert paths.reach(path) == text


def overlap(first: list[str], second: list[str]) -> str | None:
    """Return what two lists of paths have in common."""
    found = paths.overlap(paths.reaches(first), paths.reaches(second))
    assert (found is None) == (paths.overlap(paths.reaches(second), paths.reaches(first)) is None)
    return found


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        (["src/x.py"], ["src/x.py"], "src/x.py"),
        (["src"], ["src/x.py"], "src/x.py"),
        (["src/*.py"], ["src/y/"], "src/y/"),
        (["a", "src/a", "src/b"], ["b", "src"], "src/a"),
        (["src", "src/b"], ["src/c"], "src/c"),
        (["src/x.py"], ["src/x.pyi"], None),
        (["src"], ["srcs/x.py"], None),
        (["tests/test_*"], ["tests/data"], None),
        (["src/a", "src/c"], ["src/b", "t"], None),
        ([], ["src"], None),
    ],
)
def test_overlap(first: list[str], second: list[str], path: str | None) -> None:
    """The same path, a folder and what is in it, a pattern and what it may match; the narrower one is named."""
    assert overlap(first, second) == path


PARTS = st.sampled_from(["a", "b", "ab", "*", "a*", "..", "."])
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=3)


@given(rows=st.lists(PATHS, max_size=6))
def test_clashes_are_what_each_pair_says(rows: list[list[str]]) -> None:
    """The one pass over all finds what comparing each with each finds, and so does the pairwise look."""
    found = paths.clashes([paths.reaches(row) for row in rows])
    for one, mask in enumerate(found):
        for two, row in enumerate(rows):
            reaches = [(paths.reach(mine), paths.reach(other)) for mine in rows[one] for other in row]
            both = any(mine.startswith(other) or other.startswith(mine) for mine, other in reaches)
            assert bool(mask >> two & 1) == (both and one != two)
            assert (overlap(rows[one], row) is not None) == both
    assert paths.sharing([paths.reaches(row) for row in rows]) == [one for one, mask in enumerate(found) if mask]


def test_a_thousand_tracks() -> None:
    """Those that share one file all overlap, and none of those that share nothing does."""
    count = 1000
    apart = paths.clashes([paths.reaches([f"src/m{number}.py"]) for number in range(count)])
    assert apart == [0] * count
    shared = paths.clashes([paths.reaches(["x.py", f"src/m{number}.py"]) for number in range(count)])
    assert all(mask.bit_count() == count - 1 for mask in shared)
