"""From a track of a run to the job of its worker: phases, limits, validators, and what the prompts say of before."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from orchestrator.core import phase as core
from orchestrator.core.actions import StartWorker
from orchestrator.core.phase import Job, Phase
from orchestrator.core.result import Attempt, Result, encode
from orchestrator.core.run import Agent, GitOptions, RunRecord, Validator
from orchestrator.daemon import forkserver, jobs
from orchestrator.state import answers
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import prepare
from orchestrator.validators import spec
from tests.core import runs

BASE = "b" * 40
TRACK = replace(runs.spec(1), paths=("src/", "README.md"))
TESTS = Validator("tests", "command", argv=("make", "test"), timeout_seconds=60)
LOOK = Validator("look", "agent", after="work", rounds=2)
PAPERS = Validator("papers", "artifacts", paths=("docs/*.md",), rounds=1)
INSIDE = Validator("inside", "diff", after="commit")


def attempt(number: int, **fields: object) -> Attempt:
    """Return an attempt that failed, unless its fields say otherwise."""
    made = replace(runs.attempt(error="TIMEOUT: late"), attempt=number, fence=number)
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


class Site:
    """A root where jobs of one track are made."""

    def __init__(self, folder: Path, *validators: Validator, **options: object) -> None:
        self.layout = Layout(str(folder))
        made = runs.record(TRACK, timeout_seconds=120.0, attempts=3, **options)
        self.record: RunRecord = replace(made, root=str(folder), validators=validators)
        prepare(self.paths)

    @property
    def paths(self) -> RunLayout:
        """The files of the run."""
        return self.layout.run(runs.RUN)

    def before(self, *attempts: Attempt) -> "Site":
        """Put the results of former attempts on disk."""
        Path(self.paths.result("agent-1")).write_bytes(encode(Result("agent-1", "t1", attempts)))
        return self

    def log(self, *lines: str) -> "Site":
        """Put the log of the track on disk."""
        path = Path(self.layout.log("t1"))
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        return self

    def job(self, number: int = 1, **fields: object) -> Job:
        """Return the job of an attempt, as the worker will read it."""
        action = replace(StartWorker(runs.RUN, "agent-1", number), **fields)  # type: ignore[arg-type]  # real fields
        job = jobs.job(self.layout, self.record, TRACK, action, BASE)
        assert core.decode(core.encode(job)) == job
        return job

    def prompt(self, name: str = "work") -> str:
        """Return what the agent is told in a phase."""
        return Path(self.paths.prompt("agent-1", name)).read_text()


def names(job: Job) -> list[str]:
    """Return the names of the phases in their order."""
    return [each.name for each in job.phases]


def named(phases: Sequence[Phase], name: str) -> Phase:
    """Return the phase of that name."""
    return next(each for each in phases if each.name == name)


def test_without_validators(tmp_path: Path) -> None:
    """Work, review, commit; what the run was told stands in the job."""
    job = Site(tmp_path, grace_seconds=3.0, heartbeat_seconds=4.0, stale_seconds=5.0).job()
    assert names(job) == ["work", "review", "commit"]
    assert [each.kind for each in job.phases] == ["agent", "agent", "commit"]
    assert (job.grace_seconds, job.heartbeat_seconds, job.stale_seconds) == (3, 4, 5)
    assert (job.attempt, job.cause, job.toolset) == (1, "first", "full")


def test_a_new_worktree_is_set_up(tmp_path: Path) -> None:
    """The commands come first, in their order, until an attempt has come through them."""
    git = GitOptions(setup=(("npm", "ci"), ("make", "deps")), setup_timeout_seconds=9.0)
    site = Site(tmp_path, git=git)
    first = site.job()
    assert names(first) == ["setup-1", "setup-2", "work", "review", "commit"]
    assert (first.phases[1].argv, first.phases[1].kind, first.phases[1].timeout_seconds) == (
        ("make", "deps"),
        "setup",
        9,
    )
    site.before(attempt(1, phases=(runs.phase("setup-1"), runs.phase("setup-2", status=2))))
    assert names(site.job(2))[:2] == ["setup-1", "setup-2"]
    site.before(attempt(1, phases=(runs.phase("setup-1"), runs.phase("setup-2"), runs.phase(status=1))))
    assert names(site.job(2))[0] == "work"


def test_what_the_commit_says_is_orchd_s(tmp_path: Path) -> None:
    """The settings add trailers; which track and run it is of they cannot say."""
    site = Site(tmp_path, git=GitOptions(trailers={"Orchd-Track": "t2", "orchd-run": "other", "Reviewed-by": "Bo"}))
    path = named(site.job().phases, "commit").argv[-1]
    said = json.loads(Path(path).read_text())["trailers"]
    assert said == {"Orchd-Track": "t1", "Orchd-Run": runs.RUN, "Reviewed-by": "Bo"}


@pytest.mark.parametrize("isolation", ["worktree", "shared"])
def test_programs_of_ours_are_loaded(tmp_path: Path, isolation: Literal["worktree", "shared"]) -> None:
    """What a worker runs of orchd's own, but for agents, is in the process that it is forked from."""
    phases = Site(tmp_path, PAPERS, git=GitOptions(isolation=isolation)).job().phases
    ours = [each for each in phases if each.kind != "agent" and each.argv[:3] == (sys.executable, "-P", "-m")]
    modules = {each.name: each.argv[3] for each in ours}
    assert {"commit", "papers"} <= modules.keys()
    assert set(modules.values()) <= forkserver.LOADED.keys()


