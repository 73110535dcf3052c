"""``orchd wake``: look after workers that somebody else started."""

import os

import click

from orchestrator.cli.options import common
from orchestrator.cli.waking import Waker
from orchestrator.host import files
from orchestrator.settings import wake_file
from orchestrator.state.alone import alone
from orchestrator.state.layout import Layout
from orchestrator.state.wakes import WakePaths


@click.command("wake")
@click.argument("file")
@click.option("--once", is_flag=True, help="Wake once and return; whoever calls again goes on from there.")
@click.option("--anew", is_flag=True, help="Forget the former wakes of FILE and begin again.")
@common
def command(root: str, as_json: bool, file: str, once: bool, anew: bool) -> int:
    """Wake by the intervals of FILE until its workers are gone and their outputs complete.

    At each wake: who is at work by the claims, how many outputs there are, what changed. All there: verify, and end.
    Partial: one clean-up with what is missing. Stuck: look, restart once, give up. What was seen and decided is kept
    below runtime/wakes, so that a killed wake goes on where it was. Exit codes: 0 complete (with --once also: not
    over yet), 1 stuck, 2 something is missing, 75 another process wakes for FILE.
    """
    path = os.path.realpath(file)
    told = wake_file.read(path)
    paths = WakePaths(Layout(root), told.name)
    with alone(paths.lock, f"wake {told.name}"):
        if anew:
            files.remove(paths.memory)
        waker = Waker(paths, path, told, as_json=as_json)
        return waker.wake().memory.ended or 0 if once else waker.watch()
