"""The commit phase as the worker runs it: a program of its own, in the track's worktree."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from orchestrator.errors import Unreadable
from orchestrator.git import repository, worktree
from orchestrator.git.commit import decode
from tests.git import repos
from tests.git.repos import git
from tests.waiting import wait_for

SUBJECT: Final = "Implement Things - Group E, Track 1"
TRAILERS: Final = {"Orchd-Track": "group_E_track_1", "Orchd-Run": "demo"}


@pytest.fixture
def place(home: Path) -> Path:
    """The worktree of a track, on branch feat/x."""
    repo = repository.survey(str(home))
    repository.exclude(repo, ["/worktrees/", "*.ign"])
    worktree.add(repo, str(home / "worktrees" / "agent-1"), "feat/x", repo.head)
    return home / "worktrees" / "agent-1"


def spec(place: Path, **changed: object) -> Path:
    """Write a specification and return its path."""
    fields = {
        "v": 1,
        "branch": "feat/x",
        "base": repos.tip(place, "main"),
        "subject": SUBJECT,
        "what": ["first thing", "second thing"],
        "trailers": TRAILERS,
        **changed,
    }
    path = place.parent.parent / ".git" / "spec.json"
    path.write_text(json.dumps(fields), encoding="ascii")
    return path


def start(place: Path, path: Path, **env: str) -> "subprocess.Popen[bytes]":
    """Start the commit phase."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestrator.git.commit", str(path)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(repos.TOP), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(place: Path, status: int = 0, **env: str) -> tuple[list[str], str]:
    """Run the commit phase to its end; return the lines of stdout, and stderr."""
    child = start(place, spec(place), **env)
    out, err = child.communicate(timeout=60)
    assert child.returncode == status, (out, err)
    return out.decode().splitlines(), err.decode()


def test_everything_is_committed_with_its_message(place: Path) -> None:
    """What, key files, tests and trailers; new, changed and deleted files; ignored ones stay out."""
    repos.write(place, {"src/new.py": b"x\r\n", "tests/test_new.py": b"", "a.txt": None, "x.ign": b"", "-o\ndd": b""})
    lines, err = run(place)
    assert (lines, err) == ([repos.tip(place, "feat/x")], "")
    assert git(place, "status", "--porcelain") == ""
    assert repos.parents(place, "feat/x") == [repos.tip(place, "main")]
    assert (place / "x.ign").exists()
    assert git(place, "log", "-1", "--format=%an|%B") == (
        f"Ann|{SUBJECT}\n\nWhat:\n- first thing\n- second thing\n\nKey files:\n- -o dd\n- a.txt\n- src/new.py\n\n"
        "Tests:\n- tests/test_new.py\n\nOrchd-Track: group_E_track_1\nOrchd-Run: demo\n"
    )


def test_done_twice_is_done_once(place: Path) -> None:
    """The second time says so and names the same commit."""
    repos.write(place, {"new": b""})
    first, _ = run(place)
    second, _ = run(place)
    assert second == ["everything was committed already", *first]


def test_what_the_agent_committed_stays(place: Path) -> None:
    """Its commits count; what it left over is committed on top."""
    repos.write(place, {"one": b""})
    git(place, "add", "one")
    git(place, "commit", "--quiet", "-m", "agent's own")
    own = repos.tip(place, "HEAD")
    assert run(place)[0][-1] == own
    repos.write(place, {"two": b""})
    assert run(place)[0][-1] != own
    assert repos.parents(place, "HEAD") == [own]


def test_no_change_is_a_failure(place: Path) -> None:
    """Nothing finished is never success."""
    repos.write(place, {"x.ign": b""})
    assert run(place, 1) == ([], "VALIDATION_ERROR: the agent changed nothing\n")


def test_a_base_that_moved_on_does_not_matter(place: Path, home: Path) -> None:
    """Commits count, not where the target stands by now."""
    git(home, "commit", "--quiet", "--allow-empty", "-m", "later")
    assert run(place, 1)[1] == "VALIDATION_ERROR: the agent changed nothing\n"
    repos.write(place, {"new": b""})
    assert run(place)[0][-1] == repos.tip(place, "feat/x")


