"""Run, job, result and outcome files: published whole, some once, and read with care."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core import result
from orchestrator.errors import Unreadable
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.once import publish_once
from orchestrator.state.status import prepare, temp
from tests.state.malformed import ODD
from tests.state.records import JOB, OUTCOME, RESULT, RUN, TRACK, end


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The files of a run that does not exist yet."""
    return Layout(str(tmp_path)).run("1783")


def _changed(path: str, **changed: object) -> None:
    """Change fields of a file as somebody else might."""
    fields = json.loads(Path(path).read_bytes())
    Path(path).write_text(json.dumps(fields | changed))


def test_what_is_written_is_read(paths: RunLayout) -> None:
    """Each file comes back as it was, and no temporary file stays."""
    results.write_job(paths, JOB)
    assert results.write_outcome(paths, OUTCOME)
    assert results.write_run(paths, RUN)
    assert results.read_job(paths.job("agent-1")) == JOB
    Path(paths.result("agent-1")).write_bytes(result.encode(RESULT))
    assert results.read_result(paths.result("agent-1")) == RESULT
    assert results.read_outcome(paths.outcome("agent-1")) == OUTCOME
    assert results.read_run(paths) == RUN
    assert os.listdir(temp(paths)) == []


def test_the_name_of_an_agent_may_have_dots(paths: RunLayout) -> None:
    """A file is about the agent before its ending, not before the first dot."""
    results.write_job(paths, replace(JOB, agent_id="a.b"))
    assert results.write_outcome(paths, replace(OUTCOME, agent_id="a.b"))
    Path(paths.result("a.b")).write_bytes(result.encode(replace(RESULT, agent_id="a.b")))
    found = (
        results.read_job(paths.job("a.b")),
        results.read_outcome(paths.outcome("a.b")),
        results.read_result(paths.result("a.b")),
    )
    assert [each.agent_id for each in found if each is not None] == ["a.b"] * 3


def test_what_is_not_there_is_none(paths: RunLayout) -> None:
    """A file that does not exist is no error where that is usual, and one where it is not."""
    assert results.read_job(paths.job("agent-1")) is None
    assert results.read_result(paths.result("agent-1")) is None
    assert results.read_outcome(paths.outcome("agent-1")) is None
    with pytest.raises(FileNotFoundError):
        results.read_run(paths)


def test_a_job_is_replaced(paths: RunLayout) -> None:
    """The next attempt has its own job."""
    for attempt in (1, 2):
        results.write_job(paths, replace(JOB, attempt=attempt))
    assert results.read_job(paths.job("agent-1")) == replace(JOB, attempt=2)


def test_run_and_outcome_are_written_once(paths: RunLayout) -> None:
    """The second time nothing is written, and the answer says so."""
    assert results.write_run(paths, RUN)
    assert not results.write_run(paths, replace(RUN, source="/elsewhere"))
    assert results.read_run(paths).source == "/r/R.md"
    assert results.write_outcome(paths, OUTCOME)
    assert not results.write_outcome(paths, replace(OUTCOME, ended="failed"))
    outcome = results.read_outcome(paths.outcome("agent-1"))
    assert outcome is not None
    assert outcome.ended == "merged"


def test_of_many_at_once_one_writes(paths: RunLayout) -> None:
    """Eight that publish at the same time: one is told that it did, and its bytes stand there."""
    prepare(paths)
    start = threading.Barrier(8)
    answers: dict[int, bool] = {}

    def publish(number: int) -> None:
        start.wait(10)
        answers[number] = publish_once(paths.record, bytes([number]) * 1000, temp(paths))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    (winner,) = (number for number, won in answers.items() if won)
    assert Path(paths.record).read_bytes() == bytes([winner]) * 1000


