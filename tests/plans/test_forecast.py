"""What a run would take."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.track import Track
from orchestrator.plans.forecast import forecast


def _track(name: str, minutes: int | None = None, *files: str, needs: tuple[str, ...] = ()) -> Track:
    return Track(name, name, 1, paths=files, depends_on=needs, estimate=minutes)


def test_a_diamond() -> None:
    """One, then two side by side, then one."""
    tracks = [
        _track("a", 10),
        _track("b", 20, needs=("a",)),
        _track("c", 5, needs=("a",)),
        _track("d", 10, needs=("b", "c")),
    ]
    found = forecast(tracks, 2)
    assert (found.critical_path, found.critical) == (("a", "b", "d"), 40.0)
    assert (found.sequential, found.parallel, found.guessed, found.first) == (45.0, 40.0, 0, ("a",))
    assert forecast(tracks, 1).parallel == 45.0


def test_unknown_times() -> None:
    """They count as the mean of the others, or alike."""
    found = forecast([_track("a", 10), _track("b", 20), _track("c")], 3)
    assert (found.guessed, found.mean, found.sequential, found.parallel) == (1, 15.0, 45.0, 20.0)
    found = forecast([_track("a"), _track("b")], 4)
    assert (found.guessed, found.mean, found.sequential, found.parallel) == (2, 1.0, 2.0, 1.0)


def test_overlapping_paths() -> None:
    """They are not side by side, and who waits for paths is not overtaken by one that it overlaps."""
    tracks = [_track("a", 30, "src/a"), _track("b", 20, "src"), _track("c", 10, "src/c"), _track("d", 10, "docs")]
    found = forecast(tracks, 4)
    assert (found.first, found.parallel) == (("a", "d"), 60.0)


def test_ends_at_the_same_time() -> None:
    """All that becomes free then is there for the next ones, the longest path first."""
    tracks = [_track("a", 5), _track("b", 5), _track("c", 1, needs=("a",)), _track("d", 9, needs=("b",))]
    assert forecast(tracks, 2).parallel == 14.0


def test_nothing() -> None:
    """No tracks take no time."""
    found = forecast([], 4)
    assert (found.critical_path, found.sequential, found.parallel, found.first) == ((), 0.0, 0.0, ())


@given(
    st.lists(st.tuples(st.integers(1, 9), st.lists(st.integers(0, 9), max_size=2), st.booleans()), max_size=10),
    st.integers(1, 4),
)
def test_it_lies_between_the_bounds(shape: list[tuple[int, list[int], bool]], agents: int) -> None:
    """Never longer than one after the other, never shorter than the critical path or the work by the agents."""
    tracks = [
        _track(str(n), minutes, *(["x"] if shares else []), needs=tuple(str(each) for each in needs if each < n))
        for n, (minutes, needs, shares) in enumerate(shape)
    ]
    found = forecast(tracks, agents)
    assert found.sequential == sum(minutes for minutes, _, _ in shape)
    assert max(found.critical, found.sequential / agents) <= found.parallel <= found.sequential
