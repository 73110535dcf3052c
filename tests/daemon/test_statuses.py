"""Status files under a running daemon: the good ones are taken up, the bad ones named, and it lives on unmoved."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.daemon.statuses import StatusSensor
from orchestrator.host import clock
from orchestrator.state.layout import Layout
from orchestrator.state.scan import SETTLED_NS
from orchestrator.wire.client import call
from orchestrator.wire.messages import Status
from tests.core.statuses import FULL
from tests.daemon.daemons import Daemon, answers, running
from tests.state.malformed import ODD, texts
from tests.waiting import wait_for

SOON = 20.0


class Folder:
    """A folder of status files below a root; any worker may write into it."""

    def __init__(self, root: Path, run: str) -> None:
        self.root = root
        self.run = run
        self.path = root / "runtime" / "parallel" / run
        self.path.mkdir(parents=True, mode=0o700)
        self.aside = root / "aside"
        self.aside.mkdir(exist_ok=True)

    def put(self, agent_id: str, data: bytes) -> None:
        """Publish a file as it should be: whole."""
        draft = self.aside / agent_id
        draft.write_bytes(data)
        draft.replace(self.path / f"{agent_id}.status.json")

    def say(self, agent_id: str, **fields: object) -> None:
        """Publish a good status, with some fields changed."""
        self.put(agent_id, json.dumps(FULL | {"agent_id": agent_id, "track": agent_id} | fields).encode())

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what the daemon journaled about this folder."""
        path = self.root / "runtime" / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        events = (json.loads(line) for line in lines)
        return [each for each in events if each["event"] == name and each.get("run") == self.run]

    def heard(self, name: str = "status.changed") -> Mapping[str, dict[str, Any]]:
        """Return the newest such event of each agent."""
        return {each.get("agent_id") or Path(each["path"]).name: each for each in self.events(name)}


def resources(daemon: Daemon) -> tuple[int, int]:
    """Return what a daemon uses: memory (bytes), descriptors."""
    process = psutil.Process(daemon.process.pid)
    return process.memory_info().rss, process.num_fds()


def test_workers_that_no_run_of_ours_has(tmp_path: Path) -> None:
    """A folder and a file are enough: what is said is journaled and shown, as it changes, until the folder goes."""
    with running(tmp_path):
        outside = Folder(tmp_path, "outside")
        outside.say("agent-1", progress_percentage=10)
        outside.say("agent-2", status="pending")
        wait_for(lambda: set(outside.heard()) == {"agent-1", "agent-2"}, SOON)
        outside.say("agent-1", progress_percentage=50, needs_input={"question": "Really?"})
        event = wait_for(lambda: outside.heard()["agent-1"]["percent"] == 50 and outside.heard()["agent-1"], SOON)
        assert event["needs_input"] == "Really?"
        run = the_only_run(tmp_path)
        assert (run["run"], run["state"]) == ("outside", "external")
        assert [(each["agent_id"], each["percent"]) for each in run["tracks"]] == [("agent-1", 50), ("agent-2", 45)]
        shutil.rmtree(outside.path)
        again = Folder(tmp_path, "again")
        again.say("agent-1", status="completed")
        wait_for(again.heard, SOON)
        assert the_only_run(tmp_path)["run"] == "again"


def the_only_run(root: Path) -> dict[str, Any]:
    """Return what the daemon shows, which is one run."""
    runs = call(str(root), Status())["runs"]
    assert isinstance(runs, list)
    (run,) = runs
    assert isinstance(run, dict)
    return run