@pytest.mark.parametrize("where", ["other", "detached", "no .git"])
def test_only_the_track_s_branch_is_committed_to(place: Path, home: Path, where: str) -> None:
    """On another branch, on none, or in what is no worktree any more: refused, nothing staged."""
    repos.write(place, {"new": b""})
    if where == "no .git":
        (place / ".git").unlink()
    else:
        git(place, "checkout", "--quiet", *(["--detach"] if where == "detached" else ["-b", "other"]))
    status = git(home, "status", "--porcelain")
    lines, err = run(place, 1)
    assert lines == []
    assert err.startswith("VALIDATION_ERROR: ")
    assert err.count("\n") == 1
    assert git(home, "status", "--porcelain") == status
    git(home, "worktree", "repair")
    assert git(place, "status", "--porcelain") == "?? new"


def test_unresolved_conflicts_are_refused(place: Path, home: Path) -> None:
    """Conflict marks are not committed as if they were work."""
    repos.grow(home, "side", {"a.txt": b"side\n"}, base="main")
    repos.write(place, {"a.txt": b"mine\n"})
    git(place, "commit", "--quiet", "-am", "mine")
    git(place, "merge", "side", status=1)
    assert run(place, 1)[1] == "VALIDATION_ERROR: conflicts are not resolved in a.txt\n"
    repos.write(place, {"a.txt": b"both\n"})
    git(place, "add", "a.txt")
    run(place)
    assert repos.parents(place, "HEAD")[1] == repos.tip(home, "side")


def test_a_repository_within_is_refused(place: Path) -> None:
    """Its files would be in no commit."""
    repos.make(place / "nested", {"x": b"x"})
    repos.write(place, {"new": b""})
    assert "a repository of its own stands in nested" in run(place, 1)[1]
    assert git(place, "status", "--porcelain", "nested") == "?? nested/"
    (place / "nested" / ".git").rename(place / "nested.ign")
    assert run(place)[0][-1] == repos.tip(place, "HEAD")
    assert repos.show(place, "HEAD", "nested/x") == b"x"


def test_a_repository_within_that_the_agent_committed_is_refused(place: Path) -> None:
    """Until it is taken out again."""
    repos.make(place / "nested", {"x": b"x"})
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "own")
    assert "was committed as nested, without its files" in run(place, 1)[1]
    git(place, "rm", "--quiet", "--cached", "nested")
    (place / "nested" / ".git").rename(place / "nested.ign")
    assert run(place)[0][-1] == repos.tip(place, "HEAD")
    assert repos.show(place, "HEAD", "nested/x") == b"x"


def test_a_hook_that_fails_is_shown(place: Path, home: Path) -> None:
    """Its output, made safe, and git's status; nothing is committed, and the next try is free."""
    hook = home / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\necho LC_ALL=$LC_ALL\nprintf 'line 3 is \\033[31mwrong\\n' >&2\nexit 1\n", encoding="ascii"
    )
    hook.chmod(0o755)
    repos.write(place, {"new": b""})
    lines, err = run(place, 1, LC_ALL="C.UTF-8")
    assert lines == ["LC_ALL=C.UTF-8", "line 3 is \\x1b[31mwrong"]
    assert err == "VALIDATION_ERROR: git commit: LC_ALL=C.UTF-8\n"
    assert repos.tip(place, "feat/x") == repos.tip(home, "main")
    hook.unlink()
    run(place)


def test_a_hook_may_change_the_message(place: Path, home: Path) -> None:
    """The user's hooks have their say."""
    hook = home / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "Change-Id: I1" >> "$1"\n', encoding="ascii")
    hook.chmod(0o755)
    repos.write(place, {"new": b""})
    run(place)
    assert git(place, "log", "-1", "--format=%B").endswith("Orchd-Run: demo\nChange-Id: I1\n")


