"""From a validator, as it was accepted with the run, to the phase in which it judges a track."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from orchestrator.core.phase import MENDING, Phase
from orchestrator.core.run import Agent, RunTrack, Validator
from orchestrator.daemon import ours
from orchestrator.daemon.order import Order
from orchestrator.validators import spec
from orchestrator.validators.spec import Kind, Spec

MODULE: Final = "orchestrator.validators"


def _command(validator: Validator, _order: Order) -> Phase:
    return Phase(validator.name, validator.argv, validator.timeout_seconds)


def _artifacts(validator: Validator, order: Order) -> Phase:
    return _look("artifacts", validator, order, validator.paths)


def _diff(validator: Validator, order: Order) -> Phase:
    return _look("diff", validator, order, validator.paths or order.track.paths)


def _look(kind: Kind, validator: Validator, order: Order, paths: tuple[str, ...]) -> Phase:
    wanted = Spec(kind, order.base, paths, order.former.since)
    path = order.put(f"{validator.name}.spec.json", spec.encode(wanted))
    return Phase(validator.name, ours.command(MODULE, path), validator.timeout_seconds, env=ours.from_here())


def _agent(validator: Validator, order: Order) -> Phase:
    """A second agent, or the run's own in another role; its words count, not its exit status."""
    own = order.agent
    agent = Agent("command", argv=validator.argv, env=own.env) if validator.argv else own
    asked = order.ask(validator.name, "validate", agent, validator.timeout_seconds)
    return replace(asked, judges_by="words")


KINDS: Final[Mapping[str, Callable[[Validator, Order], Phase]]] = {
    "command": _command,
    "artifacts": _artifacts,
    "diff": _diff,
    "agent": _agent,
}


def concerns(validator: Validator, track: RunTrack) -> bool:
    """Tell whether a validator judges this track."""
    return not validator.tracks or any(fnmatchcase(track.track, each) for each in validator.tracks)


def phases(order: Order, after: str) -> list[Phase]:
    """Return the phases of those who judge the track after the phase ``after``, in their order.

    Where there is more than one round, the run's agent mends in between; not after the commit: what would be mended
    then would not be in it. Raises ``AgentUnavailable``.
    """
    judges = (each for each in order.record.validators if each.after == after and concerns(each, order.track))
    return [_phase(each, order) for each in judges]


def _phase(validator: Validator, order: Order) -> Phase:
    judging = replace(KINDS[validator.kind](validator, order), kind="validator")
    if validator.rounds == 1 or validator.after == "commit":
        return judging
    mend = order.ask(f"{validator.name}{MENDING}", "mend", order.agent, order.seconds)
    return replace(judging, mend=mend, rounds=validator.rounds)
