"""Remotes that are far, slow, loud, locked or gone: each is an answer in time, and nothing is lost or given away."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from orchestrator.git import repository
from orchestrator.git.publish import LINES, Published, Publishing, PushFailed, publish
from orchestrator.git.remote import Terms
from tests.git import repos, servers, web
from tests.git.repos import git
from tests.processes import state
from tests.waiting import wait_for

PATIENT = Terms(ask_seconds=60.0, push_seconds=60.0)


@dataclass(frozen=True)
class Scene:
    """A repository that is one commit ahead of its remote, a folder beside it."""

    home: Path
    remote: Path

    def publishes(self, terms: Terms = PATIENT) -> Published | PushFailed:
        """Publish main."""
        return publish(repository.survey(str(self.home), "main"), "demo", Publishing(terms=terms))

    def fails(self, terms: Terms = PATIENT) -> PushFailed:
        """Publish main, in vain: it is told in so many words, safe to show, and nothing has changed at home."""
        before = git(self.home, "for-each-ref")
        answer = self.publishes(terms)
        assert isinstance(answer, PushFailed)
        assert git(self.home, "for-each-ref") == before
        said = (answer.reason, answer.command, *answer.output)
        assert all(each.isprintable() and len(each) < 1000 for each in said)
        assert len(answer.output) <= LINES
        return answer

    def is_at(self, address: str) -> None:
        """Say where the remote is."""
        git(self.home, "remote", "set-url", "origin", address)

    def hook(self, name: str, text: str) -> None:
        """Have the remote run a script."""
        _script(self.remote / "hooks" / name, text)

    @property
    def is_there(self) -> bool:
        """Tell whether the remote has it."""
        return repos.tip(self.remote, "main") == repos.tip(self.home, "main")


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.fixture
def scene(home: Path, tmp_path: Path) -> Iterator[Scene]:
    """A repository and its remote; afterwards git finds nothing wrong with either."""
    made = Scene(home, tmp_path / "remote.git")
    git(tmp_path, "clone", "--quiet", "--bare", "--template=", str(home), str(made.remote))
    git(home, "remote", "add", "origin", str(made.remote))
    git(home, "commit", "--quiet", "--allow-empty", "-m", "mine")
    yield made
    if made.remote.exists():
        repos.assert_sound(made.remote)


LOGIN = "ann:s3cret/pass"
OURS = "ann:s3cret%2Fpass"


@contextmanager
def over_http(scene: Scene, login: str = "") -> Iterator[web.Remote]:
    """Have the remote on the web, where everybody needs the password; the address has ``login`` in it."""
    with web.running(scene.remote.parent, LOGIN) as site:
        site.closed = True
        scene.is_at(f"{site.site.replace('://', f'://{login}@' if login else '://')}/{scene.remote.name}")
        yield site


def test_over_http_with_a_password(scene: Scene) -> None:
    """The one in the address; nothing else has to be there."""
    with over_http(scene, OURS):
        assert scene.publishes() == Published(repos.tip(scene.home, "main"), already=False)
        assert scene.is_there
        assert scene.publishes() == Published(repos.tip(scene.home, "main"), already=True)


def test_a_password_is_not_asked_for(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on a terminal, and not in a window."""
    window = _script(tmp_path / "window", f"touch {tmp_path}/shown; sleep 60")
    monkeypatch.delenv("GIT_ASKPASS", raising=False)
    monkeypatch.setenv("SSH_ASKPASS", str(window))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":0")
    with over_http(scene) as site:
        answer = scene.fails()
    asked = f"git: could not read Username for '{site.site}': terminal prompts disabled"
    assert answer.reason == f"{asked}; `orchd auth` says what is missing"
    assert not (tmp_path / "shown").exists()


