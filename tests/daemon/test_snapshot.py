"""What is going on, from the files alone, in the form of ``orchd status --json``."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core import result
from orchestrator.core.facts import TrackFacts
from orchestrator.core.result import Result
from orchestrator.core.run import Budget, Limit, RunRecord
from orchestrator.core.standing import Standing
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.snapshot import snapshot
from orchestrator.host import clock
from orchestrator.state import results, status
from orchestrator.state.layout import Layout, RunLayout
from tests.core import runs
from tests.state.records import begun, end


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The paths of a root."""
    return Layout(str(tmp_path))


def accept(layout: Layout, run: str, tracks: int = 2) -> RunLayout:
    """Put a run on record."""
    record: RunRecord = replace(runs.record(*(runs.spec(number) for number in range(1, tracks + 1))), run=run)
    paths = layout.run(run)
    results.write_run(paths, record)
    return paths


def shown(layout: Layout) -> list[tuple[object, object]]:
    """Return the runs that are shown, and the state of each."""
    found = snapshot(layout.root)["runs"]
    assert isinstance(found, list)
    return [(each["run"], each["state"]) for each in found]


def test_nothing_is_there(layout: Layout) -> None:
    """An empty root has nothing to show, and gets nothing."""
    assert snapshot(layout.root) == {"runs": [], "problems": []}
    assert os.listdir(layout.root) == []


def test_who_drives_a_run(layout: Layout) -> None:
    """Nobody, somebody, or it has ended."""
    paths = accept(layout, "one")
    assert shown(layout) == [("one", "unattended")]
    instance = Instance(paths.conductor)
    assert instance.take()
    assert shown(layout) == [("one", "running")]
    instance.release()
    Path(paths.metrics).write_text("{}")
    assert shown(layout) == [("one", "unattended")]
    end(paths, 2)
    assert shown(layout) == [("one", "ended")]


def test_of_those_that_ended_the_newest(layout: Layout) -> None:
    """Beside all that have not; a folder of workers that no run of ours has is shown, too."""
    for number, run in enumerate(("old", "newest", "older")):
        end(accept(layout, run), 2)
        os.utime(layout.run(run).metrics, (0, {"old": 100, "newest": 300, "older": 200}[run] + number))
    accept(layout, "live")
    status.update(layout.run("outside"), "agent-9", lambda _: said("agent-9"), fence=1)
    assert shown(layout) == [("live", "unattended"), ("newest", "ended"), ("outside", "external")]


def said(agent_id: str) -> dict[str, object]:
    """Return what a worker says."""
    now = "2026-01-31T12:00:00Z"
    fields: dict[str, object] = {"agent_id": agent_id, "track": "t1", "status": "in_progress", "branch_name": "b"}
    return fields | {"start_time": now, "needs_input": {"question": "Which\x1b one?"}, "progress_percentage": 40}


def test_each_track(layout: Layout) -> None:
    """As far as it is: waiting, with what its worker says, and how it ended; text from outside is made safe."""
    paths = accept(layout, runs.RUN, tracks=3)
    status.update(paths, "agent-2", lambda _: said("agent-2") | {"track": "t2"}, fence=1)
    results.write_outcome(paths, runs.outcome(3, "failed", "UNKNOWN: \x1b[2J"))
    found = snapshot(layout.root)["runs"]
    assert isinstance(found, list)
    one, two, three = found[0]["tracks"]
    assert (one["state"], one["outcome"], one["percent"], one["attempt"]) == ("ready", None, None, None)
    assert (two["percent"], two["needs_input"]) == (40, "Which\\x1b one?")
    assert (three["state"], three["outcome"], three["why"]) == ("failed", "failed", "UNKNOWN: \\x1b[2J")


