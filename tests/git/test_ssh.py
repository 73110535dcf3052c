"""What ssh would do for git, as ssh itself says it; and keys, made and found."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.address import parse
from orchestrator.errors import CommandFailed, SystemFailure, UnsafeFolder
from orchestrator.git import ssh, ssh_key
from orchestrator.git.command import Git
from orchestrator.git.ssh import Command, Key
from tests.git.repos import git
from tests.git.sshd import needs_ssh
from tests.waiting import wait_for

pytestmark = needs_ssh


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """An agent that holds nothing yet."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as child:
        wait_for(path.exists, 30)
        yield str(path)
        child.terminate()


@pytest.mark.parametrize(
    ("ours", "configured", "words"),
    [
        ({}, "", ("ssh",)),
        ({}, "ssh -i '/a b'", ("ssh", "-i", "/a b")),
        ({"GIT_SSH_COMMAND": "/usr/bin/ssh -4"}, "plink", ("/usr/bin/ssh", "-4")),
        ({"GIT_SSH": "/opt/my ssh/ssh"}, "", ("/opt/my ssh/ssh",)),
        ({"GIT_SSH": "/opt/ssh"}, "ssh -6", ("ssh", "-6")),
        ({"GIT_SSH": "plink"}, "", None),
        ({}, "ssh 'a", None),
        ({}, "ssh; id", None),
        ({}, "ssh $(id)", None),
        ({}, "A=b ssh", None),
    ],
)
def test_which_command(home: Path, ours: dict[str, str], configured: str, words: tuple[str, ...] | None) -> None:
    """The one that git would start; what needs a shell, or is another program, is left to git."""
    if configured:
        git(home, "config", "core.sshCommand", configured)
    plain = ssh.command(Git(str(home)), ours)
    assert (plain.words if plain else None) == words
    if plain:
        assert ssh.quiet(plain, 10).startswith(f"{plain.text} -o BatchMode=yes -o ConnectTimeout=5 ")


def test_what_ssh_is_set_to(tmp_path: Path) -> None:
    """Aliases, users, ports and keys of its own settings; a bad line of them is told."""
    config = tmp_path / "config"
    config.write_text(
        "Host gh\n HostName example.org\n User git\n Port 2222\n IdentityFile ~/.ssh/work\n IdentityFile /k\n"
        " IdentityAgent none\n StrictHostKeyChecking no\n",
        encoding="ascii",
    )
    plain = Command("", ("ssh", "-F", str(config)))
    found = ssh.settings(plain, parse("gh:x"), "/home/ann")
    assert (found.host, found.user, found.port) == ("example.org", "git", "2222")
    assert found.files == ("/home/ann/.ssh/work", "/k")
    assert (found.agent, found.strict) == ("", "false")
    assert ssh.settings(plain, parse("ssh://bob@h:7/x"), "/").user == "bob"
    assert ssh.settings(plain, parse("ssh://bob@h:7/x"), "/").port == "7"
    config.write_text("Nonsense yes\n", encoding="ascii")
    with pytest.raises(CommandFailed, match="Bad configuration option: nonsense"):
        ssh.settings(plain, parse("gh:x"), "/")


def test_which_keys(tmp_path: Path) -> None:
    """Those of the usual names and those that ssh offers, with what keeps each from being used."""
    folder = tmp_path / ".ssh"
    plain = ssh_key.make(f"{folder}/id_ed25519").path
    open_to_all = ssh_key.make(f"{folder}/id_work").path
    os.chmod(open_to_all, 0o644)
    other = f"{tmp_path}/elsewhere"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", other], check=True, timeout=60)
    (folder / "id_text").write_text("no key\x1b\n", encoding="ascii")
    found = {each.path: each for each in ssh.keys(str(tmp_path), (plain, other, f"{folder}/id_none"))}
    assert found == {
        plain: Key(plain, "ED25519", found[plain].fingerprint, locked=False, exposed=False, offered=True),
        other: Key(other, "ED25519", found[other].fingerprint, locked=True, exposed=False, offered=True),
        open_to_all: Key(
            open_to_all, "ED25519", found[open_to_all].fingerprint, locked=False, exposed=True, offered=False
        ),
        f"{folder}/id_text": Key(f"{folder}/id_text", "", "", locked=False, exposed=True, offered=False),
    }
    assert len({each.fingerprint for each in found.values()}) == 4
    assert ssh.keys(f"{tmp_path}/none", ()) == []


def test_what_an_agent_holds(agent: str, tmp_path: Path) -> None:
    """Nothing, then a key; and where there is no agent, that."""
    assert ssh.agent(agent) == ()
    made = ssh_key.make(f"{tmp_path}/key").path
    subprocess.run(["ssh-add", "-q", made], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True, timeout=60)
    assert ssh.agent(agent) == (ssh.keys(str(tmp_path), (made,))[0].fingerprint,)
    assert ssh.agent("") is None
    assert ssh.agent(f"{tmp_path}/nobody") is None


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """For its owner alone, and never over another; nothing else is left."""
    path = tmp_path / "new" / "id_ed25519"
    made = ssh_key.make(str(path))
    assert made.new
    assert made.public.startswith("ssh-ed25519 AAAA")
    assert (_mode(path.parent), _mode(path)) == (0o700, 0o600)
    assert sorted(each.name for each in path.parent.iterdir()) == ["id_ed25519", "id_ed25519.pub"]
    before = path.read_bytes()
    again = ssh_key.make(str(path))
    assert (again.new, again.public, path.read_bytes()) == (False, made.public, before)


@pytest.mark.parametrize("name", ["key", "key.pub"])
def test_whatever_stands_there_stays(tmp_path: Path, name: str) -> None:
    """Half a key, or a link to nowhere, is not written over either."""
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    assert ssh_key.make(f"{tmp_path}/key") == ssh_key.Made(f"{tmp_path}/key", "", new=False)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("key")] == [name]


def test_where_no_key_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that others may write in, below a file, and without ssh-keygen."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(UnsafeFolder):
        ssh_key.make(f"{shared}/key")
    (tmp_path / "file").touch()
    with pytest.raises(SystemFailure):
        ssh_key.make(f"{tmp_path}/file/key")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemFailure) as caught:
        ssh_key.make(f"{tmp_path}/own/key")
    assert caught.value.hint == "install openssh-client"
    assert list((tmp_path / "own").iterdir()) == []
