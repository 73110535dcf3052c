"""Headings of groups and first lines of tracks."""

import pytest

from orchestrator.core.track import Mark
from orchestrator.plans import labels


@pytest.mark.parametrize(
    ("text", "key", "title", "state"),
    [
        ("**Group F: Name** 🌊 **[DONE]**", "F", "Name", "done"),
        ("Group F: Name", "F", "Name", None),
        ("Group F the rest", "F", "the rest", None),
        ("GROUP K", "K", "", None),
        ("group e: small", "e", "small", None),
        ("Stream A: Name - COMPLETE", "A", "Name", "done"),
        ("Stream A - COMPLETE", "A", "", "done"),
        ("Stream A - Name", "A", "Name", None),
        ("Phase 2: Parser", "2", "Parser", None),
        ("Phase 3.4: Parser (COMPLETE)", "3.4", "Parser", "done"),
        ("Phase 2. Parser", "2", "Parser", None),
        ("Group AB12 Name", "AB12", "Name", None),
        ("Group Alpha: Name", "Alpha", "Name", None),
        ("Group Alpha — Name", "Alpha", "Name", None),
        ("✅ Group B: Name", "B", "Name", "done"),
        ("3.1 Group B: Name", "B", "Name", None),
        ("3. **Group B: Name**", "B", "Name", None),
        ("**Group B: Name [DEFERRED]**", "B", "Name", "skipped"),
        ("**Group B: Name** 🔄 **[IN PROGRESS]", "B", "Name", "in_progress"),
        ("Group ../x: Name", "../x", "Name", None),
    ],
)
def test_group_headings(text: str, key: str, title: str, state: Mark | None) -> None:
    """The letter is as written, the name without bold, marks and emoji."""
    label = labels.group(text)
    assert label is not None
    assert (label.key, label.title, label.state) == (key, title, state)


@pytest.mark.parametrize(
    "text",
    ["Grouping", "Group Policy editor", "Phase in the new parts", "The Group A", "Groups F-K", "a" * 30_000, "Group"],
)
def test_other_headings_are_no_groups(text: str) -> None:
    """A word without a letter, a number or a colon is not a group."""
    assert labels.group(text) is None


@pytest.mark.parametrize(
    ("text", "key", "title", "state"),
    [
        ("**Track 1: Title** (all parallel) ✅ **[DONE]**", "1", "Title", "done"),
        ("**Track 1: Title** (All 7 can be written in parallel!)", "1", "Title", None),
        ("**Track 2:** Title", "2", "Title", None),
        ("**Track 2**: Title", "2", "Title", None),
        ("**Track 2** — Title", "2", "Title", None),
        ("Track 2: Title", "2", "Title", None),
        ("Track 2 - Title", "2", "Title", None),
        ("Track 2. Title", "2", "Title", None),
        ("Track #2: Title", "2", "Title", None),
        ("Track 2a: Title", "2a", "Title", None),
        ("Track 1.2: Title", "1.2", "Title", None),
        ("Track B: Title", "B", "Title", None),
        ("**Track 3 Title**", "3", "Title", None),
        ("Track 2 (both parallel): Title", "2", "Title", None),
        ("Track 2: (parallel) Title", "2", "Title", None),
        ("Track 2: (v2) Title", "2", "(v2) Title", None),
        ("**Track 1:**", "1", "Track 1", None),
        ("**Track 1**", "1", "Track 1", None),
        ("**Track 1** (all parallel) ✅ **[DONE]**", "1", "Track 1", "done"),
        ("**Track 1: Title", "1", "Title", None),
        ("**Track 1: Title** 🔄 **[IN PROGRESS]", "1", "Title", "in_progress"),
        ("**Track 1: Title [DONE]**", "1", "Title", "done"),
        ("**Track 1: A long\n  title** ✅ **[DONE]**", "1", "A long title", "done"),
        ("**Track 1: A long\none that\nnever ends", "1", "A long", None),
        ("**Track 1: Title**\nmore [DONE]", "1", "Title", None),
        ("**Track 1:\nbelow** [DONE]", "1", "Track 1", None),
        ("[ ] **Track 1: a\nb** [DONE]", "1", "a b", "open"),
        ("**Track 1 (all\nparallel): a**", "1", "a", None),
        ("✅ **Track 1: Title**", "1", "Title", "done"),
        ("Track 1: ✅ Title", "1", "Title", "done"),
        ("[x] **Track 1: Title**", "1", "Title", "done"),
        ("[ ] Track 1: Title", "1", "Title", "open"),
        ("[~] Track 1: Title", "1", "Title", "in_progress"),
        ("~~**Track 1: Title**~~ [SKIPPED]", "1", "Title", "skipped"),
        ("**Track 1: Networking for Working Groups**", "1", "Networking for Working Groups", None),
        ("Track 1: Parser (optional) (all parallel)", "1", "Parser (optional)", None),
        ("Track 1: Parser (optional) 🌊 ✅", "1", "Parser (optional)", "done"),
        ("Track 1: Parser - DEFERRED", "1", "Parser", "skipped"),
        ("Track 1: a **bold** word", "1", "a bold word", None),
        ("Track 1: read [x](y) 🌊", "1", "read [x](y)", None),
        ("**Track 1 [DONE]: Title**", "1", "Title", "done"),
        ("**Track 1: `[DONE]` sign** <!-- [DONE] -->", "1", "`[DONE]` sign", None),
        ("Track ../../1: Title", "../../1", "Title", None),
    ],
)
def test_first_lines_of_tracks(text: str, key: str, title: str, state: Mark | None) -> None:
    """The number is as written, the title without bold, marks, emoji and words about parallel work."""
    label = labels.track(text)
    assert label is not None
    assert (label.key, label.title, label.state) == (key, title, state)