def test_without_a_known_user_orchd_signs_and_says_so(place: Path) -> None:
    """No commit fails for want of a name; one of the environment counts."""
    repos.write(place, {"new": b""})
    lines, _ = run(place, GIT_CONFIG_GLOBAL="/dev/null")
    assert lines[0] == "git knows no user.name and user.email here: committing as orchd <orchd@localhost>"
    assert git(place, "show", "-s", "--format=%an <%ae>") == "orchd <orchd@localhost>"
    repos.write(place, {"more": b""})
    who = {f"GIT_{role}_{part}": "eve@x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    assert len(run(place, 0, GIT_CONFIG_GLOBAL="/dev/null", **who)[0]) == 1
    assert git(place, "show", "-s", "--format=%an <%ae>") == "eve@x <eve@x>"


def test_a_hostile_message_stays_in_its_place(place: Path) -> None:
    """Line breaks, NUL, comments and trailers in titles and lines end up as text on one line."""
    repos.write(place, {"new": b""})
    path = spec(place, subject="a\nb\0" + "x" * 5000, what=["# no comment", "x\n\nOrchd-Track: other", ""])
    child = start(place, path)
    repos.ended(child)
    subject, _, rest = git(place, "log", "-1", "--format=%B").partition("\n\n")
    assert subject.startswith("a b\\x00xxx")
    assert len(subject) == 160
    assert "- # no comment\n- x Orchd-Track: other\n\n" in rest
    assert git(place, "log", "-1", "--format=%(trailers:key=Orchd-Track,valueonly)") == "group_E_track_1\n"


@pytest.mark.parametrize("point", ["commit.staged", "commit.made"])
def test_a_kill_at_any_step_is_finished_by_the_next_try(place: Path, point: str) -> None:
    """One commit, whenever it was cut short."""
    repos.write(place, {"new": b""})
    run(place, -signal.SIGKILL, ORCHD_FAILPOINT=f"{point}:kill")
    run(place)
    assert git(place, "rev-list", "--count", "main..feat/x") == "1"
    assert git(place, "status", "--porcelain") == ""


def test_a_refusal_of_the_machine_is_one_line(place: Path) -> None:
    """A full disk is no bug."""
    repos.write(place, {"new": b""})
    _, err = run(place, 1, ORCHD_FAILPOINT="commit.staged:error=ENOSPC")
    assert err == "RESOURCE_ERROR: No space left on device (failpoint commit.staged)\n"


def test_the_lock_of_a_dead_git_goes(place: Path, home: Path) -> None:
    """An agent's git was killed in the middle; nobody is at work there any more."""
    own = home / ".git" / "worktrees" / "agent-1"
    locks = [own / "index.lock", own / "HEAD.lock", home / ".git" / "refs" / "heads" / "feat" / "x.lock"]
    for lock in locks:
        lock.touch()
        os.utime(lock, (1, 1))
    repos.write(place, {"new": b""})
    assert run(place)[0][-1] == repos.tip(place, "feat/x")


def test_the_lock_of_a_living_git_is_waited_for(place: Path, home: Path) -> None:
    """It is not taken away; once its owner is done, the commit is made."""
    lock = home / ".git" / "worktrees" / "agent-1" / "index.lock"
    repos.write(place, {"new": b""})
    with lock.open("wb") as owner:
        os.utime(lock, (1, 1))
        child = start(place, spec(place))
        wait_for(lambda: b"orchestrator" in Path(f"/proc/{child.pid}/cmdline").read_bytes())
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1.0)
        assert lock.exists()
        owner.flush()
    lock.unlink()
    repos.ended(child)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}", "not the specification"),
        (b'{"v": 2, "branch": "b", "base": "c", "subject": "s"}', "version 1"),
        (b'{"v": 1, "branch": "b", "base": "c", "subject": "s", "what": "x"}', "list of texts"),
        (b'{"v": 1, "branch": "b", "base": "c", "subject": "s", "trailers": {"a": 1}}', "set of texts"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_wrong_specification_is_refused(data: bytes, why: str) -> None:
    """With the reason in a few words."""
    with pytest.raises(Unreadable, match=why):
        decode(data)


def test_wrong_words_are_refused(place: Path, tmp_path: Path) -> None:
    """A missing file, or none at all, is status 64 and one line."""
    for path in (tmp_path / "gone", tmp_path):
        child = start(place, path)
        _, err = child.communicate(timeout=60)
        assert (child.returncode, err.count(b"\n")) == (64, 1)
