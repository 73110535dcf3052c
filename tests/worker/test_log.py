"""The log of a track: bounded, rotated, and never somebody else's file."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrator.host import logfile
from orchestrator.worker import log
from orchestrator.worker.log import Log
from tests.processes import is_stopped
from tests.waiting import wait_for
from tests.worker.scene import TRACK, Scene, python, shell


def sparse(path: Path, size: int) -> None:
    """Make a file of that size that takes no room."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_lines_of_ours_stand_alone(tmp_path: Path) -> None:
    """What we say begins a line of its own, whatever the agent printed before."""
    made = Log(str(tmp_path / "logs" / "a.log"))
    os.write(made.fd, b"no end of line")
    made.say("one\ntwo")
    lines = (tmp_path / "logs" / "a.log").read_text(encoding="utf-8").splitlines()
    os.close(made.fd)
    assert lines[0] == "no end of line"
    assert [line.rpartition("] ")[2] for line in lines[1:]] == ["one", "two"]


def test_only_what_is_new_counts(tmp_path: Path) -> None:
    """The tail and the limit are those of the phase, not of the file."""
    path = tmp_path / "logs" / "a.log"
    sparse(path, log.ROTATED_AT)
    made = Log(str(path))
    os.write(made.fd, b"old")
    made.mark()
    assert made.tail() == b""
    os.write(made.fd, b"new")
    assert made.tail() == b"new"
    assert (made.printed(), made.overflows()) == (3, False)
    made.say("ours is not theirs")
    assert made.printed() == 3
    os.ftruncate(made.fd, path.stat().st_size + log.MOST)
    assert made.overflows()
    os.close(made.fd)


def test_a_large_log_makes_room(scene: Scene) -> None:
    """A log of more than 64 MiB is set aside before an attempt; three such files stay."""
    path = Path(scene.layout.log(TRACK))
    for number, size in ((1, 1), (2, 2), (3, 3)):
        sparse(Path(f"{path}.{number}"), size)
    sparse(path, log.ROTATED_AT + 1)
    assert scene.run(shell("work", "echo new")) == 0
    sizes = [Path(f"{path}.{number}").stat().st_size for number in (1, 2, 3)]
    assert sizes == [log.ROTATED_AT + 1, 1, 2]
    assert not Path(f"{path}.4").exists()
    assert "\nnew\n" in scene.log()


def test_an_endless_writer_is_ended(scene: Scene) -> None:
    """A phase that prints more than 1 GiB in all is ended."""
    script = f"import os, time; os.ftruncate(1, {log.MOST} + 10**6); time.sleep(60)"
    assert scene.run(python("work", script)) == 1
    assert scene.attempt().error == "RESOURCE_ERROR: the phase printed more than 1 GiB"
    assert scene.attempt().phases[0].ending == "cancelled"
    assert Path(scene.layout.log(TRACK)).stat().st_size < 4096


PRINTS = """
import os, time
for number in range(150):
    os.write(1, b"%05d\\n" % number * 174763)
    time.sleep(0.005)
"""
ENDS = """
print("the very end")
raise SystemExit(3)
"""


def test_who_prints_much_goes_on(scene: Scene) -> None:
    """The log is bounded while a phase prints, its end is kept, and so is the log of the attempt before."""
    path = Path(scene.layout.log(TRACK))
    sparse(Path(f"{path}.1"), 7)
    assert scene.run(python("work", PRINTS + ENDS)) == 1
    assert scene.attempt().error == "UNKNOWN: phase work ended with status 3: the very end"
    kept = path.read_bytes()
    places = [kept.find(b"\n%05d\n" % number) for number in range(100, 150)] + [kept.find(b"the very end")]
    assert places == sorted(places)
    assert places[0] > 0
    assert log.ROTATED_AT <= len(kept) < log.LARGEST
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"\0" not in kept
    assert Path(f"{path}.1").stat().st_size == 7
    assert sorted(each.name for each in path.parent.iterdir()) == [f"{TRACK}.log{each}" for each in ("", ".1")]