def test_every_kind_of_bad_file(tmp_path: Path) -> None:
    """Each is named with its reason and left as it is; the daemon lives; a good file in its place is taken up."""
    bad = {f"text-{number}": data for number, data in enumerate(texts().values())}
    odd = {f"odd-{number}": make for number, make in enumerate(ODD.values())}
    with running(tmp_path) as daemon:
        folder = Folder(tmp_path, "bad")
        folder.say("fine")
        wait_for(folder.heard, SOON)
        memory, descriptors = resources(daemon)
        for agent_id, data in bad.items():
            folder.put(agent_id, data)
        for agent_id, make in odd.items():
            make(str(folder.path / f"{agent_id}.status.json"))
        expected = {f"{agent_id}.status.json" for agent_id in (*bad, *odd)}
        wait_for(lambda: expected <= set(folder.heard("status.problem")), SOON)
        assert all(each["reason"] for each in folder.events("status.problem"))
        assert answers(tmp_path)
        folder.say("fine", progress_percentage=99)
        wait_for(lambda: folder.heard()["fine"]["percent"] == 99, SOON)
        for agent_id in odd:
            clear(folder.path / f"{agent_id}.status.json")
        for agent_id in (*bad, *odd):
            folder.say(agent_id)
        wait_for(lambda: {"fine", *bad, *odd} <= set(folder.heard()), SOON)
        assert call(str(tmp_path), Status())["problems"] == strangers(folder)
        more, held = resources(daemon)
        assert more < 256 * 2**20
        assert more - memory < 64 * 2**20
        assert abs(held - descriptors) <= 20


