"""What is missing between us and a remote, each with the next step."""

import shlex
from collections.abc import Iterator

from orchestrator.cli.auth_look import Look, Shell
from orchestrator.cli.finding import Finding
from orchestrator.core import address as addresses
from orchestrator.core import remote_trouble
from orchestrator.core.address import Address, key_place
from orchestrator.core.text import visible
from orchestrator.git.command import redact

_UNCHECKED = frozenset({"no", "false", "off"})


def advice(found: Look) -> Iterator[Finding]:
    """Yield what stands in the way of a push, the nearest first."""
    if found.remote is None:
        yield Finding("there is no remote to publish to", "git remote add origin ADDRESS")
        return
    name = shlex.quote(visible(redact(found.remote.name)))
    yield from _trouble(found, name)
    if any(addresses.parse(each).secret for each in (found.remote.fetch, *found.remote.push)):
        yield Finding(
            f"a password or token stands in the address of {name}, where every program may read it",
            f"git remote set-url {name} ADDRESS, without it; `git credential approve` keeps it in a helper",
        )
    if found.address.way == "http" and found.address.host not in {"localhost", "127.0.0.1", "::1"}:
        yield Finding("passwords go to the remote as plain text", f"git remote set-url {name} ADDRESS, with https")
    if found.address.way == "ssh":
        yield from _of_ssh(found.ssh, found.address)


def _trouble(found: Look, name: str) -> Iterator[Finding]:
    """Yield what the remote said to the try; untried, what is plainly missing."""
    answer, remote, there = found.answer, found.remote, found.address
    if answer is None or not answer.trouble:
        untried = answer is None
        if untried and there.way == "ssh" and not _any_key(found.ssh):
            yield Finding("ssh has no key to show", _make_one(there))
        if untried and there.way in {"http", "https"} and not found.web.git:
            yield Finding(f"git has no password or token for {there.host}", _token(found))
        return
    where = there if answer.reads or remote is None else addresses.parse(remote.fetch)
    what = remote_trouble.what(answer.trouble, where)
    said = f": {answer.said}" if answer.said else ""
    lead = "reading works, but a push does not: " if answer.reads else ""
    yield Finding(f"{lead}{what}{said}", _cure(found, where, name))


def _cure(found: Look, where: Address, name: str) -> str:
    kind = found.answer.trouble if found.answer is not None else remote_trouble.OTHER
    if kind == remote_trouble.DENIED and where.way == "ssh":
        return _denied(found.ssh, where)
    if kind == remote_trouble.NO_LOGIN or (kind == remote_trouble.WRONG_LOGIN and found.web.gh):
        return _token(found)
    return remote_trouble.cure(kind, where, name)


def _any_key(shell: Shell) -> bool:
    return bool(shell.agent) or any(each.offered and not each.exposed for each in shell.keys)


def _denied(shell: Shell, where: Address) -> str:
    place = key_place(where.host, where.login)
    ready = [each for each in shell.keys if each.offered and not each.exposed]
    loaded = set(shell.agent or ())
    locked = [each for each in ready if each.locked and each.fingerprint not in loaded]
    if ready and len(locked) == len(ready):
        key = shlex.quote(visible(locked[0].path))
        return f"its key has a passphrase, which nobody is asked for: `ssh-add {key}`, then `orchd auth`"
    if ready:
        return f"add what stands in {visible(ready[0].path)}.pub to {place}, then `orchd auth`"
    return _make_one(where)


def _make_one(where: Address) -> str:
    return f"`orchd auth --generate` makes a key; its public half goes to {key_place(where.host, where.login)}"


def _token(found: Look) -> str:
    """Return how git comes to a token, the shortest way first."""
    host = found.address.host
    if found.web.gh:
        return f"`gh auth setup-git --hostname {host}`: the GitHub CLI has a token, and git does not ask it"
    if host == "github.com" and found.web.gh is not None:
        return f"`gh auth login --hostname {host}`, then `gh auth setup-git --hostname {host}`"
    given = next((each for each in found.web.variables if each in {"GITHUB_TOKEN", "GH_TOKEN"}), None)
    if host == "github.com" and given:
        helper = f'!f() {{ echo username=x-access-token; echo "password=${given}"; }}; f'
        return (
            f"{given} is set, and git does not look at it: git config credential.{found.address.site}.helper '{helper}'"
        )
    return "`git config credential.helper store` (or a keyring's), then `git credential approve` with a token"


def _of_ssh(shell: Shell, where: Address) -> Iterator[Finding]:
    if shell.why:
        yield Finding(visible(shell.why), "see `git config core.sshCommand` and GIT_SSH_COMMAND")
    for each in shell.keys:
        path = visible(each.path)
        if each.exposed and each.offered:
            yield Finding(f"{path} may be read by others, and ssh leaves it out", f"chmod 600 {shlex.quote(path)}")
    if shell.settings is not None and shell.settings.strict in _UNCHECKED:
        yield Finding(
            f"ssh is told not to check who {where.host} is", "take StrictHostKeyChecking out of your ssh settings"
        )
