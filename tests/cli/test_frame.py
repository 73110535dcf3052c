"""A picture of a run fits into the terminal, whatever the tracks are called and print."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.frame import Row, columns, cut, picture, shrunk
from orchestrator.core.text import visible

HEAD = "roadmap: 1 of 3 merged · 12s"


def row(number: int, state: str = "running", **more: object) -> Row:
    """Return a row of track ``t<number>``."""
    fields = {"phase": "work", "seconds": 12.0, "percent": 40, "last": "running the tests"} | more
    return Row(f"t{number}", f"Track {number}", state, **fields)  # type: ignore[arg-type]  # fields of Row


def test_a_track_has_a_line() -> None:
    """Track, title, phase, time, percent and the last line stand in columns."""
    lines = picture(HEAD, [row(1), row(2, "waiting", phase="", seconds=None, percent=None, last="")], 80, 24)
    assert lines == [
        HEAD,
        "t1  Track 1  work          12s   40%  running the tests",
        "t2  Track 2  waiting",
    ]


def test_a_narrow_terminal_has_no_room_for_titles() -> None:
    """What matters more stays."""
    (_, line) = picture(HEAD, [row(1)], 40, 24)
    assert line == "t1  work          12s   40%  running th…"


def test_more_tracks_than_lines() -> None:
    """Those at work are shown, the others are counted."""
    rows = [*(row(each, "merged") for each in range(1, 7)), row(7), *(row(each, "waiting") for each in range(8, 11))]
    lines = picture(HEAD, rows, 80, 4)
    assert len(lines) == 4
    assert any(line.startswith("t7 ") for line in lines)
    assert lines[-1] == "and 8 more: 5 merged, 3 waiting"


def test_wide_signs_count_twice() -> None:
    """Signs of two columns, and those of none, are counted as a terminal does."""
    assert (columns("日本"), columns("e\u0301"), columns("ab")) == (4, 1, 2)
    assert cut("日本語", 5) == "日本…"
    assert cut("日本語", 4) == "日…"
    assert (cut("abc", 3), cut("abc", 1), cut("abc", 0)) == ("abc", "…", "")


@given(
    st.lists(
        st.builds(row, st.integers(1, 9), st.sampled_from(["running", "merged", "held"]), last=st.text()), max_size=12
    ),
    st.text(max_size=20),
    st.integers(1, 120),
    st.integers(1, 12),
)
def test_it_always_fits(rows: list[Row], title: str, width: int, height: int) -> None:
    """No line is wider, and there are no more of them, than the terminal; nothing raw is in it."""
    rows = [Row(each.track, title, each.state, each.phase, each.seconds, each.percent, each.last) for each in rows]
    lines = picture(HEAD, rows, width, height)
    assert len(lines) <= height
    for line in lines:
        assert columns(line) <= width
        assert visible(line, 1000) == line


def test_a_table_gives_way() -> None:
    """First its last column, down to what can be read, then the widest; what fits stays as it is."""
    assert shrunk([5, 10, 30], 60) == [5, 10, 30]
    assert shrunk([5, 10, 30], 40) == [5, 10, 21]
    assert shrunk([5, 20, 30], 40) == [5, 19, 12]
    assert shrunk([5, 20, 8], 20) == [5, 5, 6]
    assert shrunk([9], 4) == [4]
    assert shrunk([3, 3], 1) == [1, 1]
