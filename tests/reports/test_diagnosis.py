"""What went wrong with a track, and how to go on."""

from dataclasses import replace

from orchestrator.core.run import Outcome
from orchestrator.reports.diagnosis import Diagnosis, diagnose
from orchestrator.reports.metrics import Ending
from tests.core import runs
from tests.reports.endings import LATE, ending, one, phase

FAILED = runs.outcome(1, "failed", LATE)
KEPT = "worktree worktrees/agent-1, branch feat/t1"


def only(made: Ending) -> Diagnosis:
    """Return the one diagnosis."""
    (found,) = diagnose(made)
    return found


def commands(outcome: Outcome, **waits: object) -> list[str]:
    """Return the commands that are offered for an outcome after an attempt that waits for ``waits``."""
    entry = replace(runs.attempt(), **waits)  # type: ignore[arg-type]  # the tests name real fields
    return [each.command for each in only(one(outcome, entry)).steps]


def test_each_track_that_was_not_merged() -> None:
    """And no other, in the order of the run."""
    assert [each.track for each in diagnose(ending())] == ["t2", "t3"]


def test_all_of_a_failure() -> None:
    """Error, class, ending, cause, log, what was kept and how to go on."""
    late = phase(ending="timed_out", status=None)
    made = one(
        replace(FAILED, kept=KEPT),
        runs.attempt(late, error=LATE),
        excerpts={"agent-1": ("last line",)},
    )
    found = only(made)
    assert (found.error, found.failed_as, found.how) == (LATE, "transient", "phase work ran out of its time")
    assert (found.log, found.kept) == (("last line",), KEPT)
    assert [each.command for each in found.steps] == [
        "orchd logs t1",
        "git diff main...feat/t1",
        "orchd retry roadmap --timeout 8s",
    ]


def test_how_a_phase_ended_is_told_in_words() -> None:
    """Each ending has its own."""
    phases = [
        phase(status=3),
        phase(ending="signalled", status=None, signal=9),
        phase(ending="cancelled", status=None),
        phase(ending="not_started", status=None),
    ]
    assert [only(one(FAILED, runs.attempt(each, error=LATE))).how for each in phases] == [
        "phase work ended with status 3",
        "phase work was ended by SIGKILL",
        "phase work was told to end",
        "phase work could not be started",
    ]
    assert only(one(FAILED)).how == ""


def test_what_did_not_fail_has_no_class() -> None:
    """A track that waits, was never started, or was ended by a person."""
    asks = replace(runs.attempt(), asked="which?")
    assert only(one(FAILED, asks)).failed_as is None
    assert only(one(replace(FAILED, attempt=0))).failed_as is None
    assert only(one(runs.outcome(1, "cancelled"))).failed_as is None
    assert only(one(FAILED)).failed_as == "transient"


def test_no_reason_is_told_as_such() -> None:
    """An outcome without an error, and a track that was never started has no log of its own."""
    found = only(one(replace(FAILED, error="", attempt=0), excerpts={"agent-1": ("of another run",)}))
    assert (found.error, found.log) == ("no reason was recorded", ())
    assert [each.command for each in found.steps] == ["orchd retry roadmap"]


def test_each_ending_has_its_commands() -> None:
    """Answer, merge, or take up again."""
    assert commands(FAILED, asked="which?")[0] == "orchd answer t1 'YOUR ANSWER'"
    assert commands(FAILED, blocked="no")[0] == "orchd answer t1 'YOUR ANSWER'"
    gated = replace(FAILED, attempt=0, error="UNKNOWN: not started: waits for a person's word: `orchd approve roadmap`")
    assert commands(gated) == ["orchd approve roadmap", "orchd retry roadmap"]
    assert commands(FAILED, limited=True) == ["orchd logs t1", "orchd retry roadmap"]
    assert commands(runs.outcome(1, "conflict")) == ["git merge feat/t1", "orchd logs t1", "orchd retry roadmap"]
    assert commands(runs.outcome(1, "cancelled")) == ["orchd logs t1", "orchd retry roadmap"]


def test_what_is_kept_elsewhere() -> None:
    """The work stands where the agent left it; where no branch holds it there is nothing to compare."""
    rogue = replace(FAILED, kept="worktree w, branch rogue; the track's own branch feat/t1 is gone", kept_on="rogue")
    assert "git diff main...rogue" in commands(rogue)
    assert not any(each.startswith("git diff") for each in commands(replace(FAILED, kept="uncommitted work as refs/x")))


def test_commands_are_quoted() -> None:
    """A branch or a source with blanks and quotes is one word."""
    made = one(runs.outcome(1, "conflict"))
    odd = replace(made.record, tracks=(replace(runs.spec(1), branch="feat/a b;rm\x1b"),))
    assert only(replace(made, record=odd)).steps[0].command == "git merge 'feat/a b;rm\\x1b'"
