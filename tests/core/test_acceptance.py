"""Which names a run takes, and what its record says."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import acceptance
from orchestrator.core.acceptance import Ground, Taken, Terms
from orchestrator.core.name import is_name
from orchestrator.core.run import Agent, Options, Validator
from orchestrator.core.track import Track

GROUND = Ground("/r/ROADMAP.md", "roadmap", "/r", "main", "c" * 40, "origin", "2026-01-31T12:00:07.123Z")
BRANCH = re.compile(r"feat/[a-z0-9]+(?:-[a-z0-9]+)*\Z")
FIRST = Track(
    "group_E_track_1",
    "Error Paths",
    12,
    group="E",
    number="1",
    depends_on=("group_D_track_1",),
    paths=("a.py",),
    body="what\n",
    acceptance=("it must",),
    estimate=20,
)
SECOND = Track("group_E_track_2", "Logs", 14, state="in_progress")


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        ("ROADMAP", ["roadmap", "roadmap-2", "roadmap-3"]),
        ("Q4 Plan (final)", ["q4-plan-final", "q4-plan-final-2", "q4-plan-final-3"]),
        ("../../etc", ["etc", "etc-2", "etc-3"]),
        ("\x1b[2J", ["2j", "2j-2", "2j-3"]),
        ("日本", ["untitled", "untitled-2", "untitled-3"]),
    ],
)
def test_a_run_is_called_after_its_source(stem: str, names: list[str]) -> None:
    """The name of the file as a slug, numbered where that is taken."""
    assert list(islice(acceptance.run_names(stem), 3)) == names


def test_a_worktree_is_called_after_its_agent() -> None:
    """Where the short name is taken the run's name comes before it, and then a number behind it."""
    assert list(islice(acceptance.worktree_names("roadmap", "agent-1"), 3)) == [
        "agent-1",
        "roadmap-agent-1",
        "roadmap-agent-1-2",
    ]


def test_the_first_free_name_is_taken() -> None:
    """Names are tried in their order."""
    assert acceptance.first_free(acceptance.numbered("x"), {"x", "x-2"}.__contains__) == "x-3"


def test_a_branch_says_which_track_and_what_it_is_about() -> None:
    """Both as slugs."""
    assert acceptance.branch_name(FIRST) == "feat/group-e-track-1-error-paths"


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_title_makes_a_name_that_is_none(track: str, title: str) -> None:
    """Whatever stands in a source: branches, runs and ids stay plain, short, and in one place."""
    branch = acceptance.branch_name(Track(track, title, 1))
    assert BRANCH.match(branch)
    assert len(branch) <= 120
    run = next(acceptance.run_names(title))
    assert is_name(run)
    assert is_name(acceptance.orchestration_id(run, GROUND.created_at))


def test_the_id_says_run_and_time() -> None:
    """``orch-<run>-<YYYYMMDD>-<HHMMSS>``."""
    assert acceptance.orchestration_id("roadmap-2", "2026-01-31T12:00:07.123Z") == "orch-roadmap-2-20260131-120007"


def test_the_record_holds_what_was_accepted() -> None:
    """Agents are numbered in the order of the tracks; each track keeps what its source says of it."""
    taken = [Taken(FIRST, "feat/one", "/r/worktrees/agent-1"), Taken(SECOND, "feat/two", "/r/worktrees/agent-2")]
    options = Options(agents=2, profile="dev-lead")
    terms = Terms(Agent("command", argv=("agent",)), options, (Validator("tests", "command"),), ("x",))
    record = acceptance.accept("roadmap", taken, GROUND, terms)
    assert (record.run, record.orchestration_id) == ("roadmap", "orch-roadmap-20260131-120007")
    assert (record.source, record.source_kind, record.created_at) == (
        GROUND.source,
        GROUND.source_kind,
        GROUND.created_at,
    )
    assert (record.target_branch, record.base, record.remote) == ("main", "c" * 40, "origin")
    assert (record.agent, record.options, record.validators) == (terms.agent, terms.options, terms.validators)
    assert (record.root, record.lifted, record.v) == ("/r", ("x",), 1)
    first, second = record.tracks
    assert (first.agent_id, first.branch, first.worktree) == ("agent-1", "feat/one", "/r/worktrees/agent-1")
    assert (second.agent_id, second.branch, second.worktree) == ("agent-2", "feat/two", "/r/worktrees/agent-2")
    assert {first.profile, second.profile} == {"dev-lead"}
    for name in ("track", "title", "line", "group", "number", "depends_on", "body", "acceptance", "paths", "estimate"):
        assert getattr(first, name) == getattr(FIRST, name)


def test_work_that_was_begun_is_resumed() -> None:
    """An agent learns that the source marks its track as in progress."""
    taken = [Taken(FIRST, "a", "/v"), Taken(SECOND, "b", "/w")]
    record = acceptance.accept("r", taken, GROUND, Terms(Agent("command"), Options()))
    assert [each.resume for each in record.tracks] == [False, True]


def test_what_former_runs_left_is_taken_on() -> None:
    """Work that stands is gone on with; what is known of it, and why it is not worked on, is on record."""
    taken = [Taken(FIRST, "a", "/v", resume=True, before=("it failed",)), Taken(SECOND, "b", "/w", quarantined="why")]
    first, second = acceptance.accept("r", taken, GROUND, Terms(Agent("command"), Options())).tracks
    assert (first.resume, first.before, first.quarantined) == (True, ("it failed",), "")
    assert (second.before, second.quarantined) == ((), "why")
