"""Attempts that are judged: a real worker on a job with validators, in a real worktree, with a scripted agent."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.actions import StartWorker
from orchestrator.core.result import Attempt
from orchestrator.core.run import Validator
from orchestrator.daemon import jobs
from orchestrator.git import repository, worktree
from orchestrator.state import results
from tests.daemon.accepted import Accepted
from tests.house.sources import TOP
from tests.projects import SETTINGS, Site, names, roadmap

AGENT = "agent-1"


def script(**phases: str) -> str:
    """Return a script of one line of shell a phase; a dash in a phase's name is an underscore here."""
    steps = ((name.replace("_", "-"), json.dumps(["sh", "-c", text])) for name, text in phases.items())
    return "".join(f"[[{name}]]\nrun = {argv}\n\n" for name, argv in steps)


class Bench:
    """A track whose attempts are made one after the other."""

    def __init__(self, folder: Path, text: str, *validators: Validator, paths: tuple[str, ...] = ()) -> None:
        self.site = Accepted(folder, [text])
        self.record = replace(self.site.record, validators=validators)
        self.track = replace(self.record.tracks[0], paths=paths)
        self.repo = repository.survey(str(self.site.root), "main")
        worktree.add(self.repo, self.track.worktree, self.track.branch, self.repo.head)

    def attempt(self, number: int = 1, **fields: object) -> Attempt:
        """Make an attempt and return how it ended."""
        action = replace(StartWorker(self.record.run, AGENT, number), **fields)  # type: ignore[arg-type]  # real fields
        job = jobs.job(self.site.layout, self.record, self.track, action, self.repo.head)
        results.write_job(self.site.paths, job)
        argv = [sys.executable, "-P", "-m", "orchestrator.worker", self.site.paths.job(AGENT)]
        subprocess.run(argv, cwd=self.site.root, env=os.environ | self.site.env, timeout=60, check=False)
        result = results.read_result(self.site.paths.result(AGENT))
        made = result.of(number) if result is not None else None
        assert made is not None
        assert made.finished
        return made

    def committed(self) -> list[str]:
        """Return the files that the branch changed."""
        return self.site.git("diff", "--name-only", f"main...{self.track.branch}").splitlines()


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of ours are found."""
    monkeypatch.setenv("PYTHONPATH", str(TOP))


def verdicts(made: Attempt) -> list[tuple[str, str]]:
    """Return what happened in an attempt: each phase with its verdict."""
    return [(each.name, each.verdict) for each in made.phases]


PAPERS = Validator("papers", "artifacts", after="work", paths=("docs/*.md",))
INSIDE = Validator("inside", "diff")
TESTS = Validator("tests", "command", argv=("sh", "-c", "test -s tested || { echo not tested; exit 1; }"))
SECOND = Validator("second", "agent", after="review")


def test_what_all_accept(tmp_path: Path) -> None:
    """Each judges after its phase, and the work is committed."""
    text = script(work="mkdir docs; echo x > docs/a.md; echo x > tested", second="echo all is there; echo ACCEPT")
    bench = Bench(tmp_path, text, PAPERS, INSIDE, TESTS, SECOND, paths=("docs", "tested"))
    made = bench.attempt()
    assert verdicts(made) == [
        *(("work", ""), ("papers", "ACCEPT"), ("review", "")),
        *(("inside", "ACCEPT"), ("tests", "ACCEPT"), ("second", "ACCEPT"), ("commit", "")),
    ]
    assert made.passed
    assert bench.committed() == ["docs/a.md", "tested"]


def test_what_is_missing_is_mended(tmp_path: Path) -> None:
    """The agent is told where the findings are, mends, and who asked for more is asked again."""
    findings = f"{tmp_path}/project/runtime/parallel/roadmap/.d/{AGENT}.findings.txt"
    text = script(work="echo x > a", tests_mend=f"grep 'not tested' {findings} > tested")
    bench = Bench(tmp_path, text, TESTS)
    made = bench.attempt()
    assert verdicts(made) == [
        *(("work", ""), ("review", ""), ("tests", "REVISE"), ("tests-mend", ""), ("tests", "ACCEPT"), ("commit", "")),
    ]
    assert made.passed
    assert bench.committed() == ["a", "tested"]
    assert findings in Path(bench.site.paths.prompt(AGENT, "tests-mend")).read_text()


def test_a_judge_that_rejects_ends_the_attempt(tmp_path: Path) -> None:
    """Nothing is mended or committed then; what the judge said is the error."""
    text = script(work="echo x > a", second="echo REJECT: it is all wrong")
    made = Bench(tmp_path, text, SECOND).attempt()
    assert verdicts(made)[-1] == ("second", "REJECT")
    assert (made.passed, made.error) == (False, "VALIDATION_ERROR: second: it is all wrong")


@pytest.mark.parametrize(
    ("validator", "work", "error"),
    [
        (replace(INSIDE, paths=("docs",)), "echo x > a", "outside: a"),
        (PAPERS, "echo x > a", "missing: docs/*.md: there is no such file"),
        (replace(INSIDE, after="commit", paths=("docs",)), "echo x > a", "outside: a"),
        (replace(TESTS, after="work", argv=("sleep", "60"), timeout_seconds=0.5), "echo x > a", "could not judge"),
    ],
    ids=["outside", "missing", "after the commit", "hangs"],
)
def test_what_is_refused_for_good(tmp_path: Path, validator: Validator, work: str, error: str) -> None:
    """After so many rounds, the attempt has failed with the reason."""
    made = Bench(tmp_path, script(work=work), replace(validator, rounds=2)).attempt()
    assert not made.passed
    assert made.error.startswith("VALIDATION_ERROR: ")
    assert error in made.error


def test_the_next_attempt_knows(tmp_path: Path) -> None:
    """A retry is told what failed, goes on in the same worktree, and the artifact of the first still counts."""
    work = "if [ $ORCHD_ATTEMPT = 1 ]; then mkdir docs; echo x > docs/a.md; echo oh dear; exit 3; fi; echo x > tested"
    bench = Bench(tmp_path, script(work=work), PAPERS, TESTS)
    first = bench.attempt()
    assert first.error
    second = bench.attempt(2, cause="retry")
    assert second.passed
    assert bench.committed() == ["docs/a.md", "tested"]
    told = Path(bench.site.paths.prompt(AGENT, "work")).read_text()
    assert "> oh dear" in told
    assert f"> {first.error}" in told


def test_a_clean_up_brings_what_is_missing(tmp_path: Path) -> None:
    """One phase, judged by the same, then the commit."""
    bench = Bench(tmp_path, script(work="echo x > a", cleanup="echo x > tested"), replace(TESTS, rounds=1))
    assert not bench.attempt().passed
    last = bench.attempt(2, cause="cleanup")
    assert verdicts(last) == [("cleanup", ""), ("tests", "ACCEPT"), ("commit", "")]
    assert last.passed
    assert "> tests: not tested" in Path(bench.site.paths.prompt(AGENT, "cleanup")).read_text()


WHOLE = """
[[validators]]
name = "tests"
kind = "command"
argv = ["sh", "-c", "test -s tested || { echo not tested; exit 1; }"]