def clear(path: Path) -> None:
    """Remove whatever stands at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def strangers(folder: Folder) -> list[object]:
    """Return the problems that are left: files beside the status files that belong to nobody."""
    problems = call(str(folder.root), Status())["problems"]
    assert isinstance(problems, list)
    return [each for each in problems if not each["path"].endswith(".status.json")]


def test_ten_thousand_at_once(tmp_path: Path) -> None:
    """All are taken up within moments; what they use is given back or bounded; a storm of changes is lived through."""
    with running(tmp_path) as daemon:
        folder = Folder(tmp_path, "many")
        names = [f"agent-{number}" for number in range(10_000)]
        for agent_id in names:
            folder.say(agent_id)
        journal = tmp_path / "runtime" / "events.jsonl"
        wait_for(lambda: journal.read_bytes().count(b'"status.changed"') >= len(names), 30)
        memory, descriptors = resources(daemon)
        for number in range(2_000):
            folder.say("agent-7", progress_percentage=number % 100)
        folder.say("agent-7", current_stage="the last")
        wait_for(lambda: b'"the last"' in journal.read_bytes(), SOON)
        more, held = resources(daemon)
        assert more - memory < 32 * 2**20
        assert abs(held - descriptors) <= 20
        assert answers(tmp_path)


def test_a_status_of_a_claim_that_is_over(tmp_path: Path) -> None:
    """It is not believed, a copy is kept aside, and the journal says where."""
    store = FileClaims(str(tmp_path))
    first = store.claim(Wanted("t1", "test", os.getpid()))
    assert isinstance(first, Won)
    store.release("t1", first.claim.token)
    assert isinstance(store.claim(Wanted("t1", "test", os.getpid())), Won)
    folder = Folder(tmp_path, "outside")
    with running(tmp_path):
        folder.say("agent-1", track="t1", metadata={"fence": 1})
        (event,) = wait_for(lambda: folder.events("status.superseded"), SOON)
        assert json.loads(Path(event["path"]).read_bytes())["metadata"] == {"fence": 1}
        assert "claimed again since (fence 2)" in folder.heard("status.problem")["agent-1.status.json"]["reason"]
        folder.say("agent-1", track="t1", metadata={"fence": 2})
        wait_for(folder.heard, SOON)
        assert len(folder.events("status.superseded")) == 1


def test_one_that_changed_is_looked_at_alone(tmp_path: Path) -> None:
    """What is known of the others holds, what is wrong beside them stays named, and a later look takes in all."""
    folder = Folder(tmp_path, "outside")
    sensor = StatusSensor(Layout(str(tmp_path)), lambda _, __: None, lambda _: None, lambda _: None)
    folder.say("agent-1")
    (folder.path / "strange").write_text("x")
    sensor.rescan({})
    statuses = sensor.runs["outside"]
    for agent in ("agent-1", "agent-2"):
        folder.say(agent, progress_percentage=50)
    (folder.path / "agent-3.status.json").write_text("{")
    for agent in ("agent-2", "agent-3", "agent-4", "no name"):
        sensor.said("outside", agent)
    sensor.refresh({}, sensor.due or 0.0)
    assert {agent: each.progress_percentage for agent, each in statuses.found.items()} == {
        "agent-1": 45,
        "agent-2": 50,
    }
    assert [each.path.rpartition("/")[2] for each in statuses.problems] == ["agent-3.status.json", "strange"]
    (folder.path / "agent-2.status.json").unlink()
    sensor.said("outside", "agent-2")
    sensor.changed(["outside"])
    sensor.said("outside", "agent-1")
    sensor.refresh({}, sensor.due or 0.0)
    assert {agent: each.progress_percentage for agent, each in statuses.found.items()} == {"agent-1": 50}


def test_what_a_worker_said_last_is_read_at_once(tmp_path: Path) -> None:
    """However often statuses changed before: when a worker is gone, what comes next depends on its last word."""
    folder = Folder(tmp_path, "outside")
    followed: list[str] = []
    told: list[str] = []
    sensor = StatusSensor(Layout(str(tmp_path)), lambda name, _: told.append(name), followed.append, followed.remove)
    sensor.rescan({})
    assert (sensor.due, followed) == (None, [str(folder.path)])
    folder.say("agent-1")
    sensor.changed(["outside", "unknown"])
    assert sensor.due is not None
    sensor.refresh({}, sensor.due - 0.001)
    assert sensor.runs["outside"].found == {}
    sensor.look_at(["outside", "unknown"], {})
    assert list(sensor.runs["outside"].found) == ["agent-1"]
    assert told == ["status.changed"]
    folder.say("agent-1", progress_percentage=99)
    sensor.changed(["outside"])
    sensor.refresh({}, sensor.due)
    assert sensor.runs["outside"].found["agent-1"].progress_percentage == 99
    shutil.rmtree(folder.path)
    sensor.rescan({})
    assert (len(sensor.runs), followed) == (0, [])


def test_what_is_let_go_is_not_said_again(tmp_path: Path) -> None:
    """Nothing of what an agent said is kept when its track has ended; only another file of it is news."""
    folder, told = Folder(tmp_path, "outside"), list[str]()
    sensor = StatusSensor(Layout(str(tmp_path)), lambda _, fields: told.append(str(fields)), lambda _: None, print)
    for number in (1, 2):
        folder.say(f"agent-{number}")
    wait_for(lambda: _all_settled(sensor, folder))
    statuses = sensor.runs["outside"]
    sensor.let_go({"outside": {"agent-1"}, "unknown": {"agent-2"}})
    assert (list(statuses.found), len(told)) == (["agent-2"], 2)
    sensor.rescan({})
    assert (list(statuses.found), len(told)) == (["agent-2"], 2)
    folder.say("agent-1", progress_percentage=7)
    sensor.rescan({})
    assert (sorted(statuses.found), len(told)) == (["agent-1", "agent-2"], 3)


def _all_settled(sensor: StatusSensor, folder: Folder) -> bool:
    """Look at a folder; tell whether its files are old enough not to be read again."""
    old = all(clock.wall_ns() - each.stat().st_ctime_ns > 2 * SETTLED_NS for each in folder.path.iterdir())
    sensor.rescan({})
    return old


def test_a_run_that_has_just_ended(tmp_path: Path) -> None:
    """Whoever claims a track of it is right: what its worker said is no problem, also while it is still looked at."""
    layout, events = Layout(str(tmp_path)), list[str]()
    sensor = StatusSensor(layout, lambda name, _: events.append(name), lambda _: None, lambda _: None)
    folder = Folder(tmp_path, "over")
    folder.say("agent-1", track="t1", metadata={"fence": 1})
    sensor.rescan({})
    store = FileClaims(str(tmp_path))
    first = store.claim(Wanted("t1", "test", os.getpid()))
    assert isinstance(first, Won)
    store.release("t1", first.claim.token)
    assert isinstance(store.claim(Wanted("t1", "test", os.getpid())), Won)
    (folder.path / "metrics.json").write_text("{}")
    sensor.look_at(["over"], {each.track: each for each in store.list()})
    assert events == ["status.changed"]
    (folder.path / "metrics.json").unlink()
    sensor.look_at(["over"], {each.track: each for each in store.list()})
    assert events == ["status.changed", "status.problem", "status.superseded"]
