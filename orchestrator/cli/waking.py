"""One wake after the other: see, decide, keep what was decided, act, tell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.cli import output
from orchestrator.cli.wake_orders import Acted, Orders
from orchestrator.cli.wake_sight import Sight, see
from orchestrator.core.duration import brief
from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.core.wake import Decision, Memory, decide, is_prompted, progress
from orchestrator.host import clock
from orchestrator.settings.wake_file import WakeFile
from orchestrator.state import wakes
from orchestrator.state.journal import Journal
from orchestrator.state.wakes import Kept, WakePaths

_NS: Final = 1_000_000_000
_MOST: Final = 20
_DID: Final[Mapping[str, str]] = {
    "clean": "one clean-up",
    "look": "a look",
    "restart": "a restart",
    "wait": "",
    "end": "",
}


@dataclass(frozen=True, slots=True)
class Woke:
    """One wake: what was seen (None: it was over before), decided and done."""

    decision: Decision
    sight: Sight | None
    progress: tuple[str, ...]
    acted: tuple[Acted, ...]


class Waker:
    """The watch that one file asks for."""

    def __init__(self, paths: WakePaths, file: str, told: WakeFile, *, as_json: bool) -> None:
        self._paths = paths
        self._file = file
        self._told = told
        self._as_json = as_json
        self._journal = Journal(paths.layout.root).write
        self._orders = Orders(paths, told, self._tell)

    def watch(self) -> int:
        """Wake until it is over, beginning where the last process was; return the exit code."""
        kept = wakes.read(self._paths, self._file)
        left = (kept.due_ns - clock.wall_ns()) / _NS if kept.memory.wakes and kept.memory.ended is None else 0.0
        wait: float | None = min(max(left, 0.0), self._told.policy.high)
        while wait is not None:
            output.flush()
            clock.pause(wait)
            decision = self.wake()
            wait = decision.wait
        return decision.memory.ended or 0

    def wake(self) -> Decision:
        """Wake once."""
        memory = wakes.read(self._paths, self._file).memory
        if memory.ended is not None:
            woke = Woke(Decision("end", memory.why, memory), None, (), ())
        else:
            woke = self._wake(memory)
        self._show(woke)
        return woke.decision

    def _wake(self, memory: Memory) -> Woke:
        policy = self._told.policy
        sight = see(self._paths.layout, self._told, self._orders.alive())
        facts = sight.facts
        decision = decide(policy, memory, facts)
        if decision.what == "verify":
            decision = decide(policy, memory, replace(facts, refusal=self._orders.verify()))
        moved = progress(memory, facts)
        self._keep(decision)
        self._tell("wake.woke", _fields(decision, sight, moved))
        acted = self._orders.act(decision, sight)
        if is_prompted(policy, decision):
            acted = (*acted, *self._orders.prompt(_words(decision, sight, moved)))
        if acted and decision.wait is not None:
            self._keep(decision)  # the time to the next wake counts from the end of what was done
        if decision.what == "end":
            self._tell("wake.ended", {"exit": decision.memory.ended, "why": decision.why})
        return Woke(decision, sight, moved, acted)

    def _keep(self, decision: Decision) -> None:
        due = clock.wall_ns() + int((decision.wait or 0.0) * _NS)
        wakes.write(self._paths, Kept(self._file, decision.memory, due))

    def _tell(self, event: str, fields: Mapping[str, object]) -> None:
        run = {} if self._told.run is None else {"run": self._told.run}
        self._journal(event, {"name": self._told.name, **run, **fields})

    def _show(self, woke: Woke) -> None:
        seen = {} if woke.sight is None else _fields(woke.decision, woke.sight, woke.progress)
        if self._as_json:
            memory = woke.decision.memory
            over = {"wake": memory.wakes, "why": woke.decision.why, "exit": memory.ended}
            acted = [each.fields() for each in woke.acted]
            output.emit({"name": self._told.name, "run": self._told.run, **over, **seen, "acted": acted})
        else:
            for line in self._lines(woke):
                output.say(f"{clock.iso()[:19]}Z  {self._told.name}  {visible(line, 1000)}")
        output.flush()

    def _lines(self, woke: Woke) -> list[str]:
        if woke.sight is None:
            return [f"over: {woke.decision.why}; --anew begins again"]
        return [
            _words(woke.decision, woke.sight, woke.progress),
            *(line for each in woke.acted for line in each.lines()),
        ]


def _fields(decision: Decision, sight: Sight, moved: tuple[str, ...]) -> dict[str, object]:
    """Return one wake as the journal and ``--json`` have it."""
    facts = sight.facts
    return {
        "wake": decision.memory.wakes,
        "working": facts.working[:_MOST],
        "gone": sight.gone[:_MOST],
        "asking": facts.asking[:_MOST],
        "doubts": sight.doubts[:_MOST],
        "outputs": sight.found,
        "wanted": sight.wanted,
        "missing": facts.missing[:_MOST],
        "progress": moved,
        "decision": decision.what,
        "why": decision.why,
        "next_seconds": decision.wait,
        "exit": decision.memory.ended,
    }


def _words(decision: Decision, sight: Sight, moved: tuple[str, ...]) -> str:
    """Return one wake in a line for a person, or for an agent that is prompted."""
    outputs = f"{sight.found} of {sight.wanted} outputs" if sight.wanted else f"{sight.found} outputs"
    parts = [f"wake {decision.memory.wakes}: {len(sight.facts.working)} at work", outputs]
    if moved:
        parts.append(f"progress in {', '.join(moved)}")
    if sight.doubts:
        parts.append(f"not sure of {some(sight.doubts, 1)}")
    done = "over" if decision.wait is None else f"next wake in {brief(decision.wait)}"
    did = " and ".join(each for each in (_DID[decision.what], done) if each)
    return f"{', '.join(parts)}; {decision.why}: {did}"
