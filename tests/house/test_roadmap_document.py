"""What docs/roadmap.md says of roadmaps is what is read."""

import re
from typing import Final

import pytest

from orchestrator.core.track import Track
from orchestrator.plans import details, labels, status
from orchestrator.plans.roadmap import parse
from orchestrator.plans.selection import select
from tests.house.sources import TOP

DOCUMENT: Final = (TOP / "docs" / "roadmap.md").read_text(encoding="utf-8")
EXAMPLE: Final = re.compile(r"^```markdown\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
GROUP: Final = "### Group A: One\n\n1. **Track 1: a**\n2. **Track 2: b**\n"


def _example() -> tuple[str, str]:
    """Return the one example, and what follows it."""
    (found,) = EXAMPLE.finditer(DOCUMENT)
    return found[1], DOCUMENT[found.end() :]


def _row(track: Track) -> str:
    """Return what the table of the document says of a track."""
    needs = ", ".join(each.removeprefix("group_").replace("_track_", " ") for each in track.depends_on)
    cells = (
        f"`{track.track}`",
        track.state.replace("_", " "),
        str(track.estimate or ""),
        needs,
        ", ".join(f"`{each}`" for each in track.paths),
        str(len(track.acceptance) or ""),
    )
    return "|".join(("", *(f" {each} " if each else " " for each in cells), ""))


def test_the_example_is_read_as_it_says() -> None:
    """Each track, its state, minutes, dependencies, paths and criteria; nothing else; and what a run takes on."""
    text, after = _example()
    plan = parse("ROADMAP.md", text)
    assert [_row(each) for each in plan.tracks] == [each for each in after.splitlines() if each.startswith("| `")]
    taken = ", ".join(f"`{each.track}`" for each in select(plan, None, frozenset()))
    assert after.endswith(f"\nA run now takes on {taken}.\n")
    assert {each.level for each in plan.findings} == {"ok"}


def _marks(column: int) -> list[tuple[str, str]]:
    """Return each mark in that column of the table of states, with its state."""
    rows = [
        line.split("|")[1:-1] for line in DOCUMENT.splitlines() if re.match(r"\| (open|in progress|done|skip)", line)
    ]
    return [
        (row[0].strip(), mark)
        for row in rows
        for mark in re.findall(r"`([^`]+)`|([✅✓🔄])", row[column])
        for mark in mark
        if mark
    ]


@pytest.mark.parametrize(("state", "mark"), _marks(1))
def test_each_mark(state: str, mark: str) -> None:
    """At a track of a list; a box stands before it."""
    box = len(mark) == len("[x]")
    text = f"### Group A: One\n\n- {f'{mark} ' if box else ''}**Track 1: a**{'' if box else f' {mark}'}\n"
    assert parse("r", text).tracks[0].state.replace("_", " ") == state


@pytest.mark.parametrize(("state", "word"), _marks(2))
def test_each_word_of_a_status_column(state: str, word: str) -> None:
    """In any case."""
    found = status.cell(word.lower())
    assert found is not None
    assert found.replace("_", " ") == state


@pytest.mark.parametrize("heading", ["Group A: Text tools", "Phase 2 - Service", "**Stream B: Papers** [DONE]"])
def test_each_heading(heading: str) -> None:
    """A group."""
    assert heading in DOCUMENT
    assert labels.group(heading) is not None


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("Groups D + E complete", "DE"),
        ("Groups C-F", "CDEF"),
        ("all previous groups", "ACDEF"),
        ("None", ""),
        ("Groups A and D; can develop in parallel with\n  Group D", "A"),
        ("Group E recommended", ""),
    ],
)
def test_prerequisites(words: str, needs: str) -> None:
    """Of a group that comes after others."""
    groups = "".join(f"### Group {each}: X\n\n**Prerequisites**: None\n\n1. **Track 1: t**\n\n" for each in "ACDEF")
    plan = parse("r", f"{groups}### Group Z: Last\n\n**Prerequisites**: {words}\n\n1. **Track 1: t**\n")
    assert sorted(each[len("group_")] for each in plan.tracks[-1].depends_on) == list(needs)


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("after Track 2", ["A_2"]),
        ("depends on Tracks 1 and 2", ["A_1", "A_2"]),
        ("needs Track 1 of Group B", ["B_1"]),
        ("after Group B", ["B_1"]),
        ("after all other tracks", ["A_1", "A_2"]),
    ],
)
def test_words_of_a_track(words: str, needs: list[str]) -> None:
    """In its text."""
    other = "\n### Group B: Two\n\n**Prerequisites**: None\n\n1. **Track 1: z**\n"
    found = parse("r", f"{GROUP}3. **Track 3: c**\n   - {words}\n{other}").find("group_A_track_3")
    assert found is not None
    assert [each.removeprefix("group_").replace("_track", "") for each in found.depends_on] == needs


@pytest.mark.parametrize(
    ("title", "last"),
    [
        ("Unit tests", True),
        ("Testing", True),
        ("Test suite", True),
        ("Tests and papers", True),
        ("Tests** (parallel)", False),
        ("Tests for slugs", False),
    ],
)
def test_the_tests_of_a_group(title: str, *, last: bool) -> None:
    """They run last, unless their line says otherwise."""
    found = parse("r", f"{GROUP}3. **Track 3: {title}{'' if '**' in title else '**'}\n").find("group_A_track_3")
    assert found is not None
    assert found.depends_on == (("group_A_track_1", "group_A_track_2") if last else ())


@pytest.mark.parametrize(
    ("title", "text", "minutes"),
    [
        ("(30 min)", "", 30),
        ("(10-20 min)", "", 20),
        ("~2h", "", 120),
        ("", "Estimate: 1h 30m", 90),
        ("", "Effort: 2h", 120),
        ("", "Duration: 5 min", 5),
        ("", "takes 5 min", None),
    ],
)
def test_estimates(title: str, text: str, minutes: int | None) -> None:
    """In minutes; a time that stands anywhere else is none."""
    assert details.estimate(title, text) == minutes
