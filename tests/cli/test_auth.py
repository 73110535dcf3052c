"""``orchd auth``: what is between us and the remote, in words and in JSON."""

import json
import os
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from orchestrator.cli import auth_advice, auth_look
from orchestrator.cli.auth_look import Look, Shell, Wanted
from orchestrator.core.address import parse
from orchestrator.git.auth import Answer, Remote
from orchestrator.git.command import Git
from orchestrator.git.credentials import Credentials
from orchestrator.git.ssh import Key, Settings
from tests.cli.orchd import Orchd
from tests.git import web
from tests.git.sshd import needs_ssh

HIDDEN: Final = "s3cret-of-the-tests"
NONE: Final = Credentials(git=False, helpers=(), gh=None, variables=())
KEY: Final = Key("/h/.ssh/id_ed25519", "ED25519", "SHA256:x", locked=False, exposed=False, offered=True)


@pytest.fixture
def orchd(tmp_path: Path) -> Orchd:
    """A repository with a commit; ssh has no settings but those of the test, and a `gh` that has a token."""
    root = tmp_path / "root"
    root.mkdir()
    made = Orchd(root)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(f"#!/bin/sh\necho {HIDDEN}\n", encoding="ascii")
    (programs / "gh").chmod(0o755)
    (tmp_path / "config").write_text(f"IdentityFile {tmp_path}/keys/mine\nIdentityAgent none\n", encoding="utf-8")
    made.env |= {
        "PATH": f"{programs}:{made.env['PATH']}",
        "GIT_SSH_COMMAND": f"ssh -F {tmp_path}/config",
        "GITHUB_TOKEN": HIDDEN,
    }
    _git(made, "init", "-q", "-b", "main")
    _git(made, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "start")
    return made


def _git(orchd: Orchd, *words: str) -> None:
    subprocess.run(["git", *words], cwd=orchd.root, env=orchd.env, check=True, capture_output=True, timeout=60)


@needs_ssh
def test_a_key_for_a_remote_that_nobody_tried(orchd: Orchd, tmp_path: Path) -> None:
    """Without one, how to make one; made, its public half and where it goes; the second time it stays."""
    assert "cure: git remote add origin ADDRESS" in orchd("auth").out
    _git(orchd, "remote", "add", "origin", "git@github.com:ann/x.git")
    before = orchd("auth", "--offline")
    assert before.status == 1
    assert "problem: ssh has no key to show\n  cure: `orchd auth --generate` makes a key" in before.out
    path = tmp_path / "keys" / "mine"
    made = orchd("auth", "--offline", "--generate", "--key", str(path))
    assert made.status == 0, made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.with_suffix(".pub").read_text().strip() in made.out
    assert "it goes to: https://github.com/settings/ssh/new" in made.out
    assert path.read_text() not in made.out
    private = path.read_bytes()
    document: dict[str, Any] = orchd("auth", "--offline", "--generate", "--key", str(path), "--json").document
    assert document["made"] == {"path": str(path), "public": path.with_suffix(".pub").read_text().strip(), "new": False}
    assert path.read_bytes() == private
    assert document["remote"]["addresses"] == ["git@github.com:ann/x.git"]
    assert (document["remote"]["way"], document["remote"]["host"]) == ("ssh", "github.com")
    assert [each["path"] for each in document["keys"] if each["offered"]] == [str(path)]
    assert (document["connection"], document["findings"], document["agent"]) == (None, [], None)
    assert document["tokens"]["gh"] is True
    assert "GITHUB_TOKEN" in document["tokens"]["variables"]


