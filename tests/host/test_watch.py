"""Hints that something changed: from the kernel where it gives them, and never relied upon."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.host.watch import MOST, Watch
from tests.processes import ended, environment, is_stopped, kill, python
from tests.waiting import wait_for


class Watched:
    """A watch, with everything that it said since the last :meth:`quiet`."""

    def __init__(self) -> None:
        self.woken = 0
        self.looks = 0
        self.paths: set[str] = set()
        self.everything = False
        self.watch = Watch(self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def look(self) -> None:
        """Take in what was said."""
        self.looks += 1
        changes = self.watch.take()
        self.paths |= changes.paths
        self.everything |= changes.everything

    def quiet(self) -> None:
        """Forget what was said so far."""
        self.look()
        self.paths.clear()
        self.everything = False

    def hears_of(self, path: Path) -> bool:
        """Tell whether a path was named."""
        self.look()
        return str(path) in self.paths

    def hears_of_everything(self) -> bool:
        """Tell whether all must be looked at again."""
        self.look()
        return self.everything

    def checks_and_hears_of_everything(self) -> bool:
        """Look after the folders; tell whether all must be looked at again."""
        self.watch.check()
        return self.hears_of_everything()


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A watch that is closed afterwards, and leaves no thread and no descriptor."""
    threads, descriptors = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    made = Watched()
    yield made
    made.watch.close()
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_first_everything_is_to_be_looked_at(watched: Watched, tmp_path: Path) -> None:
    """Nothing is known before the first look; following another folder begins anew."""
    assert watched.watch.take().everything
    assert not watched.watch.take().everything
    watched.watch.follow(str(tmp_path))
    assert watched.watch.take().everything
    assert watched.watch.degraded == {}


def test_made_moved_and_deleted(watched: Watched, tmp_path: Path) -> None:
    """Each of these is named within moments: link, rename from outside and within, deletion, a new folder."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    watched.watch.follow(str(folder))
    watched.quiet()
    draft = outside / "draft"
    draft.write_text("x")
    (folder / "linked").hardlink_to(draft)
    wait_for(lambda: watched.hears_of(folder / "linked"))
    draft.rename(folder / "renamed")
    wait_for(lambda: watched.hears_of(folder / "renamed"))
    (folder / "renamed").rename(folder / "again")
    wait_for(lambda: watched.hears_of(folder / "again"))
    (folder / "linked").unlink()
    watched.quiet()
    (folder / "again").unlink()
    wait_for(lambda: watched.hears_of(folder / "again"))
    (folder / "sub").mkdir()
    wait_for(lambda: watched.hears_of(folder / "sub"))
    assert watched.woken > 0


def test_woken_once_until_taken(watched: Watched, tmp_path: Path) -> None:
    """However many hints there are: whoever was woken and has not looked yet is not woken again."""
    watched.watch.follow(str(tmp_path))
    watched.quiet()
    woken, looks = watched.woken, watched.looks
    for number in range(500):
        (tmp_path / str(number)).touch()
    wait_for(lambda: watched.hears_of(tmp_path / "499"))
    assert len(watched.paths) == 500
    assert 0 < watched.woken - woken <= watched.looks - looks


def test_replaced_as_a_whole(watched: Watched, tmp_path: Path) -> None:
    """A file replaced by another from outside is named each time, as a status file is."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "status").write_text("0")
    watched.watch.follow(str(folder))
    for number in range(3):
        watched.quiet()
        (tmp_path / "draft").write_text(str(number))
        os.replace(tmp_path / "draft", folder / "status")
        wait_for(lambda: watched.hears_of(folder / "status"))


def test_our_own_reading_says_nothing(watched: Watched, tmp_path: Path) -> None:
    """Reading and listing wake nobody, else a look would cause the next one."""
    (tmp_path / "x").write_text("x")
    watched.watch.follow(str(tmp_path))
    watched.quiet()
    for _ in range(50):
        (tmp_path / "x").read_text()
        os.listdir(tmp_path)
    (tmp_path / "last").touch()
    wait_for(lambda: watched.hears_of(tmp_path / "last"))
    assert watched.paths == {str(tmp_path / "last")}


