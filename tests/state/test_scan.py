"""Looking at a run's folder: what is good is believed, what is bad is named, and nothing is touched."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from orchestrator.host import clock
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.scan import MOST, MOST_STRANGERS, Scan, scan_statuses
from tests.core.statuses import FULL
from tests.state.malformed import GOOD, ODD, texts
from tests.waiting import wait_for

TEXTS = texts()


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The folder of a run."""
    run = Layout(str(tmp_path)).run("1783")
    Path(run.folder).mkdir(parents=True)
    return run


def _write(paths: RunLayout, agent_id: str = "agent-1", **changed: object) -> None:
    """Publish a good status file, with some fields changed."""
    draft = Path(paths.folder).with_name("draft")
    draft.write_bytes(json.dumps(FULL | {"agent_id": agent_id} | changed).encode())
    draft.replace(paths.status(agent_id))


def _scan(paths: RunLayout, before: Scan | None = None, **fences: int) -> Scan:
    return scan_statuses(paths, before.known if before else {}, fences)


def _picture(folder: str) -> list[tuple[str, int, int, int]]:
    """Return what everything in a folder is, so that a change shows."""
    facts = [(each.path, each.stat(follow_symlinks=False)) for each in os.scandir(folder)]
    return sorted((path, each.st_ino, each.st_mode, each.st_mtime_ns) for path, each in facts)


def _settle(paths: RunLayout) -> None:
    """Make every file old enough that its times tell of every change."""
    for entry in os.scandir(paths.folder):
        os.utime(entry.path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)


def test_good_files_are_believed(paths: RunLayout) -> None:
    """Every agent's status is there, and the files of the run are no strangers."""
    for number in range(3):
        _write(paths, f"agent-{number}", progress_percentage=number)
    for name in ("run.json", "agent-1.job.json", "agent-1.result.json", "agent-1.outcome.json", "summary.md"):
        Path(paths.folder, name).touch()
    Path(paths.private).mkdir()
    scan = _scan(paths)
    assert {name: each.progress_percentage for name, each in scan.statuses.items()} == {
        "agent-0": 0,
        "agent-1": 1,
        "agent-2": 2,
    }
    assert scan.problems == ()


@pytest.mark.parametrize("name", TEXTS)
def test_bad_content_is_a_problem_and_nothing_else(paths: RunLayout, name: str) -> None:
    """It is named with its path and a reason, its neighbour is believed, and both files stay as they are."""
    Path(paths.status("agent-1")).write_bytes(TEXTS[name])
    _write(paths, "agent-2")
    before = _picture(paths.folder)
    scan = _scan(paths)
    (problem,) = scan.problems
    assert problem.path == paths.status("agent-1")
    assert problem.reason
    assert problem.reason.isprintable()
    assert set(scan.statuses) == {"agent-2"}
    assert _picture(paths.folder) == before


@pytest.mark.parametrize("name", ODD)
def test_whatever_else_is_there_is_a_problem_too(paths: RunLayout, name: str) -> None:
    """Folders, FIFOs, sockets, links, devices and huge files are named, quickly, and never opened for long."""
    ODD[name](paths.status("agent-1"))
    before, started = _picture(paths.folder), time.monotonic()
    scan = _scan(paths)
    assert time.monotonic() - started < 10
    (reason,) = (each.reason for each in scan.problems if each.path == paths.status("agent-1"))
    assert reason.isprintable()
    assert "agent-1" not in scan.statuses
    assert _picture(paths.folder) == before


def test_what_was_believed_stays_while_the_file_is_bad(paths: RunLayout) -> None:
    """A bad file changes nothing else; the next good one is taken up, and the problem is gone."""
    _write(paths, progress_percentage=10)
    first = _scan(paths)
    Path(paths.status("agent-1")).write_bytes(b"{")
    second = _scan(paths, first)
    assert second.statuses == first.statuses
    assert len(second.problems) == 1
    _write(paths, progress_percentage=20)
    third = _scan(paths, second)
    assert third.statuses["agent-1"].progress_percentage == 20
    assert third.problems == ()


