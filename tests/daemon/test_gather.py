"""Facts of runs, read from their files, again only when these are others than before."""

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from orchestrator.claims import FileClaims, Seen, Wanted
from orchestrator.core import result
from orchestrator.core.claim import BarePid, Opaque, Verdict
from orchestrator.core.facts import ClaimFacts, Doing
from orchestrator.core.result import Result
from orchestrator.core.run import encode
from orchestrator.core.standing import Standing
from orchestrator.core.status import Status
from orchestrator.daemon.cache import Cache
from orchestrator.daemon.gather import Conducted, RunFiles, Worker, claim_facts, status_facts
from orchestrator.errors import Unreadable
from orchestrator.state import cancel, results
from orchestrator.state.layout import Layout
from tests.core import runs
from tests.state.records import begun, end
from tests.waiting import wait_for

SAID = Status("agent-1", "in_progress", None, None, None)


class Counted:
    """Reads a file, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, path: str) -> str:
        """Return what a file holds; the word bad is no content."""
        self.times += 1
        text = Path(path).read_text()
        if text == "bad":
            raise Unreadable("it is bad")
        return text


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """As long as it is the same; each change is seen, also those that leave size and time as they are."""
    read, path = Counted(), tmp_path / "file"
    cache = Cache(read)
    assert cache.get(str(path)) is None
    assert read.times == 0
    path.write_text("one")
    wait_for(lambda: cache.get(str(path)) == "one" and settled(cache, read, path))
    before = read.times
    for text in ("two", "six"):
        former = path.stat()
        draft = tmp_path / "draft"
        draft.write_text(text)
        os.utime(draft, ns=(former.st_mtime_ns, former.st_mtime_ns))
        draft.replace(path)
        assert cache.get(str(path)) == text
    assert read.times > before
    path.unlink()
    assert cache.get(str(path)) is None


def settled(cache: Cache[str], read: Counted, path: Path) -> bool:
    """Tell whether a look at the file will do by now."""
    before = read.times
    cache.get(str(path))
    return read.times == before


def test_a_young_file_is_read_again(tmp_path: Path) -> None:
    """It may change within the grain of its times: written over in place, the new content is seen."""
    path = tmp_path / "file"
    path.write_text("one")
    cache = Cache(Counted())
    assert cache.get(str(path)) == "one"
    facts = path.stat()
    path.write_text("two")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert cache.get(str(path)) == "two"


def test_a_bad_file_is_named_until_it_is_good(tmp_path: Path) -> None:
    """Or gone, or forgotten."""
    path = tmp_path / "run" / "file"
    path.parent.mkdir()
    cache = Cache(Counted())

    def is_named() -> bool:
        cache.get(str(path))
        return cache.problems == {str(path): "it is bad"}

    path.write_text("bad")
    assert is_named()
    path.write_text("good")
    assert not is_named()
    path.write_text("bad")
    assert is_named()
    path.unlink()
    assert not is_named()
    path.write_text("bad")
    assert is_named()
    cache.forget(str(path.parent))
    assert cache.problems == {}


def test_facts_of_a_run(tmp_path: Path) -> None:
    """Record, claims, statuses, files and what we are about, put together; bad files are named."""
    layout = Layout(str(tmp_path))
    record = runs.record(runs.spec(1), runs.spec(2), runs.spec(3))
    paths = layout.run(record.run)
    results.write_run(paths, record)
    files = RunFiles(layout)
    assert (files.all(), files.unfinished()) == ([record.run], [record.run])
    begun(paths, 2)
    results.write_outcome(paths, runs.outcome(2))
    Path(paths.result("agent-3")).write_text("{")
    cancel.request(paths, "t3")
    own = Conducted(record, {"agent-1": Worker("started", exited=7, asked=3.0, forced=True)}, last_start=5.0)
    facts = files.facts(record, {}, {}, own)
    one, two, three = facts.tracks
    assert (one.doing, one.exited, one.asked, one.forced, one.job_attempt) == ("started", 7, 3.0, True, 0)
    assert two.outcome == runs.outcome(2)
    assert three.result is None
    assert list(files.problems()) == [paths.result("agent-3")]
    assert (facts.cancelled, facts.last_start, facts.ended) == (frozenset({"t3"}), 5.0, False)
    Path(paths.metrics).write_text('{"tests": 5}')
    assert not files.facts(record, {}, {}).ended
    end(paths, 3)
    assert files.facts(record, {}, {}).ended
    assert (files.all(), files.unfinished()) == ([record.run], [])
    Path(paths.outcome("agent-1")).unlink()
    assert not files.facts(record, {}, {}).ended
    files.forget(record.run)
    assert files.problems() == {}
    assert Path(paths.record).read_bytes() == encode(record)


def test_a_track_that_nothing_happened_to_costs_nothing(tmp_path: Path) -> None:
    """Its facts stay the very same until it has a worker, a claim, a status or a file of its own."""
    layout, record = Layout(str(tmp_path)), runs.record(runs.spec(1), runs.spec(2))
    paths = layout.run(record.run)
    results.write_run(paths, record)
    files, own = RunFiles(layout), Conducted(record)
    one, two = files.facts(record, {}, {}, own).tracks
    assert files.facts(record, {}, {}, own).tracks[0] is one
    own.worker("agent-1").doing = "starting"
    begun(paths, 2)
    former, (one, two) = (one, two), files.facts(record, {}, {}, own).tracks
    assert (former[0].doing, one.doing) == ("", "starting")
    assert (former[1].job_attempt, two.job_attempt) == (0, 1)


def test_of_a_track_that_has_ended_little_is_kept(tmp_path: Path) -> None:
    """What decisions and people need of it: its attempts are the report's, which reads them again."""
    layout, record = Layout(str(tmp_path)), runs.record(runs.spec(1), runs.spec(2))
    paths = layout.run(record.run)
    results.write_run(paths, record)
    begun(paths, 1)
    entry = replace(runs.attempt(runs.phase(), error="UNKNOWN: 1"), cost_usd=0.5)
    Path(paths.result("agent-1")).write_bytes(result.encode(Result("agent-1", "t1", (entry,))))
    files, own = RunFiles(layout), Conducted(record, {"agent-1": Worker("recording", said=SAID)})
    own.drives = True
    assert files.facts(record, {}, {}, own).tracks[0].result == entry
    results.write_outcome(paths, runs.outcome(1, "failed", "UNKNOWN: 1"))
    own.note(Standing(files.facts(record, {}, {}, own), 5.0))
    for name in (paths.job("agent-1"), paths.result("agent-1"), paths.outcome("agent-1")):
        Path(name).write_text("not looked at again")
    one, two = files.facts(record, {}, {}, own).tracks
    assert (one.outcome, one.spent.usd, one.job_attempt) == (runs.outcome(1, "failed", "UNKNOWN: 1"), 0.5, 1)
    assert one.result is not None
    assert (one.result.started_at, one.result.phases, one.result.token) == (entry.started_at, (), "")
    assert (own.workers["agent-1"].said, two.outcome, files.problems()) == (None, None, {})


