"""Where everything lies below the root. Pure: names in, paths out."""

from dataclasses import dataclass
from typing import Final

LOCKS: Final = ".orchestrator_locks"
RUNTIME: Final = "runtime"
PARALLEL: Final = "runtime/parallel"
LOGS: Final = "orchestrator_logs"
WORKTREES: Final = "worktrees"
SETTINGS: Final = "orchestrator.toml"
OURS: Final = (LOCKS, RUNTIME, LOGS)
"""The folders below the root in which nothing but orchd writes."""
IGNORED: Final = (*(f"/{each}/" for each in OURS), f"/{WORKTREES}/")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one root, each as an absolute string when the root is one."""

    root: str

    @property
    def locks(self) -> str:
        """The folder of the claims."""
        return f"{self.root}/{LOCKS}"

    @property
    def runtime(self) -> str:
        """What runs leave behind, the journal, and the daemon's socket."""
        return f"{self.root}/{RUNTIME}"

    @property
    def parallel(self) -> str:
        """One folder a run."""
        return f"{self.root}/{PARALLEL}"

    @property
    def journal(self) -> str:
        """The journal: one line of JSON an event."""
        return f"{self.runtime}/events.jsonl"

    @property
    def socket(self) -> str:
        """Where the daemon listens."""
        return f"{self.runtime}/orchd.sock"

    @property
    def pidlock(self) -> str:
        """The file whose flock the daemon holds for life."""
        return f"{self.runtime}/orchd.pidlock"

    @property
    def daemon_log(self) -> str:
        """The daemon's own log."""
        return f"{self.runtime}/orchd.log"

    @property
    def settings(self) -> str:
        """The settings file."""
        return f"{self.root}/{SETTINGS}"

    def log(self, track: str) -> str:
        """The agent's output for a track."""
        return f"{self.root}/{LOGS}/{track}.log"

    def worktrees(self, folder: str = WORKTREES) -> str:
        """The folder of working trees that is set: ``folder`` is relative to the root, or absolute."""
        return folder if folder.startswith("/") else f"{self.root}/{folder}"

    def worktree(self, name: str, folder: str = WORKTREES) -> str:
        """A working tree of a track, in the folder that is set."""
        return f"{self.worktrees(folder)}/{name}"

    def run(self, run: str) -> "RunLayout":
        """The files of one run."""
        return RunLayout(f"{self.parallel}/{run}")


def own_folders(layout: Layout, folder: str = WORKTREES) -> tuple[str, ...]:
    """Return the folders in which orchd alone has a say; ``folder`` is that of working trees."""
    return (*(f"{layout.root}/{each}" for each in OURS), layout.worktrees(folder))


@dataclass(frozen=True, slots=True)
class RunLayout:
    """The files of one run; ``folder`` is ``runtime/parallel/<run>``."""

    folder: str

    @property
    def record(self) -> str:
        """The accepted plan and options."""
        return f"{self.folder}/run.json"

    @property
    def conductor(self) -> str:
        """The file whose flock is held by the process that drives this run."""
        return f"{self.folder}/run.pidlock"

    @property
    def cancel(self) -> str:
        """The request to end the run, or some of its tracks."""
        return f"{self.folder}/cancel.json"

    @property
    def summary(self) -> str:
        """The report for people."""
        return f"{self.folder}/summary.md"

    @property
    def metrics(self) -> str:
        """The report for programs; its presence means that the run has ended."""
        return f"{self.folder}/metrics.json"

    @property
    def private(self) -> str:
        """Temporary files, guards and what was kept aside; not watched."""
        return f"{self.folder}/.d"

    def status(self, agent_id: str) -> str:
        """The worker's word on where it is."""
        return f"{self.folder}/{agent_id}.status.json"

    def job(self, agent_id: str) -> str:
        """What the worker is to execute."""
        return f"{self.folder}/{agent_id}.job.json"

    def result(self, agent_id: str) -> str:
        """How each attempt and phase really ended."""
        return f"{self.folder}/{agent_id}.result.json"

    def outcome(self, agent_id: str) -> str:
        """What the orchestrator made of it: merged, conflict, failed."""
        return f"{self.folder}/{agent_id}.outcome.json"

    def answer(self, agent_id: str) -> str:
        """What a person answered to its question."""
        return f"{self.folder}/{agent_id}.answer.json"

    def prompt(self, agent_id: str, phase: str) -> str:
        """The prompt of one phase, as the agent gets it."""
        return f"{self.private}/{agent_id}.{phase}.prompt.md"


def findings(paths: RunLayout, agent_id: str) -> str:
    """Return where a validator's words on the work of an agent are, for the phase that mends."""
    return f"{paths.private}/{agent_id}.findings.txt"