def test_a_gate(layout: Layout) -> None:
    """The run as a whole says at which gate it waits, that of its start and that of its push; once it ended, none."""
    paths = layout.run(runs.RUN)
    results.write_run(paths, runs.record(runs.spec(1), gates=("start", "push")))
    assert waits(layout) == "waits for a person's word before it starts agents: `orchd approve roadmap`"
    begun(paths, 1)
    results.write_outcome(paths, runs.outcome(1))
    assert waits(layout) == "waits for a person's word before it pushes: `orchd approve roadmap`"
    end(paths, 1)
    assert waits(layout) is None


def waits(layout: Layout) -> object:
    """Return what the only run waits for."""
    found = snapshot(layout.root)["runs"]
    assert isinstance(found, list)
    return found[0]["waits"]


def test_a_track_that_was_claimed_again(layout: Layout) -> None:
    """What a worker wrote under an earlier claim is a problem, and none once its run has ended."""
    paths = accept(layout, runs.RUN, tracks=1)
    status.update(paths, "agent-1", lambda _: said("agent-1"), fence=1)
    store = FileClaims(layout.root)
    for fence in (1, 2):
        won = store.claim(Wanted("t1", "test", os.getpid()))
        assert isinstance(won, Won)
        assert won.claim.fence == fence
        if fence == 1:
            store.release("t1", won.claim.token)
    (problem,) = problems(layout)
    assert "claimed again since" in problem["reason"]
    end(paths, 1)
    assert problems(layout) == []


def problems(layout: Layout) -> list[dict[str, str]]:
    """Return what is wrong."""
    found = snapshot(layout.root)["problems"]
    assert isinstance(found, list)
    return found


def test_a_run_is_as_old_as_it_is(layout: Layout) -> None:
    """However long the machine is up: its time is not over, and what failed waits for its next attempt until then."""
    budget = Budget(run=Limit(seconds=3600.0))
    record = replace(runs.record(runs.spec(1), budget=budget, attempts=3), created_at=clock.iso())
    paths = layout.run(record.run)
    results.write_run(paths, record)
    begun(paths, 1)
    entry = runs.attempt(runs.phase(status=1), error="TEST_FAILURE: 1", ended_at=clock.iso())
    Path(paths.result("agent-1")).write_bytes(result.encode(Result("agent-1", "t1", (entry,))))
    found = snapshot(layout.root)["runs"]
    assert isinstance(found, list)
    (track,) = found[0]["tracks"]
    assert (track["state"], track["rule"]) == ("waiting", "backoff")
    assert track["until"] > clock.iso()
    driven = Standing(replace(runs.facts(TrackFacts(runs.spec(1), doing="merging")), record=record), clock.steady())
    asked = snapshot(layout.root, {record.run: driven})["runs"]
    assert isinstance(asked, list)
    assert (asked[0]["state"], asked[0]["tracks"][0]["state"]) == ("running", "merging")


def test_what_is_wrong(layout: Layout) -> None:
    """Records, files and locks that cannot be read or judged are named with the reason; the rest is shown."""
    accept(layout, "fine")
    for run, text in (("broken", "{"), ("empty", "")):
        Path(accept(layout, run).record).write_text(text)
    Path(layout.run("fine").job("agent-1")).write_text("{")
    Path(layout.run("fine").status("agent-1")).write_text("{")
    locks = Path(layout.locks)
    locks.mkdir(mode=0o700)
    (locks / "t1.lock").write_text('{"pid": 1, "tool": "x"}')
    found = snapshot(layout.root)
    problems = found["problems"]
    assert isinstance(problems, list)
    assert {each["path"].removeprefix(layout.root) for each in problems} == {
        "/runtime/parallel/broken/run.json",
        "/runtime/parallel/empty/run.json",
        "/runtime/parallel/fine/agent-1.job.json",
        "/runtime/parallel/fine/agent-1.status.json",
        "/.orchestrator_locks/t1.lock",
    }
    assert all(each["reason"] and each["since"] for each in problems)
    assert ("fine", "unattended") in shown(layout)
