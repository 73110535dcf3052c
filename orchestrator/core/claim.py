"""A claim: *this owner works on this track*, and what the machine says of the owner.

The record is one line of JSON in ``.orchestrator_locks/<track>.lock``, published whole. Identity is
(host id, boot id, pid namespace, pid, kernel start ticks) and never wall-clock time, which moves.
Locks of other writers are honoured too: a bare pid (``echo $$ > x.lock``), an empty file, JSON of
another tool.
"""

import json
import re
import zlib
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.core.machine import Machine, Sight
from orchestrator.core.name import is_name
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable

VERSION: Final = 1
FENCE_WIDTH: Final = 20
LARGEST: Final = 64 * 1024
"""A lock file of more bytes is not read."""

GREATEST: Final = 2**63 - 1
"""The greatest fence, and the greatest number of any kind, that a record may hold."""

GRAIN_NS: Final = 2_000_000_000
"""A process counts as started after a file was written only beyond this many nanoseconds."""

State = Literal["alive", "dead", "orphaned", "foreign", "unknown", "unreadable"]
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_FENCE_KEY: Final = b'"fence":'
_BARE_PID: Final = re.compile(rb"\s*([0-9]{1,10})\s*\Z")
_OTHER_TOOL: Final = "JSON of another tool: it cannot be judged"
_TOKEN: Final = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Claim:
    """One version 1 record.

    ``start_ticks`` counts kernel clock ticks since boot; ``pgid`` is the process group that the
    owner leads, None when it leads none; ``run`` may stand in a path; ``claimed_at`` is UTC, ISO 8601,
    for people only.
    """

    track: str
    token: str
    fence: int
    pid: int
    start_ticks: int | None
    boot_id: str | None
    pidns: int | None
    host_id: str
    host: str
    pgid: int | None
    owner: str
    run: str | None
    attempt: int | None
    claimed_at: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarePid:
    """A lock that holds a pid and nothing else, as a shell script writes it."""

    pid: int
    token: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A lock that we cannot judge. ``reason`` says why; ``pid`` is shown, never believed."""

    reason: str
    token: str
    state: Literal["unknown", "unreadable"] = "unreadable"
    pid: int | None = None


Record = Claim | BarePid | Opaque


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a claim's owner, and why in one line for a person."""

    state: State
    why: str


def encode(claim: Claim) -> bytes:
    """Return the record as one line; the fence stands in a field of fixed width."""
    fields = {
        "v": VERSION,
        "track": claim.track,
        "token": claim.token,
        "fence": claim.fence,
        "pid": claim.pid,
        "start_ticks": claim.start_ticks,
        "boot_id": claim.boot_id,
        "pidns": claim.pidns,
        "host_id": claim.host_id,
        "host": claim.host,
        "pgid": claim.pgid,
        "owner": claim.owner,
        "run": claim.run,
        "attempt": claim.attempt,
        "claimed_at": claim.claimed_at,
        "note": claim.note,
    }
    line = _ENCODER.encode(fields).encode("ascii")
    head, _, tail = line.partition(_FENCE_KEY)
    rest = tail.partition(b",")[2]
    return head + _FENCE_KEY + fence_field(claim.fence) + b"," + rest + b"\n"


def fence_field(fence: int) -> bytes:
    """Return the fence as it stands in a record, padded to FENCE_WIDTH bytes."""
    return str(fence).rjust(FENCE_WIDTH).encode("ascii")


def fence_offset(record: bytes) -> int:
    """Return where in an encoded record the fence field begins."""
    return record.index(_FENCE_KEY) + len(_FENCE_KEY)


def content_token(data: bytes, written_ns: int) -> str:
    """Return the token of a lock that has none: it names these bytes, written then."""
    return f"content-{written_ns:x}-{len(data):x}-{zlib.crc32(data):08x}"


def parse(data: bytes, written_ns: int = 0) -> Record:
    """Read the bytes of a lock file; never raises, whatever they are.

    ``written_ns`` is the file's modification time (ns since the epoch); it goes into the token of
    a lock that has none of its own.
    """
    bare = _BARE_PID.match(data)
    if bare is not None and 1 < int(bare[1]) < 2**31:
        return BarePid(int(bare[1]), content_token(data, written_ns))
    try:
        if not data.strip():
            raise Unreadable("the file is empty: its writer has not said who it is")
        fields = parse_object(data)
        if fields.get("v") == VERSION and type(fields["v"]) is int:
            return _version_1(fields)
    except Unreadable as error:
        return Opaque(error.message, content_token(data, written_ns))
    reason = _other_version(fields["v"]) if "v" in fields and "token" in fields else _OTHER_TOOL
    pid = fields.get("pid")
    shown = pid if type(pid) is int and pid > 0 else None
    return Opaque(reason, content_token(data, written_ns), "unknown", shown)


def _other_version(version: object) -> str:
    which = "a newer" if isinstance(version, int) and version > VERSION else "another"
    return f"written by {which} orchd (version {visible(str(version), 20)})"


