"""What the details of a track say."""

import pytest

from orchestrator.plans import details
from orchestrator.plans.document import Block, read


@pytest.mark.parametrize(
    "path",
    [
        "src/a.py",
        "src/a",
        "src/",
        "docker/*.py",
        "app/[id]/page.tsx",
        "pyproject.toml",
        "intent.schema.json",
        "Dockerfile",
        ".github/workflows/build.yml",
        "docs/über.md",
        "text/parse.py",
    ],
)
def test_paths_in_backticks(path: str) -> None:
    """What looks like a file or folder is one."""
    assert list(details.paths(f"write `{path}` and `x y`")) == [path]


@pytest.mark.parametrize(
    "text",
    [
        *("flood.*", "flood.coastal", "np.isnan()", "a b/c.py", "../a.py", "src/../../a.py", "/etc/passwd", "~/x.py"),
        *(
            "https://example.org/a.py",
            "*",
            "./",
            "...",
            "*/*",
            "name",
            ".py",
            "image/png",
            "application/json",
            "a\\b.py",
        ),
        *("<name>/a.py", "$HOME/a.py", "a/\x1b[31m.py", "a/" * 200),
    ],
)
def test_other_code_is_no_path(text: str) -> None:
    """Calls, wildcards, addresses and whatever leads out of the project."""
    assert list(details.paths(f"`{text}`")) == []


def test_paths_are_read_as_people_write_them() -> None:
    """A line number and a leading dot are taken off; text outside of backticks is text."""
    assert list(details.paths("`./a.py` `b.py:12` `c.py:12-14` d.py")) == ["a.py", "b.py", "c.py"]


def test_a_cell_of_paths_needs_no_backticks() -> None:
    """Nothing else stands in it."""
    assert details.listed_paths("a.py, `src/b.py`; c d.py") == ["a.py", "src/b.py", "d.py"]


def _accepted(text: str) -> list[str]:
    (item,) = read(text).blocks
    found = (details.acceptance(block, words) for block, words in details.texts(item.parts))
    return [each for each in found if each]


def test_acceptance_is_what_must_be() -> None:
    """Sentences with must, should and will, and boxes, at any depth; not paragraphs."""
    text = (
        "- T\n  - A reader must\n    not wait\n  - plain\n    - [ ] box **one**\n    - [x] box two\n  - It WILL work\n"
        "\n  It should be text\n  - must <!-- never -->\n  - mustard\n"
    )
    assert _accepted(text) == ["A reader must not wait", "box **one**", "box two", "It WILL work", "must"]


@pytest.mark.parametrize(
    ("title", "text", "minutes"),
    [
        ("T (~15 min)", "", 15),
        ("T ~ 2h", "", 120),
        ("T (2h)", "", 120),
        ("T (1h30m)", "", 90),
        ("T (1.5 hours)", "", 90),
        ("T (10-20 min)", "", 20),
        ("T (about 45 minutes)", "", 45),
        ("T", "a\n**Estimate:** 30 min\n", 30),
        ("T", "Estimated time: ~1 hour", 60),
        ("T", "Effort: 90m", 90),
        ("T 2h cache", "runs for 30 minutes", None),
        ("T (2 apples)", "", None),
        ("T (3 days)", "", None),
        ("T", "Estimate: later", None),
        ("T (" + "9" * 5000 + "h)", "", None),
    ],
)
def test_estimates(title: str, text: str, minutes: int | None) -> None:
    """Only where one is stated, in minutes or hours; of a span the longer."""
    assert details.estimate(title, text) == minutes


def test_a_status_in_the_details_is_noticed() -> None:
    """It does not count, so somebody should be told."""
    assert details.status("**Status:** ✅ Complete\nmore") == "done"
    assert details.status("Status: whatever") is None
    assert details.status("The status: done") is None


def test_texts_come_in_order() -> None:
    """Items and paragraphs at every depth, with comments blank."""
    (item,) = read("- T\n  - a\n    - b\n\n    c <!-- x -->\n  - d\n").blocks
    assert [text.rstrip() for _, text in details.texts(item.parts)] == ["a", "b", "c", "d"]
    assert list(details.texts(())) == []
    assert details.acceptance(Block("paragraph", 0, 1, "must"), "must") is None