def test_who_drives_a_run_looks_for_what_strangers_put_there_now_and_then(tmp_path: Path) -> None:
    """Nobody else begins a track; what belongs to one that has begun is seen at once."""
    layout, record = Layout(str(tmp_path)), runs.record(runs.spec(1), runs.spec(2))
    paths = layout.run(record.run)
    results.write_run(paths, record)
    files, own = RunFiles(layout), Conducted(record, {"agent-1": Worker("started")})
    own.drives = True
    files.facts(record, {}, {}, own)
    begun(paths, 1)
    begun(paths, 2)
    assert [each.job_attempt for each in files.facts(record, {}, {}, own).tracks] == [1, 0]
    own.present = None
    assert [each.job_attempt for each in files.facts(record, {}, {}, own).tracks] == [1, 1]


def test_a_merge_that_cannot_be_is_not_believed(tmp_path: Path) -> None:
    """An agent may write the outcome of a sibling: one that never began, failed, or is at work was not merged."""
    layout = Layout(str(tmp_path))
    record = runs.record(*(runs.spec(number) for number in range(1, 6)))
    paths = layout.run(record.run)
    results.write_run(paths, record)
    for number in range(1, 6):
        results.write_outcome(paths, runs.outcome(number, "failed" if number == 5 else "merged"))
    for number in range(2, 5):
        begun(paths, number)
    entry = runs.attempt(runs.phase(status=1), error="UNKNOWN: 1")
    Path(paths.result("agent-2")).write_bytes(result.encode(Result("agent-2", "t2", (entry,))))
    store = FileClaims(layout.root)
    store.claim(Wanted("t3", "o", os.getpid(), record.run, 1))
    claims = {each.track: each for each in store.list()}
    found = [each.outcome for each in RunFiles(layout).facts(record, {}, claims).tracks]
    assert [each.ended if each is not None else None for each in found] == [None, None, None, "merged", "failed"]


@pytest.mark.parametrize("doing", get_args(Doing))
def test_who_drives_a_run_believes_its_own_outcomes(doing: Doing) -> None:
    """One that stands there while an action of ours may have put it there counts at once, any other does not."""
    own = Conducted.of(runs.record(runs.spec(1)), 0.0)
    assert own.says(Worker(doing))
    own.drives = True
    assert own.says(Worker(doing)) == (doing in {"merging", "tidying", "recording"})
    assert own.says(Worker(doing, recorded=True))


@pytest.mark.parametrize(
    ("record", "owner"), [(BarePid(7, "token"), "process 7"), (Opaque("empty", "token"), "somebody")]
)
def test_locks_of_others(record: BarePid | Opaque, owner: str) -> None:
    """What a lock does not say is not made up."""
    seen = Seen("t1", "/locks/t1.lock", record, Verdict("alive", "it runs"))
    assert claim_facts(seen) == ClaimFacts("alive", "it runs", owner)
    assert claim_facts(None) is None
    assert status_facts(None) is None
