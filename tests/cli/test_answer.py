"""A person answers the question of a track: while its run goes on, while it works, and when all is over."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.actions import StartWorker
from orchestrator.daemon import jobs
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from tests.cli.orchd import ARGV, Orchd
from tests.cli.over import AT, Over
from tests.daemon.seen import RUN


class Asking(Over):
    """A run that nobody drives, whose first track asked something."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 2)
        self.job(1)
        self.asks(1, "Which one?")

    def job(self, number: int) -> None:
        """Give a track its first job."""
        track = self.record.tracks[number - 1]
        action = StartWorker(RUN, track.agent_id, 1)
        results.write_job(self.paths, jobs.job(self.layout, self.record, track, action, self.record.base))

    def answer(self, number: int = 1, run: str = RUN) -> Answer | None:
        """Return what was answered to a track."""
        return answers.read(self.layout.run(run).answer(f"agent-{number}"))


@pytest.fixture
def site(tmp_path: Path) -> Asking:
    """The run that asks."""
    return Asking(tmp_path)


def test_a_question_that_ended_an_attempt(site: Asking) -> None:
    """The answer is for that attempt, and whoever goes on with the run takes it up."""
    said = site("answer", site.tracks[0], "The other.\n\x1b[2J")
    assert (said.status, said.err, said.tame) == (0, "", True)
    assert said.out.splitlines()[0] == f"{site.tracks[0]} asked in run roadmap: Which one?"
    assert "nobody drives run roadmap now" in said.out
    answer = site.answer()
    assert answer is not None
    assert (answer.attempt, answer.question, answer.text) == (1, "Which one?", "The other.\n\x1b[2J")
    (event,) = site.events("run.answered")
    assert (event["track"], event["attempt"], "text" in event) == (site.tracks[0], 1, False)


def test_the_run_goes_on_with_it(site: Asking) -> None:
    """The next attempt is told question and answer, and the track is merged."""
    site("answer", site.tracks[0], "The other.")
    said = site("run", "ROADMAP.md", "--resume", "--json")
    assert (said.status, [each["outcome"] for each in said.document["tracks"]]) == (0, ["merged", "merged"])
    prompt = site.run_file(".d/agent-1.work.prompt.md").read_text()
    assert "> Which one?" in prompt
    assert "A person answered, and that holds for this track:\n\n> The other." in prompt


def test_who_is_still_at_work(site: Asking) -> None:
    """A question that the agent asks meanwhile is answered too; the person is told when that counts."""
    site.job(2)
    claim = site.claim(site.tracks[1], run=RUN, attempt=1)
    said: dict[str, object] = {
        "schema_version": "1.1",
        "agent_id": "agent-2",
        "track": site.tracks[1],
        "status": "in_progress",
    }
    said |= {"start_time": AT, "last_update": AT, "branch_name": "feat/t2", "needs_input": {"question": "Now?"}}
    Path(site.paths.status("agent-2")).write_text(json.dumps(said | {"metadata": {"fence": claim.fence, "attempt": 1}}))
    told = site("answer", site.tracks[1], "Later")
    assert (told.status, told.err) == (0, "")
    assert "its agent is still at work" in told.out
    answer = site.answer(2)
    assert answer is not None
    assert (answer.attempt, answer.question, answer.text) == (1, "Now?", "Later")


def test_nobody_asks(site: Asking) -> None:
    """An unknown track, one that asks nothing, a run that has none: one line, nothing written."""
    for words in ((site.tracks[1],), ("nobody",), ("../x",), (site.tracks[1], "--run", RUN), ("t", "--run", "none")):
        said = site("answer", words[0], "text", *words[1:])
        assert (said.status, said.out, said.tame) == (64, "", True)
    assert (site.answer(1), site.answer(2)) == (None, None)


def test_two_runs_ask(site: Asking) -> None:
    """Then the person says which."""
    other = replace(site.record, run="other")
    results.write_run(site.layout.run("other"), other)
    for name in ("agent-1.job.json", "agent-1.result.json"):
        text = Path(site.paths.folder, name).read_text().replace('"run": "roadmap"', '"run": "other"')
        Path(site.layout.run("other").folder, name).write_text(text)
    said = site("answer", site.tracks[0], "This")
    assert said.status == 64
    assert "--run" in said.err
    assert site("answer", site.tracks[0], "This", "--run", "other").status == 0
    assert (site.answer(), site.answer(run="other") is None) == (None, False)


def from_stdin(site: Asking, data: bytes) -> int:
    """Answer with what stands on stdin; return the exit code."""
    argv = [*ARGV, "answer", site.tracks[0], "-"]
    return subprocess.run(argv, cwd=site.root, env=site.env, input=data, capture_output=True, check=False).returncode


def test_the_answer_comes_from_stdin(site: Asking) -> None:
    """Whole, with its lines; what is too long, empty or no text is refused, and nothing is written."""
    for data in (b"", b" \n", b"\xff", b"x" * (64 * 1024 + 1)):
        assert from_stdin(site, data) == 64
    assert site.answer() is None
    assert from_stdin(site, "ça\nva\n".encode()) == 0
    answer = site.answer()
    assert answer is not None
    assert answer.text == "ça\nva\n"


def test_the_words_of_the_command_are_no_text(site: Asking) -> None:
    """Bytes that are no UTF-8 are refused as words, too."""
    assert site("answer", site.tracks[0], b"\xff").status == 64
    assert site.answer() is None


def test_nothing_ever_ran(tmp_path: Path) -> None:
    """Then nothing is asked, and nothing is written."""
    orchd = Orchd(tmp_path)
    assert orchd("answer", "t", "x").status == 64
    assert orchd.files() == {}
