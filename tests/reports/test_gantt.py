"""The chart of the attempts."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from orchestrator.core.result import Attempt, Result
from orchestrator.reports.gantt import LOOKS, WIDTH, gantt, look
from orchestrator.reports.metrics import Ending, Going
from tests.core import runs
from tests.reports.endings import LATE, ending, hostile, one, result

SVG = "{http://www.w3.org/2000/svg}"


def drawn(made: Ending) -> ET.Element:
    """Return the chart as a tree; it is well-formed XML, or this raises."""
    return ET.fromstring(gantt(made))  # noqa: S314  # our own text, made from the records above


def titles(chart: ET.Element) -> list[str]:
    """Return what a pointer, or a reader for the blind, is told of each bar and tick."""
    return [each.findtext(f"{SVG}title") or "" for each in chart.iter(f"{SVG}g")]


def test_a_bar_for_each_attempt_and_a_tick_for_each_merge() -> None:
    """With a title that says in words what is drawn."""
    assert titles(drawn(ending())) == [
        "t1, attempt 1: passed, 10.0 s",
        "t1 merged",
        "t2, attempt 1: passed, 20.0 s",
    ]


def test_bars_stand_where_their_times_are() -> None:
    """The chart covers the run from its beginning to its end; nothing is drawn outside."""
    chart = drawn(ending())
    bars = [each for each in chart.iter(f"{SVG}rect") if each.get("class") == "whole"]
    first, second = [(float(each.get("x", "")), float(each.get("width", ""))) for each in bars]
    room = 3 * first[1]  # 10 of 30 s
    assert first[0] + room <= WIDTH
    assert second == pytest.approx((first[0] + room / 6, 2 * first[1]), abs=0.05)
    names = [each for each in chart.iter(f"{SVG}text") if each.get("class") == "name"]
    assert [each.findtext(f"{SVG}title") for each in names] == ["t1: Track 1", "t2: Track 2", "t3: Track 3"]


def test_phases_are_told_apart() -> None:
    """Every second one is shaded; one without a time is not drawn."""
    second = runs.phase("review", started_at="2026-01-31T12:00:05Z", ended_at="2026-01-31T12:00:07Z")
    entry = runs.attempt(runs.phase(), second, runs.phase("commit"), replace(second, name="odd", started_at=""))
    shades = [each for each in drawn(one(runs.outcome(1), entry)).iter(f"{SVG}rect") if each.get("class") == "shade"]
    assert [each.findtext(f"{SVG}title") for each in shades] == ["phase review, 4.0 s"]


def test_every_ending_has_its_look() -> None:
    """Passed, failed, late, waiting, cancelled, died, under way."""
    good = runs.attempt()
    bad = runs.phase(status=1)
    entries: dict[str, Attempt] = {
        "passed": good,
        "failed": runs.attempt(bad, error="UNKNOWN: x"),
        "late": runs.attempt(replace(bad, ending="timed_out", status=None), error=LATE),
        "waits": replace(good, asked="which?"),
        "cancelled": runs.attempt(replace(bad, ending="cancelled", status=None), error="UNKNOWN: cancelled"),
        "died": runs.attempt(finished=False),
    }
    made = ending(results={name: Result(name, name, (entry,)) for name, entry in entries.items()})
    assert {name: look(made, name, entry) for name, entry in entries.items()} == {name: name for name in entries}
    going = replace(made, going={"died": Going("running", "")}, over=False)
    assert look(going, "died", entries["died"]) == "running"
    assert {*entries, "running"} == set(LOOKS)


def test_an_attempt_under_way_reaches_to_now() -> None:
    """One that died earlier at the same track does not."""
    died = runs.attempt(finished=False)
    now = replace(died, attempt=2, started_at="2026-01-31T12:00:10Z", phases=())
    results = {"agent-1": Result("agent-1", "t1", (died, now))}
    chart = drawn(ending(outcomes=(), results=results, going={"agent-1": Going("running", "")}, over=False))
    assert titles(chart) == ["t1, attempt 1: its worker died, 5.0 s", "t1, attempt 2: under way"]
    bars = [each for each in chart.iter(f"{SVG}rect") if each.get("class") == "whole"]
    assert float(bars[1].get("width", "")) == pytest.approx(2 / 3 * (WIDTH - 190 - 28), abs=0.05)


def test_times_that_are_none_are_left_out() -> None:
    """A record that somebody else wrote keeps no chart from being drawn."""
    odd = replace(result(1, "00", "10").attempts[0], started_at="soon")
    made = ending(results={"agent-1": Result("agent-1", "t1", (odd,))}, outcomes=())
    assert titles(drawn(made)) == []
    lost = replace(made, record=replace(made.record, created_at=""), ended_at="")
    assert drawn(replace(lost, results={})).tag == f"{SVG}svg"


@pytest.mark.parametrize("tracks", [1, 60, 1000])
def test_any_number_of_tracks_fits(tracks: int) -> None:
    """The chart grows with them, rows get lower, and where names would cover one another only some are written."""
    specs = [runs.spec(number) for number in range(1, tracks + 1)]
    results = {each.agent_id: Result(each.agent_id, each.track, (runs.attempt(),)) for each in specs}
    made = replace(ending(results=results, outcomes=()), record=runs.record(*specs))
    chart = drawn(made)
    height = float((chart.get("viewBox") or "").split()[3])
    bars = [float(each.get("y", "")) for each in chart.iter(f"{SVG}rect") if each.get("class") == "whole"]
    names = [float(each.get("y", "")) for each in chart.iter(f"{SVG}text") if each.get("class") == "name"]
    assert len(bars) == tracks
    assert max(bars) < height <= 6100
    assert all(after - before >= 11 for before, after in pairwise(names))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("2026-01-31T12:00:00.500Z", ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]),
        ("2026-01-31T12:00:30Z", ["0", "5 s", "10 s", "15 s", "20 s", "25 s", "30 s"]),
        ("2026-01-31T12:06:00Z", ["0", "1 min", "2 min", "3 min", "4 min", "5 min", "6 min"]),
        ("2026-01-31T18:00:00Z", ["0", "1 h", "2 h", "3 h", "4 h", "5 h", "6 h"]),
        ("2026-02-20T12:00:00Z", ["0", "48 h", "96 h", "144 h", "192 h", "240 h", "288 h", "336 h", "384 h", "432 h"]),
    ],
)
def test_the_axis_is_read_easily(end: str, words: list[str]) -> None:
    """Round steps, about ten of them at most, in a unit that fits."""
    chart = drawn(ending(results={}, outcomes=(), ended_at=end))
    shown = [each.text for each in chart.iter(f"{SVG}text") if each.get("class") == "axis"]
    assert shown[:10] == words
    assert len(shown) <= 11


def test_hostile_text_stays_text() -> None:
    """Nothing from outside becomes an element, an attribute or a character that XML refuses."""
    chart = drawn(hostile())
    assert {each.tag.removeprefix(SVG) for each in chart.iter()} == {
        "svg", "title", "desc", "line", "text", "g", "rect",
    }  # fmt: skip
    assert not re.search(r"\bon[a-z]+ ?=", " ".join(name for each in chart.iter() for name in each.attrib))