@pytest.mark.parametrize("way", ["deleted", "moved", "replaced"])
def test_another_folder_in_its_place(watched: Watched, tmp_path: Path, way: str) -> None:
    """After a check the new folder is watched as the old one was, and all is to be looked at.

    Not always the next one: the new folder may have the inode of the old, whose end is heard in a thread.
    """
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    watched.watch.follow(str(folder))
    if way == "deleted":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        folder.rename(tmp_path / "gone")
        other.rename(folder) if way == "replaced" else folder.mkdir()
    watched.quiet()
    wait_for(watched.checks_and_hears_of_everything)
    (folder / "new").touch()
    wait_for(lambda: watched.hears_of(folder / "new"))


def test_missing_at_first_and_gone_for_a_while(watched: Watched, tmp_path: Path) -> None:
    """A folder that is not there is no trouble; it is watched once it comes, and again when it comes back."""
    folder = tmp_path / "folder"
    watched.watch.follow(str(folder))
    watched.watch.check()
    assert watched.watch.degraded == {}
    for name in ("first", "second"):
        folder.mkdir()
        watched.watch.check()
        (folder / name).touch()
        wait_for(lambda name=name: watched.hears_of(folder / name))  # type: ignore[misc]  # a default binds it
        shutil.rmtree(folder)
        watched.watch.check()


def test_forgotten(watched: Watched, tmp_path: Path) -> None:
    """A folder that was forgotten says nothing more; the others do; forgetting twice is harmless."""
    one, two = tmp_path / "one", tmp_path / "two"
    for each in (one, two):
        each.mkdir()
        watched.watch.follow(str(each))
    watched.watch.forget(str(one))
    watched.watch.forget(str(one))
    watched.quiet()
    (one / "x").touch()
    (two / "x").touch()
    wait_for(lambda: watched.hears_of(two / "x"))
    watched.watch.check()
    assert watched.paths == {str(two / "x")}


def test_many_folders(watched: Watched, tmp_path: Path) -> None:
    """Up to MOST are watched; the rest is named as rescanned, and watched as soon as there is room."""
    folders = [tmp_path / str(number) for number in range(MOST + 2)]
    for each in folders:
        each.mkdir()
        watched.watch.follow(str(each))
    assert set(watched.watch.degraded) == {str(each) for each in folders[MOST:]}
    watched.quiet()
    for each in folders[:MOST]:
        (each / "x").touch()
    wait_for(lambda: all(watched.hears_of(each / "x") for each in folders[:MOST]))
    watched.watch.forget(str(folders[0]))
    watched.watch.check()
    assert len(watched.watch.degraded) == 1
    watched.quiet()
    (folders[MOST] / "y").touch()
    wait_for(lambda: watched.hears_of(folders[MOST] / "y"))


def test_a_dead_watcher_is_noticed(watched: Watched, tmp_path: Path) -> None:
    """What was watching ended without a word: the next check begins anew."""
    watched.watch.follow(str(tmp_path))
    for thread in threading.enumerate():
        if "Emitter" in type(thread).__name__:
            thread.stop()  # type: ignore[attr-defined]  # watchdog's threads have it
            thread.join(5)
    watched.quiet()
    watched.watch.check()
    assert watched.hears_of_everything()
    (tmp_path / "x").touch()
    wait_for(lambda: watched.hears_of(tmp_path / "x"))


def test_a_dead_observer_is_noticed(watched: Watched, tmp_path: Path) -> None:
    """The same for the thread that hands everything on."""
    watched.watch.follow(str(tmp_path))
    (observer,) = [each for each in threading.enumerate() if "Observer" in type(each).__name__]
    observer.stop()  # type: ignore[attr-defined]  # watchdog's threads have it
    observer.join(5)
    watched.watch.check()
    watched.quiet()
    (tmp_path / "x").touch()
    wait_for(lambda: watched.hears_of(tmp_path / "x"))


def test_the_log_line_of_an_overflow_is_heard(watched: Watched, tmp_path: Path) -> None:
    """Watchdog's only word about lost events means: look at everything. Its other words mean nothing."""
    watched.watch.follow(str(tmp_path))
    watched.quiet()
    log = logging.getLogger("watchdog.observers.inotify_c")
    log.warning("something else")
    assert not watched.hears_of_everything()
    log.warning("Inotify queue overflowed; filesystem events were lost")
    assert watched.hears_of_everything()
    assert watched.watch.overflows == 1


