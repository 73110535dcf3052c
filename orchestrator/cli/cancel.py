"""``orchd cancel``: the end of a run, or of one track of it."""

from contextlib import suppress

import click

from orchestrator.cli import attending, named_run, output, views
from orchestrator.cli.conducting import conduct
from orchestrator.cli.hints import resuming
from orchestrator.cli.options import common
from orchestrator.core.listing import some
from orchestrator.core.name import check_name
from orchestrator.core.run import RunRecord
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import DaemonUnavailable, NotFound
from orchestrator.settings import load
from orchestrator.state import cancel, results
from orchestrator.state.layout import Layout
from orchestrator.wire.client import call
from orchestrator.wire.messages import Cancel


@click.command("cancel")
@click.argument("run")
@click.argument("track", required=False)
@common
def command(root: str, as_json: bool, run: str, track: str | None) -> None:
    """End RUN, or only TRACK of it: workers get time to end, what they did is kept, and the report says so.

    Where nobody drives RUN, this command sees it to its end.
    """
    layout = Layout(root)
    record = named_run.read(layout, run)
    over = _over(layout, record, track)
    if not over:
        cancel.request(layout.run(run), track)
        _poke(root, run, track)
    driven = bool(over) or is_taken(layout.run(run).conductor) or attending.hand_over(root, run)
    if not as_json:
        output.say(over or f"{'run ' + run if track is None else track} is asked to end")
    if not driven and track is None:
        conduct(layout, record, views.view(as_json=as_json), load(root).daemon.rescan_seconds)
        over = _over(layout, record, track)
    if as_json:
        output.emit({"run": run, "track": track, "over": bool(over), "driven": driven and not over})
    elif not driven:
        output.say(over or f"nobody drives run {run} now: `{resuming(record)}` carries this out, and so does a daemon")


def _over(layout: Layout, record: RunRecord, track: str | None) -> str:
    """Return how it ended before, nothing where it has not; :class:`NotFound` for a track that the run has not."""
    paths = layout.run(record.run)
    if track is not None:
        check_name("track", track)
        carried = next((each for each in record.tracks if each.track == track), None)
        if carried is None:
            raise NotFound(f"run {record.run} has no track {track}", hint=f"its tracks are {_listed(record)}")
        outcome = results.read_outcome(paths.outcome(carried.agent_id))
        if outcome is not None:
            return f"{track} is over: {outcome.ended}"
    return f"run {record.run} is over" if results.has_ended(paths) else ""


def _listed(record: RunRecord) -> str:
    return some([each.track for each in record.tracks], 8)


def _poke(root: str, run: str, track: str | None) -> None:
    """Tell the daemon, if there is one; whoever else drives the run sees the request at the next look."""
    with suppress(DaemonUnavailable):
        call(root, Cancel(run, track))