def test_validators_stand_after_their_phase(tmp_path: Path) -> None:
    """Those of the run are not the worker's; the others come in their order, each after its phase."""
    whole = Validator("whole", "command", after="run", argv=("x",))
    job = Site(tmp_path, INSIDE, TESTS, whole, LOOK, PAPERS).job()
    assert names(job) == ["work", "look", "review", "tests", "papers", "commit", "inside"]
    assert {each.name for each in job.phases if each.kind == "validator"} == {"look", "tests", "papers", "inside"}


@pytest.mark.parametrize(
    ("globs", "concerned"), [((), True), (("t1",), True), (("x", "t*"), True), (("t2",), False), (("T1",), False)]
)
def test_validators_of_some_tracks(tmp_path: Path, globs: tuple[str, ...], *, concerned: bool) -> None:
    """By globs of names; none: all."""
    assert ("tests" in names(Site(tmp_path, replace(TESTS, tracks=globs)).job())) == concerned


def test_how_each_kind_judges(tmp_path: Path) -> None:
    """A command by its status, the agent in words, the others by looking; limits are their own."""
    job = Site(tmp_path, TESTS, LOOK, PAPERS, INSIDE).job()
    tests, look = named(job.phases, "tests"), named(job.phases, "look")
    assert (tests.argv, tests.judges_by, tests.timeout_seconds, tests.rounds) == (("make", "test"), "status", 60, 3)
    assert (look.judges_by, look.rounds, look.timeout_seconds) == ("words", 2, 600)
    papers, inside = (named(job.phases, each).argv for each in ("papers", "inside"))
    wanted = spec.decode(Path(papers[-1]).read_bytes())
    assert (wanted.kind, wanted.base, wanted.paths) == ("artifacts", BASE, ("docs/*.md",))
    declared = spec.decode(Path(inside[-1]).read_bytes())
    assert (declared.kind, declared.paths) == ("diff", ("src/", "README.md"))
    assert papers[:-1] == inside[:-1]


def test_paths_of_a_validator_win(tmp_path: Path) -> None:
    """Over those that the track names."""
    job = Site(tmp_path, replace(INSIDE, paths=("lib",))).job()
    assert spec.decode(Path(named(job.phases, "inside").argv[-1]).read_bytes()).paths == ("lib",)


def test_who_mends(tmp_path: Path) -> None:
    """The run's agent, told where the findings are; nobody where it is asked once, nor after the commit."""
    site = Site(tmp_path, TESTS, LOOK, PAPERS, INSIDE)
    job = site.job()
    mends = {each.name: each.mend.name for each in job.phases if each.mend is not None}
    assert mends == {"tests": "tests-mend", "look": "look-mend"}
    mend = named(job.phases, "tests").mend
    assert mend is not None
    assert (mend.kind, mend.timeout_seconds) == ("agent", 120)
    assert f"{site.paths.private}/agent-1.findings.txt" in site.prompt("tests-mend")
    assert mend.stdin == site.paths.prompt("agent-1", "tests-mend")


def test_who_judges_in_words(tmp_path: Path) -> None:
    """The run's own agent, or another command; both get the prompt of a judge."""
    site = Site(tmp_path, LOOK, replace(LOOK, name="other", argv=("reviewer", "{prompt_file}")))
    site.record = replace(site.record, agent=Agent("command", argv=("mine",), env={"A": "b"}))
    job = site.job()
    look, other = named(job.phases, "look"), named(job.phases, "other")
    assert (look.argv, look.stdin) == (("mine",), site.paths.prompt("agent-1", "look"))
    assert other.argv == ("reviewer", site.paths.prompt("agent-1", "other"))
    assert (look.env, other.env) == ({"A": "b"}, {"A": "b"})
    assert f"git diff --merge-base {BASE}" in site.prompt("look")
    assert site.prompt("other").startswith("# Validate: ")


def test_limits_grow_with_what_failed(tmp_path: Path) -> None:
    """By half for each attempt that really failed, not for one that had to wait; at most to that of the last."""
    site = Site(tmp_path, TESTS)
    limited = attempt(2, limited=True, error="API_ERROR: limit")
    asked = attempt(3, asked="Which?", error="")
    for former, seconds in (
        ((), 120),
        ((attempt(1),), 180),
        ((attempt(1), limited, asked), 180),
        ((attempt(1), limited, asked, attempt(4)), 270),
        ((attempt(1), attempt(2), attempt(3), attempt(4)), 270),
    ):
        job = site.before(*former).job(len(former) + 1, cause="retry")
        assert {each.timeout_seconds for each in job.phases if each.kind == "agent"} == {seconds}
        assert f"Time limit: {seconds} s" in site.prompt()
        assert named(job.phases, "tests").timeout_seconds == 60
        assert named(job.phases, "commit").timeout_seconds == jobs.COMMIT_SECONDS


