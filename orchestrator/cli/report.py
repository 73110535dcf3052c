"""``orchd report``: the report of a run."""

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.cli.run_files import LARGEST, chosen
from orchestrator.core.strictjson import parse_object
from orchestrator.errors import NotFound, Unreadable
from orchestrator.host import files
from orchestrator.state.layout import Layout


@click.command("report")
@click.argument("run", required=False)
@common
def command(root: str, as_json: bool, run: str | None) -> None:
    """Show the report of RUN, default the newest that has ended."""
    layout = Layout(root)
    found = chosen(layout, run).run
    paths = layout.run(found)
    try:
        if as_json:
            output.emit(parse_object(files.read(paths.metrics, LARGEST).data))
            return
        text = files.read(paths.summary, LARGEST).data.decode("utf-8", "backslashreplace")
    except FileNotFoundError as error:
        raise NotFound(f"run {found} has no report yet", hint="`orchd status` shows where it is") from error
    except Unreadable as error:
        raise Unreadable(
            f"the report of run {found} cannot be read: {error.message}", hint=f"look into {paths.folder}"
        ) from error
    for line in text.splitlines():
        output.say(line)
