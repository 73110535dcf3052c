"""The runs of a schedule: each is an ``orchd run`` of its own, seen to its end, and what comes after it."""

import os
import sys
from dataclasses import dataclass
from typing import Final

from orchestrator.cli import output
from orchestrator.cli.accepting import unfinished_of
from orchestrator.cli.run_files import recorded
from orchestrator.core.cadence import Cadence, Next, Over, Reason, Tick, after, worst
from orchestrator.core.duration import brief
from orchestrator.core.outcome import exit_of_child
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files, signals, spawn, temps, terminal
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

LARGEST: Final = 64 * 1024 * 1024
"""What a run says as JSON is read up to so many bytes."""

_ENDING: Final = (signals.INTERRUPT, signals.TERM)
_LOOK: Final = 1.0
_WHY: Final[dict[Reason, str]] = {
    "no work": "NO WORK AVAILABLE: the schedule ends",
    "time": "the time is over: the schedule ends",
    "stopped": "stopped: the schedule ends",
    "refused": "no run can begin this way: the schedule ends",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What is run: as the person named it, where that is, and the options of each run."""

    name: str
    path: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ran:
    """A run that is over; ``resumed``: it had begun before. ``said`` is its document, None where it has none."""

    tick: Tick
    run: str | None
    resumed: bool
    said: dict[str, object] | None


class Schedule:
    """One source, again and again."""

    def __init__(self, layout: Layout, source: Source, cadence: Cadence, *, as_json: bool) -> None:
        self._layout = layout
        self._source = source
        self._cadence = cadence
        self._as_json = as_json
        self._journal = Journal(layout.root).write
        self._codes: list[int] = []

    def run(self) -> int:
        """Run until it is over; return the exit code."""
        every, lasts = brief(self._cadence.every), brief(self._cadence.lasts)
        self._tell("schedule.began", {"every_seconds": self._cadence.every, "lasts_seconds": self._cadence.lasts})
        self._say(f"{self._source.name} runs every {every} for {lasts}; Ctrl-C ends it")
        with signals.Signals((signals.CHILD, *_ENDING)) as events:
            over = self._ticks(events)
        code = worst(self._codes)
        self._tell("schedule.ended", {"why": over.reason, "ticks": len(self._codes), "exit": code})
        return code

    def _ticks(self, events: signals.Signals) -> Over:
        upcoming = Next(self._cadence.start)
        while True:
            if _wait(events, upcoming.at):
                over = Over("stopped")
                self._say(_WHY[over.reason])
                return over
            ran = self._tick(events, upcoming)
            self._codes.append(ran.tick.code)
            follows = after(self._cadence, ran.tick)
            self._report(ran, follows)
            if isinstance(follows, Over):
                return follows
            upcoming = follows

    def _tick(self, events: signals.Signals, upcoming: Next) -> _Ran:
        """Run once: go on with a run that has not ended, or begin one."""
        known = self._runs()
        former = unfinished_of(self._layout, self._source.path)
        # That a person began the schedule asks for all of it once; what needs a person after that is left to one.
        again = ("--skip-fatal",) if self._codes else ()
        words = ("--resume",) if former is not None else (*self._source.options, *again)
        began = max(clock.steady(), upcoming.at)
        code, stopped, said = self._child(events, words)
        begun = former.run if former is not None else next((run for run in self._runs() if run not in known), None)
        tick = Tick(began, clock.steady(), code, worked=begun is not None, stopped=stopped)
        return _Ran(tick, begun, former is not None, said)

    def _runs(self) -> list[str]:
        """Return the names of this source's runs, the newest first."""
        return [each.run for each in recorded(self._layout) if each.source == self._source.path]

    def _child(self, events: signals.Signals, words: tuple[str, ...]) -> tuple[int, bool, dict[str, object] | None]:
        """Be the terminal of one ``orchd run``; return its exit code, whether we were asked to end, what it said."""
        argv = [sys.executable, "-P", "-m", "orchestrator", "--root", self._layout.root, "run", *words]
        output.flush()
        if not self._as_json:
            return *_seen_to_end(events, [*argv, "--", self._source.name], spawn.Streams()), None
        files.ensure_folder(self._layout.runtime)
        path = f"{self._layout.runtime}/{temps.name()}"
        fd = files.create(path, b"")
        try:
            ended = _seen_to_end(events, [*argv, "--json", "--", self._source.name], spawn.Streams(stdout=fd))
            return *ended, _document(path)
        finally:
            os.close(fd)
            files.remove(path)

    def _report(self, ran: _Ran, follows: Next | Over) -> None:
        tick = ran.tick
        wait = max(follows.at - clock.steady(), 0.0) if isinstance(follows, Next) else None
        fields: dict[str, object] = {
            "tick": len(self._codes),
            "run": ran.run,
            "resumed": ran.resumed,
            "exit": tick.code,
            "seconds": round(tick.ended - tick.began, 3),
            "next_seconds": None if wait is None else round(wait, 3),
            "ended": follows.reason if isinstance(follows, Over) else None,
        }
        self._tell("schedule.tick", fields)
        if self._as_json:
            output.emit({**fields, "result": ran.said})
            output.flush()
            return
        done = f"run {ran.run} ended with {tick.code}" if ran.run else f"no run began (exit {tick.code})"
        self._say(f"{done}; {self._outlook(tick, follows)}")

    def _outlook(self, tick: Tick, follows: Next | Over) -> str:
        if isinstance(follows, Next):
            if follows.overran:
                return "it took longer than its tick, so the next one begins at once"
            return f"the next one begins in {brief(follows.at - tick.ended)}"
        late = follows.reason == "time" and tick.ended > self._cadence.end
        return _WHY[follows.reason] + ("; the run that was going on then was finished" if late else "")

    def _say(self, line: str) -> None:
        if not self._as_json:
            output.say(f"{clock.iso()[:19]}Z  schedule  {visible(line, 1000)}")
            output.flush()

    def _tell(self, event: str, fields: dict[str, object]) -> None:
        self._journal(event, {"source": self._source.path, **fields})


def _wait(events: signals.Signals, moment: float) -> bool:
    """Wait until ``moment`` (monotonic s); tell whether we were asked to end before."""
    while True:
        left = moment - clock.steady()
        if any(number in _ENDING for number in events.wait(left)):
            return True
        if left <= 0:
            return False


def _seen_to_end(events: signals.Signals, argv: list[str], streams: spawn.Streams) -> tuple[int, bool]:
    """Run a program on our terminal; return its exit code and whether we were asked to end meanwhile.

    What asks us to end is handed on, unless the terminal's keys have told it already. It dies with us; the workers
    of its run do not, and the next run takes them up.
    """
    pid = spawn.spawn(argv, cwd=None, env=os.environ, streams=streams)
    stopped = False
    while True:
        for ended in spawn.reap():
            if ended.pid == pid:
                return exit_of_child(ended.code), stopped
        for number in events.wait(_LOOK):
            if number in _ENDING:
                stopped = True
                if not terminal.sends(number):
                    os.kill(pid, number)


def _document(path: str) -> dict[str, object] | None:
    try:
        return parse_object(files.read(path, LARGEST).data)
    except (FileNotFoundError, Unreadable):
        return None