[[validators]]
name = "inside"
kind = "diff"
paths = ["tested", "a"]

[[validators]]
name = "release"
kind = "command"
after = "run"
argv = ["./release-check"]
"""


@pytest.mark.parametrize(("words", "state"), [("exit 0", "pushed"), ("echo the version is old; exit 1", "failed")])
def test_a_run_with_validators_in_its_settings(tmp_path: Path, words: str, state: str) -> None:
    """They are accepted with the run, judge its track and then the whole; what they refuse is not pushed."""
    (track,) = names(1)
    text = script(work="echo x > a", tests_mend="echo x > tested")
    site = Site(tmp_path, roadmap("One"), {track: text}, settings=SETTINGS + WHOLE)
    site.write("release-check", f"#!/bin/sh\ntest -s tested && {words}\n").chmod(0o755)
    said = site("run", "ROADMAP.md", "--json")
    assert (said.document["publication"], site.pushes()) == (state, int(state == "pushed")), said.err
    assert said.status == (0 if state == "pushed" else 1)
    assert (site.root / "tested").read_text() == "x\n"
    result = json.loads(site.run_file(f"{AGENT}.result.json").read_text())
    (attempt,) = result["attempts"]
    assert [each["verdict"] for each in attempt["phases"]] == ["", "", "REVISE", "", "ACCEPT", "ACCEPT", ""]
    assert state == "pushed" or "the version is old" in site.run_file("summary.md").read_text()
