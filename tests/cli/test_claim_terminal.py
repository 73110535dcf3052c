"""``orchd claim TRACK -- CMD`` with a person in front of it."""

import sys
from pathlib import Path

import pytest

from tests.cli.orchd import ARGV, Orchd
from tests.cli.terminals import terminal
from tests.waiting import wait_for

TRACK = "unit_a"
CLAIM = f"{sys.executable} -P -m orchestrator claim {TRACK} --"
INTERRUPT, STOP, HANG_ON = "\x03", "\x1a", "while :; do sleep 0.05; done"


@pytest.fixture
def orchd(tmp_path: Path) -> Orchd:
    """A root of its own."""
    return Orchd(tmp_path)


def script(orchd: Orchd, text: str) -> list[str]:
    """A shell that carries out a script in a file, where commands do not get groups of their own."""
    path = orchd.root / "script"
    path.write_text(text, encoding="utf-8")
    return ["sh", str(path)]


def test_the_terminal_is_the_commands(orchd: Orchd) -> None:
    """The command reads what is typed and writes to the terminal."""
    argv = [*ARGV, "claim", TRACK, "--", "sh", "-c", "read x; echo got $x; [ -t 0 ] && [ -t 1 ] && echo terminal"]
    with terminal(argv, orchd.root, orchd.env) as screen:
        wait_for(orchd.lock(TRACK).exists)
        screen.type("hello\n")
        screen.shows("got hello")
        screen.shows("terminal")
        assert screen.ends() == 0


def test_interrupt(orchd: Orchd) -> None:
    """Ctrl-C ends a command as it would without us: 130, and the track is free."""
    argv = [*ARGV, "claim", TRACK, "--", "sh", "-c", "echo ready; exec sleep 60"]
    with terminal(argv, orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.type(INTERRUPT)
        assert screen.ends() == 130
    assert not orchd.lock(TRACK).exists()


def test_interrupt_is_the_commands_affair(orchd: Orchd) -> None:
    """A command that takes Ctrl-C for a word of the conversation gets it once and goes on."""
    conversation = f"n=0; trap 'n=$((n+1)); echo heard $n; [ $n = 2 ] && exit 6' INT; echo ready; {HANG_ON}"
    with terminal([*ARGV, "claim", TRACK, "--", "sh", "-c", conversation], orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.type(INTERRUPT)
        screen.shows("heard 1")
        assert orchd.lock(TRACK).exists()
        screen.type(INTERRUPT)
        assert screen.ends() == 6
    assert "heard 3" not in screen.shown


def test_in_a_script(orchd: Orchd) -> None:
    """The claim leads a group of its own, which has the terminal; the script gets it back."""
    text = f"{CLAIM} sh -c 'read x; echo got $x; ps -o pgid=,tpgid= -p $$'; echo status $?; read y; echo then $y\n"
    with terminal(script(orchd, text), orchd.root, orchd.env) as screen:
        wait_for(orchd.lock(TRACK).exists)
        record = orchd.lock(TRACK).read_text(encoding="ascii")
        pid = record.partition('"pid":')[2].partition(",")[0]
        assert f'"pgid":{pid},' in record
        screen.type("one\n")
        screen.shows("status 0")
        assert [pid, pid] in [line.split() for line in screen.shown.splitlines()]
        screen.type("two\n")
        screen.shows("then two")
        assert screen.ends() == 0


def test_interrupt_in_a_script(orchd: Orchd) -> None:
    """Ctrl-C ends the command under the claim, and the script goes on with the terminal."""
    text = f"{CLAIM} sh -c 'echo ready; exec sleep 60'; echo status $?; read y; echo then $y\n"
    with terminal(script(orchd, text), orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.type(INTERRUPT)
        screen.shows("status 130")
        screen.type("two\n")
        screen.shows("then two")
        assert screen.ends() == 0


def test_the_stop_key_in_a_script(orchd: Orchd) -> None:
    """Ctrl-Z does nothing where no shell could wake the group again."""
    text = f"{CLAIM} sh -c 'echo ready; read x; echo got $x'\n"
    with terminal(script(orchd, text), orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.type(STOP)
        screen.type("on\n")
        screen.shows("got on")
        assert screen.ends() == 0


def test_in_a_pipeline(orchd: Orchd) -> None:
    """A neighbour in the pipeline keeps the terminal that it may be reading."""
    text = f"cat | {CLAIM} sh -c 'echo ready; cat'\n"
    with terminal(script(orchd, text), orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.type("typed\n")
        screen.shows("typed\r\ntyped")
        screen.type("\x04")
        assert screen.ends() == 0


def test_in_front_of_a_pager(orchd: Orchd) -> None:
    """A reader of our output that asks the person something can do so."""
    text = f"{CLAIM} sh -c 'echo out' | sh -c 'read x; read y < /dev/tty; echo $x and $y'\n"
    with terminal(script(orchd, text), orchd.root, orchd.env) as screen:
        screen.type("typed\n")
        screen.shows("out and typed")
        assert screen.ends() == 0


def test_hanging_up(orchd: Orchd) -> None:
    """When the terminal goes, command and claim end."""
    argv = [*ARGV, "claim", TRACK, "--", "sh", "-c", f"echo ready; {HANG_ON}"]
    with terminal(argv, orchd.root, orchd.env) as screen:
        screen.shows("ready")
        screen.hang_up()
        screen.program.wait(10)
    assert not orchd.lock(TRACK).exists()
