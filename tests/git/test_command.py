"""The door to git: what it sees of our environment, and how its answers come back."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git.command import Git, environment, redact
from orchestrator.host.process import Finished


def test_the_environment_is_scrubbed() -> None:
    """What would lead git to another repository goes; who the user is and how to reach a remote stays."""
    ours = {
        "PATH": "/bin",
        "SSH_AUTH_SOCK": "/run/agent",
        "GIT_DIR": "/elsewhere",
        "GIT_INDEX_FILE": "/elsewhere",
        "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": "x",
        "GIT_SSH_COMMAND": "ssh -i key",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_DATE": "2001-01-01",
        "GIT_TERMINAL_PROMPT": "1",
        "LC_ALL": "de_DE.UTF-8",
    }
    gone = {"GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_PARAMETERS", "GIT_AUTHOR_DATE"}
    seen = environment(ours, {"GIT_INDEX_FILE": "/private"})
    assert seen == {
        **{name: value for name, value in ours.items() if name not in gone},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
        "GIT_INDEX_FILE": "/private",
    }


def test_a_variable_of_the_caller_does_not_lead_astray(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With GIT_DIR set by a hook around us, git works where it was told to."""
    with monkeypatch.context() as around:
        around.setenv("GIT_DIR", "/nowhere")
        assert Git(str(home)).out("rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_a_refusal_keeps_status_and_streams(home: Path) -> None:
    """The error has git's own words in one line, its status and what it printed."""
    with pytest.raises(GitRefused) as error:
        Git(str(home)).out("rev-parse", "--verify", "no\x1b[2Jthing")
    assert error.value.message == "git: Needed a single revision"
    assert error.value.status == 128
    assert "fatal" in error.value.stderr


def test_what_git_says_is_made_visible(home: Path) -> None:
    """The message is the line with the error in it, without a raw control character."""
    with pytest.raises(GitRefused) as error:
        Git(str(home)).out("-c", r"alias.x=!printf 'warning: x\nerror: no\033[2Jthing\n' >&2; false", "x")
    assert error.value.message == "git: no\\x1b[2Jthing"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("fatal: 'https://ann:pa%40ss@host/x' is gone", "fatal: 'https://***@host/x' is gone"),
        ("https://ghp_token@host/x and ssh://git@host/y", "https://***@host/x and ssh://***@host/y"),
        ("https://ann:a@b@host/x?y=z@w", "https://***@host/x?y=z@w"),
        ("git@host:x and /a/b@c", "git@host:x and /a/b@c"),
    ],
)
def test_passwords_in_addresses_are_blotted_out(text: str, safe: str) -> None:
    """Whatever stands before the @ of an address goes."""
    assert redact(text) == safe


def test_a_refusal_holds_no_password(home: Path) -> None:
    """Neither the message nor the streams repeat the password of an address."""
    with pytest.raises(GitRefused) as error:
        Git(str(home)).out(
            "-c", "alias.x=!echo fatal: https://ann:secret@host/x >&2; echo http://a:secret@b; false", "x"
        )
    assert "secret" not in error.value.message + error.value.stderr + error.value.stdout
    assert "***@" in error.value.stderr


def test_one_deadline_for_everything(home: Path) -> None:
    """A command that does not end is ended, with a word about it."""
    with pytest.raises(GitRefused, match=r"did not end within 0\.3 s"):
        Git(str(home), 0.3).out("-c", "alias.wait=!sleep 30", "wait")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """It is the folder that is missing, not git."""
    with pytest.raises(GitRefused, match="gone is not there"):
        Git(str(tmp_path / "gone")).out("version")


def test_git_that_is_not_there_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is one line with a hint."""
    with monkeypatch.context() as around:
        around.setenv("PATH", "/nowhere")
        with pytest.raises(GitRefused, match="cannot be started") as error:
            Git(str(home)).out("version")
    assert "PATH" in error.value.hint


def test_a_nul_is_refused(home: Path) -> None:
    """No argument of a program can hold one."""
    with pytest.raises(GitRefused, match="NUL"):
        Git(str(home)).run("show", "a\0b")


def test_names_come_as_they_are(home: Path) -> None:
    """Undecodable, odd and dashed names come back as the file system has them."""
    names = {os.fsdecode(b"\xff\xfe"), "new\nline", "-dash", "um\u00e4laut", "tab\there"}
    for name in names:
        (home / name).write_bytes(b"")
    assert set(Git(str(home)).names("ls-files", "--others", "-z")) == names


def test_yes_and_no_are_not_errors(home: Path) -> None:
    """Status 0 is yes, 1 is no, and anything else an error."""
    git = Git(str(home))
    assert git.asks("merge-base", "--is-ancestor", "HEAD", "HEAD")
    assert not git.asks("config", "--get", "no.such")
    with pytest.raises(GitRefused):
        git.asks("merge-base", "--is-ancestor", "HEAD", "nope")


def test_the_version_is_known(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This git will do; an old one is named with what is needed."""
    Git(str(home)).require_version()
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.30.1.windows.1\n", encoding="ascii")
    fake.chmod(0o755)
    with monkeypatch.context() as around:
        around.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        assert Git(str(home)).version() == (2, 30)
        with pytest.raises(GitRefused, match=r"git 2\.30 is too old") as error:
            Git(str(home)).require_version()
    assert "2.38" in error.value.hint


def test_hooks_can_be_left_out(home: Path) -> None:
    """Behind the scenes no hook of the user's runs; else they do."""
    hook = home / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n", encoding="ascii")
    hook.chmod(0o755)
    Git(str(home), hooks=False).out("read-tree", "HEAD")
    assert not (home / "ran").exists()
    Git(str(home)).out("read-tree", "HEAD")
    assert (home / "ran").exists()


def test_a_finished_command_is_a_value(home: Path) -> None:
    """A bad status by itself raises nothing."""
    ended = Git(str(home)).run("rev-parse", "--verify", "--quiet", "nope")
    assert ended == Finished(1, b"", b"")
