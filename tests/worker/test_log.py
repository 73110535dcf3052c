"""The log of a track: bounded, rotated, and never somebody else's file."""

import os
from pathlib import Path

import pytest

from orchestrator.worker import log
from orchestrator.worker.log import Log
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


def test_who_prints_much_goes_on(scene: Scene) -> None:
    """The log is bounded while a phase prints, its end is kept, and so is the log of the attempt before."""
    path = Path(scene.layout.log(TRACK))
    sparse(Path(f"{path}.1"), 7)
    script = """
import os, time
for number in range(150):
    os.write(1, b"%05d\\n" % number * 174763)
    time.sleep(0.005)
time.sleep(1)  # what is printed in the instant of a cut may be lost with it
print("the very end")
raise SystemExit(3)
"""
    assert scene.run(python("work", script)) == 1
    assert scene.attempt().error == "UNKNOWN: phase work ended with status 3: the very end"
    kept = Path(f"{path}.1").read_bytes() + path.read_bytes()
    assert b"\n00149\n" in kept
    assert b"the very end" in kept
    assert len(kept) < 2 * log.ROTATED_AT
    assert Path(f"{path}.2").stat().st_size == 7
    assert sorted(each.name for each in path.parent.iterdir()) == [f"{TRACK}.log{each}" for each in ("", ".1", ".2")]


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
