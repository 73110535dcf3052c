"""The commands of a wake: argv lists, each with a deadline; what they print goes to the wake's log."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.cli.wake_sight import Sight
from orchestrator.core.outcome import NOT_EXECUTABLE, OK
from orchestrator.core.text import visible
from orchestrator.core.wake import Decision
from orchestrator.errors import CommandFailed
from orchestrator.host import clock, errand, logfile
from orchestrator.host.errand import Errand
from orchestrator.host.signals import signal_name
from orchestrator.settings.wake_file import Order, Prompt, WakeFile, seconds_of
from orchestrator.state import wakes
from orchestrator.state.wakes import WakePaths
from orchestrator.worker import environment

LARGEST: Final = 4 * 1024 * 1024
"""A log of more bytes is set aside before a command; of one that prints twice as much the last so many are kept."""

_TAIL: Final = 20

Tell = Callable[[str, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class Acted:
    """A command that was run. ``why`` is empty when it ended well; ``said``: the last lines that it printed."""

    action: str
    why: str
    seconds: float
    said: tuple[str, ...]
    status: int | None

    def fields(self) -> dict[str, object]:
        """Return it as the journal and ``--json`` have it."""
        return {
            "action": self.action,
            "status": self.status,
            "why": self.why or None,
            "seconds": round(self.seconds, 3),
            "said": self.said,
        }

    def lines(self) -> list[str]:
        """Return it for a person."""
        shown = self.said if self.why or self.action == "look" else ()
        return [f"{self.action}: {self.why or 'done'}", *(f"  {line}" for line in shown)]


class Orders:
    """Runs the commands of one wake file. What is not in the file is not run."""

    def __init__(self, paths: WakePaths, told: WakeFile, tell: Tell) -> None:
        self._paths = paths
        self._told = told
        self._tell = tell
        self._refused = b""

    def alive(self) -> dict[str, str]:
        """Return what is at work by the command [alive]: its first word, with why that is doubtful, or empty.

        Status 0: somebody is. A command that cannot be asked leaves it open, and then somebody may be.
        """
        order = self._told.alive
        if order is None:
            return {}
        acted, _ = self._run("alive", order, b"", tell=False)
        if acted.status is None or acted.status < 0 or acted.status >= NOT_EXECUTABLE:
            return {visible(order.argv[0], 100): acted.why}
        return {visible(order.argv[0], 100): ""} if acted.status == OK else {}

    def verify(self) -> str:
        """Return why the outputs are refused; empty where they are accepted."""
        if self._told.verify is None:
            return ""
        acted, self._refused = self._run("verify", self._told.verify, b"")
        return acted.why and f"{acted.why}{f': {acted.said[-1]}' if acted.said else ''}"

    def act(self, decision: Decision, sight: Sight) -> tuple[Acted, ...]:
        """Do what was decided."""
        match decision.what:
            case "clean":
                return self._clean(sight)
            case "look":
                return self._look(sight)
            case "restart":
                return self._ordered("restart", self._told.restart, _lines(sight.facts.working))
        return ()

    def prompt(self, words: str) -> tuple[Acted, ...]:
        """Send the prompt, and below it what was seen and decided."""
        prompt = self._told.prompt
        text = "" if prompt is None else f"{prompt.text}\n\n{words}\n"
        return self._ordered("prompt", prompt, text.encode("utf-8", "backslashreplace"))

    def _clean(self, sight: Sight) -> tuple[Acted, ...]:
        """Give what is missing, or what the check said, to one clean-up worker."""
        refused = self._refused.decode("utf-8", "backslashreplace").splitlines()
        missing = sight.facts.missing or tuple(refused)
        wakes.write_missing(self._paths, missing)
        return self._ordered("cleanup", self._told.cleanup, _lines(missing))

    def _look(self, sight: Sight) -> tuple[Acted, ...]:
        """Show what each worker last said, and what the command [look] prints."""
        seen = Acted("look", "", 0.0, sight.said, None)
        self._tell("wake.acted", seen.fields())
        return (seen, *self._ordered("look", self._told.look, _lines(sight.facts.working)))

    def _ordered(self, action: str, order: Order | Prompt | None, stdin: bytes) -> tuple[Acted, ...]:
        return () if order is None else self._run(action, order, stdin)[:1]

    def _run(self, action: str, order: Order | Prompt, stdin: bytes, *, tell: bool = True) -> tuple[Acted, bytes]:
        """Run a command to its end; return that, and the last of what it printed."""
        logfile.rotate(self._paths.log, LARGEST, 1)
        log = logfile.open_log(self._paths.log)
        try:
            start, began = logfile.size(log), clock.steady()
            status, why = self._ended(action, order, stdin, log)
            said = logfile.tail(log, min(start, logfile.size(log)))
        finally:
            os.close(log)
        acted = Acted(action, why, clock.steady() - began, _last(said), status)
        if tell:
            self._tell("wake.acted", acted.fields())
        return acted, said

    def _ended(self, action: str, order: Order | Prompt, stdin: bytes, log: int) -> tuple[int | None, str]:
        """Return how the command ended, and what is wrong with that; no status where it did not end by itself."""
        root = self._paths.layout.root
        env = environment.of_nobody(os.environ)
        env |= {"ORCHD_ROOT": root, "ORCHD_WAKE": self._told.name, "ORCHD_MISSING": self._paths.missing}
        env |= {} if self._told.run is None else {"ORCHD_RUN": self._told.run}
        try:
            status = errand.run(
                Errand(order.argv, root, env, stdin, seconds_of(action, order)), log, self._bounded(log)
            )
        except CommandFailed as error:
            return None, error.message
        if status < 0:
            return status, f"ended by {signal_name(-status)}"
        return status, "" if status == OK else f"ended with status {status}"

    def _bounded(self, log: int) -> Callable[[], None]:
        """Return what keeps the log from filling the disk while a command prints."""

        def bound() -> None:
            if logfile.held(log) > 2 * LARGEST and not logfile.drop_head(log, LARGEST):
                logfile.begin_anew(log, self._paths.log, LARGEST)

        return bound


def _lines(words: Sequence[str]) -> bytes:
    return "".join(f"{each}\n" for each in words).encode("utf-8", "backslashreplace")


def _last(said: bytes) -> tuple[str, ...]:
    lines = said.decode("utf-8", "backslashreplace").replace("\r", "\n").split("\n")
    return tuple(visible(each.rstrip(), 200) for each in lines if each.strip())[-_TAIL:]