@pytest.mark.parametrize("name", ODD)
def test_nothing_is_written_over_what_is_there(paths: RunLayout, name: str) -> None:
    """What is written once never replaces or follows anything, be it a link, a folder or a FIFO."""
    prepare(paths)
    ODD[name](paths.record)
    before = os.lstat(paths.record)
    assert not results.write_run(paths, RUN)
    assert os.lstat(paths.record).st_ino == before.st_ino


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_unreadable(paths: RunLayout, name: str) -> None:
    """Whatever stands in a file's place, every reader says in one line what it is."""
    prepare(paths)
    path = paths.result("agent-1")
    ODD[name](path)
    for read in (results.read_result, results.read_job, results.read_outcome):
        with pytest.raises(Unreadable) as raised:
            read(path)
        assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"v": 2}, "version 1"),
        ({"v": None}, "version 1"),
        ({"ended": "lost"}, "field ended is not one of merged, conflict, failed, cancelled"),
        ({"files": "a"}, "field files is not a list"),
        ({"agent_id": "agent-2"}, "it is about agent-2, but the file is agent-1's"),
        ({"agent_id": "../agent-1"}, "field agent_id is '../agent-1'"),
        ({"track": "a\x1b"}, r"field track is 'a\x1b'"),
        ({"attempt": True}, "field attempt is not a whole number"),
    ],
)
def test_a_wrong_outcome_is_refused(paths: RunLayout, changed: dict[str, object], reason: str) -> None:
    """The reason names the field; the file stays as it is."""
    results.write_outcome(paths, OUTCOME)
    _changed(paths.outcome("agent-1"), **changed)
    before = Path(paths.outcome("agent-1")).read_bytes()
    with pytest.raises(Unreadable) as raised:
        results.read_outcome(paths.outcome("agent-1"))
    assert reason in raised.value.message
    assert Path(paths.outcome("agent-1")).read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"v": 2}, "version 1"),
        ({"run": "other"}, "it is about run other"),
        ({"run": "../x"}, "'../x' is not allowed as a name"),
        ({"tracks": [{}]}, "field tracks.0.agent_id"),
        ({"options": {"agents": "many"}}, "field options.agents"),
        (
            {"agent": {"kind": "command", "prompt": "shouted"}},
            "field agent.prompt is not one of stdin, file, argument",
        ),
        ({"base": None}, "field base is not a text"),
    ],
)
def test_a_wrong_run_is_refused(paths: RunLayout, changed: dict[str, object], reason: str) -> None:
    """The reason names the field, however deep it is."""
    results.write_run(paths, RUN)
    _changed(paths.record, **changed)
    with pytest.raises(Unreadable) as raised:
        results.read_run(paths)
    assert reason in raised.value.message


def test_a_run_with_megabytes_of_text_is_read(paths: RunLayout) -> None:
    """A plan with very long descriptions is accepted and read again."""
    long = replace(RUN, tracks=tuple(replace(TRACK, agent_id=f"agent-{n}", body="x" * 10**5) for n in range(50)))
    assert results.write_run(paths, long)
    assert results.read_run(paths) == long


def test_a_run_below_a_folder_with_any_name_is_read(tmp_path: Path) -> None:
    """A path of bytes that are no text, as the system hands it out, is the same after reading."""
    root = f"{tmp_path}/caf\udce9"
    record = replace(RUN, source=f"{root}/ROADMAP.md", tracks=(replace(TRACK, worktree=f"{root}/worktrees/1"),))
    assert results.write_run(Layout(root).run("1783"), record)
    assert results.read_run(Layout(root).run("1783")) == record


def test_a_run_is_over_with_its_report_and_every_outcome(paths: RunLayout) -> None:
    """A file of that name alone says nothing, whatever is in it; nor does one that is about another run."""
    assert not results.has_ended(paths)
    prepare(paths)
    for text in ("", "{}", '{"tests": 5}', '{"run": "1783"}', '{"run": "1783", "total_sub_tasks": "2"}', "[]"):
        Path(paths.metrics).write_text(text)
        assert not results.has_ended(paths)
    end(paths, 2)
    assert results.has_ended(paths)
    _changed(paths.metrics, run="1784")
    assert not results.has_ended(paths)
    _changed(paths.metrics, run="1783")
    Path(paths.outcome("agent-2")).unlink()
    assert not results.has_ended(paths)
