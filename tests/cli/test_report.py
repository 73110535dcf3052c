"""``orchd report``: one run in every form, while it goes on and when it is over."""

import json
import os
from dataclasses import replace
from pathlib import Path

from orchestrator.core.result import Attempt, PhaseResult, Result, encode
from orchestrator.core.run import Agent, Options, Outcome, Publication, RunRecord, RunTrack
from orchestrator.daemon import reporting
from orchestrator.reports.metrics import Ending
from orchestrator.state import answers, approvals, results, verdicts
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.verdicts import Verdicts
from tests.cli.orchd import Ended, Orchd
from tests.projects import Site, names, roadmap, script, writes

START = "2026-01-31T12:00:00.000Z"
END = "2026-01-31T12:00:30.000Z"
LATER = "2026-01-31T12:00:06Z"
ERROR = "UNKNOWN: phase work ended with status 3"
HOSTILE = "</title><script>alert(1)</script>\x1b[31m\u202e"


class Told(Orchd):
    """A root with one run of two tracks on record: the first was merged; ``over``: the second failed, and all is over.

    Until then its worker is not there.
    """

    def __init__(self, root: Path, title: str = "Two", *, over: bool = True) -> None:
        super().__init__(root)
        self.root.mkdir(exist_ok=True)
        self.write_log("[orchd x] attempt 1 of t2, fence 4, worker 7\nits last \x1b[31mwords\n")
        self.record = self._record(title)
        assert results.write_run(self.paths, self.record)
        work = PhaseResult("work", "exited", 3, None, START, "2026-01-31T12:00:05Z", 5.0, 1.0, 1000, error=ERROR)
        self.work = work
        done = replace(work, status=0, error="")
        self.attempts = {
            "agent-1": Attempt(1, 3, "a" * 32, START, (done,), finished=True, ended_at=LATER, cost_usd=0.5),
            "agent-2": Attempt(
                1, 4, "b" * 32, START, (work,), finished=True, ended_at=LATER, error=ERROR, cost_usd=0.25
            ),
        }
        for agent_id, entry in self.attempts.items():
            data = encode(Result(agent_id, f"t{agent_id[-1]}", (entry,)))
            Path(self.paths.result(agent_id)).write_bytes(data)
        merged = Outcome("agent-1", "t1", "merged", "2026-01-31T12:00:08Z", 1, commit="c" * 40)
        assert results.write_outcome(self.paths, merged)
        if over:
            failed = Outcome("agent-2", "t2", "failed", "2026-01-31T12:00:09Z", 1, error=ERROR, kept="branch feat/t2")
            assert results.write_outcome(self.paths, failed)
            self.end(merged, failed)

    @property
    def paths(self) -> RunLayout:
        """The files of the run."""
        return Layout(str(self.root)).run("r")

    def each(self, *commands: tuple[str, ...]) -> list[Ended]:
        """Give some ``orchd report`` commands, one after the other."""
        return self.many([("report", *words) for words in commands], self.root.parent / "said")

    def _record(self, title: str) -> RunRecord:
        tracks = (
            RunTrack("agent-1", "t1", "One", "feat/t1", f"{self.root}/worktrees/agent-1"),
            RunTrack("agent-2", "t2", title, "feat/t2", f"{self.root}/worktrees/agent-2"),
        )
        source = f"{self.root}/ROADMAP.md"
        agent, options = Agent("scripted"), Options()
        return RunRecord("r", "orch-r", source, "roadmap", START, "main", "0" * 40, None, agent, options, tracks)

    def write_log(self, text: str) -> None:
        """Put down what the agent on the second track printed."""
        log = self.root / "orchestrator_logs" / "t2.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(text)

    def end(self, *outcomes: Outcome) -> None:
        """Write the report as the orchestrator does at the end of a run."""
        known = {agent_id: Result(agent_id, f"t{agent_id[-1]}", (entry,)) for agent_id, entry in self.attempts.items()}
        publication = Publication("failed", "rejected", "git push origin main")
        reporting.write(self.paths, Ending(self.record, outcomes, known, publication, END))


