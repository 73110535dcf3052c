"""The gates of a run: which one it waits at, what opening it sets going, and the question to whoever watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.cli import asking
from orchestrator.cli.frame import Look
from orchestrator.cli.views import View
from orchestrator.core.run import Gate, RunRecord
from orchestrator.core.states import FINAL
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, Unreadable
from orchestrator.state import approvals, results
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout, RunLayout

GATES: Final[tuple[Gate, ...]] = ("start", "push")
_DONE: Final = FINAL | {"merged"}


@dataclass(frozen=True, slots=True)
class Opening:
    """What happens when a gate is opened, to what, and what speaks for it. ``waits``: the run waits for it now."""

    gate: Gate
    action: str
    target: str
    reasoning: str
    waits: bool


def closed(layout: Layout, record: RunRecord) -> list[Opening]:
    """Return what there is to open: nothing once the run has ended."""
    paths = layout.run(record.run)
    if results.has_ended(paths):
        return []
    opened = approvals.opened_of(paths)
    left = [gate for gate in GATES if gate in record.options.gates and gate not in opened]
    if not left:
        return []
    found = (_ending(paths, each.agent_id) for each in record.tracks)
    ended = [each for each in found if each]
    return [_start(record, ended) if gate == "start" else _push(record, ended) for gate in left]


def _ending(paths: RunLayout, agent_id: str) -> str:
    """Return how a track ended, empty before; what cannot be read is no success."""
    try:
        outcome = results.read_outcome(paths.outcome(agent_id))
    except Unreadable:
        return "failed"
    return outcome.ended if outcome is not None else ""


def _start(record: RunRecord, ended: Sequence[str]) -> Opening:
    names = [each.track for each in record.tracks if not each.quarantined]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return Opening(
        "start",
        f"start {record.agent.kind} agents, at most {record.options.agents} at once",
        shown,
        f"run {record.run} was accepted with the gate start; nothing has begun",
        waits=len(ended) < len(record.tracks),
    )


def _push(record: RunRecord, ended: Sequence[str]) -> Opening:
    merged = ended.count("merged")
    over = len(ended) == len(record.tracks)
    state = "every track is over" if over else f"{len(record.tracks) - len(ended)} are not over yet"
    return Opening(
        "push",
        f"push {record.target_branch}" if record.options.push else "end the run, without a push",
        record.remote or "nowhere: there is no remote",
        f"{merged} of {len(record.tracks)} tracks are merged, {state}",
        waits=over and merged > 0,
    )


def described(number: int, opening: Opening) -> list[str]:
    """Return the lines that show a person what would be opened."""
    return [
        f"{number}. {opening.action}  (gate {opening.gate})",
        f"   target: {visible(opening.target, 500)}",
        f"   reasoning: {visible(opening.reasoning, 500)}",
    ]


def open_up(layout: Layout, run: str, gates: Sequence[Gate]) -> None:
    """Open these gates. Raises ``GuardBusy`` and ``SystemFailure``; then they are as before."""
    opened = approvals.add(layout.run(run), gates)
    Journal(layout.root).write("run.approved", {"run": run, "gates": list(gates), "open": sorted(opened)})


class Gatekeeper:
    """A view that asks at each gate whoever it shows the run to, and never waits for the answer."""

    def __init__(self, layout: Layout, record: RunRecord, seen: View) -> None:
        self._layout = layout
        self._record = record
        self._seen = seen
        self._left = [gate for gate in GATES if gate in record.options.gates]
        self._asked: Gate | None = None
        self._listens = False

    def note(self, line: str) -> None:
        """Say something."""
        self._seen.note(line)

    def show(self, look: Look) -> None:
        """Show how things stand, and ask or listen where a gate is closed."""
        if self._left and not look.ended:
            self._look(look)
        self._seen.show(look)

    def _look(self, look: Look) -> None:
        gate = self._left[0]
        if self._asked is None:
            if gate == "start" or all(row.state in _DONE for row in look.rows):
                self._find(gate)
        elif gate in approvals.opened_of(self._layout.run(self._record.run)):
            self._pass()
        elif self._listens:
            self._listen(gate)

    def _find(self, gate: Gate) -> None:
        opening = next((each for each in closed(self._layout, self._record) if each.gate == gate), None)
        if opening is None:
            self._pass()
        elif opening.waits:
            self._ask(opening)

    def _pass(self) -> None:
        self._left.pop(0)
        self._asked, self._listens = None, False

    def _ask(self, opening: Opening) -> None:
        self._asked, self._listens = opening.gate, asking.is_possible()
        run = self._record.run
        for line in described(1, opening):
            self._seen.note(line)
        if self._listens:
            asking.forget()
            self._seen.note(f"run {run} waits at the gate {opening.gate}: y and Enter opens it")
        else:
            self._seen.note(f"run {run} waits at the gate {opening.gate}: `orchd approve {run}` opens it")

    def _listen(self, gate: Gate) -> None:
        said = asking.heard(0.0)
        if said is None:
            return
        run = self._record.run
        self._listens = False
        if said != "y":
            self._seen.note(f"not opened; `orchd approve {run}` opens it later, `orchd cancel {run}` ends the run")
            return
        try:
            open_up(self._layout, run, (gate,))
            self._seen.note(f"the gate {gate} is open")
        except OrchdError as error:
            self._seen.note(f"the gate cannot be opened: {error.message}")
