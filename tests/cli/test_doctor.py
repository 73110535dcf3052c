"""``orchd doctor``: what may be wrong, each with its cure."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.doctor import CHECKS
from orchestrator.host import clock
from orchestrator.state.layout import Layout
from tests.cli.orchd import Orchd
from tests.state.records import end

HEALTHY = '[agent]\nkind = "command"\n[agent.command]\nargv = ["sh", "-c", "true"]\n'


def _git(orchd: Orchd, *words: str) -> None:
    subprocess.run(["git", *words], cwd=orchd.root, env=orchd.env, check=True, capture_output=True, timeout=60)


@pytest.fixture
def orchd(tmp_path: Path) -> Orchd:
    """A root in which nothing is wrong."""
    healthy = Orchd(tmp_path)
    _git(healthy, "init", "-q")
    for name, value in (("user.name", "ada"), ("user.email", "ada@example.org")):
        _git(healthy, "config", name, value)
    (tmp_path / "orchestrator.toml").write_text(HEALTHY)
    _git(healthy, "add", "-A")
    _git(healthy, "commit", "-q", "-m", "start")
    return healthy


def _findings(orchd: Orchd) -> list[tuple[str, str, str]]:
    """Return what it finds, in JSON, having seen that the words say the same."""
    ended = orchd("doctor", "--json")
    document: dict[str, Any] = ended.document
    assert document["checks"] == list(CHECKS)
    found = [(each["check"], each["what"], each["cure"]) for each in document["findings"]]
    assert ended.status == (1 if found else 0)
    assert all(cure for _, _, cure in found)
    return found


def test_a_healthy_root(orchd: Orchd) -> None:
    """Nothing is found, exit code 0, and looking leaves nothing behind."""
    before = {path for path in orchd.files() if "/.git/" not in path}
    assert _findings(orchd) == []
    ended = orchd("doctor")
    assert (ended.status, ended.out.splitlines()) == (0, [f"{name}: ok" for name in CHECKS])
    assert {path for path in orchd.files() if "/.git/" not in path} == before


def test_what_the_dead_left(orchd: Orchd) -> None:
    """Dead claims, claims that cannot be judged, old temporary files, strangers: each with its cure."""
    claim = orchd.dead_claim("dead")
    orchd.claim("alive")
    orchd.write_lock("empty", b"")
    orchd.write_lock("odd name\x1b", b"")
    (orchd.lock("x").parent / "notes\x1b[31m.txt").touch()
    temp = orchd.lock("x").parent / ".d" / "tmp" / "1-2-x"
    temp.touch()
    old = clock.wall_ns() - 3600 * 10**9
    os.utime(temp, ns=(old, old))
    found = {(check, what): cure for check, what, cure in _findings(orchd)}
    told = {what.partition(":")[0]: cure for (_, what), cure in found.items()}
    assert told["dead"] == "`orchd reap` frees it"
    assert told["empty"].startswith("if nobody works on it any more: `orchd break empty --token ")
    assert "rename it" in told[".orchestrator_locks/odd name\\x1b.lock is not named like a track"]
    assert "left alone" in told[".orchestrator_locks/notes\\x1b[31m.txt is none of our files"]
    assert "orchd reap" in told["1 temporary files are left over"]
    assert len(found) == 5
    ended = orchd("doctor")
    assert ended.tame
    assert f"process {claim.pid} is gone" in ended.out


def test_the_cures_cure(orchd: Orchd) -> None:
    """What is said to help does."""
    orchd.dead_claim("dead")
    orchd.write_lock("empty", b"")
    for _, _, cure in _findings(orchd):
        words = cure.split("`")[1].split()
        assert orchd(*words[1:], *(["--yes"] if "break" in words else [])).status == 0
    assert _findings(orchd) == []


def test_runs_that_nobody_drives(orchd: Orchd) -> None:
    """A run without a report and without a driver, and worktrees that belong to no run."""
    folder = orchd.root / "runtime" / "parallel" / "r1"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (orchd.root / "worktrees" / "agent-1\x1b").mkdir(parents=True)
    found = _findings(orchd)
    assert [check for check, _, _ in found] == ["runs", "worktrees"]
    assert found[0][1] == "run r1 has not ended, and nobody drives it"
    assert "orchd start" in found[0][2]
    assert "agent-1\\x1b belongs to no run" in found[1][1]
    end(Layout(str(orchd.root)).run("r1"), 0)
    assert [check for check, _, _ in _findings(orchd)] == ["worktrees"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no agent is configured"),
        ("[agnet]\n", "orchestrator.toml:1: agnet: no such key"),
        ('[agent]\nkind = "command"\n', "agent kind command has no command"),
        (HEALTHY.replace('"sh"', '"no-such-agent\\u001b"'), "the agent's command 'no-such-agent\\x1b' is not there"),
        (HEALTHY.replace('"sh"', '"/no/such/agent"'), "the agent's command '/no/such/agent' is not there"),
        ('[agent]\nkind = "scripted"\n', "the folder of scripts"),
    ],
)
def test_an_agent_that_cannot_be_started(orchd: Orchd, text: str, what: str) -> None:
    """Settings that cannot be read, nobody named, a command that is not there."""
    (orchd.root / "orchestrator.toml").write_text(text)
    ((check, said, _),) = _findings(orchd)
    assert check == "agent"
    assert said.startswith(what)


def test_no_repository_and_nobody_to_sign(orchd: Orchd) -> None:
    """git without an identity, and a root that is no repository."""
    _git(orchd, "config", "--unset", "user.email")
    ((check, what, cure),) = _findings(orchd)
    assert check == "git"
    assert "who you are" in what
    assert "git config user.email" in cure
    (orchd.root / ".git").rename(orchd.root / "elsewhere")
    ((check, what, cure),) = _findings(orchd)
    assert "not a git repository" in what
    assert "git init" in cure


def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    """On a file system that takes nothing the check says so, and the others still run."""
    orchd = Orchd(tmp_path)
    orchd.env["ORCHD_ROOT"] = "/proc"
    ended = orchd("doctor", "--json")
    assert ended.status == 1
    found = {each["check"]: each["what"] for each in ended.document["findings"]}
    assert "cannot write" in found["file system"]
    assert "agent" in found


def test_many_findings_are_summed_up(orchd: Orchd) -> None:
    """A person sees the first of very many; a program all of them."""
    for number in range(30):
        orchd.write_lock(f"t{number:02}", b"")
    assert len(_findings(orchd)) == 30
    assert "  and 10 more: `orchd doctor --json` has them all" in orchd("doctor").out.splitlines()