def test_a_remote_on_the_web(orchd: Orchd, tmp_path: Path) -> None:
    """What is missing is told with its cure, the cure cures, and no secret is printed or kept."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "x.git")], check=True, timeout=60)
    with web.running(tmp_path, f"ann:{HIDDEN}") as remote:
        _git(orchd, "remote", "add", "origin", f"{remote.site}/x.git")
        missing = orchd("auth", "--timeout", "60")
        assert missing.status == 1
        assert "connection: it may be read; a push is refused" in missing.out
        assert "problem: reading works, but a push does not: git has no user name and password" in missing.out
        assert "cure: `gh auth setup-git --hostname 127.0.0.1`" in missing.out
        _git(orchd, "config", "credential.helper", f"!f() {{ echo username=ann; echo password={HIDDEN}; }}; f")
        works = orchd("auth", "--timeout", "60", "--json")
        assert works.status == 0, works
        assert works.document["connection"] == {"reads": True, "pushes": True, "trouble": "", "said": ""}
        _git(orchd, "remote", "set-url", "origin", f"{remote.site.replace('//', f'//ann:{HIDDEN}@')}/x.git")
        told = orchd("auth", "--timeout", "60")
        assert told.status == 1
        assert f"{remote.site.replace('//', '//***@')}/x.git" in told.out
        assert "problem: a password or token stands in the address of origin" in told.out
    assert all(each.tame and HIDDEN not in each.out + each.err for each in (missing, works, told))
    kept = [path for path in orchd.root.rglob("*") if path.is_file() and HIDDEN.encode() in path.read_bytes()]
    assert kept == [orchd.root / ".git" / "config"]


def test_wrong_words(orchd: Orchd, tmp_path: Path) -> None:
    """A remote that is not there, a time of nothing, a key without --generate, no repository."""
    for words in (["--remote", "no\x1b"], ["--timeout", "0"], ["--timeout", "x"], ["--key", "k"]):
        ended = orchd("auth", *words)
        assert (ended.status, ended.tame, ended.out) == (64, True, "")
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = orchd("auth", "--root", str(empty), "--generate", "--key", f"{empty}/k", "--json")
    assert (ended.status, ended.error["code"]) == (9, "git")
    assert list(empty.iterdir()) == []


def test_a_hostile_address(orchd: Orchd) -> None:
    """It starts nothing and changes nothing on the terminal."""
    for address in ("ssh://-oProxyCommand=touch%20x/y", "-oProxyCommand=touch x:y", "ext::touch x", "h\x1b[31m:y"):
        _git(orchd, "config", "remote.origin.url", address)
        ended = orchd("auth")
        assert (ended.status, ended.tame) == (1, True), ended
    assert not (orchd.root / "x").exists()


def _found(address: str, shell: Shell, web: Credentials = NONE, answer: Answer | None = None) -> list[tuple[str, str]]:
    look = Look(Remote("origin", address, (address,)), parse(address), shell, web, answer)
    return [(each.what, each.cure) for each in auth_advice.advice(look)]


@pytest.mark.parametrize(
    ("keys", "agent", "cure"),
    [
        ((), None, "`orchd auth --generate` makes a key; its public half goes to https://github.com/settings/ssh/new"),
        ((KEY,), None, "add what stands in /h/.ssh/id_ed25519.pub to https://github.com/settings/ssh/new"),
        (
            (Key("/h/k", "ED25519", "f", locked=True, exposed=False, offered=True),),
            ("g",),
            "its key has a passphrase, which nobody is asked for: `ssh-add /h/k`",
        ),
        (
            (Key("/h/k", "ED25519", "f", locked=True, exposed=False, offered=True),),
            ("f",),
            "add what stands in /h/k.pub",
        ),
    ],
)
def test_a_host_that_takes_no_key(keys: tuple[Key, ...], agent: tuple[str, ...] | None, cure: str) -> None:
    """The nearest step: make one, add the one that is there, or unlock it."""
    denied = Answer(reads=False, pushes=None, trouble="denied", said="Permission denied (publickey).")
    told = _found("git@github.com:a/b", Shell(None, "", keys, agent), answer=denied)
    assert [each[1].startswith(cure) for each in told] == [True]


@pytest.mark.parametrize(
    ("web_", "cure"),
    [
        (
            Credentials(git=False, helpers=(), gh=True, variables=("GH_TOKEN",)),
            "`gh auth setup-git --hostname github.com`",
        ),
        (Credentials(git=False, helpers=(), gh=False, variables=()), "`gh auth login --hostname github.com`, then"),
        (
            Credentials(git=False, helpers=(), gh=None, variables=("GH_TOKEN",)),
            "GH_TOKEN is set, and git does not look",
        ),
        (NONE, "`git config credential.helper store`"),
    ],
)
def test_a_host_that_wants_a_token(web_: Credentials, cure: str) -> None:
    """The shortest way to one, by what is there."""
    for answer in (None, Answer(reads=False, pushes=None, trouble="no_login", said="x")):
        told = _found("https://github.com/a/b", Shell(None, "", (), None), web_, answer)
        assert [each[1].startswith(cure) for each in told] == [True]


def test_a_token_that_is_not_taken() -> None:
    """A new one, and the old one forgotten; where the GitHub CLI has one, that."""
    wrong = Answer(reads=False, pushes=None, trouble="wrong_login", said="x")
    web_ = Credentials(git=True, helpers=("store",), gh=False, variables=())
    told = _found("https://github.com/a/b", Shell(None, "", (), None), web_, wrong)
    assert told[0][1] == "make a new token at github.com; `git credential reject` forgets the old one"
    told = _found("https://github.com/a/b", Shell(None, "", (), None), replace(web_, gh=True), wrong)
    assert told[0][1].startswith("`gh auth setup-git")


def test_the_helper_that_reads_a_variable_works(tmp_path: Path) -> None:
    """The cure that is printed for a token in the environment is a command, and holds no token."""
    web_ = Credentials(git=False, helpers=(), gh=None, variables=("GITHUB_TOKEN",))
    cure = _found("https://github.com/a/b", Shell(None, "", (), None), web_)[0][1]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": f"{tmp_path}/none", "GITHUB_TOKEN": HIDDEN, "GIT_TERMINAL_PROMPT": "0"}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=env, check=True, timeout=60)
    subprocess.run(["sh", "-c", cure.partition(": ")[2]], cwd=tmp_path, env=env, check=True, timeout=60)
    ended = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=github.com\n\n",
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"password={HIDDEN}" in ended.stdout
    assert HIDDEN not in (tmp_path / ".git" / "config").read_text()


def test_settings_that_are_a_fault(tmp_path: Path) -> None:
    """Keys that others may read, hosts that are not checked, passwords in plain text: though it works."""
    works = Answer(reads=True, pushes=True)
    exposed = Key("/h/k", "RSA", "f", locked=False, exposed=True, offered=True)
    unchecked = Settings("h", "a", "22", (), "", "false")
    told = _found("a@h:x", Shell(unchecked, "", (exposed, KEY), None), answer=works)
    assert [each[1] for each in told] == ["chmod 600 /h/k", "take StrictHostKeyChecking out of your ssh settings"]
    assert "plain ssh" in _found("a@h:x", Shell(None, "not plain ssh", (KEY,), None), answer=works)[0][0]
    assert "with https" in _found("http://h/x", Shell(None, "", (), None), answer=works)[0][1]
    assert _found(f"file://{tmp_path}", Shell(None, "", (), None), answer=works) == []


@needs_ssh
def test_another_program_than_ssh(orchd: Orchd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys are not ours to judge; where ssh's programs are missing, that is told."""
    _git(orchd, "remote", "add", "origin", "git@h:x")
    wanted = Wanted(None, 5, tried=False)
    monkeypatch.setenv("GIT_SSH_COMMAND", "plink -batch")
    assert "another program" in auth_look.look(Git(str(orchd.root)), wanted).ssh.why
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh")
    alone = orchd.root / "alone"
    alone.mkdir()
    (alone / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(alone))
    assert "ssh cannot be started" in auth_look.look(Git(str(orchd.root)), wanted).ssh.why


def test_the_document_is_json(orchd: Orchd) -> None:
    """Without a remote too."""
    document = json.loads(orchd("auth", "--json").out)
    assert document["remote"] is None
    assert document["findings"] == [
        {"what": "there is no remote to publish to", "cure": "git remote add origin ADDRESS"}
    ]
