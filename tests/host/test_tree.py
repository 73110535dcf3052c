"""Everything that descends from a process, and its end. Each test is a subreaper in a process of its own."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from orchestrator.host import tree
from tests.processes import ended, living, python, state
from tests.waiting import wait_for

# Starts a shell script, lets it get ready, ends the tree, and says how that went.
DRIVER: Final = """
import json, os, sys, time
from orchestrator.host import prctl, spawn, tree
from orchestrator.host.signals import CHILD, Signals

script, grace, patient = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "patient"
assert prctl.become_subreaper()
with Signals((CHILD,)) as events:
    child = spawn.spawn(["sh", "-c", script], cwd=None, env=os.environ, streams=spawn.Streams())
    ended = {}

    def pause(seconds):
        events.wait(seconds)
        ended.update((each.pid, each.code) for each in spawn.reap())
        return patient

    while not (os.path.exists("ready") or child in ended):
        pause(0.01)
    before = tree.descendants()
    start = time.monotonic()
    ending = tree.Tree(pause, lambda: None if child in ended else child).end(grace)
    facts = {
        "before": sorted(before),
        "ended": ending.ended,
        "clean": ending.clean,
        "survivors": ending.survivors,
        "code": ended.get(child),
        "seconds": time.monotonic() - start,
        "left": sorted(tree.descendants()),
    }
print(json.dumps(facts))
"""


def drive(tmp_path: Path, script: str, grace: float = 0.2, *, patient: bool = True) -> dict[str, Any]:
    """Run the driver in ``tmp_path``; the script makes a file ``ready``, or ends."""
    driver = python(
        f"import os; os.chdir({str(tmp_path)!r})\n{DRIVER}", script, str(grace), "patient" if patient else "hurry"
    )
    facts: dict[str, Any] = json.loads(ended(driver))
    assert facts["left"] == []
    return facts


def pid_in(path: Path) -> int:
    """Return the number that a file holds."""
    return int(path.read_text(encoding="ascii"))


def test_nobody_has_no_descendants() -> None:
    """A process without children has none, and ending them takes no time."""
    assert tree.descendants() == {}
    start = time.monotonic()
    assert tree.Tree(lambda _seconds: True, lambda: None).end(30.0) == tree.Ending()
    assert time.monotonic() - start < 10


def test_descendants_are_seen() -> None:
    """Children and grandchildren are; others are not, nor are those below one that is spared."""
    with living() as stranger, subprocess.Popen(["sh", "-c", "sleep 60 & wait"], stdout=subprocess.DEVNULL) as child:
        found = wait_for(lambda: seen if len(seen := tree.descendants()) == 3 else {})
        assert {stranger.pid, child.pid} < set(found)
        spared = {child.pid: found[child.pid]}
        assert set(tree.descendants(spared)) == {stranger.pid}
        assert set(tree.descendants({child.pid: 1})) == set(found)
        for pid in found:
            os.kill(pid, signal.SIGKILL)


def test_a_gentle_end(tmp_path: Path) -> None:
    """Who heeds TERM is not killed, and nobody waits longer than that takes."""
    facts = drive(tmp_path, "trap 'exit 7' TERM; touch ready; while :; do sleep 0.05; done", 20.0)
    assert (facts["code"], facts["clean"]) == (7, True)
    assert facts["seconds"] < 10


def test_what_ignores_term_is_killed(tmp_path: Path) -> None:
    """After the grace, and not before."""
    facts = drive(tmp_path, "trap '' TERM; touch ready; while :; do sleep 0.05; done", 0.3)
    assert facts["code"] == -9
    assert 0.3 <= facts["seconds"] < 6


def test_hurry(tmp_path: Path) -> None:
    """Who is told to hurry does not wait for the grace."""
    facts = drive(tmp_path, "trap '' TERM; touch ready; while :; do sleep 0.05; done", 60.0, patient=False)
    assert facts["seconds"] < 8


def test_escaped_descendants(tmp_path: Path) -> None:
    """Twice forked, in sessions of their own, without a living parent: all of them are ended."""
    escape = "(setsid sh -c 'trap \"\" TERM; echo $$ > one; sleep 60; sleep 60' &) ; (setsid setsid sleep 61 &); "
    facts = drive(tmp_path, escape + "while ! [ -s one ]; do sleep 0.01; done; touch ready; sleep 60")
    assert len(facts["before"]) >= 4
    assert facts["ended"] >= 4
    wait_for(lambda: state(pid_in(tmp_path / "one")) in ("", "Z"))


def test_what_is_stopped_ends(tmp_path: Path) -> None:
    """A stopped process hears TERM too."""
    facts = drive(tmp_path, "trap 'exit 5' TERM; touch ready; kill -STOP $$; exit 1", 10.0)
    assert facts["code"] in (1, 5)  # the shell may find TERM only after its next word
    assert facts["seconds"] < 8


def test_a_dead_child_leaves_orphans(tmp_path: Path) -> None:
    """What lives on after the command itself is ended and counted."""
    facts = drive(tmp_path, "sleep 60 & sleep 61 & exit 0")
    assert (facts["code"], facts["clean"]) == (0, True)
    assert facts["ended"] == 2


def test_a_stranger_is_never_signalled() -> None:
    """A pid whose start is another one belongs to somebody else by now."""
    with living() as stranger:
        assert not tree._signal(stranger.pid, 1, signal.SIGKILL)  # noqa: SLF001  # the gate itself
        assert stranger.poll() is None