def test_what_is_printed_in_the_instant_of_the_cut_is_kept(scene: Scene) -> None:
    """The worker stands still between its look at the size and the cut: what comes then is the end of the log."""
    waits = "while not os.path.exists({0!r}): time.sleep(0.01)\n"
    more = f"{waits.format('go')}os.write(1, b'in between\\n')\n{waits.format('leave')}raise SystemExit(3)"
    scene.job(python("work", PRINTS + more))
    worker = scene.start("log.cut:stop")
    wait_for(lambda: is_stopped(worker.pid), 30, "the cut")
    wait_for(lambda: end_of(scene).endswith(b"00149\n"), 30, "the last of its numbers")
    (scene.tree / "go").touch()
    wait_for(lambda: end_of(scene).endswith(b"in between\n"), 30, "a line in between")
    worker.send_signal(signal.SIGCONT)
    (scene.tree / "leave").touch()
    wait_for(lambda: goes_on(worker), 30, "the end of the worker")
    assert scene.attempt().error == "UNKNOWN: phase work ended with status 3: in between"


def end_of(scene: Scene) -> bytes:
    """Return the end of the log."""
    return logfile.end_of(scene.layout.log(TRACK))


def goes_on(worker: subprocess.Popen[bytes]) -> bool:
    """Have a worker that stopped itself go on; tell whether it has ended."""
    if worker.poll() is None and is_stopped(worker.pid):
        worker.send_signal(signal.SIGCONT)
    return worker.returncode is not None


def test_where_the_head_cannot_be_dropped(scene: Scene) -> None:
    """The file begins anew, and its end is in the one before; what is printed in that instant may be lost."""
    path = Path(scene.layout.log(TRACK))
    sparse(Path(f"{path}.1"), 7)
    assert scene.run(python("work", PRINTS + "time.sleep(1)" + ENDS), failpoint="log.cut:error") == 1
    assert scene.attempt().error == "UNKNOWN: phase work ended with status 3: the very end"
    kept = Path(f"{path}.1").read_bytes() + path.read_bytes()
    assert b"\n00149\n" in kept
    assert b"the very end" in kept
    assert len(kept) < log.LARGEST
    assert Path(f"{path}.2").stat().st_size == 7
    assert sorted(each.name for each in path.parent.iterdir()) == [f"{TRACK}.log{each}" for each in ("", ".1", ".2")]


def test_what_a_killed_worker_left_is_made_short(scene: Scene) -> None:
    """Its log has lost its head, and reads as zeros there: the next attempt goes on with what is left of it."""
    path = Path(scene.layout.log(TRACK))
    path.parent.mkdir(mode=0o700)
    with path.open("wb") as file:
        file.seek(log.LARGEST)
        file.write(b"what is left\n")
    assert scene.run(shell("work", "echo new")) == 0
    assert scene.log().startswith("what is left\n[orchd ")
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("way", ["/dev/stdout", "../orchestrator_logs/group_A_track_1.log"])
def test_an_agent_empties_the_log(scene: Scene, way: str) -> None:
    """What it printed after that is still what it said last."""
    scene.run(shell("work", "seq 1000"))
    scene.job(shell("work", f"echo first; echo second > {way}; echo third; exit 4"), attempt=2)
    assert scene.start().wait(10) == 1
    assert scene.attempt(2).error == "UNKNOWN: phase work ended with status 4: third"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_not_written_to(scene: Scene, kind: str) -> None:
    """Where the log is a link, a FIFO or a folder, no agent is started, and the attempt says why."""
    path = Path(scene.layout.log(TRACK))
    path.parent.mkdir(mode=0o700)
    victim = scene.root / "victim"
    victim.write_bytes(b"mine")
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert scene.run(shell("work", "touch ran")) == 1
    assert "is in the way: it is not a file" in scene.attempt().error
    assert victim.read_bytes() == b"mine"
    assert not (scene.tree / "ran").exists()
    assert scene.lock() is None
