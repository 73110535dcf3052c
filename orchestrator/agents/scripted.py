"""An agent that does as it is told, so that demos and tests need no model.

    python -P -m orchestrator.agents.scripted SCRIPT.toml --phase work < prompt

It works in the current directory. The script has an array of tables a phase (``[[work]]``,
``[[review]]``, …); each table is one step and has exactly one of these keys:

    write = "path", text = "…"       a file, with its folders; append = "path" adds to one
    run = ["{python}", "-m", "…"]    a program, never through a shell; {python} is this interpreter
    commit = "message"               everything that changed, with git
    print = "text"                   to the standard output, as it is
    prompt = true                    prints the prompt that came on the standard input
    report = {percent = 40}          through `orchd progress`; also stage, needs_input, error, pr
    sleep = 0.5                      seconds
    fail = 3                         ends here with this exit status
    hang = true                      waits for ever
    crash = "SIGSEGV"                ends itself with this signal
    escape = ["sleep", "60"]         starts a program in a session of its own, twice forked, that
                                     outlives this one; pid_file = "path" gets its number
    eat_memory = 64                  MiB, held until the end
    ignore_term = true               from here on, together with what is started from here on

A phase without steps succeeds. Exit status: that of the step that failed (128 + n for a program ended
by signal n, 127 when it cannot be started), 1 when the machine refused, 2 for a path that leads out
of the directory, 64 when the script or the words of the command are wrong. A wrong script is
refused before its first step.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.agents.script import Step, parse
from orchestrator.core.outcome import FAILED, NOT_STARTED, OK, SIGNALLED, USAGE, exit_of_child
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, UsageError
from orchestrator.host import clock, files, process

OUTSIDE: Final = 2
"""A path led out of the directory."""

_MIB: Final = 1024 * 1024
_NUMBERS: Final = {"percent": 100, "pr": 10**9}
_REPORT: Final = frozenset({"stage", "needs_input", "error", *_NUMBERS})


class Ending(Exception):
    """The agent ends here with ``status``, and says ``line`` if there is one."""

    def __init__(self, status: int, line: str = "") -> None:
        super().__init__(status, line)
        self.status = status
        self.line = line


@dataclass(frozen=True, slots=True)
class Here:
    """Where the agent works, and what it was told on its standard input."""

    folder: Path
    prompt: bytes

    def inside(self, path: str) -> Path:
        """Return the real path of ``path``, which must not lead out of the folder, nor by links."""
        real = (self.folder / path).resolve()
        if not real.is_relative_to(self.folder.resolve()):
            raise Ending(OUTSIDE, f"'{visible(path)}' leads out of the working directory")
        return real


Deed = Callable[[Here], None]


def _write(step: Step) -> Deed:
    return _filing(step, "wb")


def _append(step: Step) -> Deed:
    return _filing(step, "ab")


def _filing(step: Step, mode: str) -> Deed:
    path, data = step.argument(step.action), step.text("text").encode()

    def deed(here: Here) -> None:
        real = here.inside(path)
        real.parent.mkdir(parents=True, exist_ok=True)
        with real.open(mode) as file:
            file.write(data)

    return deed


def _run(step: Step) -> Deed:
    argv = _command(step)
    return lambda _here: _must(argv)


def _commit(step: Step) -> Deed:
    message = step.argument("commit")

    def deed(_here: Here) -> None:
        _must(["git", "add", "--all"])
        if _status(["git", "diff", "--cached", "--quiet"]) == 0:
            _say(b"nothing to commit\n")
        else:
            _must(["git", "commit", f"--message={message}"])

    return deed


def _print(step: Step) -> Deed:
    data = step.text("print").encode() + b"\n"
    return lambda _here: _say(data)


def _prompt(step: Step) -> Deed:
    step.told("prompt")
    return lambda here: _say(here.prompt)


def _report(step: Step) -> Deed:
    table = step.table("report", _REPORT)
    options = [f"--{key.replace('_', '-')}={_reported(table, key)}" for key in table.keys]

    def deed(_here: Here) -> None:
        if not os.environ.get("ORCHD_TRACK"):
            _say(b"nobody to report to: ORCHD_TRACK is not set\n")
            return
        status = _status([sys.executable, "-P", "-m", "orchestrator", "progress", *options])
        if status:
            _complain(f"{step.place}: the report was not taken (status {status})")

    return deed


def _reported(table: Step, key: str) -> int | str:
    return table.whole(key, 0, _NUMBERS[key]) if key in _NUMBERS else table.argument(key)


def _sleep(step: Step) -> Deed:
    seconds = step.seconds("sleep")
    return lambda _here: clock.pause(seconds)


def _fail(step: Step) -> Deed:
    status = step.whole("fail", 1, 255)

    def deed(_here: Here) -> None:
        raise Ending(status, f"{step.place}: told to fail with {status}")

    return deed


def _hang(step: Step) -> Deed:
    step.told("hang")

    def deed(_here: Here) -> None:
        while True:
            clock.pause(3600)

    return deed


def _crash(step: Step) -> Deed:
    name = step.argument("crash")
    try:
        number = process.signal_number(name)
    except ValueError as error:
        raise step.wrong(f"crash: there is no signal '{visible(name, 60)}'") from error

    def deed(_here: Here) -> None:
        os.kill(os.getpid(), number)
        raise Ending(FAILED, f"{step.place}: {name} did not end this process")

    return deed


def _escape(step: Step) -> Deed:
    argv = _command(step)
    pid_file = step.argument("pid_file") if "pid_file" in step.keys else None

    def deed(here: Here) -> None:
        target = None if pid_file is None else here.inside(pid_file)
        pid = _detached(argv)
        if target is not None:
            target.write_text(f"{pid}\n", encoding="ascii")

    return deed


def _eat_memory(step: Step) -> Deed:
    size = step.whole("eat_memory", 1, _MIB)
    held: list[bytes] = []

    def deed(_here: Here) -> None:
        try:
            held.append(b"\1" * (size * _MIB))
        except MemoryError as error:
            raise Ending(FAILED, f"{step.place}: {size} MiB of memory were refused") from error

    return deed


def _ignore_term(step: Step) -> Deed:
    step.told("ignore_term")
    return lambda _here: process.ignore(process.signal_number("SIGTERM"))


_ALONE: Final = frozenset[str]()
# Each action: what makes a deed of its step, and the other keys that the step may have.
_ACTIONS: Final[Mapping[str, tuple[Callable[[Step], Deed], frozenset[str]]]] = {
    "write": (_write, frozenset({"text"})),
    "append": (_append, frozenset({"text"})),
    "run": (_run, _ALONE),
    "commit": (_commit, _ALONE),
    "print": (_print, _ALONE),
    "prompt": (_prompt, _ALONE),
    "report": (_report, _ALONE),
    "sleep": (_sleep, _ALONE),
    "fail": (_fail, _ALONE),
    "hang": (_hang, _ALONE),
    "crash": (_crash, _ALONE),
    "escape": (_escape, frozenset({"pid_file"})),
    "eat_memory": (_eat_memory, _ALONE),
    "ignore_term": (_ignore_term, _ALONE),
}


def _command(step: Step) -> list[str]:
    return [sys.executable if word == "{python}" else word for word in step.argv(step.action)]


def _status(argv: list[str]) -> int:
    """Run a program on our own output and return its exit status, as a shell would say it."""
    # Python ignores SIGPIPE, and what is ignored is inherited; programs expect it to end them.
    pipes = [process.signal_number("SIGPIPE")]
    try:
        pid = os.posix_spawnp(argv[0], argv, os.environ, setsigdef=pipes)
    except OSError as error:
        raise Ending(NOT_STARTED, f"cannot start '{visible(argv[0])}': {error.strerror}") from error
    return exit_of_child(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _must(argv: list[str]) -> None:
    status = _status(argv)
    if status:
        raise Ending(status, f"'{visible(' '.join(argv), 80)}' ended with {status}")


def _detached(argv: list[str]) -> int:
    """Start a program as a daemon starts: nobody's child, in a session of its own. Return its pid."""
    answer, tell = os.pipe()
    between = os.fork()
    if between == 0:
        _start_and_leave(argv, tell)
    os.close(tell)
    pid = os.read(answer, 32)
    os.close(answer)
    os.waitpid(between, 0)
    if not pid:
        raise Ending(NOT_STARTED, f"cannot start '{visible(argv[0])}'")
    return int(pid)