def _version_1(fields: dict[str, object]) -> Claim:
    return Claim(
        track=_text(fields, "track"),
        token=_token(fields),
        fence=_number(fields, "fence", 0),
        pid=_number(fields, "pid", 1),
        start_ticks=_maybe_number(fields, "start_ticks"),
        boot_id=_maybe_text(fields, "boot_id"),
        pidns=_maybe_number(fields, "pidns"),
        host_id=_text(fields, "host_id"),
        host=_text(fields, "host"),
        pgid=_maybe_number(fields, "pgid"),
        owner=_text(fields, "owner"),
        run=_run(fields),
        attempt=_maybe_number(fields, "attempt"),
        claimed_at=_text(fields, "claimed_at"),
        note=_maybe_text(fields, "note") or "",
    )


def _text(fields: dict[str, object], key: str) -> str:
    value = fields.get(key)
    if isinstance(value, str) and value:
        return value
    raise Unreadable(f"field {key} is missing or not a text")


def _maybe_text(fields: dict[str, object], key: str) -> str | None:
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise Unreadable(f"field {key} is missing or not a text")


def _run(fields: dict[str, object]) -> str | None:
    run = _maybe_text(fields, "run")
    if run is None or is_name(run):
        return run
    raise Unreadable("field run is not a name")


def _number(fields: dict[str, object], key: str, least: int) -> int:
    value = fields.get(key)
    if type(value) is int and least <= value <= GREATEST:
        return value
    raise Unreadable(f"field {key} is missing or not a sensible number")


def _maybe_number(fields: dict[str, object], key: str) -> int | None:
    value = fields.get(key)
    if value is None or (type(value) is int and 0 <= value <= GREATEST):
        return value
    raise Unreadable(f"field {key} is missing or not a sensible number")


def _token(fields: dict[str, object]) -> str:
    token = _text(fields, "token")
    if _TOKEN.match(token):
        return token
    raise Unreadable("field token is not 128 bits in hex")


def judge(record: Record, here: Machine, sight: Sight, written_ns: int = 0) -> Verdict:
    """Say what is known of a record's owner. Dead only on proof; what cannot be told is held.

    ``sight`` must have been taken of ``record.pid`` *after* the record was read. ``written_ns`` is
    the lock file's modification time and counts for a bare pid only.
    """
    if isinstance(record, Opaque):
        return judge_opaque(record)
    if isinstance(record, BarePid):
        return judge_bare(record, sight, written_ns)
    return judge_elsewhere(record, here) or judge_here(record, here, sight)


def judge_opaque(record: Opaque) -> Verdict:
    """Return the verdict on a lock that says nothing that we understand."""
    return Verdict(record.state, f"held, not judged: {record.reason}")


def judge_elsewhere(claim: Claim, here: Machine) -> Verdict | None:
    """Return the verdict on an owner that is not of this machine, boot and namespace: no pid here is his.

    None: he is, and a look at his process tells.
    """
    if claim.host_id != here.host_id:
        return Verdict("foreign", f"claimed on host {visible(claim.host, 60)}: its processes cannot be seen from here")
    if claim.boot_id and here.boot_id and claim.boot_id != here.boot_id:
        return Verdict("dead", f"the machine was restarted since process {claim.pid} claimed it")
    if claim.pidns and here.pidns and claim.pidns != here.pidns:
        return Verdict("foreign", f"claimed in another pid namespace (container) on this host, as process {claim.pid}")
    return None


def judge_here(claim: Claim, here: Machine, sight: Sight) -> Verdict:
    """Return the verdict on an owner of this machine, boot and namespace, by a look at his process."""
    who = f"process {claim.pid}"
    if sight.seen == "hidden":
        return Verdict("unknown", f"{who} cannot be examined: this machine hides it")
    same = _same_process(claim, here, sight)
    if sight.seen in ("gone", "zombie") and same is not False:
        return _judge_ended(who, sight, leads=claim.pgid == claim.pid)
    if same is False:
        return Verdict("dead", f"{who} is gone: its number now belongs to another process")
    if same is None:
        return Verdict("unknown", f"{who} runs, but whether it is the owner cannot be told: no start time to compare")
    if sight.seen == "stopped":
        return Verdict("alive", f"{who} is paused (stopped), and still the owner")
    return Verdict("alive", f"{who} is running")


def _judge_ended(who: str, sight: Sight, *, leads: bool) -> Verdict:
    what = "is gone" if sight.seen == "gone" else "has ended (a zombie)"
    if leads and sight.group:
        return Verdict("orphaned", f"{who} {what}, but processes of its group still run")
    return Verdict("dead", f"{who} {what}")


def _same_process(claim: Claim, here: Machine, sight: Sight) -> bool | None:
    if claim.start_ticks is None or sight.start_ticks is None or not here.ticks_comparable:
        return None
    return claim.start_ticks == sight.start_ticks


def judge_bare(record: BarePid, sight: Sight, written_ns: int) -> Verdict:
    """Return the verdict on a process of which only the number is known, and when it was written down."""
    who = f"process {record.pid}"
    if sight.seen == "hidden":
        return Verdict("unknown", f"{who} cannot be examined: this machine hides it")
    if sight.seen in ("gone", "zombie"):
        return _judge_ended(who, sight, leads=True)
    if sight.started_ns is None:
        return Verdict("unknown", f"{who} runs, but whether it wrote the lock cannot be told")
    if sight.started_ns <= written_ns + GRAIN_NS:
        return Verdict("alive", f"{who} is running (the lock holds a pid only)")
    if not sight.clock_steady:
        return Verdict("unknown", f"{who} runs; the clock was moved, so whether it wrote the lock cannot be told")
    return Verdict("dead", f"{who} started after the lock was written: its number was used again")
