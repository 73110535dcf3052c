"""Carrying an accepted run to its end, whoever drives it; and what a person says when some of it failed."""

from orchestrator import settings as door
from orchestrator.cli import attending, ending, escalation, gates, output, retrying, views, wishes
from orchestrator.cli.conducting import conduct
from orchestrator.cli.hints import resuming
from orchestrator.core.outcome import INTERRUPTED, OK
from orchestrator.core.run import RunRecord
from orchestrator.daemon.instance import is_taken
from orchestrator.state.layout import Layout


def carry(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    """See the run to its end and say how it ended; where a person then wants it, run what failed once more."""
    while True:
        code = _carried(layout, record, as_json=as_json)
        choice = "skip" if as_json or code == INTERRUPTED else escalation.asked(layout, record)
        if choice == "abort":
            return INTERRUPTED
        again = retrying.accepted(layout, record, wishes.NOTHING_SAID) if choice == "retry" else None
        if again is None:
            return code
        record = again


def _carried(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    paths = layout.run(record.run)
    seen = gates.Gatekeeper(layout, record, views.view(as_json=as_json))
    driven = is_taken(paths.conductor) or attending.hand_over(layout.root, record.run)
    watching = attending.attend(layout, record, seen) if driven else "deserted"
    if watching == "left":
        return INTERRUPTED
    if driven and watching == "deserted":
        seen.note(f"nobody drives run {record.run} any more: this command does now, and Ctrl-C ends the run")
    ended_by_person = watching == "deserted" and conduct(
        layout, record, seen, door.load(layout.root).daemon.rescan_seconds
    )
    return ending.conclude(paths, record, as_json=as_json, status=INTERRUPTED if ended_by_person else None)


def nothing(why: str, *, as_json: bool) -> int:
    """Say that there is nothing to carry; that is no failure."""
    if as_json:
        output.emit({"run": None, "exit": OK, "tracks": [], "publication": "none", "summary": None})
    else:
        output.say(why)
    return OK


def detached(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    """Have the daemon, or a process in the background, drive the run, and say who does."""
    run = record.run
    by_daemon = attending.hand_over(layout.root, run)
    pid = None if by_daemon or is_taken(layout.run(run).conductor) else attending.detach(layout, record)
    if as_json:
        output.emit({"run": run, "detached": True, "pid": pid})
        return OK
    who = f"process {pid} in the background" if pid else "the daemon" if by_daemon else "another process"
    output.say(f"run {run} is driven by {who}")
    output.say(f"`orchd status` shows it, `{resuming(record)}` watches it, `orchd cancel {run}` ends it")
    return OK
