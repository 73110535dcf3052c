"""``orchd report``: the report of a run, for people, for programs, or as a page."""

import json
import os
from collections.abc import Mapping

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.cli.run_files import LARGEST, RunFile, chosen
from orchestrator.core.run import RunRecord
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.daemon import reporting
from orchestrator.errors import NotFound, Unreadable, UsageError
from orchestrator.host import files
from orchestrator.reports.document import document
from orchestrator.reports.metrics import measure
from orchestrator.reports.page import page
from orchestrator.reports.summary import summarise
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout


@click.command("report")
@click.argument("run", required=False)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown, the default.")
@click.option("--html", "as_html", is_flag=True, help="Print one HTML file with a chart of the attempts.")
@click.option("--output", "to", metavar="FILE", help="Write to FILE, whole or not at all; - is stdout.")
@common
def command(root: str, as_json: bool, run: str | None, as_markdown: bool, as_html: bool, to: str | None) -> None:
    """Show the report of RUN, default the newest that has ended; of one that has not, how it stands."""
    if as_json + as_markdown + as_html > 1:
        raise UsageError("a report has one form", hint="give one of --json, --md and --html")
    place = _place(to) if to not in (None, "-") else None
    layout = Layout(root)
    found = chosen(layout, run)
    try:
        if as_json:
            _hand_over_document(_document(layout, found), place)
        else:
            _hand_over(_page(layout, found) if as_html else _markdown(layout, found), place)
    except FileNotFoundError as error:
        raise NotFound(f"run {found.run} has no report yet", hint="`orchd status` shows where it is") from error
    except Unreadable as error:
        raise Unreadable(
            f"the report of run {found.run} cannot be read: {error.message}",
            hint=f"look into {layout.run(found.run).folder}",
        ) from error


def _place(to: str | None) -> str:
    """Return the file that is to be written, behind links; what is there must be a file or nothing."""
    path = os.path.realpath(to or "")
    if not to or to.endswith("/") or (os.path.lexists(path) and not os.path.isfile(path)):
        raise UsageError(f"{visible(to or 'the empty name')} is not a file", hint="name a file for --output")
    return path


def _record(layout: Layout, found: RunFile) -> RunRecord | None:
    """Return what was accepted; None where that cannot be read and the run has a report, which says enough.

    Raises ``FileNotFoundError`` where there is neither.
    """
    try:
        return results.read_run(layout.run(found.run))
    except (FileNotFoundError, Unreadable) as error:
        if found.ended:
            return None
        raise FileNotFoundError from error


def _document(layout: Layout, found: RunFile) -> Mapping[str, object]:
    """Return the report for programs; figures that were written when the run ended are told as they stand there."""
    record = _record(layout, found)
    if record is None:
        return _written(layout.run(found.run))
    ending = reporting.of_run(layout, record)
    figures = _written(layout.run(found.run)) if ending.over else {}
    return document(ending, measure(ending)) | figures


def _written(paths: RunLayout) -> dict[str, object]:
    return parse_object(files.read(paths.metrics, LARGEST).data)


def _page(layout: Layout, found: RunFile) -> str:
    ending = reporting.of_run(layout, results.read_run(layout.run(found.run)))
    return page(ending, measure(ending))


def _markdown(layout: Layout, found: RunFile) -> str:
    """Return the summary as it was written when the run ended, or as it would be now."""
    record = _record(layout, found)
    if record is None or results.has_ended(layout.run(found.run)):
        return files.read(layout.run(found.run).summary, LARGEST).data.decode("utf-8", "backslashreplace")
    ending = reporting.of_run(layout, record)
    return summarise(ending, measure(ending))


def _hand_over_document(said: Mapping[str, object], place: str | None) -> None:
    if place is None:
        output.emit(said)
    else:
        _write(place, json.dumps(said, indent=1, allow_nan=False) + "\n")


def _hand_over(text: str, place: str | None) -> None:
    """Print or write text, line by line made safe to show."""
    if place is None:
        for line in text.splitlines():
            output.say(line)
    else:
        _write(place, "".join(f"{visible(line, output.LONGEST)}\n" for line in text.splitlines()))
        output.say(f"the report is {place}")


def _write(place: str, text: str) -> None:
    files.publish(place, text.encode("utf-8", "backslashreplace"), os.path.dirname(place), durable=True)