def _start_and_leave(argv: list[str], tell: int) -> None:
    status = NOT_STARTED
    try:
        os.setsid()
        os.write(tell, b"%d" % os.posix_spawnp(argv[0], argv, os.environ))
        status = 0
    finally:
        os._exit(status)


def _say(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _complain(line: str) -> None:
    sys.stderr.write(f"scripted: {line}\n")
    sys.stderr.flush()


def _load(path: str, phase: str) -> list[Deed]:
    try:
        data = files.read(path).data
    except FileNotFoundError as error:
        raise UsageError(f"there is no script '{visible(path)}'") from error
    script = parse(data, {action: beside for action, (_, beside) in _ACTIONS.items()})
    deeds = {name: [_ACTIONS[step.action][0](step) for step in steps] for name, steps in script.items()}
    return deeds.get(phase, [])


def _told() -> bytes:
    """Read the prompt to its end, so that whoever writes it is never left with a full pipe."""
    nobody = sys.stdin is None or sys.stdin.isatty()
    return b"" if nobody else sys.stdin.buffer.read()


def _perform(arguments: Sequence[str]) -> None:
    match arguments:
        case [path, "--phase", phase] | ["--phase", phase, path]:
            deeds = _load(path, phase)
        case _:
            raise UsageError("usage: python -m orchestrator.agents.scripted SCRIPT.toml --phase PHASE < prompt")
    here = Here(Path.cwd(), _told())
    for deed in deeds:
        deed(here)


def main(arguments: Sequence[str]) -> int:
    """Carry out one phase of a script; return the exit status."""
    try:
        _perform(arguments)
    except Ending as ending:
        _complain(ending.line)
        return ending.status
    except OrchdError as error:
        _complain(error.message)
        return USAGE
    except OSError as error:
        _complain(f"{error.strerror}: '{visible(str(error.filename or ''))}'")
        return FAILED
    except KeyboardInterrupt:
        return SIGNALLED + process.signal_number("SIGINT")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
