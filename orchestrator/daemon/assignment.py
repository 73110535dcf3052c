"""One attempt that is to be made: what it is made from, and the phases in which its agent is asked."""

from dataclasses import dataclass

from orchestrator.agents import kinds
from orchestrator.agents.kinds import Task
from orchestrator.agents.prompt import Role, Told, prompt
from orchestrator.core.actions import StartWorker
from orchestrator.core.phase import Phase
from orchestrator.core.run import Agent, RunRecord, RunTrack
from orchestrator.daemon.former import Former
from orchestrator.host import files
from orchestrator.state.layout import Layout, RunLayout, findings
from orchestrator.state.status import temp


@dataclass(frozen=True, slots=True)
class Assignment:
    """An attempt at a track. ``base`` is the commit that its worktree is compared with."""

    layout: Layout
    record: RunRecord
    track: RunTrack
    action: StartWorker
    base: str
    former: Former

    @property
    def paths(self) -> RunLayout:
        """The files of the run."""
        return self.layout.run(self.record.run)

    @property
    def seconds(self) -> float:
        """The time limit of each of the agent's phases: it grows with every attempt that really failed."""
        options = self.record.options
        failed = min(len(self.former.failed), options.attempts - 1)
        return options.timeout_seconds * float(options.timeout_growth**failed)

    @property
    def agent(self) -> Agent:
        """The agent, with the tools that it gets this time."""
        return kinds.equipped(self.record.agent, self.action.toolset)

    def put(self, name: str, data: bytes) -> str:
        """Write a file that a phase reads and return its path. Raises ``SystemFailure``."""
        path = f"{self.paths.private}/{self.track.agent_id}.{name}"
        files.publish(path, data, temp(self.paths))
        return path

    def ask(self, name: str, role: Role, agent: Agent, seconds: float) -> Phase:
        """Return the phase in which an agent is asked, and write its prompt. Raises ``AgentUnavailable``."""
        text = prompt(self.record, self.track, role, self._told(seconds))
        path = self.paths.prompt(self.track.agent_id, name)
        files.publish(path, text.encode("utf-8", "backslashreplace"), temp(self.paths))
        return kinds.phase(agent, Task(self.track, name, text, path), seconds)

    def _told(self, seconds: float) -> Told:
        former = self.former
        last = former.failed[-1] if former.failed else None
        return Told(
            seconds=seconds,
            base=self.base,
            attempt=self.action.attempt,
            cause=self.action.cause,
            failure=(last.error or "UNKNOWN: it ended without a word") if last is not None else "",
            output=former.output,
            question=former.answer.question if former.answer is not None else "",
            answer=former.answer.text if former.answer is not None else "",
            missing=former.missing() if self.action.cause == "cleanup" else (),
            findings=findings(self.paths, self.track.agent_id),
        )