def test_fewer_tools(tmp_path: Path) -> None:
    """The smaller set of the agent, in all that it does."""
    site = Site(tmp_path, LOOK)
    site.record = replace(site.record, agent=Agent("command", argv=("all",), reduced=("few",)))
    job = site.job(3, cause="retry", toolset="reduced")
    assert job.toolset == "reduced"
    mend = named(job.phases, "look").mend
    asked = [*(each for each in job.phases if each.kind != "commit"), *([mend] if mend else [])]
    assert [each.argv for each in asked] == [("few",)] * 4


def test_a_retry_is_told_what_failed(tmp_path: Path) -> None:
    """The error, and the end of what that attempt printed; not of another one, and nothing as an order."""
    site = Site(tmp_path).before(attempt(1), attempt(2, error="TEST_FAILURE: two\x1b"), attempt(3, asked="?", error=""))
    site.log(
        "[orchd 2026-01-31T12:00:00.000Z] attempt 1 of t1, fence 1, run roadmap",
        "of the first",
        "[orchd 2026-01-31T12:00:01.000Z] attempt 2 of t1, fence 2, run roadmap",
        "FAILED test_x \x1b[2J",
        "[orchd 2026-01-31T12:00:02.000Z] attempt 3 of t1, fence 3, run roadmap",
        "of the third",
    )
    site.job(4, cause="retry")
    text = site.prompt()
    assert "> TEST_FAILURE: two\\x1b" in text
    assert "> FAILED test_x \\x1b[2J" in text
    assert "This is attempt 4." in text
    assert "of the first" not in text
    assert "of the third" not in text


def test_an_answer_is_told(tmp_path: Path) -> None:
    """Question and text, in this attempt and those after it; not one that is of no former attempt."""
    site = Site(tmp_path).before(attempt(1, asked="Which?", error=""))
    answers.write(site.paths, "agent-1", Answer(1, "Which?", "The second."))
    site.job(2, cause="answered")
    assert "> Which?" in site.prompt()
    assert "> The second." in site.prompt("review")
    assert "failed" not in site.prompt().partition("## Before")[2].partition("\n## ")[0]
    site.job(1)
    assert "The second." not in site.prompt()


def test_a_limit_goes_on(tmp_path: Path) -> None:
    """From the work phase again, with nothing said of a failure."""
    site = Site(tmp_path).before(attempt(1, limited=True, error="API_ERROR: usage limit"))
    assert names(site.job(2, cause="limit")) == ["work", "review", "commit"]
    assert "usage limit, not by a fault" in site.prompt()
    assert "API_ERROR" not in site.prompt()


def test_a_clean_up(tmp_path: Path) -> None:
    """One phase for what is missing, each thing once, judged by all who judge work and review; then the commit."""
    refused = runs.phase("tests", 1, kind="validator", verdict="REVISE", report="a.txt is missing\n\nb.txt is missing")
    accepted = runs.phase("look", kind="validator", verdict="ACCEPT", report="all fine")
    site = Site(tmp_path, TESTS, LOOK, INSIDE).before(
        attempt(1),
        attempt(2, phases=(refused, accepted), error="VALIDATION_ERROR: tests: a.txt is missing"),
        attempt(3),
    )
    job = site.job(4, cause="cleanup")
    assert names(job) == ["cleanup", "look", "tests", "commit", "inside"]
    said = site.prompt("cleanup").partition("## What is missing")[2].partition("\n## ")[0]
    assert [line for line in said.splitlines() if line.startswith(">")] == [
        "> TIMEOUT: late",
        "> VALIDATION_ERROR: tests: a.txt is missing",
        "> tests: a.txt is missing",
        "> tests: b.txt is missing",
    ]


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    """A result, an answer or a log that is none keeps nobody from trying again."""
    site = Site(tmp_path)
    Path(site.paths.result("agent-1")).write_text("{")
    Path(site.paths.answer("agent-1")).write_text("[]")
    Path(site.layout.log("t1")).mkdir(parents=True)
    assert names(site.job(2, cause="retry")) == ["work", "review", "commit"]
    site.before(attempt(1)).job(2, cause="retry")
    assert "> TIMEOUT: late" in site.prompt()


def test_new_is_what_came_since_the_first_attempt(tmp_path: Path) -> None:
    """What an attempt before this one brought counts; times of no calendar do not."""
    site = Site(tmp_path, PAPERS).before(attempt(1, started_at="2026-01-31T12:00:00.500Z"), attempt(2, started_at="x"))
    path = named(site.job(3).phases, "papers").argv[-1]
    assert spec.decode(Path(path).read_bytes()).since == 1769860800.5
