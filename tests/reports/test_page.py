"""The report as one HTML file."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.result import Result
from orchestrator.core.run import Publication
from orchestrator.reports.metrics import Ending, Going, measure
from orchestrator.reports.page import FOLDED, page
from tests.core import runs
from tests.reports.endings import HOSTILE, ending, hostile, one, phase

VOID = {"meta", "rect", "line"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "dl",
    "div", "dt", "dd", "section", "svg", "desc", "line", "text", "g", "rect", "ul", "li",
    "span", "article", "code", "details", "summary", "pre", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class Reader(HTMLParser):
    """Reads a page, and complains about what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that begins."""
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that holds nothing."""
        assert tag in VOID
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        """Check that the innermost element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is shown."""
        self.said.append(data)

    @property
    def text(self) -> str:
        """All that is shown."""
        return "\n".join(self.said)


def made(of: Ending) -> str:
    """Return the page of a run."""
    return page(of, measure(of))


def test_the_parts_of_a_page() -> None:
    """Figures, chart, what was not merged, tracks, timeline."""
    reader = Reader(made(ending()))
    for word in ("1 of 3 (33.3%)", "Attempts", "Next steps", "Not merged", "Tracks", "Timeline", "orchd retry roadmap"):
        assert word in reader.text
    assert "svg" in reader.tags


def test_it_fetches_nothing_and_runs_nothing() -> None:
    """No script, no link, no address but the name of SVG; the policy allows the one style that is there."""
    text = made(ending())
    reader = Reader(text)
    assert not {"script", "link", "img", "iframe", "object", "a"} & reader.tags
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text
    assert "@import" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policies = [value for name, value in reader.attributes if name == "content" and value and "default-src" in value]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert not any(name == "style" or name.startswith("on") for name, _ in reader.attributes)


def test_light_and_dark() -> None:
    """The page follows what the reader has chosen."""
    assert "prefers-color-scheme: dark" in made(ending())


def test_hostile_text_stays_text() -> None:
    """Titles, errors, logs, branches, phases, events: none becomes an element, an attribute or a control character."""
    text = made(hostile())
    reader = Reader(text)
    assert reader.tags <= TAGS
    assert not any(name.startswith("on") or name in {"style", "src", "href"} for name, _ in reader.attributes)
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    assert HOSTILE[0] in reader.text
    assert "&lt;b&gt; &amp; ]]>" in reader.text
    assert "\\u202eevil" in reader.text
    assert "\u202e" not in reader.text


@given(text=st.text(max_size=60))
def test_any_text_stays_text(text: str) -> None:
    """Whatever stands in a title, an error or a log: the page nests, holds no other elements, and is plain ASCII."""
    bad = replace(runs.outcome(1, "failed", f"UNKNOWN: {text}"), kept=text)
    told = one(bad, replace(runs.attempt(phase(name=text, status=1), error=text)), excerpts={"agent-1": (text,)})
    shown = made(replace(told, record=replace(told.record, tracks=(replace(runs.spec(1), title=text, branch=text),))))
    assert Reader(shown).tags <= TAGS
    assert shown.isascii()


def test_a_run_that_goes_on_says_so() -> None:
    """With the states of the tracks that have not ended; nothing is said to be published or ended."""
    going = {"agent-2": Going("running", "its worker is alive")}
    reader = Reader(made(ending(outcomes=(runs.outcome(1),), going=going, over=False)))
    assert "This run is not over" in reader.text
    assert "not yet" in reader.text
    assert "its worker is alive" in reader.text
    assert "unknown" in reader.text
    assert "Not merged" not in reader.text


def test_a_good_run_has_nothing_to_mend() -> None:
    """No next steps and no failures where there are none; what is unknown is called so."""
    told = one(replace(runs.outcome(1), lines_added=5), replace(runs.attempt(), cost_usd=0.5, tokens=1000))
    reader = Reader(made(told))
    assert "Next steps" not in reader.text
    assert "Not merged" not in reader.text
    assert "0.50 USD" in reader.text
    assert "+5 −0" in reader.text
    assert "<pre>no\nway</pre>" in made(ending(publication=Publication("failed", "red", output=("no", "way"))))
    nothing = Reader(made(replace(ending(results={}), publication=replace(ending().publication, why=""))))
    assert "unknown" in nothing.text
    assert "not started" in nothing.text


def test_a_failure_is_told_whole() -> None:
    """Class, ending, what was kept, and the end of the log."""
    bad = replace(runs.outcome(1, "failed", "UNKNOWN: x"), kept="branch feat/t1")
    entry = runs.attempt(runs.phase(status=3), error="UNKNOWN: x")
    reader = Reader(made(one(bad, entry, excerpts={"agent-1": ("first", "last")})))
    for word in (", permanent: UNKNOWN: x", "(phase work ended with status 3)", "branch feat/t1", "first\nlast"):
        assert word in reader.text


def test_who_judged_the_whole_run_is_told() -> None:
    """Each with its verdict, and why where it refused."""
    good = phase(name="build", kind="validator", verdict="ACCEPT")
    reader = Reader(made(ending(judged=[good, replace(good, verdict="REJECT", error="VALIDATION_ERROR: x")])))
    assert "validator build: ACCEPT" in reader.text
    assert "validator build: REJECT: VALIDATION_ERROR: x" in reader.text


def test_a_long_timeline_is_folded() -> None:
    """All of it is there; a person opens it."""
    specs = [runs.spec(number) for number in range(1, FOLDED)]
    results = {each.agent_id: Result(each.agent_id, each.track, (runs.attempt(),)) for each in specs}
    text = made(replace(ending(results=results, outcomes=()), record=runs.record(*specs)))
    assert f"<details><summary>{3 * len(specs) + 2} entries" in text
    assert "<details open><summary>8 entries" in made(ending(outcomes=()))
