"""The end of a log that belongs to one attempt."""

from dataclasses import replace

from orchestrator.core.result import Attempt
from orchestrator.reports.excerpt import LINES, LONGEST, excerpt
from tests.core import runs

BEGUN = "[orchd 2026-01-31T12:00:00.000Z] attempt {} of t1, fence {}, worker 7\n"
ENDED = "[orchd 2026-01-31T{}Z] phase work: UNKNOWN, after 5.0 s\n"


def of(text: str, **fields: object) -> tuple[str, ...]:
    """Return the excerpt for an attempt of fence 3, from 12:00:00 to 12:00:09, unless ``fields`` say otherwise."""
    entry: Attempt = replace(runs.attempt(), **fields)  # type: ignore[arg-type]  # the tests name real fields
    return excerpt(text.encode("utf-8", "surrogateescape"), entry)


def test_only_its_own_lines() -> None:
    """What earlier attempts, and attempts of later runs, printed is not of this one."""
    text = f"before\n{BEGUN.format(1, 2)}former\n{BEGUN.format(2, 3)}mine\n{BEGUN.format(1, 4)}later\n"
    assert of(text) == (BEGUN.format(2, 3).rstrip("\n"), "mine")
    assert of(text, fence=4)[-1] == "later"
    assert of(text, fence=9) == ()


def test_the_last_lines_only() -> None:
    """At most LINES, blank ones left out, none longer than LONGEST."""
    lines = of(BEGUN.format(1, 3) + "".join(f"line {number}\n\n  \n" for number in range(100)) + "x" * 1000)
    assert len(lines) == LINES
    assert lines[-2] == "line 99"
    assert len(lines[-1]) == LONGEST


def test_hostile_output_is_made_safe() -> None:
    """Colours, bells, progress bars, direction marks and bytes that are no text."""
    text = BEGUN.format(1, 3) + "\x1b[31mred\a\n10%\r20%\r\n\u202eevil\n\udcff\n\ttab"
    assert of(text)[1:] == ("\\x1b[31mred\\x07", "10%", "20%", "\\u202eevil", "\\xff", "        tab")


def test_a_long_output_without_its_beginning() -> None:
    """It is taken where its times say that it can be of this attempt."""
    assert of("much\n" + ENDED.format("12:00:09.500"))[0] == "much"
    assert of("much\n" + ENDED.format("12:00:30.000")) == ()
    assert of("much\n" + ENDED.format("11:00:00.000")) == ()
    assert of("much\n" + ENDED.format("12:00:30.000"), finished=False, ended_at="")[0] == "much"


def test_output_without_any_mark() -> None:
    """It is taken for that of a worker that died, and for nobody else's."""
    assert of("much\n", finished=False) == ("much",)
    assert of("much\n") == ()
    assert of("") == ()