def test_a_real_run_in_every_form(tmp_path: Path) -> None:
    """One track is merged and one fails: text, JSON and page tell the same."""
    good, bad = names(2)
    scripts = {good: script(writes("1.txt")), bad: script('run = ["sh", "-c", "echo oops; exit 3"]')}
    site = Site(tmp_path, roadmap("One", "Two"), scripts, remote=False)
    site("run", "ROADMAP.md")
    text = site("report").out
    assert text == site("report", "--md").out == site.run_file("summary.md").read_text()
    assert "- **Success Rate**: 1/2 (50%)" in text
    assert "    oops\n" in text
    said = site("report", "--json").document
    assert [each["ended"] for each in said["tracks"]] == ["merged", "failed"]
    assert said["tracks"][1]["diagnosis"]["cause"].startswith("phase work gave up with status 3")
    assert said["success_rate_percentage"] == 50.0
    page = site("report", "--html")
    assert page.status == 0
    assert page.out.startswith("<!DOCTYPE html>\n")
    assert page.out.endswith("</html>\n")
    assert f"{bad}, attempt 1: failed" in page.out


def test_a_run_that_is_over(tmp_path: Path) -> None:
    """The figures are those that were written; cost, class, log and push are told."""
    told = Told(tmp_path / "root")
    figures = json.loads(Path(told.paths.metrics).read_text())
    document, page = told.each(("r", "--json"), ("--html",))
    said = document.document
    assert {name: said[name] for name in figures} == figures
    assert (said["cost_usd"], said["publication"], said["end_time"]) == (0.75, "failed", END)
    assert said["next_steps"][0]["command"] == "git push origin main"
    found = said["tracks"][1]["diagnosis"]
    assert found["log"][-1] == "its last \\x1b[31mwords"
    assert "rejected" in page.out
    mine = json.loads(Path(f"{told.paths.folder}/agent-2.metrics.json").read_text())
    assert (mine["cost_usd"], mine["ended"]) == (0.25, "failed")


def test_a_run_that_is_not_over(tmp_path: Path) -> None:
    """It says so, and where what has not ended stands; nothing is written."""
    told = Told(tmp_path / "root", over=False)
    before = told.files()
    document, text, page, newest = told.each(("r", "--json"), ("r",), ("r", "--html"), ())
    said = document.document
    assert (said["state"], said["total_sub_tasks"], said["successful_agents"]) == ("not_over", 2, 1)
    assert said["tracks"][1]["ended"] is None
    assert said["tracks"][1]["state"] not in (None, "unknown")
    assert "- **Not over**: this is how it stood at 20" in text.out
    assert "### Tasks Not Over\n\n- **agent-2** · t2 · Two\n" in text.out
    assert "This run is not over" in page.out
    assert newest.status == 64
    assert told.files() == before