def test_a_wrong_step_is_a_problem(paths: RunLayout) -> None:
    """What cannot follow what was believed is refused until it is put right."""
    _write(paths, status="completed")
    first = _scan(paths)
    _write(paths, status="in_progress")
    second = _scan(paths, first)
    assert [each.reason for each in second.problems] == ["completed cannot become in_progress"]
    assert second.statuses["agent-1"].status == "completed"
    assert second.superseded == ()
    _write(paths, status="completed", progress_percentage=100)
    third = _scan(paths, second)
    assert (third.problems, third.statuses["agent-1"].progress_percentage) == ((), 100)


def test_a_lower_fence_is_a_problem_and_is_told_once(paths: RunLayout) -> None:
    """A status from before the track's last claim is refused; each such write is named once as superseded."""
    _write(paths, progress_percentage=1)
    first = _scan(paths, group_E_track_1=7)
    assert first.problems == ()
    _write(paths, progress_percentage=2)
    second = _scan(paths, first, group_E_track_1=8)
    assert [each.reason for each in second.problems] == [
        "written under fence 7, but the track was claimed again since (fence 8)"
    ]
    assert (second.superseded, second.statuses["agent-1"].progress_percentage) == (("agent-1",), 1)
    assert second.known["agent-1"].superseded_by == 8
    third = _scan(paths, second, group_E_track_1=8)
    assert (third.superseded, third.problems) == ((), second.problems)
    _write(paths, progress_percentage=3)
    assert _scan(paths, third, group_E_track_1=8).superseded == ("agent-1",)


def test_a_claim_does_not_make_an_old_file_wrong(paths: RunLayout) -> None:
    """A status that was believed stays so when the track is claimed again, until somebody writes."""
    _write(paths)
    _settle(paths)
    first = _scan(paths, group_E_track_1=7)
    assert _scan(paths, first, group_E_track_1=8).problems == ()


def test_a_file_that_did_not_change_is_not_read_again(paths: RunLayout) -> None:
    """The second look is at the times only: what was known is handed on as it is."""
    _write(paths)
    Path(paths.status("agent-2")).write_bytes(b"{")
    _settle(paths)
    first = _scan(paths)
    second = _scan(paths, first)
    assert all(second.known[name] is first.known[name] for name in ("agent-1", "agent-2"))
    assert second.problems == first.problems


def test_a_young_file_is_read_again(paths: RunLayout) -> None:
    """A file that was just written may change without its times showing it; the change is seen all the same."""
    path = Path(paths.status("agent-1"))
    path.write_bytes(GOOD)
    times = (clock.wall_ns(), clock.wall_ns())
    os.utime(path, ns=times)
    first = _scan(paths)
    path.write_bytes(GOOD.replace(b": 45", b": 46"))
    os.utime(path, ns=times)
    assert _scan(paths, first).statuses["agent-1"].progress_percentage == 46


def test_a_file_that_went_is_forgotten(paths: RunLayout) -> None:
    """Without its file an agent says nothing; without its folder a run has no agents."""
    _write(paths)
    first = _scan(paths)
    Path(paths.status("agent-1")).unlink()
    assert _scan(paths, first).known == {}
    Path(paths.folder).rmdir()
    assert _scan(paths, first) == Scan({}, ())


def test_strangers_are_named_escaped(paths: RunLayout) -> None:
    """Names that are none of ours are problems; nothing in them reaches a terminal raw."""
    names = [b"a\x1b[2J", b"x..y.status.json", b".status.json", b"\xff.status.json", b"notes.txt", b"a\n.job.json"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(paths.folder), name))).touch()
    scan = _scan(paths)
    shown = {each.path.removeprefix(f"{paths.folder}/") for each in scan.problems}
    assert shown == {
        r"a\x1b[2J",
        "x..y.status.json",
        ".status.json",
        r"\udcff.status.json",
        "notes.txt",
        r"a\x0a.job.json",
    }
    assert scan.known == {}


def test_a_flood_of_strangers_is_counted(paths: RunLayout) -> None:
    """Of thousands of strangers' files a hundred are named, and the others are one problem."""
    for number in range(1000):
        Path(paths.folder, f"stranger {number}").touch()
    problems = _scan(paths).problems
    assert len(problems) == MOST_STRANGERS + 1
    assert problems[-1].reason == f"{1000 - MOST_STRANGERS} more that are not files of this run"


