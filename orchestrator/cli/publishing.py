"""Publishing what a run that has ended merged and could not push: the push alone, once more."""

from contextlib import suppress

from orchestrator.cli import ending
from orchestrator.cli.run_files import recorded
from orchestrator.core.run import RunRecord
from orchestrator.core.strictjson import parse_object
from orchestrator.daemon.finish import publish_again
from orchestrator.daemon.instance import Instance
from orchestrator.errors import Held, Unreadable
from orchestrator.host import files
from orchestrator.state import results
from orchestrator.state.layout import Layout


def is_due(layout: Layout, record: RunRecord) -> bool:
    """Tell whether a run has ended and its publication has failed."""
    with suppress(FileNotFoundError, Unreadable):
        said = parse_object(files.read(layout.run(record.run).metrics, results.LARGEST).data)
        return said.get("publication") == "failed"
    return False


def newest_due(layout: Layout, source: str) -> RunRecord | None:
    """Return the newest run of the source at that path, where what it merged could not be published."""
    newest = next((each for each in recorded(layout) if each.source == source), None)
    with suppress(FileNotFoundError, Unreadable):
        record = results.read_run(layout.run(newest.run)) if newest is not None else None
        return record if record is not None and is_due(layout, record) else None
    return None


def again(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    """Publish what a run merged, and say how it ended; its tracks stay as they are. Raises :class:`Held`."""
    instance = Instance(layout.run(record.run).conductor)
    if not instance.take():
        raise Held(f"somebody else is at work on run {record.run}", hint="`orchd status` shows who")
    try:
        if is_due(layout, record):
            publish_again(layout, record)
    finally:
        instance.release()
    return ending.conclude(layout.run(record.run), record, as_json=as_json, status=None)