def test_a_link_is_not_followed(watched: Watched, tmp_path: Path) -> None:
    """The kernel would be silent about it, so it is named as degraded."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    watched.watch.follow(str(tmp_path / "link"))
    assert "a link" in watched.watch.degraded[str(tmp_path / "link")]
    (tmp_path / "link").unlink()
    watched.watch.check()
    assert watched.watch.degraded == {}


def test_what_is_no_folder_is_not_watched(watched: Watched, tmp_path: Path) -> None:
    """A file in the folder's place is as if nothing were there."""
    (tmp_path / "file").touch()
    watched.watch.follow(str(tmp_path / "file"))
    watched.watch.check()
    assert watched.watch.degraded == {}


OVERFLOWING = """
import sys
from threading import Event
from orchestrator.host.watch import Watch
woken = Event()
watch = Watch(woken.set)
watch.follow(sys.argv[1])
watch.take()
print("ready", flush=True)
sys.stdin.readline()
while not watch.overflows:
    woken.wait(10)
    woken.clear()
print(watch.take().everything, flush=True)
while not any(path.endswith("/last") for path in watch.take().paths):
    woken.wait(10)
    woken.clear()
"""


def test_a_real_overflow(tmp_path: Path) -> None:
    """Stopped while more happens than the kernel keeps: all is to be looked at, and later events come as before."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    child = python(OVERFLOWING, str(tmp_path))
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(child.pid))
        for number in range(most // 2 + 500):
            fd = os.open(tmp_path / f"f{number % 10}", os.O_CREAT | os.O_WRONLY)
            os.close(fd)
            os.unlink(tmp_path / f"f{number % 10}")
        child.send_signal(signal.SIGCONT)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "True\n"
        (tmp_path / "last").touch()
        assert ended(child) == ""
    finally:
        kill(child)


LIMITED = """
import json, os, resource, sys
from orchestrator.host.watch import Watch
def descriptors():
    return len(os.listdir("/proc/self/fd"))
watch = Watch(lambda: None)
before = descriptors()
if sys.argv[2] == "descriptors":
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 3, before + 200))
folders = [os.path.join(sys.argv[1], name) for name in "abc"]
for each in folders:
    os.mkdir(each)
    watch.follow(each)
for _ in range(5):
    watch.check()
degraded, kept = watch.degraded, descriptors()
resource.setrlimit(resource.RLIMIT_NOFILE, (before + 200, before + 200))
watch.check()
print(json.dumps([degraded, kept - before, watch.degraded]))
watch.close()
"""


def limited(tmp_path: Path, limit: str, prefix: list[str]) -> tuple[dict[str, str], int, dict[str, str]]:
    """Watch three folders in a process of narrow means: what is degraded, what was lost, what is degraded later."""
    argv = [*prefix, sys.executable, "-c", LIMITED, str(tmp_path), limit]
    done = subprocess.run(argv, env=environment(), capture_output=True, check=False, timeout=30)
    if prefix and b"Permission denied" in done.stderr + done.stdout:
        pytest.skip("no user namespaces here")
    assert done.returncode == 0, done.stderr
    degraded, lost, later = json.loads(done.stdout)
    return degraded, lost, later


def test_no_descriptors_left(tmp_path: Path) -> None:
    """It says so, loses none of the few there are however often it tries, and watches as soon as it can."""
    degraded, lost, later = limited(tmp_path, "descriptors", [])
    assert len(degraded) == 3
    assert all("Too many open files" in each for each in degraded.values())
    assert lost <= 0
    assert later == {}


@pytest.mark.parametrize(("limit", "count"), [("watches", 2), ("instances", 3)])
def test_no_watches_left(tmp_path: Path, limit: str, count: int) -> None:
    """The kernel gives no (more) watches to this user: what is not watched is named, the rest is."""
    allowed = 1 if limit == "watches" else 0
    setting = f'echo {allowed} > /proc/sys/user/max_inotify_{limit} && exec "$@"'
    degraded, lost, later = limited(tmp_path, limit, ["unshare", "-Ur", "sh", "-c", setting, "sh"])
    assert len(degraded) == len(later) == count
    assert all("cannot be watched" in each for each in degraded.values())
    assert lost <= (4 if limit == "watches" else 0)