@pytest.mark.parametrize("nanoseconds", [-(2**40), 0, 2**40, 2**62])
def test_any_file_time_can_be_shown(paths: RunLayout, nanoseconds: int) -> None:
    """A time from before 1970 or far beyond the year 9999 is shown as the nearest that can be."""
    Path(paths.status("agent-1")).write_bytes(b"{")
    os.utime(paths.status("agent-1"), ns=(nanoseconds, nanoseconds))
    (problem,) = _scan(paths).problems
    assert len(problem.since) == len("2026-01-31T12:00:00.000Z")


def test_a_folder_that_cannot_be_read_is_one_problem(paths: RunLayout) -> None:
    """A link or a file in the folder's place: what was known stands."""
    _write(paths)
    first = _scan(paths)
    moved = f"{paths.folder}.moved"
    os.rename(paths.folder, moved)
    os.symlink(moved, paths.folder)
    linked = _scan(paths, first)
    os.unlink(paths.folder)
    Path(paths.folder).touch()
    filed = _scan(paths, first)
    for scan in (linked, filed):
        assert (scan.statuses, [each.path for each in scan.problems]) == (first.statuses, [paths.folder])


@contextmanager
def _no_descriptors_left() -> Iterator[None]:
    """Use up every descriptor but a few of this process."""
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        os.close(taken.pop())
        yield
    finally:
        for fd in taken:
            os.close(fd)


def test_running_out_of_descriptors_passes(paths: RunLayout) -> None:
    """Without descriptors what was known stands and the reason is given; with them again all is well."""
    _write(paths)
    first = _scan(paths)
    _write(paths, progress_percentage=50)
    with _no_descriptors_left():
        second = _scan(paths, first)
    assert "too many open files" in second.problems[0].reason
    assert second.statuses == first.statuses
    third = _scan(paths, second)
    assert (third.problems, third.statuses["agent-1"].progress_percentage) == ((), 50)


def test_permission_given_back_is_seen(paths: RunLayout) -> None:
    """A file that could not be opened is tried again, although only its permissions changed."""
    path = Path(paths.status("agent-1"))
    os.symlink("nowhere", path)
    first = _scan(paths)
    path.unlink()
    _write(paths)
    assert _scan(paths, first).problems == ()


def test_ten_thousand_files_within_five_seconds(paths: RunLayout) -> None:
    """10,000 files cost less than 5 s of our time, a second look is cheaper, and descriptors do not leak."""
    for number in range(10_000):
        name = f"agent-{number}"
        Path(paths.status(name)).write_bytes(GOOD.replace(b'"agent-1"', f'"{name}"'.encode()))
    _settle(paths)
    process = psutil.Process()
    descriptors = process.num_fds()
    started = time.process_time()
    first = _scan(paths)
    taken = time.process_time() - started
    assert len(first.statuses) == 10_000
    assert first.problems == ()
    assert taken < 5
    started = time.process_time()
    assert _scan(paths, first).statuses == first.statuses
    assert time.process_time() - started < max(1.0, taken)
    assert process.num_fds() == descriptors


def test_a_folder_under_a_storm_is_never_misread(paths: RunLayout) -> None:
    """While files come and go and are replaced, every scan shows whole ones only."""
    writer = psutil.Popen(
        [
            "/bin/sh",
            "-c",
            'while :; do cp "$1/good" "$1/temp" && mv "$1/temp" "$2" && rm -f "$2"; done',
            "sh",
            os.path.dirname(paths.folder),
            paths.status("agent-1"),
        ]
    )
    try:
        Path(paths.folder).with_name("good").write_bytes(GOOD)
        wait_for(lambda: _scan(paths).statuses)
        scan = Scan({}, ())
        for _ in range(5000):
            scan = _scan(paths, scan)
            assert scan.problems == ()
    finally:
        writer.kill()
        writer.wait()


def test_a_crowd_of_status_files(paths: RunLayout) -> None:
    """Of more than are looked at, those of agents with a job are, whoever came first; how many are not is said."""
    for number in range(MOST + 5):
        os.close(os.open(paths.status(f"crowd-{number}"), os.O_CREAT | os.O_WRONLY, 0o600))
    first = _scan(paths)
    assert len(first.known) == MOST
    assert first.problems[-1].reason == "5 more files of a status than are looked at"
    _write(paths, "agent-1")
    assert "agent-1" not in _scan(paths, first).statuses
    Path(paths.job("agent-1")).touch()
    second = _scan(paths, first)
    assert list(second.statuses) == ["agent-1"]
    assert first.known.keys() < second.known.keys()
