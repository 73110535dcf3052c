"""From a validator, as it was accepted with the run, to the phase in which it judges a track."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from orchestrator.core.phase import MENDING, Phase
from orchestrator.core.run import Agent, RunTrack, Validator
from orchestrator.daemon import python_path
from orchestrator.daemon.assignment import Assignment
from orchestrator.validators import spec
from orchestrator.validators.spec import Kind, Spec

MODULE: Final = "orchestrator.validators"


def _command(validator: Validator, _assignment: Assignment) -> Phase:
    return Phase(validator.name, validator.argv, validator.timeout_seconds)


def _artifacts(validator: Validator, assignment: Assignment) -> Phase:
    return _look("artifacts", validator, assignment, validator.paths)


def _diff(validator: Validator, assignment: Assignment) -> Phase:
    return _look("diff", validator, assignment, validator.paths or assignment.track.paths)


def _look(kind: Kind, validator: Validator, assignment: Assignment, paths: tuple[str, ...]) -> Phase:
    wanted = Spec(kind, assignment.base, paths, assignment.former.since)
    path = assignment.put(f"{validator.name}.spec.json", spec.encode(wanted))
    argv = python_path.command(MODULE, path)
    return Phase(validator.name, argv, validator.timeout_seconds, env=python_path.from_here())


def _agent(validator: Validator, assignment: Assignment) -> Phase:
    """A second agent, or the run's own in another role; its words count, not its exit status."""
    own = assignment.agent
    agent = Agent("command", argv=validator.argv, env=own.env) if validator.argv else own
    asked = assignment.ask(validator.name, "validate", agent, validator.timeout_seconds)
    return replace(asked, judges_by="words")


KINDS: Final[Mapping[str, Callable[[Validator, Assignment], Phase]]] = {
    "command": _command,
    "artifacts": _artifacts,
    "diff": _diff,
    "agent": _agent,
}


def concerns(validator: Validator, track: RunTrack) -> bool:
    """Tell whether a validator judges this track."""
    return not validator.tracks or any(fnmatchcase(track.track, each) for each in validator.tracks)


def phases(assignment: Assignment, after: str) -> list[Phase]:
    """Return the phases of those who judge the track after the phase ``after``, in their order.

    Where there is more than one round, the run's agent mends in between; not after the commit: what would be mended
    then would not be in it. Raises ``AgentUnavailable``.
    """
    judges = (each for each in assignment.record.validators if each.after == after and concerns(each, assignment.track))
    return [_phase(each, assignment) for each in judges]


def _phase(validator: Validator, assignment: Assignment) -> Phase:
    judging = replace(KINDS[validator.kind](validator, assignment), kind="validator")
    if validator.rounds == 1 or validator.after == "commit":
        return judging
    mend = assignment.ask(f"{validator.name}{MENDING}", "mend", assignment.agent, assignment.seconds)
    return replace(judging, mend=mend, rounds=validator.rounds)
