"""A remote is tried: over SSH and HTTP, by the real programs, and what it says is an answer."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.address import parse
from orchestrator.errors import GitRefused
from orchestrator.git import auth, credentials, ssh, ssh_key
from orchestrator.git.auth import Answer, Remote
from orchestrator.git.command import Git
from tests.git import repos, sshd, web
from tests.git.repos import git

BOUND = 60.0


@pytest.fixture
def bare(home: Path, tmp_path: Path) -> Iterator[Path]:
    """A bare repository that has main, beside ``home``."""
    folder = tmp_path / "remote.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(home), str(folder))
    before = git(folder, "for-each-ref")
    yield folder
    assert git(folder, "for-each-ref") == before
    repos.assert_sound(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[sshd.Server]:
    """A server for SSH."""
    with sshd.running() as running:
        yield running


@pytest.fixture
def user(server: sshd.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with a user's key and known hosts; git starts ssh with them alone."""
    folder = tmp_path / ".ssh"
    made = ssh_key.make(f"{folder}/id_ed25519")
    lines = (
        f"UserKnownHostsFile {folder}/known",
        "GlobalKnownHostsFile /dev/null",
        f"IdentityFile {made.path}",
        "IdentitiesOnly yes",
        "User ann",
    )
    (folder / "config").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {folder}/config")
    server.users.clear()
    server.banner = b"Host key verification failed\x1b[31m\n"
    return folder


def attempt(home: Path, address: str, seconds: float = BOUND) -> Answer:
    """Try the remote at ``address``."""
    if git(home, "remote"):
        git(home, "remote", "set-url", "origin", address)
    else:
        git(home, "remote", "add", "origin", address)
    here = Git(str(home))
    there = auth.remote(here, None)
    assert there is not None
    plain = ssh.command(here, os.environ)
    assert plain is not None
    return auth.attempt(here, there, {**credentials.unasked(), "GIT_SSH_COMMAND": ssh.quiet(plain, seconds)}, seconds)


@sshd.needs_ssh
def test_from_a_stranger_to_a_push_over_ssh(home: Path, bare: Path, server: sshd.Server, user: Path) -> None:
    """An unknown host is not trusted, an unknown key not taken; with both it works, and nothing was changed."""
    address = f"ssh://127.0.0.1:{server.port}{bare}"
    assert attempt(home, address) == Answer(
        reads=False, pushes=None, trouble="host_unknown", said="Host key verification failed."
    )
    assert not (user / "known").exists()
    (user / "known").write_text(server.known, encoding="ascii")
    denied = attempt(home, address)
    assert (denied.trouble, denied.said) == ("denied", "ann@127.0.0.1: Permission denied (publickey).")
    server.admit(ssh_key.public(f"{user}/id_ed25519"))
    assert attempt(home, address) == Answer(reads=True, pushes=True)
    assert (user / "known").read_text() == server.known
    assert attempt(home, f"{address}-not").trouble == "absent"


@sshd.needs_ssh
def test_a_host_that_changed_its_key(home: Path, bare: Path, server: sshd.Server, user: Path) -> None:
    """It is not spoken to."""
    other = ssh_key.public(f"{user}/id_ed25519").split()[1]
    (user / "known").write_text(f"[127.0.0.1]:{server.port} ssh-ed25519 {other}\n", encoding="ascii")
    answer = attempt(home, f"ssh://127.0.0.1:{server.port}{bare}")
    assert (answer.reads, answer.trouble) == (False, "host_changed")
    assert answer.said == "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"


