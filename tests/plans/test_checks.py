"""What is doubtful about a plan as a whole."""

from orchestrator.core.track import Finding, Mark, Track
from orchestrator.plans import checks


def _track(name: str, line: int, *paths: str, needs: tuple[str, ...] = (), state: Mark = "open") -> Track:
    return Track(name, name, line, group="A", paths=paths, depends_on=needs, state=state, rule=f"why (line {line})")


def _doubts(*tracks: Track) -> list[tuple[str, str, int]]:
    return [(each.level, each.rule, each.line) for each in checks.doubts(tracks)]


def test_a_sound_plan_has_no_doubts() -> None:
    """Different names, no circle, no common file."""
    assert _doubts(_track("a", 1, "a.py"), _track("b", 2, "b.py", needs=("a",))) == []


def test_names_twice_are_errors_with_both_lines() -> None:
    """Also where only the case differs: they would be one file on some disks."""
    found = list(
        checks.doubts([_track("group_A_track_1", 1), _track("group_a_track_1", 5), _track("x", 7), _track("x", 9)])
    )
    assert [(each.level, each.rule, each.line) for each in found] == [
        ("error", "duplicate_id", 5),
        ("error", "duplicate_id", 9),
    ]
    assert "group_a_track_1 on line 5 and group_A_track_1 on line 1" in found[0].message


def test_circles_are_errors_with_the_words_that_make_them() -> None:
    """Long ones are cut short."""
    found = list(checks.doubts([_track("a", 3, needs=("b",)), _track("b", 4, needs=("a",))]))
    assert [(each.level, each.rule, each.line) for each in found] == [("error", "cycle", 3)]
    assert "a by 'why (line 3)', b by 'why (line 4)'" in found[0].message
    ring = [_track(str(number), number, needs=(str((number + 1) % 9),)) for number in range(9)]
    assert next(checks.doubts(ring)).message.endswith("and so on")


def test_common_paths_of_tracks_that_may_run_together() -> None:
    """The same file, or a file and its folder; not where one waits for the other, or is done."""
    first, second = _track("a", 1, "src/x.py"), _track("b", 2, "src/x.py")
    assert _doubts(first, second) == [("warn", "shared_path", 2)]
    assert _doubts(_track("a", 1, "src/"), second) == [("warn", "shared_path", 2)]
    assert _doubts(_track("a", 1, "src/**"), second) == [("warn", "shared_path", 2)]
    assert _doubts(_track("a", 1, "src/*"), _track("b", 2, "src")) == [("warn", "shared_path", 2)]
    assert _doubts(first, _track("b", 2, "src/x.py", needs=("a",))) == []
    assert _doubts(_track("a", 1, "src/x.py", state="done"), second) == []
    assert _doubts(first, _track("b", 2, "src/y.py")) == []
    assert _doubts(_track("a", 1, "src/**/*.py"), second) == [("warn", "shared_path", 2)]
    assert _doubts(_track("a", 1, "src"), _track("b", 2, "srcs/x.py")) == []


def test_a_pair_is_named_once() -> None:
    """However many files they share; and it is said what a run makes of it."""
    (found,) = checks.doubts([_track("a", 1, "x.py", "y.py"), _track("b", 2, "x.py", "y.py")])
    assert found.message == "a and b (lines 1 and 2) both name x.py: a run lets one wait for the other"


def test_those_in_one_folder_do_not_overlap_each_other() -> None:
    """Only what names the folder itself overlaps both."""
    folder = _track("a", 1, "src/")
    inside = [_track("b", 2, "src/x.py", needs=("a",)), _track("c", 3, "src/y.py", needs=("a",))]
    assert _doubts(folder, *inside) == []


def test_names_that_are_not_there_are_errors() -> None:
    """With the words and the line; what is done waits for nothing any more."""
    (found,) = checks.doubts([_track("a", 1, needs=("z",)), _track("b", 2, needs=("z",), state="done")])
    assert (found.level, found.rule, found.line) == ("error", "unknown_track", 1)
    assert found.message == "a waits for z by 'why (line 1)', and there is no such track"


def test_too_many_sharing_tracks_are_compared_in_part_and_it_is_said() -> None:
    """A bound is no secret."""
    tracks = [_track(f"t{number}", number, "x.py") for number in range(1, 2010)]
    found = list(checks.doubts(tracks))
    assert [each.line for each in found] == [0, *range(2, 2001)]
    assert found[0].message == "2009 tracks name files that others name too; only the first 2000 are compared"


def test_the_summary_says_what_was_found_and_where_work_is() -> None:
    """Numbers by state, and the groups that can start."""
    tracks = [_track("a", 1), _track("b", 2, state="done"), Track("c", "c", 3, group="B", depends_on=("a",))]
    found = list(checks.summary(tracks, {"A": "One", "B": ""}))
    assert [each.message for each in found] == [
        "3 tracks in 2 groups: 2 open, 1 done",
        "work can start in group A (One)",
    ]
    alone = list(checks.summary([Track("a", "a", 1, state="skipped")], {}))
    assert [(each.level, each.message) for each in alone] == [("ok", "1 track: 1 skipped")]
    nameless = list(checks.summary([_track("a", 1)], {"A": ""}))
    assert [each.message for each in nameless] == ["1 track in 1 group: 1 open", "work can start in group A"]


def test_findings_are_bounded_and_in_order() -> None:
    """No more than a handful of one kind; how many more there are is said."""
    many = [Finding("warn", "mark", "m", line) for line in range(100, 0, -1)]
    found = checks.bounded([*many, Finding("error", "mark", "e", 50)])
    assert [each.line for each in found[:3]] == [1, 2, 3]
    assert len(found) == 27
    assert found[-1] == Finding("warn", "mark", "and 75 more of this kind")
    assert checks.bounded([]) == ()
