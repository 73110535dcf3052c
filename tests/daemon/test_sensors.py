"""What is known of the locks: looked at again only where they may be others, and a hold on each living owner."""

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Seen, Wanted, Won
from orchestrator.daemon.sensors import DOUBTFUL_LOOK, ONE_BY_ONE, ClaimSensor, left
from tests.processes import living
from tests.waiting import wait_for


class Store(FileClaims):
    """A real store that counts what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.reads = 0
        self.lists = 0

    def read(self, track: str) -> Seen | None:
        """Return a lock."""
        self.reads += 1
        return super().read(track)

    def list(self) -> list[Seen]:
        """Return every lock."""
        self.lists += 1
        return super().list()


class Sensed:
    """A sensor below a root, with the descriptors that it waits for."""

    def __init__(self, root: Path, most_holds: int = 100) -> None:
        self.root = root
        self.store = Store(root)
        self.waiting: dict[int, str] = {}
        locks = str(root / ".orchestrator_locks")
        self.sensor = ClaimSensor(self.store, locks, most_holds, self.waiting.__setitem__, self.waiting.__delitem__)

    def claim(self, track: str, pid: int) -> None:
        """Claim a track for a process."""
        assert isinstance(self.store.claim(Wanted(track, "test", pid)), Won)

    def look(self) -> list[tuple[str, str]]:
        """Look at everything; return which tracks changed, and how they are now."""
        return sorted((each.track, each.after.verdict.state if each.after else "free") for each in self.sensor.rescan())


@pytest.fixture
def sensed(tmp_path: Path) -> Iterator[Sensed]:
    """A sensor that leaves no descriptor open."""
    made = Sensed(tmp_path)
    yield made
    made.sensor.close()
    assert made.waiting == {}


def test_each_change_once(sensed: Sensed) -> None:
    """A lock that came, whose owner died, that went: told once, by a rescan as by a look at it."""
    with living() as owner:
        sensed.claim("t1", owner.pid)
        assert sensed.look() == [("t1", "alive")]
        assert sensed.look() == []
        owner.kill()
        owner.wait()
        sensed.sensor.ended("t1")
        assert sensed.look() == [("t1", "dead")]
    assert sensed.sensor.dead == {"t1"}
    sensed.store.reap("t1")
    assert sensed.look() == [("t1", "free")]
    assert sensed.sensor.dead == set()
    assert list(sensed.sensor.refresh(["t1", "never"])) == []


def test_what_is_held_and_unchanged_is_not_read_again(sensed: Sensed) -> None:
    """A rescan costs a look at the file; where another one stands in its place, that is read."""
    with living() as owner, living() as other:
        for number in range(ONE_BY_ONE + 5):
            sensed.claim(f"t{number}", owner.pid)
        assert len(sensed.look()) == ONE_BY_ONE + 5
        assert sensed.store.lists == 1
        reads = sensed.store.reads
        held = 100
        for _ in range(3):
            assert sensed.look() == []
        assert sensed.store.reads - reads == 3 * 5
        assert len(sensed.waiting) == held
        lock = Path(sensed.sensor.seen["t0"].path)
        sensed.store.release("t0", sensed.sensor.seen["t0"].token)
        lock.write_text(f"{other.pid}\n")
        assert sensed.look() == [("t0", "alive")]


def test_what_is_dead_and_unchanged_is_not_read_again(sensed: Sensed) -> None:
    """Death is final: a rescan looks at the file only; where another one stands in its place, that is read."""
    with living() as owner, living() as other:
        sensed.claim("t1", owner.pid)
        owner.kill()
        owner.wait()
        assert sensed.look() == [("t1", "dead")]
        reads = sensed.store.reads
        assert sensed.look() == []
        assert sensed.store.reads == reads
        Path(sensed.sensor.seen["t1"].path).write_text(f"{other.pid}\n")
        assert sensed.look() == [("t1", "alive")]


def test_whose_worker_is_gone(sensed: Sensed) -> None:
    """The run of a claim whose owner died or that went; not of one that came, and none of a lock that names none."""
    with living() as owner:
        won = sensed.store.claim(Wanted("t1", "test", owner.pid, "roadmap", 1))
        assert isinstance(won, Won)
        sensed.claim("t2", owner.pid)
        assert [left(each) for each in sensed.sensor.rescan()] == [None, None]
    for track in ("t1", "t2"):
        sensed.sensor.ended(track)
    assert {each.track: left(each) for each in sensed.sensor.rescan()} == {"t1": "roadmap", "t2": None}
    assert [left(each) for each in sensed.sensor.gone(["t1"])] == ["roadmap"]


def test_a_hold_tells_of_the_end(sensed: Sensed) -> None:
    """Its descriptor becomes readable; whoever is told lets it go, and the next look finds the owner dead."""
    with living() as owner:
        sensed.claim("t1", owner.pid)
        sensed.look()
        (fd,) = sensed.waiting
        assert select.select([fd], [], [], 0)[0] == []
        owner.kill()
        assert select.select([fd], [], [], 10)[0] == [fd]
        sensed.sensor.ended("t1")
        assert sensed.waiting == {}
        assert sensed.look() == [("t1", "dead")]


def test_more_owners_than_holds(tmp_path: Path) -> None:
    """Those without are looked at again when that is due; each that gets free makes room."""
    sensed = Sensed(tmp_path, most_holds=1)
    with living() as one, living() as two:
        sensed.claim("t1", one.pid)
        sensed.claim("t2", two.pid)
        sensed.look()
        assert len(sensed.waiting) == 1
        assert sensed.sensor.due == 0.0
        assert sensed.sensor.refresh_doubtful(100.0) == []
        assert sensed.sensor.due is not None
        assert sensed.sensor.due >= DOUBTFUL_LOOK
        two.kill()
        two.wait()
        (change,) = sensed.sensor.refresh_doubtful(sensed.sensor.due + 1e6)
        assert (change.track, change.after and change.after.verdict.state) == ("t2", "dead")
        assert sensed.sensor.due is None
    sensed.sensor.close()


def test_orphans_are_looked_at_again(sensed: Sensed) -> None:
    """Nothing tells of the end of a group, so that is looked for."""
    with subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; exec sleep 600"], stdout=-1, process_group=0) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        sensed.claim("t1", leader.pid)
        leader.kill()
        leader.wait()
        assert sensed.look() == [("t1", "orphaned")]
        assert sensed.sensor.due is not None
        os.kill(child, 9)
        wait_for(lambda: [each for each in sensed.sensor.refresh_doubtful(1e9) if each.after])
    assert sensed.sensor.dead == {"t1"}


@contextmanager
def odd_names(folder: Path) -> Iterator[set[str]]:
    """Locks of names that are none of ours."""
    names = {"a b", "..x", "\x1b[2J", "x" * 200}
    for name in names:
        (folder / f"{name}.lock").write_text("")
    yield names
    for name in names:
        (folder / f"{name}.lock").unlink()


def test_names_that_are_no_tracks(sensed: Sensed) -> None:
    """They are seen, escaped, as what cannot be told; their going is no trouble."""
    with living() as owner:
        sensed.claim("t1", owner.pid)
    locks = sensed.root / ".orchestrator_locks"
    with odd_names(locks) as names:
        sensed.look()
        assert len(sensed.sensor.seen) == len(names) + 1
        assert "\\x1b[2J" in sensed.sensor.seen
        assert sensed.look() == []
    assert [state for _, state in sensed.look()] == ["free"] * len(names)


def test_no_folder_of_locks(sensed: Sensed) -> None:
    """Nothing is held where there is nothing, and that is told once."""
    assert sensed.look() == []
    with living() as owner:
        sensed.claim("t1", owner.pid)
        sensed.look()
        (sensed.root / ".orchestrator_locks").rename(sensed.root / "moved")
        assert sensed.look() == [("t1", "free")]
        assert sensed.look() == []
