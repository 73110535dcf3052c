"""Waves, circles, rows, and what takes longest."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.graph import Graph
from orchestrator.core.track import Mark, Track


def _track(name: str, *needs: str, state: Mark = "open") -> Track:
    return Track(name, name, 1, depends_on=needs, state=state)


def test_waves_are_levels() -> None:
    """A track stands right behind the last of those it waits for; within a wave the order of the plan counts."""
    tracks = [_track("d", "b", "c"), _track("b", "a"), _track("c"), _track("a"), _track("e", "a")]
    assert Graph(tracks).waves() == (("c", "a"), ("b", "e"), ("d",))
    assert Graph([]).waves() == ()


def test_settled_tracks_do_not_count() -> None:
    """Nothing waits for what is done or skipped, nor for what is not there."""
    tracks = [_track("a", state="done"), _track("b", "a", "s", "gone"), _track("s", state="skipped"), _track("c", "b")]
    assert Graph(tracks).waves() == (("b",), ("c",))
    assert Graph(tracks).needs("b") == ()
    assert Graph(tracks).needs("c") == ("b",)


def test_only_some_may_run() -> None:
    """What waits for one that does not run stands in no wave."""
    tracks = [_track("a"), _track("b", "a"), _track("c", "b"), _track("d")]
    assert Graph(tracks).waves({"b", "c", "d"}) == (("d",),)
    assert Graph(tracks).waves({"a", "c"}) == (("a",),)


def test_circles_are_found() -> None:
    """One for each knot, from its first track; what hangs behind a circle is not in it."""
    tracks = [_track("x", "b"), _track("a", "c"), _track("b", "a"), _track("c", "b"), _track("s", "s"), _track("f")]
    assert Graph(tracks).cycles() == (("a", "c", "b"), ("s",))
    assert Graph(tracks).waves() == (("f",),)
    assert Graph([_track("a"), _track("b", "a")]).cycles() == ()


def test_a_circle_through_settled_work_is_none() -> None:
    """What is done holds nobody up."""
    assert Graph([_track("a", "b", state="done"), _track("b", "a")]).cycles() == ()


def test_one_after_the_other() -> None:
    """Behind what a track waits for, and else as in the plan; a circle and what waits for it have no place."""
    tracks = [_track("b", "d"), _track("e", "e"), _track("a"), _track("f", "e"), _track("c", "b", "a"), _track("d")]
    assert Graph(tracks).sequence() == ("a", "d", "b", "c")


def test_shared_lists_are_one_room() -> None:
    """The same list, and an equal one, mean the same."""
    needs = ("a",)
    tracks = [_track("a"), Track("b", "b", 1, depends_on=needs), Track("c", "c", 1, depends_on=needs), _track("d", "a")]
    assert Graph(tracks).waves() == (("a",), ("b", "c", "d"))


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 7), max_size=3), st.sampled_from(["open", "done", "in_progress"])), max_size=8
    )
)
def test_waves_and_circles_account_for_every_track(shape: list[tuple[list[int], Mark]]) -> None:
    """Each unsettled track is in one wave after all it waits for, or waits in vain because of a circle."""
    tracks = [_track(str(number), *map(str, needs), state=state) for number, (needs, state) in enumerate(shape)]
    graph = Graph(tracks)
    level = {name: number for number, wave in enumerate(graph.waves()) for name in wave}
    unsettled = {track.track for track in tracks if track.state != "done"}
    assert level.keys() <= unsettled
    for name, number in level.items():
        assert number == max((level[need] for need in graph.needs(name)), default=-1) + 1
    circles = graph.cycles()
    assert bool(circles) == (level.keys() != unsettled)
    for circle in circles:
        assert all(second in graph.needs(first) for first, second in pairwise((*circle, circle[0])))


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), max_size=8))
def test_the_row_and_all_before_are_what_reachability_says(shape: list[list[int]]) -> None:
    """The row breaks no dependency and leaves nobody out; what a track waits for is what any chain leads to."""
    tracks = [
        _track(str(number), *(str(need) for need in needs if need < number)) for number, needs in enumerate(shape)
    ]
    before: dict[str, set[str]] = {}
    for track in tracks:
        before[track.track] = set(track.depends_on).union(*(before[need] for need in track.depends_on))
    graph = Graph(tracks[::-1])
    row = graph.sequence()
    assert sorted(row) == sorted(before)
    assert all(before[name] <= set(row[:position]) for position, name in enumerate(row))
    found = graph.before({name: 1 << int(name) for name in before})
    assert {name: {each for each in before if mask >> int(each) & 1} for name, mask in found.items()} == before


def test_heights_are_what_waits_behind() -> None:
    """A track and the longest chain of those that wait for it; the chain itself; a circle has no height."""
    tracks = [
        _track("a"),
        _track("b", "a"),
        _track("c", "a"),
        _track("d", "b", "c"),
        _track("e", "e"),
        _track("f", "e"),
    ]
    graph = Graph(tracks)
    sizes = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 3.0, "e": 9.0, "f": 9.0}
    assert graph.heights(sizes) == {"a": 9.0, "b": 5.0, "c": 8.0, "d": 3.0}
    assert graph.critical_path(sizes) == ("a", "c", "d")
    assert graph.critical_path(dict.fromkeys(sizes, 1.0)) == ("a", "b", "d")
    assert Graph([]).critical_path({}) == ()


def test_all_that_a_track_waits_for() -> None:
    """Directly or not, as bits of those that are asked about."""
    tracks = [_track("c", "b"), _track("a"), _track("b", "a"), _track("d", "d")]
    assert Graph(tracks).before({"a": 1, "b": 2}) == {"a": 0, "b": 1, "c": 3}


@given(st.lists(st.tuples(st.integers(1, 9), st.lists(st.integers(0, 7), max_size=3)), max_size=8))
def test_the_critical_path_is_the_longest_chain(shape: list[tuple[int, list[int]]]) -> None:
    """It is a chain, as long as the greatest height, and no height is less than that of one behind it."""
    tracks = [
        _track(str(number), *(str(need) for need in needs if need < number)) for number, (_, needs) in enumerate(shape)
    ]
    sizes = {str(number): float(size) for number, (size, _) in enumerate(shape)}
    graph = Graph(tracks)
    heights = graph.heights(sizes)
    for track in tracks:
        assert all(heights[need] >= sizes[need] + heights[track.track] for need in track.depends_on)
    path = graph.critical_path(sizes)
    assert all(first in graph.needs(second) for first, second in pairwise(path))
    assert sum(sizes[each] for each in path) == max(heights.values(), default=0.0)