def test_who_answers_for_a_person_is_asked(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows the password is heard; one that waits for somebody is ended in time."""
    name, _, password = LOGIN.partition(":")
    knows = _script(tmp_path / "knows", f"case $1 in User*) echo {name};; *) echo {password};; esac")
    waits = _script(tmp_path / "waits", f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exec sleep 60")
    with over_http(scene):
        monkeypatch.setenv("GIT_ASKPASS", str(waits))
        answer = scene.fails(replace(PATIENT, stop=(tmp_path / "pid").exists))
        assert answer.reason == "git ls-remote: git was no longer waited for and was ended"
        wait_for(lambda: state(int((tmp_path / "pid").read_text())) in ("", "Z"))
        monkeypatch.setenv("GIT_ASKPASS", str(knows))
        assert isinstance(scene.publishes(), Published)


@pytest.mark.parametrize("password", ["wr0ng", "wr%20ng%2Fpass"])
def test_a_wrong_password_is_not_told(scene: Scene, password: str) -> None:
    """Although the server says it aloud."""
    with over_http(scene, f"ann:{password}") as site:
        answer = scene.fails()
    assert "Authentication failed" in answer.reason
    said = "\n".join((answer.reason, answer.command, *answer.output))
    assert "nobody is called ann:***" in said
    assert "ng" not in said.replace("missing", "")
    assert site.seen


def test_a_place_that_may_only_be_read(scene: Scene, tmp_path: Path) -> None:
    """Over HTTP, and by git's own daemon."""
    with over_http(scene, OURS) as site:
        site.forbidden = True
        assert "403" in scene.fails().reason
    with servers.listening(servers.daemon(tmp_path)) as port:
        scene.is_at(f"git://127.0.0.1:{port}/{scene.remote.name}")
        assert "access denied or repository not exported" in scene.fails().reason


def test_a_line_that_is_cut(scene: Scene, tmp_path: Path) -> None:
    """In the middle of what is sent; when it holds, the same call brings it over."""
    repos.write(scene.home, {"large.bin": os.urandom(200_000)})
    git(scene.home, "add", "large.bin")
    git(scene.home, "commit", "--quiet", "-m", "large")
    with servers.listening(servers.daemon(tmp_path, "--enable=receive-pack", most=60_000)) as port:
        scene.is_at(f"git://127.0.0.1:{port}/{scene.remote.name}")
        answer = scene.fails()
    assert answer.reason.startswith("the remote end hung up") or "send" in answer.reason
    assert answer.command == f"git push origin {repos.tip(scene.home, 'main')}:refs/heads/main"
    with servers.listening(servers.daemon(tmp_path, "--enable=receive-pack")) as port:
        scene.is_at(f"git://127.0.0.1:{port}/{scene.remote.name}")
        assert isinstance(scene.publishes(), Published)
    assert scene.is_there


def test_silence(scene: Scene) -> None:
    """Who takes the call and says nothing is not listened to for ever; nor where nobody waits any more."""
    with servers.listening(servers.silent) as port:
        scene.is_at(f"http://{OURS}@127.0.0.1:{port}/x.git")
        assert scene.fails(Terms(ask_seconds=0.5)).reason == "git ls-remote: git did not end within 0.5 s and was ended"
        answer = scene.fails(replace(PATIENT, stop=lambda: True))
        assert answer.reason == "git ls-remote: git was no longer waited for and was ended"


def test_a_remote_that_does_not_come_to_its_end(scene: Scene, tmp_path: Path) -> None:
    """Its whole group is ended. What it had taken by then it has: that is looked at."""
    begun = tmp_path / "begun"
    scene.hook("pre-receive", f"echo $$ > {tmp_path}/pid; touch {begun}; exec sleep 60")
    answer = scene.fails(replace(PATIENT, stop=partial(_seen_once, begun)))
    assert answer.reason == "git push: git was no longer waited for and was ended"
    wait_for(lambda: state(int((tmp_path / "pid").read_text())) in ("", "Z"))
    assert not scene.is_there
    scene.hook("pre-receive", "exit 0")
    scene.hook("post-receive", f"touch {begun}; exec sleep 60")
    assert isinstance(scene.publishes(replace(PATIENT, stop=partial(_seen_once, begun))), Published)
    assert scene.is_there


def _seen_once(path: Path) -> bool:
    """Tell whether there is a file, and take it away."""
    with suppress(FileNotFoundError):
        path.unlink()
        return True
    return False


def test_a_remote_that_has_vanished(scene: Scene) -> None:
    """The reason is git's, the work is where it was."""
    scene.remote.rename(scene.remote.with_name("elsewhere"))
    answer = scene.fails()
    assert "does not appear to be a git repository" in answer.reason
    scene.remote.with_name("elsewhere").rename(scene.remote)
    assert isinstance(scene.publishes(), Published)


@pytest.mark.parametrize("status", [0, 1])
def test_a_remote_that_shouts(scene: Scene, status: int) -> None:
    """Megabytes, with escapes in them: the end of it is kept, and it counts what it did."""
    noise = r"yes \"$(printf '\033[31;1mno\033]0;title\007\r')\" | head -c 3000000 >&2"
    scene.hook("pre-receive", f"{noise}; printf '\\n\\033[2Jsorry\\n' >&2; exit {status}")
    if status == 0:
        assert isinstance(scene.publishes(), Published)
        return
    answer = scene.fails()
    assert answer.reason.startswith("the remote refused: [remote rejected] (pre-receive hook declined): ")
    assert r"remote: \x1b[2Jsorry" in answer.output
    assert len(answer.output) == LINES


def test_a_hook_of_the_user_s(scene: Scene) -> None:
    """What pre-push says against it is told; without hooks it is not asked."""
    _script(scene.home / ".git" / "hooks" / "pre-push", r"echo; printf 'tests are \033[31mred\n' >&2; echo so; exit 1")
    answer = scene.fails()
    assert answer.reason == r"the hook pre-push refused: tests are \x1b[31mred"
    assert answer.output[0] == r"tests are \x1b[31mred"
    assert not scene.is_there
    assert isinstance(scene.publishes(Terms(hooks=False)), Published)
    assert scene.is_there


def test_it_is_asked_where_it_is_pushed_to(scene: Scene, tmp_path: Path) -> None:
    """Where it is fetched from is another place, which has it already."""
    git(tmp_path, "clone", "--quiet", "--bare", "--template=", str(scene.home), "read.git")
    git(scene.home, "config", "remote.origin.url", str(tmp_path / "read.git"))
    git(scene.home, "config", "remote.origin.pushurl", str(scene.remote))
    repos.grow(scene.remote, "main", {"theirs.txt": b""})
    answer = scene.publishes()
    assert isinstance(answer, Published)
    assert not answer.already
    assert repos.tip(scene.remote, "main") == answer.commit
    assert (scene.home / "theirs.txt").exists()


def test_ssh_asks_nobody(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ssh the user has set gets the word; other programs are left as they are."""
    ssh = _script(tmp_path / "ssh", f'echo "$*" >> {tmp_path}/words; exit 255')
    other = _script(tmp_path / "other", f'echo "other $*" >> {tmp_path}/words; exit 255')
    scene.is_at("ssh://git@localhost/x")
    git(scene.home, "config", "core.sshCommand", f"{ssh} -i key")
    scene.fails()
    monkeypatch.setenv("GIT_SSH_COMMAND", str(other))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    scene.fails()
    first, last = (tmp_path / "words").read_text().splitlines()
    assert first.startswith("-i key -o BatchMode=yes -o ConnectTimeout=30 ")
    assert last.startswith("other ")
    assert "BatchMode" not in last
