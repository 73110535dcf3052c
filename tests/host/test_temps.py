"""Names of private files, and the sweep of those whose makers died."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.host import clock, files, identity, temps
from tests.processes import dead, ended, living, python

DAY = 24 * 3600


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """The folder of the test, open."""
    fd = files.open_folder(str(tmp_path))
    yield fd
    os.close(fd)


def made_by(pid: int, ticks: int, namespace: int | None = None) -> str:
    """Return a name as that process would make it."""
    return f"{identity.pid_namespace() if namespace is None else namespace}-{pid}-{ticks}-00ff"


def test_names_are_new_every_time() -> None:
    """No two names are the same, and each is one word of a path."""
    names = {temps.name() for _ in range(100)}
    assert len(names) == 100
    assert all("/" not in name and name.isascii() for name in names)


def test_what_the_living_make_stays(tmp_path: Path, folder: int) -> None:
    """A file in use is not swept, neither ours nor that of another living process."""
    with living() as other:
        ticks = identity.start_ticks(other.pid) or 0
        for name in (temps.name(), made_by(other.pid, ticks), made_by(other.pid, 0)):
            (tmp_path / name).touch()
        assert temps.sweep(folder) == 0


def test_what_the_dead_made_goes(tmp_path: Path, folder: int) -> None:
    """Files of ended processes, of zombies and of those whose number was used again are left over."""
    left = ended(python("from orchestrator.host import temps; print(temps.name())")).strip()
    with living() as zombie, living() as stranger:
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for name in (left, made_by(dead(), 5), made_by(zombie.pid, 5), made_by(stranger.pid, 5)):
            (tmp_path / name).touch()
        assert temps.sweep(folder) == 4
    assert list(tmp_path.iterdir()) == []


def test_what_another_container_made_goes_after_a_day(tmp_path: Path, folder: int) -> None:
    """Its processes cannot be seen from here, so only age tells; a lock never goes by age, a private file may."""
    fresh, old = tmp_path / made_by(dead(), 5, 17), tmp_path / made_by(dead(), 6, 17)
    fresh.touch()
    old.touch()
    long_ago = clock.wall_ns() // 1_000_000_000 - DAY - 60
    os.utime(old, (long_ago, long_ago))
    assert temps.sweep(folder) == 1
    assert list(tmp_path.iterdir()) == [fresh]


@pytest.mark.parametrize(
    "name", ["notes.txt", "1-2-3", "1-2-3-", "1-2-3-XYZ", "a-2-3-00", "1-99999999999-3-00", "1-2-3-00\n", "x"]
)
def test_strangers_files_stay(tmp_path: Path, folder: int, name: str) -> None:
    """What is not named as ours is not ours to remove."""
    (tmp_path / name).touch()
    assert temps.sweep(folder) == 0
    assert (tmp_path / name).exists()


def test_a_folder_with_such_a_name_stays(tmp_path: Path, folder: int) -> None:
    """Only files are removed."""
    (tmp_path / made_by(dead(), 5)).mkdir()
    assert temps.sweep(folder) == 0
