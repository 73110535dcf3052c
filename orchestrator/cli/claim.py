"""``orchd claim``: claim a track, for a command or for a process."""

import os
import pwd
import re
import sys
from contextlib import suppress
from typing import Final, NoReturn, TypedDict, Unpack

import click

from orchestrator.claims import FileClaims, Lost, Wanted
from orchestrator.cli import output
from orchestrator.cli.lock_record import fields
from orchestrator.cli.options import common
from orchestrator.core import duration
from orchestrator.core.claim import Claim
from orchestrator.core.name import check_name, is_name, slug
from orchestrator.core.text import visible
from orchestrator.errors import Held, UsageError
from orchestrator.host import clock
from orchestrator.state.journal import Journal
from orchestrator.worker.foreground import claim_within, hold

_BETWEEN: Final = re.compile("[@:]")


class Options(TypedDict):
    """What the command takes besides the track."""

    cmd: tuple[str, ...]
    owner: str
    run_name: str | None
    wait: float
    pid: int | None


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    return duration.parse(value)


def _owner(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """Check a name such as ``name``, ``user@host`` or ``kind:name``."""
    if value is None:
        return _ourselves()
    for part in _BETWEEN.split(value, 1):
        check_name("owner", part)
    return value


def _ourselves() -> str:
    user = os.environ.get("USER", "")
    with suppress(KeyError):
        user = pwd.getpwuid(os.getuid()).pw_name
    return "@".join(each if is_name(each) else slug(each) for each in (user, os.uname().nodename))


@click.command("claim")
@click.argument("track")
@click.argument("cmd", nargs=-1, type=click.UNPROCESSED)
@click.option("--owner", metavar="NAME", callback=_owner, help="Who works on it. Default: you, as user@host.")
@click.option("--run", "run_name", metavar="RUN", help="The run that the work belongs to.")
@click.option("--wait", default="0", metavar="SECONDS", callback=_seconds, help="Try for so long where it is held.")
@click.option("--pid", type=click.IntRange(2, 2**31 - 1), help="Claim for this process. Default: the calling shell.")
@common
def command(root: str, as_json: bool, track: str, **given: Unpack[Options]) -> int:
    """Claim TRACK; with CMD, run it and release the track when it ends.

    Without CMD the claim belongs to a process and dies with it: the calling shell, or the one that --pid names.
    """
    check_name("track", track)
    run_name = given["run_name"]
    if run_name is not None:
        check_name("run", run_name)
    pid = given["pid"]
    if given["cmd"] and pid is not None:
        raise UsageError("--pid and a command exclude each other", hint="a command is run under a claim of its own")
    store = FileClaims(root, journal=Journal(root).write)
    owner = given["owner"]
    if given["cmd"]:
        wanted = Wanted(track, owner, os.getpid(), run_name)
        return _around(root, store, wanted, given["cmd"], given["wait"])
    wanted = Wanted(track, owner, os.getppid() if pid is None else pid, run_name)
    return _for_process(store, wanted, given["wait"], as_json=as_json)


def _around(root: str, store: FileClaims, wanted: Wanted, cmd: tuple[str, ...], wait: float) -> int:
    finished = hold(root, store, wanted, cmd, wait)
    if isinstance(finished, Lost):
        _refuse(finished)
    if finished.remark:
        sys.stderr.write(f"orchd: {visible(finished.remark)}\n")
    return finished.status


def _for_process(store: FileClaims, wanted: Wanted, wait: float, *, as_json: bool) -> int:
    answer = claim_within(store, wanted, wait, _nap)
    if isinstance(answer, Lost):
        _refuse(answer)
    claim = answer.claim
    if as_json:
        output.emit({"track": claim.track, "token": claim.token, "fence": claim.fence, "path": answer.path})
    else:
        output.say(f"{claim.track}: claimed for process {claim.pid}, fence {claim.fence}, token {claim.token}")
    return 0


def _nap(seconds: float) -> bool:
    clock.pause(seconds)
    return True


def _refuse(lost: Lost) -> NoReturn:
    seen = lost.holder
    whom = f" by {visible(seen.record.owner, 60)}" if isinstance(seen.record, Claim) else ""
    raise Held(
        f"{seen.track} is held{whom}: {seen.verdict.why}",
        hint="try for a while with --wait SECONDS; `orchd locks` shows every claim",
        holder=fields(seen, clock.wall_ns()),
    )
