"""Who has a password or token for a remote; which it is, nobody is told."""

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.core.address import parse
from orchestrator.git import credentials
from orchestrator.git.command import Git
from orchestrator.git.credentials import Credentials
from tests.git.repos import git

MINE = "t0ken-of-the-tests"
GH = """#!/bin/sh
[ "$*" = "auth token --hostname example.org" ] && echo {token} && exit
exit 1
"""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token of whoever runs the tests is seen."""
    for name in (*credentials.VARIABLES, "GIT_ASKPASS"):
        monkeypatch.delenv(name, raising=False)


def look(home: Path, address: str = "https://example.org/x") -> Credentials:
    """Look, and see that no token is part of what is found."""
    found = credentials.look(Git(str(home)), parse(address))
    assert MINE not in repr(found)
    return found


def test_nobody_has_one(home: Path) -> None:
    """And nobody is asked."""
    git(home, "config", "credential.helper", "")
    assert look(home) == Credentials(git=False, helpers=(), gh=look(home).gh, variables=())
    assert not look(home, "/srv/x").git


def test_a_helper_of_git(home: Path) -> None:
    """It has one for the one host; of its command line only the program is told."""
    git(home, "config", "credential.https://example.org.helper", f"!f() {{ echo password={MINE}; }}; f")
    git(home, "config", "--add", "credential.helper", f"/opt/My-Helper --token={MINE}")
    git(home, "config", "--add", "credential.helper", "!'/usr/bin/gh' auth git-credential")
    git(home, "config", "credential.username", "ann")
    found = look(home)
    assert found.git
    assert found.helpers == ("a command of your own", "My-Helper", "gh")
    assert not look(home, "https://example.com/x").git


def test_the_github_cli(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked about the host, and whether it has a token is all that is kept."""
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    program.write_text(GH.format(token=MINE), encoding="ascii")
    program.chmod(0o755)
    assert look(home).gh is True
    assert look(home, "https://example.com/x").gh is False
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(alone))
    assert look(home).gh is None


def test_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names are told."""
    monkeypatch.setenv("GITHUB_TOKEN", MINE)
    monkeypatch.setenv("GH_TOKEN", "")
    assert look(home).variables == ("GITHUB_TOKEN",)
