"""``orchd schedule``: real runs, again and again."""

import json
import signal
from pathlib import Path
from typing import Any

from tests.cli.orchd import ARGV, Orchd
from tests.cli.terminals import terminal
from tests.projects import Site, names, roadmap, script, waits_for, writes
from tests.waiting import wait_for

ONE, TWO = names(2)


def ticks(out: str) -> list[dict[str, Any]]:
    """Return the documents of a schedule, one a line."""
    return [json.loads(line) for line in out.splitlines()]


def events(root: Path, family: str = "schedule.") -> list[dict[str, Any]]:
    """Return what the journal says of schedules."""
    lines = (root / "runtime" / "events.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if each["event"].startswith(family)]


def site(folder: Path, *steps: str) -> Site:
    """Return a project of one track, which does ``steps`` before it writes its file."""
    return Site(folder, roadmap("One"), {ONE: script(*steps, writes("1.txt"))})


def test_runs_until_there_is_no_work(tmp_path: Path) -> None:
    """The first run merges everything, the second finds nothing: one object a run, exit 0, and the journal tells."""
    project = site(tmp_path)
    said = project("schedule", "ROADMAP.md", "--every", "0.5s", "--agents", "2", "--no-push", "--json")
    first, last = ticks(said.out)
    assert said.status == 0, said.err
    assert (first["tick"], first["run"], first["exit"], first["ended"]) == (1, "roadmap", 0, None)
    assert first["result"]["exit"] == 0
    assert {each["outcome"] for each in first["result"]["tracks"]} == {"merged"}
    assert (last["run"], last["exit"], last["ended"], last["next_seconds"]) == (None, 0, "no work", None)
    assert len(project.subjects()) == 2
    assert project.pushes() == 0
    told = events(project.root)
    assert [each["event"].partition(".")[2] for each in told] == ["began", "tick", "tick", "ended"]
    assert told[-1]["why"] == "no work"
    assert told[1]["run"] == "roadmap"
    assert list((project.root / "runtime").glob("*-*-*")) == []


def test_what_a_person_sees(tmp_path: Path) -> None:
    """The runs say what they always say; between them a line says when the next one begins, and why it is over."""
    project = site(tmp_path)
    said = project("schedule", "ROADMAP.md", "--every", "0.3s", "--for", "1h", "--no-push")
    assert said.status == 0
    assert "ROADMAP.md runs every 0s for 1h; Ctrl-C ends it" in said.out
    assert "run roadmap ended with 0; it took longer than its tick, so the next one begins at once" in said.out
    assert said.out.index("ended with 0") < said.out.index("\nNO WORK AVAILABLE\n")
    assert said.out.rstrip().endswith("no run began (exit 0); NO WORK AVAILABLE: the schedule ends")


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    """Each run of what is left is a new one; the exit code is that of the worst."""
    project = Site(tmp_path, roadmap("One", "Two"), {ONE: script(writes("1.txt")), TWO: script("fail = 3")})
    with project.running("schedule", "ROADMAP.md", "--every", "0.2s", "--no-push", "--json") as child:
        assert child.stdout is not None
        first, second = (json.loads(child.stdout.readline()) for _ in range(2))
        child.terminate()
        child.communicate(timeout=60)
    assert [each["run"] for each in (first, second)] == ["roadmap", "roadmap-2"]
    assert [len(each["result"]["tracks"]) for each in (first, second)] == [2, 1]
    assert (first["exit"], second["exit"]) == (2, 2)
    assert child.returncode >= 2


def test_what_needs_a_person_is_not_tried_at_each_tick(tmp_path: Path) -> None:
    """A fatal failure with nothing changed since is left alone, and that is said, and in the journal."""
    project = Site(tmp_path, roadmap("One"), {ONE: script("fail = 77")})
    said = project("schedule", "ROADMAP.md", "--every", "0.2s", "--no-push")
    assert said.status == 2, said
    assert said.out.rstrip().endswith("no run began (exit 0); NO WORK AVAILABLE: the schedule ends")
    assert f"{ONE} is in quarantine: it needs a person (" in said.err
    (left,) = events(project.root, "schedule.left")
    assert list(left["tracks"]) == [ONE]
    assert "nothing has changed since run roadmap; `orchd retry roadmap` takes it up" in left["tracks"][ONE]


def test_the_time_is_over(tmp_path: Path) -> None:
    """A run that is going on then is finished, not cut, and that is said."""
    project = site(tmp_path)
    said = project("schedule", "ROADMAP.md", "--every", "0.1s", "--for", "0.2s", "--no-push")
    assert said.status == 0
    assert "the time is over: the schedule ends; the run that was going on then was finished" in said.out
    assert len(project.subjects()) == 2


def test_an_interrupted_run_is_taken_up(tmp_path: Path) -> None:
    """What a killed driver left behind is gone on with; no second run of the source begins beside it."""
    gate = tmp_path / "gate"
    project = site(tmp_path, 'print = "begun"', waits_for(gate))
    with project.running("run", "ROADMAP.md", "--no-push") as child:
        project.wait_for_log(ONE, "begun")
        child.kill()
    with project.running("schedule", "ROADMAP.md", "--every", "1s", "--no-push", "--json") as child:
        assert child.stdout is not None
        wait_for((project.root / "runtime" / "schedules").is_dir)
        gate.touch()
        first = json.loads(child.stdout.readline())
        out, _ = child.communicate(timeout=60)
    assert (first["run"], first["resumed"], first["exit"]) == ("roadmap", True, 0)
    assert ticks(out)[-1]["ended"] == "no work"
    assert child.returncode == 0
    assert project.log(ONE).count("begun") == 1
    assert [path.name for path in (project.root / "runtime" / "parallel").iterdir()] == ["roadmap"]


def test_ctrl_c_ends_the_run_gently_and_then_the_schedule(tmp_path: Path) -> None:
    """The run that is going on is cancelled with a report, its work kept, and no other one begins."""
    project = site(tmp_path, 'print = "begun"', waits_for(tmp_path / "never"))
    with project.running("schedule", "ROADMAP.md", "--every", "0.1s", "--no-push", "--json") as child:
        project.wait_for_log(ONE, "begun")
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    (only,) = ticks(out)
    assert (only["exit"], only["ended"], child.returncode) == (130, "stopped", 130)
    assert project.run_file("summary.md").exists()
    assert project.locks() == []


def test_ctrl_c_between_two_runs(tmp_path: Path) -> None:
    """Nothing is going on: the schedule just ends, with what its runs earned."""
    project = site(tmp_path)
    with project.running("schedule", "ROADMAP.md", "--every", "1h", "--no-push") as child:
        assert child.stdout is not None
        for line in child.stdout:
            if "the next one begins in" in line:
                break
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
    assert out.rstrip().endswith("stopped: the schedule ends")
    assert child.returncode == 0


def test_two_schedules_of_one_source(tmp_path: Path) -> None:
    """The second is refused and told by whom; one of another source is not in the way."""
    project = site(tmp_path)
    with project.running("schedule", "ROADMAP.md", "--every", "1h", "--no-push") as child:
        wait_for(lambda: any((project.root / "runtime" / "schedules").glob("*.lock")))
        wait_for(lambda: "roadmap" in project("runs").out, 20)
        said = project("schedule", "ROADMAP.md", "--json")
        child.terminate()
        child.communicate(timeout=30)
    assert said.status == 75
    assert said.error["holder"] == {"pid": child.pid}


def test_wrong_words(tmp_path: Path) -> None:
    """What no run would take is refused before the first, in one line."""
    wrong = {
        ("--every", "0"): "--every must be more than 0",
        ("--for", "soon"): "not a duration",
        ("--agents", "0"): "not in the range",
        ("--resume",): "no such option",
        ("--dry-run",): "no such option",
    }
    (tmp_path / "root").mkdir()
    commands = [("schedule", "ROADMAP.md", *words) for words in wrong]
    for words, said in zip(wrong, Orchd(tmp_path / "root").many(commands, tmp_path / "said"), strict=True):
        assert said.status == 64
        assert wrong[words] in said.err


def test_a_source_that_is_not_there_ends_it(tmp_path: Path) -> None:
    """No run can ever begin this way, and it says so at the first one."""
    said = Orchd(tmp_path)("schedule", "ROADMAP.md", "--every", "0.1s")
    assert said.status == 64
    assert "there is no file" in said.err
    assert said.out.rstrip().endswith("no run can begin this way: the schedule ends")


def test_the_keys_of_a_terminal(tmp_path: Path) -> None:
    """Ctrl-C reaches the run by the terminal and is not handed on a second time, which would leave at once."""
    project = site(tmp_path, 'print = "begun"', waits_for(tmp_path / "never"))
    argv = [*ARGV, "schedule", "ROADMAP.md", "--every", "0.1s", "--no-push"]
    with terminal(argv, project.root, project.env | {"TERM": "xterm"}) as screen:
        project.wait_for_log(ONE, "begun")
        screen.type("\x03")
        screen.shows("stopped: the schedule ends", 40)
        assert screen.ends() == 130
    assert project.run_file("summary.md").exists()
    assert "left at once" not in screen.shown