def test_what_others_say_is_in_it(tmp_path: Path) -> None:
    """Wakes out of the journal, answers and approvals of people, pull requests of agents; not what is of other runs."""
    told = Told(tmp_path, over=False)
    lines = [
        {"v": 1, "at": "2026-01-31T12:00:20.000Z", "event": "wake.woke", "run": "r", "alive": 1},
        {"v": 1, "at": "2026-01-31T12:00:20.000Z", "event": "wake.woke", "run": "other", "alive": 2},
        {"v": 1, "at": "2025-01-31T12:00:20.000Z", "event": "wake.woke", "run": "r", "alive": 3},
    ]
    (tmp_path / "runtime/events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    answers.write(told.paths, "agent-2", Answer(1, "which port?", "8080"))
    approvals.write(told.paths, frozenset({"start"}))
    verdicts.write(
        told.paths, Verdicts("c" * 40, (replace(told.work, name="build", kind="validator", verdict="REVISE"),))
    )
    status = {"schema_version": "1.0", "agent_id": "agent-1", "track": "t1", "status": "completed", "pr_number": 7}
    status |= {"start_time": START, "last_update": START, "branch_name": "feat/t1"}
    Path(told.paths.status("agent-1")).write_text(json.dumps(status))
    said = told("report", "r", "--json").document
    entries = {(each["track"], each["what"]): each["detail"] for each in said["timeline"]}
    assert entries["", "wake.woke"] == "alive 1"
    assert entries["t2", "answered"] == "question which port?, answer 8080"
    assert entries["", "approved"] == "gates start"
    assert entries["", "validator build: REVISE"].startswith("after 5.0 s")
    assert (said["prs_created"], said["tracks"][0]["pull_request"]) == (1, 7)


def test_nothing_odd_keeps_it_from_being_told(tmp_path: Path) -> None:
    """A log that is a FIFO, files that are none, a journal that is a folder."""
    told = Told(tmp_path)
    log = tmp_path / "orchestrator_logs/t2.log"
    log.unlink()
    os.mkfifo(log)
    (tmp_path / "runtime/events.jsonl").mkdir()
    for path in (told.paths.answer("agent-1"), approvals.path(told.paths), told.paths.status("agent-1")):
        Path(path).write_text("{")
    ended = told("report", "--json")
    assert ended.status == 0
    assert ended.document["tracks"][1]["diagnosis"]["log"] == []


def test_older_figures_are_told_as_they_are(tmp_path: Path) -> None:
    """Those of a run from before there were costs and commands."""
    told = Told(tmp_path / "root")
    path = Path(told.paths.metrics)
    figures = json.loads(path.read_text())
    old = {name: value for name, value in figures.items() if not name.startswith(("known", "publication_", "tokens"))}
    path.write_text(json.dumps(old))
    page, document = told.each(("--html",), ("--json",))
    assert page.status == 0
    assert document.document["publication_command"] == ""


def test_a_run_whose_record_is_lost(tmp_path: Path) -> None:
    """What was written at its end can still be read; a page cannot be made."""
    told = Told(tmp_path / "root")
    Path(told.paths.record).write_text("{")
    text, document, page = told.each(("r",), ("r", "--json"), ("r", "--html"))
    assert text.out.startswith("## Parallel")
    assert document.document["run"] == "r"
    assert (page.status, page.out) == (9, "")
    assert "the report of run r cannot be read" in page.err


def test_hostile_titles_stay_text(tmp_path: Path) -> None:
    """On the terminal, in JSON and on the page."""
    forms = Told(tmp_path / "root", HOSTILE).each(("--md",), ("--json",), ("--html",))
    assert all(each.status == 0 and each.tame for each in forms)
    assert "<script" not in forms[-1].out


def test_written_to_a_file(tmp_path: Path) -> None:
    """Whole, over what was there, behind a link; stdout says where, and nothing with --json."""
    told = Told(tmp_path / "root")
    page, link, data, text = (tmp_path / name for name in ("page.html", "link.html", "r.json", "r.md"))
    page.write_text("before")
    link.symlink_to(page)
    written = told.each(
        ("--html", "--output", str(link)),
        ("--json", "--output", "../r.json"),
        ("--output", "../r.md"),
        ("--output", "-"),
    )
    printed = told.each(("--html",), ("--json",), ())
    assert [each.status for each in (*written, *printed)] == [0] * 7
    assert [each.out for each in written[:3]] == [f"the report is {page}\n", "", f"the report is {text}\n"]
    assert link.is_symlink()
    assert page.read_text() == printed[0].out
    assert json.loads(data.read_text()) == printed[1].document
    assert text.read_text() == printed[2].out == written[3].out
    assert sorted(each.name for each in tmp_path.iterdir() if each.name != "said") == [
        "link.html", "page.html", "r.json", "r.md", "root",
    ]  # fmt: skip


def test_what_is_no_file_is_not_written(tmp_path: Path) -> None:
    """A folder, a device, an empty name, two forms at once: exit code 64, and the device stays a device."""
    told = Told(tmp_path / "root")
    names_of_none = [("--output", name) for name in ("", ".", "/dev/null", "no\x1bsuch/")]
    for ended in told.each(*names_of_none, ("--md", "--html")):
        assert (ended.status, ended.out) == (64, "")
        assert ended.tame
    assert not Path("/dev/null").is_file()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The machine refuses, in one line with a hint."""
    ended = Told(tmp_path)("report", "--output", str(tmp_path / "none/r.md"))
    assert (ended.status, ended.out) == (9, "")
    assert len(ended.err.splitlines()) == 2
