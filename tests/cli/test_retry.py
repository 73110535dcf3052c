"""What a run did not finish is done in another one, which goes on from where that one stopped."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli import retrying
from orchestrator.cli.wishes import NOTHING_SAID, How
from orchestrator.core.run import RunRecord
from orchestrator.errors import Held
from orchestrator.state import answers
from tests.cli.over import Over
from tests.projects import SETTINGS, git

AGAIN = "roadmap-2"
MENDED = 'timeout = "2h"\nattempts = 2\ngates = ["start"]'
JUDGE = '[[validators]]\nname = "t"\nkind = "command"\nargv = ["true"]\n'


def again(site: Over, **how: object) -> RunRecord:
    """Accept the run that follows; nobody drives it."""
    told = NOTHING_SAID | how
    record = retrying.accepted(site.layout, site.record, told)  # type: ignore[arg-type]  # a copy of what it is made of
    assert record is not None
    assert record == site.record_of(record.run)
    return record


def test_it_goes_on_where_that_one_stopped(tmp_path: Path) -> None:
    """Only what failed is carried: on its branch, in its worktree, with what is known; both files are merged."""
    site = Over(tmp_path, 3)
    place = site.begin(2)
    site.end("merged", "failed", "quarantined")
    site.write("ROADMAP.md", (site.root / "ROADMAP.md").read_text().replace("T1**", "T1** [DONE]"))
    site.git("commit", "--quiet", "--all", "--message=mark")
    said = site("retry", "roadmap", "--json")
    assert (said.status, [each["outcome"] for each in said.document["tracks"]]) == (0, ["merged", "merged"])
    two, three = site.record_of(AGAIN).tracks
    assert (two.track, two.branch, two.worktree, two.resume) == (site.tracks[1], "feat/t2", str(place), True)
    assert two.before == ("run roadmap: failed: TEST_FAILURE: red",)
    assert (three.track, three.branch == "feat/t3", three.resume) == (site.tracks[2], False, False)
    assert site.record_of(AGAIN).lifted == tuple(site.tracks[1:])
    assert site.git("show", "main:half.txt", "main:rest.txt", "main:2.txt", "main:3.txt") == "half\nrest\nmade\nmade"
    assert not place.exists()
    assert site.git("status", "--porcelain") == ""


def test_what_was_mended_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options are what the settings say now, under the command line of both; what is other than it was is said."""
    site = Over(tmp_path, 1)
    site.end("failed")
    told = ("agents", "push")
    former = replace(site.record, told=told, options=replace(site.record.options, agents=9, push=False))
    site.write("orchestrator.toml", SETTINGS.replace("attempts = 1", MENDED) + JUDGE + '[git]\nstrategy = "squash"\n')
    record = retrying.accepted(site.layout, former, How(**{**NOTHING_SAID, "agents": 7}))
    assert record is not None
    options = record.options
    assert (options.timeout_seconds, options.attempts, options.gates) == (7200.0, 2, ("start",))
    assert (options.agents, options.push, record.told, len(record.validators)) == (7, False, told, 1)
    assert (record.agent, record.source, record.root) == (site.record.agent, site.record.source, str(site.root))
    assert capsys.readouterr().err == (
        "orchd: other than in run roadmap: agents 9 -> 7, timeout 3600 -> 7200, attempts 1 -> 2, gates, "
        "git (strategy merge -> squash), validators\n"
    )


def test_nothing_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then there is nothing to say."""
    site = Over(tmp_path, 1)
    site.end("failed")
    assert again(site).options == site.record.options
    assert capsys.readouterr().err == ""


def test_the_branch_is_gone(tmp_path: Path) -> None:
    """Then there is nothing to go on with, and the track begins anew, with what is known."""
    site = Over(tmp_path, 1)
    site.end("failed")
    (track,) = again(site).tracks
    assert (track.resume, track.branch == "feat/t1", len(track.before)) == (False, False, 1)


def test_the_worktree_is_gone(tmp_path: Path) -> None:
    """The branch is gone on with, in the same place; where something else stands there, in another one."""
    site = Over(tmp_path, 2)
    for number in (1, 2):
        place = site.begin(number)
        (place / "rest.txt").unlink()
        site.git("worktree", "remove", str(place))
    place.mkdir()
    site.end("failed", "cancelled")
    one, two = again(site).tracks
    assert (one.branch, one.worktree, one.resume) == ("feat/t1", site.record.tracks[0].worktree, True)
    assert (two.branch, two.worktree == str(place), two.resume) == ("feat/t2", False, True)


def test_the_branch_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody looks at it in a checkout of their own: that is left alone, and said."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    git(place, "checkout", "--quiet", "--detach")
    site.git("worktree", "add", "--quiet", str(tmp_path / "mine"), "feat/t1")
    site.end("failed")
    (track,) = again(site).tracks
    assert (track.branch == "feat/t1", track.resume) == (False, False)
    assert "begins anew: its branch feat/t1 is checked out at" in capsys.readouterr().err


def test_a_conflict_is_told(tmp_path: Path) -> None:
    """The agent learns what was in the way and how it is to be solved."""
    site = Over(tmp_path, 1)
    site.begin(1)
    site.end("conflict", error="FILE_CONFLICT: shared.txt")
    (track,) = again(site).tracks
    assert track.before[0] == "run roadmap: conflict: FILE_CONFLICT: shared.txt"
    assert "git merge main" in track.before[1]


def test_an_answer_that_came_late(tmp_path: Path) -> None:
    """It is handed on to the next run, before all of its attempts."""
    site = Over(tmp_path, 1)
    site.asks(1, "Which one?")
    site.end("failed")
    said = site("answer", site.tracks[0], "The\x1b other")
    assert (said.status, said.tame) == (0, True)
    assert "`orchd retry roadmap` takes it up" in said.out
    again(site)
    handed_on = answers.read(site.layout.run(AGAIN).answer("agent-1"))
    assert handed_on is not None
    assert (handed_on.attempt, handed_on.question, handed_on.text) == (0, "Which one?", "The\x1b other")


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    """There is nothing to retry yet; the hint says how it is gone on with."""
    site = Over(tmp_path, 1)
    said = site("retry", "roadmap", "--json")
    assert (said.status, said.error["code"]) == (75, "held")
    assert "--resume" in said.error["hint"]
    site.end("failed")
    again(site)
    with pytest.raises(Held, match="run roadmap-2 of this source was interrupted"):
        again(site)


def test_nothing_to_retry(tmp_path: Path) -> None:
    """All is merged, or no more to be done: said, and 0."""
    site = Over(tmp_path, 2)
    site.end("merged", "failed")
    site.write("ROADMAP.md", (site.root / "ROADMAP.md").read_text().replace("T2**", "T2** [DONE]"))
    said = site("retry", "roadmap")
    assert (said.status, said.out) == (0, "nothing of run roadmap is left to retry\n")
    assert f"{site.tracks[1]} is left out: it is done by now" in said.err
    assert site("retry", "roadmap", "--json").document["run"] is None
    assert [site(*words).status for words in (("retry", "none"), ("retry", "../x"), ("retry",))] == [64, 64, 64]
