"""Commands by name, each loaded when it is called: start-up time is import time."""

import gc
import importlib
from collections.abc import Mapping
from typing import Final

import click

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("orchestrator.cli.init:command", "Write a commented orchestrator.toml and the ignore lines."),
    "start": ("orchestrator.cli.start:command", "Start the daemon."),
    "stop": ("orchestrator.cli.stop:command", "Stop the daemon; workers go on."),
    "restart": ("orchestrator.cli.restart:command", "Stop the daemon and start it again."),
    "status": ("orchestrator.cli.status:command", "Show the daemon, the runs, and who needs a person."),
    "locks": ("orchestrator.cli.locks:command", "Show every claim, its state, and why."),
    "claim": ("orchestrator.cli.claim:command", "Claim a track, for a command or for a process."),
    "release": ("orchestrator.cli.release:command", "Give a claimed track back."),
    "break": ("orchestrator.cli.break_:command", "Free a claim that cannot be judged."),
    "reap": ("orchestrator.cli.reap:command", "Free what the dead hold, once."),
    "progress": ("orchestrator.cli.progress:command", "Report how far the worker is."),
    "events": ("orchestrator.cli.events:command", "Show the journal."),
    "logs": ("orchestrator.cli.logs:command", "Show what the agent on a track prints."),
    "plan": ("orchestrator.cli.plan:command", "Show what a run would do."),
    "run": ("orchestrator.cli.run:command", "Carry the open tracks of a source through work, review and commit."),
    "runs": ("orchestrator.cli.runs:command", "Show every run."),
    "report": ("orchestrator.cli.report:command", "Show the report of a run."),
    "cancel": ("orchestrator.cli.cancel:command", "End a run, or one track of it."),
    "retry": ("orchestrator.cli.retry:command", "Run again what a run did not finish."),
    "approve": ("orchestrator.cli.approve:command", "Open a gate that a run waits at."),
    "answer": ("orchestrator.cli.answer:command", "Answer the question of a track."),
    "restore": ("orchestrator.cli.restore:command", "Bring back what was backed up."),
    "clean": ("orchestrator.cli.clean:command", "Remove what runs left behind and nobody needs."),
    "schedule": ("orchestrator.cli.schedule:command", "Run a source again and again, until there is no work."),
    "wake": ("orchestrator.cli.wake:command", "Look after workers that somebody else started."),
    "auth": ("orchestrator.cli.auth:command", "Check keys and tokens for the remote, and what is missing."),
    "doctor": ("orchestrator.cli.doctor:command", "Check the machine and the root; each finding with its cure."),
}
"""Each command: where it is, and what it does in a few words."""


class LazyGroup(click.Group):
    """A group that knows its commands by COMMANDS; help and completion load none of them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, None for an unknown name; for completion, what the table says of it is enough."""
        if cmd_name not in COMMANDS:
            return None
        place, words = COMMANDS[cmd_name]
        return click.Command(cmd_name, short_help=words) if ctx.resilient_parsing else load(place)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that ``args`` begin with; for an unknown one, name those that are near."""
        name, *rest = args
        if name in COMMANDS:
            return name, load(COMMANDS[name][0]), rest
        if not ctx.resilient_parsing and not name.startswith("-"):
            raise click.NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def load(place: str) -> click.Command:
    """Return the command at ``module:name``.

    No cycles are collected meanwhile: what is imported stays, and looking through it again and again is a quarter
    of the start.
    """
    module, _, name = place.partition(":")
    gc.disable()
    try:
        command: click.Command = getattr(importlib.import_module(module), name)
    finally:
        gc.enable()
    gc.freeze()
    return command