@sshd.needs_ssh
@pytest.mark.usefixtures("user")
def test_a_host_that_says_nothing(home: Path) -> None:
    """It is waited for as long as was said; one that is not there is named as such."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert attempt(home, f"ssh://127.0.0.1:{port}/x", 1.5).trouble == "too_late"
        late = attempt(home, f"http://127.0.0.1:{port}/x", 0.5)
        assert (late.trouble, late.said) == ("too_late", "git did not end within 0.5 s and was ended")
    assert attempt(home, f"ssh://127.0.0.1:{port}/x").trouble == "unreachable"
    assert attempt(home, f"http://127.0.0.1:{port}/x").trouble == "unreachable"


def test_a_remote_on_the_web(home: Path, bare: Path, tmp_path: Path) -> None:
    """That everybody may read, only with a password pushed to; with it, git's own helper lets a run in."""
    asked = tmp_path / "askpass"
    asked.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n", encoding="utf-8")
    asked.chmod(0o755)
    git(home, "config", "core.askPass", str(asked))
    with web.running(bare.parent) as remote:
        address = f"{remote.site}/{bare.name}"
        closed = attempt(home, address)
        assert (closed.reads, closed.pushes, closed.trouble) == (True, False, "no_login")
        store = tmp_path / "store"
        git(home, "config", "credential.helper", f"store --file={store}")
        store.write_text(address.replace("http://", "http://ann:wrong@").rpartition("/")[0] + "\n", encoding="ascii")
        wrong = store.read_text(encoding="ascii")
        assert attempt(home, address).trouble == "wrong_login"
        assert store.read_text(encoding="ascii") == wrong, "git has a helper forget what was refused; a try does not"
        store.write_text(address.replace("http://", "http://ann:pa55word@").rpartition("/")[0] + "\n", encoding="ascii")
        assert attempt(home, address) == Answer(reads=True, pushes=True)
        assert credentials.look(Git(str(home)), parse(address)).git
        git(home, "config", "credential.helper", "")
        git(
            home, "config", f"credential.{remote.site}.helper", "!f() { echo username=ann; echo password=pa55word; }; f"
        )
        assert attempt(home, address) == Answer(reads=True, pushes=True)
        remote.forbidden = True
        assert attempt(home, address).trouble == "forbidden"
        assert attempt(home, f"{remote.site}/none.git").trouble == "absent"
        assert "orchd-auth-probe" not in "".join(remote.seen)
    assert not (tmp_path / "asked").exists()


def test_a_password_in_an_address_is_not_told(home: Path, bare: Path) -> None:
    """Neither by an answer nor by what is said of it."""
    with web.running(bare.parent) as remote:
        remote.closed = True
        answer = attempt(home, f"{remote.site.replace('//', '//ann:s3cret@')}/{bare.name}")
    assert answer.trouble == "wrong_login"
    assert "s3cret" not in repr(answer)


def test_a_folder_and_a_repository_without_commits(home: Path, bare: Path, tmp_path: Path) -> None:
    """A folder may be pushed to; what has no commit yet can only be seen to be read."""
    assert attempt(home, str(bare)) == Answer(reads=True, pushes=True)
    fresh = tmp_path / "fresh"
    git(tmp_path, "init", "--quiet", str(fresh))
    assert attempt(fresh, f"file://{bare}") == Answer(reads=True, pushes=None)


def test_which_remote(home: Path) -> None:
    """The one that is named; else the branch's, else origin, else the only one; an address may stand for a name."""
    here = Git(str(home))
    assert auth.remote(here, None) is None
    assert auth.remote(here, "origin") is None
    git(home, "remote", "add", "mine", "/srv/mine")
    assert auth.remote(here, None) == Remote("mine", "/srv/mine", ("/srv/mine",))
    git(home, "remote", "add", "origin", "/srv/theirs")
    git(home, "config", "remote.origin.pushurl", "h:x")
    assert auth.remote(here, None) == Remote("origin", "/srv/theirs", ("h:x",))
    assert auth.remote(here, "mine") == Remote("mine", "/srv/mine", ("/srv/mine",))
    git(home, "config", "branch.main.remote", "mine")
    assert auth.remote(here, None) == Remote("mine", "/srv/mine", ("/srv/mine",))
    git(home, "config", "branch.main.pushRemote", "https://h/x")
    assert auth.remote(here, None) == Remote("https://h/x", "https://h/x", ("https://h/x",))


def test_no_repository(tmp_path: Path) -> None:
    """It is said."""
    with pytest.raises(GitRefused):
        auth.remote(Git(str(tmp_path)), None)
