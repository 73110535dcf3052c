"""Exit codes: every error has one, and a run ends with the one that its tracks give it."""

import inspect
from dataclasses import replace
from typing import Final

import pytest

from orchestrator import errors
from orchestrator.core.outcome import (
    BELOW_THRESHOLD,
    EXIT_OF,
    OK,
    OUT_OF_TIME,
    PARTIAL,
    TIME_IS_OVER,
    exit_of,
    exit_of_child,
)
from orchestrator.core.run import Ended, Outcome, Publication
from orchestrator.core.run_outcome import exit_of_run

CONTRACT: Final = {
    errors.UsageError: 64,
    errors.BadName: 64,
    errors.BadSettings: 64,
    errors.NotFound: 64,
    errors.Held: 75,
    errors.NotHeld: 76,
    errors.Superseded: 76,
    errors.GuardBusy: 9,
    errors.UnsupportedFilesystem: 9,
    errors.UnsafeFolder: 9,
    errors.SystemFailure: 9,
    errors.NoSpace: 7,
    errors.Unreadable: 9,
    errors.CannotParse: 3,
    errors.NotIndependent: 4,
    errors.AgentUnavailable: 8,
    errors.CommandFailed: 9,
    errors.GitRefused: 9,
    errors.DaemonUnavailable: 9,
}


def _classes() -> list[type[errors.OrchdError]]:
    found = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.OrchdError)]
    return [each for each in found if each is not errors.OrchdError]


def test_the_contract_names_every_error() -> None:
    """The table above is complete: a new error must choose its exit code."""
    assert set(_classes()) == set(CONTRACT)


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code(kind: type[errors.OrchdError]) -> None:
    """The nearest class above an error that has a code names it."""
    assert exit_of(kind("said")) == CONTRACT[kind]


def test_an_error_to_come_has_a_code() -> None:
    """A subclass of any error of ours is never without one."""

    class Later(errors.NoSpace):
        """An error of another version."""

    assert exit_of(Later("said")) == 7
    assert EXIT_OF[errors.OrchdError] == 9


def test_a_child_ends_as_a_shell_shows_it() -> None:
    """A status is itself; a signal is 128 and its number."""
    assert [exit_of_child(code) for code in (0, 3, -9)] == [0, 3, 137]


def _outcomes(*ended: Ended) -> list[Outcome]:
    return [Outcome(f"agent-{number}", f"t{number}", each, "2026-11-20T10:00:00Z") for number, each in enumerate(ended)]


@pytest.mark.parametrize(
    ("ended", "push", "code"),
    [
        (("merged", "merged"), Publication("pushed"), OK),
        (("merged",), Publication("none"), OK),
        (("merged",), Publication("already"), OK),
        (("merged",), Publication("failed"), PARTIAL),
        (("merged",), Publication("none", "nobody opened the gate", "git push origin main"), PARTIAL),
        (("merged",) * 4 + ("failed",), Publication("pushed"), PARTIAL),
        (("merged",) * 4 + ("conflict",), Publication("failed"), PARTIAL),
        (("merged",) * 3 + ("failed", "cancelled"), Publication("pushed"), BELOW_THRESHOLD),
        (("failed",), Publication("none"), BELOW_THRESHOLD),
    ],
)
def test_a_run_ends_with_what_its_tracks_give(ended: tuple[Ended, ...], push: Publication, code: int) -> None:
    """0 when all are merged and published, 1 from the threshold on, 2 below it."""
    assert exit_of_run(_outcomes(*ended), push, 0.8) == code


def test_a_run_without_tracks_is_done() -> None:
    """Nothing to do is no failure."""
    assert exit_of_run([], Publication("none"), 0.8) == OK


@pytest.mark.parametrize("merged", [0, 1, 9])
def test_a_run_that_had_no_time_left_says_so(merged: int) -> None:
    """However much was merged before; what a person cancelled meanwhile is not lost to the time."""
    done = [each for _ in range(merged) for each in _outcomes("merged")]
    late = Outcome("agent-9", "t9", "failed", "2026-11-20T10:00:00Z", error=f"{TIME_IS_OVER} (1h)")
    assert exit_of_run([*done, late], Publication("pushed"), 0.8) == OUT_OF_TIME == 6
    cancelled = replace(late, ended="cancelled")
    assert exit_of_run([*done, cancelled], Publication("pushed"), 0.8) in (PARTIAL, BELOW_THRESHOLD)
