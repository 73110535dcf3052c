"""Publication: one push, never forced, and a failure that says what to do."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.git import repository
from orchestrator.git.publish import Published, PushFailed, destination, publish
from orchestrator.git.rejoin import due
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/runs/demo/integrated"


@pytest.fixture
def remote(home: Path, tmp_path: Path) -> Iterator[Path]:
    """A bare remote that has main."""
    folder = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(folder))
    git(home, "remote", "add", "origin", str(folder))
    git(home, "push", "--quiet", "origin", "main")
    yield folder
    repos.assert_sound(folder)


def push(home: Path) -> Published | PushFailed:
    """Publish main."""
    return publish(repository.survey(str(home), "main"), "demo")


def hooked(remote: Path, text: str) -> None:
    """Let the remote run a script before it takes anything."""
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    hook.chmod(0o755)


def test_what_was_integrated_is_pushed_once(home: Path, remote: Path) -> None:
    """The second time it is there already, and nothing is pushed; branches and tags of agents stay at home."""
    git(home, "config", "push.followTags", "true")
    commit = repos.grow(home, "main", {"x": b""})
    repos.grow(home, "feat/x", {"y": b""}, base="main")
    git(home, "tag", "-a", "-m", "x", "agents-tag", commit)
    assert push(home) == Published(commit, already=False)
    assert repos.tip(remote, "main") == commit
    hooked(remote, "exit 1")
    assert push(home) == Published(commit, already=True)
    assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert repos.tip(home, "refs/remotes/origin/main") == commit
    git(home, "reset", "--quiet", "--hard")


def test_where_a_push_goes(home: Path, remote: Path) -> None:
    """The same as long as remote, address and name there are; a password in it does not show."""
    before = destination(repository.survey(str(home)))
    git(home, "config", "core.abbrev", "12")
    repos.grow(home, "main", {"x": b""})
    git(home, "reset", "--quiet", "--hard")
    assert destination(repository.survey(str(home))) == before
    found = {before}
    for name, value in (
        ("remote.origin.pushurl", f"{remote}2"),
        ("url.https://me:secret@h/.pushInsteadOf", str(remote)),
    ):
        git(home, "config", name, value)
        found.add(destination(repository.survey(str(home))))
        git(home, "config", "--unset-all", name)
    git(home, "config", "branch.main.remote", "https://me:secret@h/x.git")
    found.add(destination(repository.survey(str(home))))
    assert len(found) == 4
    assert all(len(each) == 64 for each in found)
    git(home, "config", "--unset", "branch.main.remote")
    git(home, "remote", "remove", "origin")
    assert destination(repository.survey(str(home))) == ""


def test_the_integrated_commit_goes_even_where_the_checkout_lags(home: Path, remote: Path) -> None:
    """What a dirty checkout kept from moving is merged all the same."""
    commit = repos.grow(home, "side", {"x": b""}, base="main")
    git(home, "update-ref", REF, commit)
    assert push(home) == Published(commit, already=False)
    assert repos.tip(home, "main") != commit
    assert repos.tip(remote, "main") == commit


def test_what_the_user_took_out_is_not_pushed(home: Path, remote: Path) -> None:
    """It had landed, and the target holds it no longer."""
    dropped = repos.grow(home, "side", {"x": b""}, base="main")
    git(home, "update-ref", REF, dropped)
    git(home, "update-ref", REF.replace("integrated", "landed"), dropped)
    commit = repos.grow(home, "main", {"mine": b""})
    assert push(home) == Published(commit, already=False)
    assert repos.tip(remote, "main") == commit
    git(home, "reset", "--quiet", "--hard")


def test_a_new_branch_is_made_there(home: Path, remote: Path) -> None:
    """A remote without the branch gets it."""
    git(remote, "symbolic-ref", "HEAD", "refs/heads/none")
    git(remote, "update-ref", "-d", "refs/heads/main")
    assert push(home) == Published(repos.tip(home, "main"), already=False)


def test_a_remote_that_has_more_has_it_already(home: Path, remote: Path, tmp_path: Path) -> None:
    """Somebody built on what was pushed: nothing is left to do, once git knows their commit."""
    git(tmp_path, "clone", "--quiet", str(remote), "theirs")
    git(tmp_path / "theirs", "commit", "--quiet", "--allow-empty", "-m", "theirs")
    git(tmp_path / "theirs", "push", "--quiet")
    git(home, "fetch", "--quiet")
    assert push(home) == Published(repos.tip(home, "main"), already=True)


def test_a_refusal_of_the_remote_is_told_in_its_words(home: Path, remote: Path) -> None:
    """What its hook says stands in the reason, without control characters."""
    before = repos.tip(remote, "main")
    hooked(remote, r"printf 'protected \033[31mbranch\n' >&2; exit 1")
    commit = repos.grow(home, "main", {"x": b""})
    answer = push(home)
    assert isinstance(answer, PushFailed)
    assert answer.reason.startswith("the remote refused: [remote rejected] (pre-receive hook declined): protected ")
    assert "\x1b" not in answer.reason
    assert answer.command == f"git push origin {commit}:refs/heads/main"
    assert repos.tip(remote, "main") == before
    git(home, "reset", "--quiet", "--hard")


def test_a_hook_of_the_user_s_can_say_no(home: Path, remote: Path) -> None:
    """pre-push runs, as it would for the user."""
    hook = home / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho tests are red >&2\nexit 1\n", encoding="ascii")
    hook.chmod(0o755)
    git(home, "commit", "--quiet", "--allow-empty", "-m", "mine")
    answer = push(home)
    assert isinstance(answer, PushFailed)
    assert repos.tip(remote, "main") != repos.tip(home, "main")


def test_no_remote_is_said(home: Path) -> None:
    """There is nothing to push to, and how to change that."""
    assert push(home) == PushFailed("there is no remote to push to", "git remote add origin ADDRESS")


def test_no_password_is_told(home: Path) -> None:
    """Neither the reason nor the command repeats what stands in the address."""
    address = "http://ann:secret@127.0.0.1:1/x.git"
    git(home, "remote", "add", "origin", address)
    answers = [push(home)]
    git(home, "config", "branch.main.remote", address)
    git(home, "config", "branch.main.merge", "refs/heads/main")
    answers.append(push(home))
    for answer in answers:
        assert isinstance(answer, PushFailed)
        assert "127.0.0.1" in answer.reason
        assert "secret" not in answer.reason + answer.command


def test_a_remote_that_asks_for_a_password_gets_none(home: Path, tmp_path: Path) -> None:
    """Nothing waits for an answer: git may not prompt."""
    script = tmp_path / "ssh"
    script.write_text(
        '#!/bin/sh\n[ -t 0 ] && exec sleep 60\necho "Permission denied (publickey,password)." >&2\nexit 255\n',
        encoding="ascii",
    )
    script.chmod(0o755)
    git(home, "remote", "add", "origin", "ssh://git@localhost/x")
    git(home, "config", "core.sshCommand", str(script))
    answer = push(home)
    assert isinstance(answer, PushFailed)
    assert answer.reason == (
        "git: Could not read from remote repository. (Permission denied (publickey,password).)"
        "; `orchd auth` says what is missing"
    )


def test_a_kill_after_the_push_is_harmless(home: Path, remote: Path) -> None:
    """The next call finds it there."""
    git(home, "commit", "--quiet", "--allow-empty", "-m", "mine")
    words = ("publish", str(home), "demo", "main", "merge")
    repos.ended(repos.drive(*words, failpoint="publication.pushed:kill"), -signal.SIGKILL)
    assert repos.tip(remote, "main") == repos.tip(home, "main")
    assert repos.ended(repos.drive(*words)) == f"{Published(repos.tip(home, 'main'), already=True)}{os.linesep}"


def test_the_name_on_the_remote_is_the_user_s_choice(home: Path, remote: Path) -> None:
    """With push.default = upstream, main may be called otherwise there."""
    git(home, "push", "--quiet", "--set-upstream", "origin", "main:trunk")
    git(home, "config", "push.default", "upstream")
    git(home, "commit", "--quiet", "--allow-empty", "-m", "mine")
    assert push(home) == Published(repos.tip(home, "main"), already=False)
    assert repos.tip(remote, "trunk") == repos.tip(home, "main")


def test_what_would_be_published(home: Path) -> None:
    """The branch; once the run has integrated something, that, unless the user took it out again."""
    start = repos.tip(home, "main")
    repo = repository.survey(str(home))
    assert due(repo, "demo") == start
    merged = repos.grow(home, "aside", {"x.txt": b"1"}, base=start)
    git(home, "update-ref", REF, merged)
    assert due(repo, "demo") == merged
    git(home, "update-ref", "refs/orchd/runs/demo/landed", merged)
    assert due(repo, "demo") == start
    repos.grow(home, "main", {"y.txt": b"1"}, base=merged)
    assert due(repo, "demo") == merged
