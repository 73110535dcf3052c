"""Path conflicts become dependencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import paths
from orchestrator.core.graph import Graph
from orchestrator.core.track import Finding, Mark, Plan, Track
from orchestrator.errors import CannotParse
from orchestrator.plans import checks, roadmap
from orchestrator.plans.ordering import in_order, ordered


def _track(name: str, *files: str, needs: tuple[str, ...] = (), state: Mark = "open", rule: str = "") -> Track:
    return Track(name, name, ord(name[0]), paths=files, depends_on=needs, state=state, rule=rule)


def _needs(*tracks: Track) -> list[tuple[str, ...]]:
    return [track.depends_on for track in in_order(tracks)]


def test_the_later_one_waits() -> None:
    """In the order of the plan, with the words that say why; the others stay as they are."""
    one, two, three = in_order([_track("a", "src/x.py"), _track("b", "src", rule="stated"), _track("c", "y.py")])
    assert (one.depends_on, two.depends_on, three.depends_on) == ((), ("a",), ())
    assert two.rule == "stated; its paths overlap those of a (src/x.py)"


def test_a_row_is_a_chain() -> None:
    """Each waits for the one before it, and so for all."""
    assert _needs(*(_track(name, "x") for name in "abcd")) == [(), ("a",), ("b",), ("c",)]


def test_what_waits_already_waits_no_more() -> None:
    """Directly, or through others without paths; and a stated order against that of the plan holds."""
    assert _needs(_track("a", "x"), _track("b", needs=("a",)), _track("c", "x", needs=("b",))) == [(), ("a",), ("b",)]
    backwards = _track("a", "x", needs=("c",)), _track("b", "x", "y"), _track("c", "y")
    assert _needs(*backwards) == [("c", "b"), (), ("b",)]


def test_only_work_to_be_done_counts() -> None:
    """What is done or skipped holds nothing up, and what stands in a circle is left to its error."""
    assert _needs(_track("a", "x", state="done"), _track("b", "x"), _track("c", state="skipped")) == [(), (), ()]
    assert _needs(_track("a", "x", needs=("a",)), _track("b", "x")) == [("a",), ()]


def test_long_reasons_are_cut() -> None:
    """A track that waits for many says so, and a path is shown safely."""
    *_, last = in_order([*(_track(name, name) for name in "abcdefg"), _track("z\x1b", *"abcdefg", "\x1b[2J")])
    assert last.depends_on == tuple("gfedcba")
    assert last.rule.count("its paths overlap") == 5
    assert last.rule.endswith("; and more")
    shown = in_order([_track("a", "\x1b[2J"), _track("b", "\x1b[2J")])[1].rule
    assert "\x1b" not in shown


def test_too_many_are_refused() -> None:
    """Rather than filling the memory."""
    with pytest.raises(CannotParse, match="10001 tracks name files that others name too"):
        in_order([Track(f"t{number}", "", 1, paths=("x",)) for number in range(10_001)])


ROADMAP = """\
## Group A: One

- **Track 1: a**
  - `x.py`
- **Track 2: b**
  - `x.py`
- **Track 3: c**
"""


def test_an_ordered_plan() -> None:
    """The findings about the conflicts give way to one that says what was done about them."""
    plan = roadmap.parse("x", ROADMAP)
    assert [each.rule for each in plan.findings if each.level != "ok"] == ["shared_path"]
    found = ordered(plan)
    assert [each.depends_on for each in found.tracks] == [(), ("group_A_track_1",), ()]
    assert found.findings[-1] == Finding(
        "ok", "order", "--order: 1 track waits for another because their paths overlap"
    )
    assert [each.rule for each in found.findings] == ["tracks", "current", "order"]
    assert list(checks.doubts(found.tracks)) == []
    assert ordered(found) == found
    many = ordered(roadmap.parse("x", ROADMAP + "  - `x.py`\n"))
    assert many.findings[-1].message == "--order: 2 tracks wait for others because their paths overlap"


def test_a_conflict_that_forbids_a_run_forbids_it_no_more() -> None:
    """Other errors stay."""
    conflict, other = Finding("error", "shared_path", "x", 1), Finding("error", "cycle", "y", 2)
    plan = Plan("x", "issue", (_track("a", "x"), _track("b", "x")), (conflict, other))
    assert ordered(plan).errors == (other,)


PARTS = st.sampled_from(["a", "b", "a/c", "a/*", "d"])


SHAPES = st.lists(st.tuples(st.lists(PARTS, max_size=2), st.lists(st.integers(0, 7), max_size=2)), max_size=8)


@given(SHAPES, st.sampled_from([1, -1]))
def test_no_two_that_overlap_stay_side_by_side(shape: list[tuple[list[str], list[int]]], step: int) -> None:
    """Whatever waits for whatever before: no circle comes of it, and everything that was waited for still is."""
    tracks = [
        Track(
            str(number), "", number, paths=tuple(files), depends_on=tuple(str(each) for each in needs if each < number)
        )
        for number, (files, needs) in enumerate(shape)
    ]
    tracks = tracks[::step]
    found = in_order(tracks)
    graph = Graph(found)
    assert not graph.cycles()
    before = graph.before({track.track: 1 << position for position, track in enumerate(found)})
    for position, track in enumerate(found):
        assert set(tracks[position].depends_on) <= set(track.depends_on)
        for place, other in enumerate(found[:position]):
            if paths.overlap(paths.reaches(track.paths), paths.reaches(other.paths)) is not None:
                assert before[track.track] >> place & 1 or before[other.track] >> position & 1
