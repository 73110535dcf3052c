"""What becomes of an action that the machine refused."""

import errno
from pathlib import Path

import pytest

from orchestrator.core.facts import Doing, TrackFacts
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.daemon.driven import EXPECTING, NEVER, RETRY, TRIES, Driven
from orchestrator.daemon.gather import Conducted, Worker
from orchestrator.daemon.instance import Instance
from orchestrator.errors import AgentUnavailable, GitRefused, GuardBusy, NoSpace, SystemFailure
from tests.core import runs

NOW = 1000.0
FULL = OSError(errno.ENOSPC, "full")
BROKEN = OSError(errno.EIO, "broken")


def driven(tmp_path: Path, doing: Doing) -> Driven:
    """Return a run of one track, about which something is being done."""
    own = Conducted(runs.record(runs.spec(1)), {"agent-1": Worker(doing)})
    return Driven(own, Instance(str(tmp_path / "lock")), Order.of(own.record), dirty=False)


def standing(track: TrackFacts) -> Standing:
    """Return where a run of one track stands."""
    return Standing(runs.facts(track), NOW)


def because(error: Exception, cause: OSError) -> Exception:
    """Return an error with its cause."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("doing", ["starting", "merging", "recording"])
@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EMFILE, "files"),
        OSError(errno.EAGAIN, "processes"),
        NoSpace("full"),
        GuardBusy("stopped"),
        because(AgentUnavailable("not started"), OSError(errno.EAGAIN, "processes")),
    ],
)
def test_what_passes_is_tried_on_and_on(tmp_path: Path, doing: Doing, error: Exception) -> None:
    """A full disk, a guard that is held: each time after a while, without end."""
    run = driven(tmp_path, doing)
    for _ in range(10 * TRIES):
        worker = run.own.worker("agent-1")
        worker.doing = doing
        assert run.refused("agent-1", error, NOW)
        assert (worker.doing, worker.trouble) == (doing, "")
        run.try_again(NOW + RETRY - 0.01)
        assert worker.doing == doing
        run.try_again(NOW + RETRY)
        assert worker.doing == ""


@pytest.mark.parametrize(
    ("doing", "error", "tries", "trouble"),
    [
        ("starting", BROKEN, TRIES, "RESOURCE_ERROR: the machine refused: Input/output error"),
        ("starting", SystemFailure("no"), TRIES, "RESOURCE_ERROR: no"),
        ("starting", GitRefused("in the way"), 1, "RESOURCE_ERROR: in the way"),
        ("starting", AgentUnavailable("none"), 1, "RESOURCE_ERROR: none"),
        ("starting", ValueError("a bug\x1b"), 1, "UNKNOWN: ValueError: a bug\\x1b"),
        ("merging", BROKEN, TRIES, "UNKNOWN: the machine refused: Input/output error"),
        ("merging", GitRefused("index.lock"), TRIES, "UNKNOWN: index.lock"),
        ("tidying", GitRefused("index.lock"), TRIES, "UNKNOWN: index.lock"),
        ("merging", ValueError("a bug"), 1, "UNKNOWN: ValueError: a bug"),
    ],
)
def test_what_does_not_pass_is_the_track_s_trouble(
    tmp_path: Path, doing: Doing, error: Exception, tries: int, trouble: str
) -> None:
    """After a few tries where one more may help, at once where none will."""
    run = driven(tmp_path, doing)
    worker = run.own.worker("agent-1")
    for number in range(1, tries + 1):
        worker.doing = doing
        assert run.refused("agent-1", error, NOW) == (number < tries)
    assert (worker.doing, worker.trouble) == ("", trouble)
    assert run.dirty


@pytest.mark.parametrize("error", [BROKEN, GitRefused("gone"), ValueError("a bug")])
def test_an_end_is_recorded_whatever_it_takes(tmp_path: Path, error: Exception) -> None:
    """There is no other way than to try, for a track and for the run."""
    run = driven(tmp_path, "recording")
    run.own.finishing = True
    for _ in range(10 * TRIES):
        run.own.worker("agent-1").doing = "recording"
        assert run.refused("agent-1", error, NOW)
        assert run.refused("", error, NOW)
    run.try_again(NOW + RETRY)
    assert (run.own.worker("agent-1").doing, run.own.finishing) == ("", False)


def test_when_to_look_again(tmp_path: Path) -> None:
    """Soon for a worker that is on its way, later for what is tried again, never where only events can tell."""
    run = driven(tmp_path, "started")
    run.plan(standing(TrackFacts(runs.spec(1), 1, doing="started")))
    assert run.due == NOW + EXPECTING
    run.plan(standing(TrackFacts(runs.spec(1), 1, runs.claim(), doing="started")))
    assert run.due == NEVER
    run.refused("agent-1", FULL, NOW)
    run.plan(standing(TrackFacts(runs.spec(1))))
    assert run.due == NOW + RETRY
