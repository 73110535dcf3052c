"""How a track ended is said once; what is no such word is set aside."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import Outcome, encode
from orchestrator.daemon import outcomes
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout
from tests.core import runs
from tests.processes import ended, python

FIRST, SECOND = runs.outcome(1, "failed", "UNKNOWN: first"), runs.outcome(1, "cancelled", "later")


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The files of a run."""
    return Layout(str(tmp_path)).run("roadmap")


def test_the_first_word_counts(paths: RunLayout) -> None:
    """Whoever comes later hears what was said."""
    assert outcomes.say(paths, FIRST) == FIRST
    assert outcomes.say(paths, SECOND) == FIRST
    assert results.read_outcome(paths.outcome("agent-1")) == FIRST


@pytest.mark.parametrize(
    "word", [FIRST, replace(runs.outcome(1), commit="d" * 40), runs.outcome(1, "conflict", "FILE_CONFLICT: a")]
)
def test_a_merge_that_never_was_is_no_word(paths: RunLayout, word: Outcome) -> None:
    """An agent may write the file of its sibling, or of itself; what we know from the repository stands."""
    results.write_outcome(paths, runs.outcome(1) if word.ended != "merged" else FIRST)
    assert outcomes.say(paths, word) == word
    assert results.read_outcome(paths.outcome("agent-1")) == word
    assert len(list(Path(paths.private, "aside").iterdir())) == 1


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"v": 2}', encode(runs.outcome(2)), b"\xff" * 100])
def test_what_is_no_outcome_is_set_aside(paths: RunLayout, data: bytes) -> None:
    """The file gives way to one that can be read, and is kept."""
    outcomes.say(paths, runs.outcome(2))
    Path(paths.outcome("agent-1")).write_bytes(data)
    assert outcomes.say(paths, FIRST) == FIRST
    assert results.read_outcome(paths.outcome("agent-1")) == FIRST
    (kept,) = Path(paths.private, "aside").iterdir()
    assert kept.read_bytes() == data


def test_of_a_whole_run(paths: RunLayout) -> None:
    """In the order of the plan; a track of which nothing can be read is told as well."""
    record = runs.record(*(runs.spec(number) for number in range(1, 5)))
    for number in (3, 1):
        outcomes.say(paths, runs.outcome(number))
    Path(paths.outcome("agent-2")).write_bytes(b"{")
    found = outcomes.of_run(paths, record)
    assert [each.agent_id for each in found] == [f"agent-{number}" for number in range(1, 5)]
    assert [each.ended for each in found] == ["merged", "failed", "merged", "failed"]
    assert "cannot be read" in found[1].error
    Path(paths.result("agent-1")).write_bytes(b"{")
    assert outcomes.results_of_run(paths, record) == {}


FEW = """
import resource, sys
from orchestrator.daemon import outcomes
from orchestrator.state.layout import RunLayout
from tests.core import runs
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    outcomes.of_run(RunLayout(sys.argv[1]), runs.record(runs.spec(1)))
except OSError as error:
    print(error.errno)
"""


def test_running_out_is_not_the_file_s_fault(paths: RunLayout) -> None:
    """With no descriptor left nothing is known of the file, so nothing is said about it or done to it."""
    outcomes.say(paths, FIRST)
    assert ended(python(FEW, paths.folder)).strip() == str(errno.EMFILE)
