"""``orchd auth``: whether the remote lets us in, and what is missing where it does not."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

import click

from orchestrator.cli import auth_advice, auth_look, output
from orchestrator.cli.auth_look import Look, Wanted
from orchestrator.cli.finding import Finding
from orchestrator.cli.options import common
from orchestrator.core import duration
from orchestrator.core.address import key_place
from orchestrator.core.outcome import OK, PARTIAL
from orchestrator.core.text import visible
from orchestrator.errors import UsageError
from orchestrator.git import ssh_key
from orchestrator.git.auth import Answer
from orchestrator.git.command import Git, redact
from orchestrator.git.ssh_key import Made
from orchestrator.host import account

DEFAULT: Final = "20s"


def _seconds(_context: click.Context, _param: click.Parameter, value: str) -> float:
    seconds = duration.parse(value)
    if not seconds:
        raise UsageError("the remote needs some time to answer", hint=f"leave --timeout out: {DEFAULT}")
    return seconds


@click.command("auth")
@click.option("--remote", metavar="NAME", help="That remote. Default: the one that the branch is pushed to.")
@click.option("--generate", is_flag=True, help="Make an ed25519 SSH key, unless there is one.")
@click.option("--key", metavar="FILE", help="Where --generate makes it. Default: .ssh/id_ed25519 in your home.")
@click.option("--timeout", metavar="D", default=DEFAULT, callback=_seconds, help=f"Per question. Default: {DEFAULT}.")
@click.option("--offline", is_flag=True, help="Do not try the remote.")
@common
def command(root: str, as_json: bool, generate: bool, key: str | None, remote: str | None, **how: float) -> int:
    """See whether git may read from the remote and push to it, and say what is missing. Exit code 1 when it is.

    Looks at SSH keys, the agent, git's helpers and the GitHub CLI, and tries the remote: it reads, and it begins a push
    that sends nothing. Nobody is prompted, nothing is changed but by --generate, and no token or password is shown.
    """
    git = Git(root, auth_look.SHORT)
    if key is not None and not generate:
        raise UsageError("--key says where --generate makes a key", hint="add --generate")
    git.out("rev-parse", "--git-dir")
    made = ssh_key.make(_place(key)) if generate else None
    found = auth_look.look(git, Wanted(remote, how["timeout"], not how["offline"]))
    missing = list(auth_advice.advice(found))
    if as_json:
        output.emit(_document(found, made, missing))
    else:
        _tell(found, made, missing)
    return PARTIAL if missing else OK


def _place(key: str | None) -> str:
    return os.path.abspath(os.path.expanduser(key)) if key else f"{account.home()}/.ssh/id_ed25519"


def _tell(found: Look, made: Made | None, missing: list[Finding]) -> None:
    for line in _lines(found):
        output.say(line)
    if made is not None:
        output.say(f"key: {made.path} {_made(made)}")
        output.say(f"  {made.public or 'there is no public half beside it: `ssh-keygen -y -f` prints it'}")
        output.say(f"  it goes to: {key_place(found.address.host or 'the remote', found.address.login or 'you')}")
    for each in missing:
        output.say(f"problem: {each.what}")
        output.say(f"  cure: {each.cure}")


def _made(made: Made) -> str:
    if not made.new:
        return "is there already, and was left as it is"
    return "is made, without a passphrase: runs that nobody attends can use it"


def _lines(found: Look) -> Iterator[str]:
    """Yield what was found, a line each."""
    remote, there = found.remote, found.address
    if remote is None:
        yield "remote: none"
    else:
        at = f" at {there.host}" if there.host else ""
        yield f"remote: {redact(remote.name)}, {', '.join(map(redact, remote.push))} (by {there.way}{at})"
    for each in found.ssh.keys:
        traits = [each.kind or "unreadable", *(name for name in ("offered", "locked") if getattr(each, name))]
        yield f"ssh key: {each.path} ({', '.join(traits)})"
    if not found.ssh.keys:
        yield "ssh key: none"
    agent = found.ssh.agent
    yield f"ssh agent: {'none' if agent is None else f'holds {len(agent)} keys'}"
    yield f"token or password: {_holders(found)}"
    yield f"connection: {_connection(found)}"


def _holders(found: Look) -> str:
    """Return who has a password or token; never which."""
    web = found.web
    helpers = f" ({', '.join(web.helpers)})" if web.helpers else ""
    some = [
        *([f"git's helper has one for {found.address.host}{helpers}"] if web.git else []),
        *(["the GitHub CLI has one"] if web.gh else []),
        *(f"{name} is set" for name in web.variables),
    ]
    return "; ".join(some) or "none found"


def _connection(found: Look) -> str:
    match found.answer:
        case None:
            return "not tried"
        case Answer(reads=True, pushes=True):
            return "works: it may be read, and pushed to"
        case Answer(reads=True, pushes=None):
            return "works: it may be read; a push needs a commit to be tried with"
        case Answer(reads=True):
            return "it may be read; a push is refused"
    return "fails"


def _document(found: Look, made: Made | None, missing: list[Finding]) -> dict[str, object]:
    remote, there, web = found.remote, found.address, found.web
    named = {"way": there.way, "host": there.host, "port": there.port}
    answer = found.answer
    return {
        "remote": None
        if remote is None
        else {
            "name": visible(redact(remote.name)),
            "addresses": [visible(redact(each)) for each in remote.push],
            **named,
        },
        "keys": [asdict(each) for each in found.ssh.keys],
        "agent": None if found.ssh.agent is None else {"keys": list(found.ssh.agent)},
        "tokens": {"git": web.git, "helpers": list(web.helpers), "gh": web.gh, "variables": list(web.variables)},
        "connection": None if answer is None else asdict(answer),
        "made": None if made is None else asdict(made),
        "findings": [asdict(each) for each in missing],
    }