@pytest.mark.parametrize(
    "text",
    [
        "Track record: good",
        "Track changes: yes",
        "Track 1 must finish first",
        "**Track 1** must finish first",
        "Track: Title",
        "Tracking 1: Title",
        "The Track 1: Title",
        "Trackless",
        "text",
        "Track 1: " + "a" * 30_000,
    ],
)
def test_other_lines_are_no_tracks(text: str) -> None:
    """A sentence about a track is not a track."""
    assert labels.track(text) is None


def test_a_heading_needs_no_colon() -> None:
    """Where the line is a heading, number and title are enough."""
    label = labels.track("Track 3 Title", heading=True)
    assert label is not None
    assert (label.key, label.title) == ("3", "Title")


@pytest.mark.parametrize(
    ("text", "parallel"),
    [
        ("**Track 1: T** (all parallel)", True),
        ("Track 1 (both parallel): T", True),
        ("Track 1: T (can develop in parallel with above)", True),
        ("Track 1: Parallel T", False),
    ],
)
def test_a_line_says_that_it_is_parallel(text: str, *, parallel: bool) -> None:
    """Beside the title, not in it."""
    label = labels.track(text)
    assert label is not None
    assert label.parallel is parallel


def test_contradictions_and_strays_are_noticed() -> None:
    """The label says so; what follows from it is for others to decide."""
    both = labels.track("[x] **Track 1: T** [IN PROGRESS]")
    inside = labels.track("Track 1: the [DONE] sign of working")
    assert both is not None
    assert (both.clash, both.stray, both.state) == (True, False, "in_progress")
    assert inside is not None
    assert (inside.clash, inside.stray, inside.state) == (False, True, None)


def test_what_seems_to_be_a_track_is_told_from_the_rest() -> None:
    """So that somebody can be asked to write it in a form that is read."""
    assert labels.like_track("**Track 1** must finish first")
    assert labels.like_track("- [ ] Track x"[2:]) is False
    assert labels.like_track("[ ] Track x: y")
    assert not labels.like_track("keeps track of 3")
    assert not labels.like_track("text")


def test_a_title_that_goes_on_below_is_wrapped() -> None:
    """Only a bold one can."""
    assert labels.wrapped("**Track 1: a\nb** c")
    assert not labels.wrapped("**Track 1: a**\nb ** c")
    assert not labels.wrapped("Track 1: a\nb")
