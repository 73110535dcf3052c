"""How a person wants a run carried out: the options that ``orchd run`` and ``orchd retry`` have in common."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Final, Literal, TypedDict, TypeVar

import click

from orchestrator.core import duration
from orchestrator.core.name import check_name
from orchestrator.core.run import GitOptions, Options, RunRecord
from orchestrator.core.text import visible
from orchestrator.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., object])


class How(TypedDict):
    """The options of both; None where a person says nothing. ``timeout`` is a duration as written."""

    agents: int | None
    agent: str | None
    profile: str | None
    timeout: str | None
    batch_size: int | None
    isolation: Literal["worktree", "shared", "none"] | None
    push: bool | None
    detach: bool
    as_json: bool


_ISOLATION: Final = "git.isolation"

_FIELDS: Final = (
    ("agents", "agents"),
    ("profile", "profile"),
    ("batch_size", "batch_size"),
    ("push", "push"),
    ("timeout", "timeout_seconds"),
    ("isolation", _ISOLATION),
)
"""What the command line can say, and the option of a run that this is."""


def carrying_out(function: Function) -> Function:
    """Add the options to a command: all of :class:`How` but ``as_json``."""
    for option in (
        click.option(
            "--detach",
            is_flag=True,
            help="Return once the daemon, or without one a process in the background, drives the run.",
        ),
        click.option(
            "--isolation",
            type=click.Choice(("worktree", "shared", "none")),
            help="Where agents work: in a working tree each, in your checkout, or in a folder without git.",
        ),
        click.option("--push/--no-push", default=None, help="Push once at the end what was merged, or do not."),
        click.option(
            "--batch-size",
            type=click.IntRange(0, 100_000),
            metavar="N",
            help="Take on so many tracks, and the next ones when those are over; 0: no batches.",
        ),
        click.option("--timeout", metavar="D", help="How long one phase may take: 90, 30s, 5m, 1h30m, 2d."),
        click.option("--profile", metavar="P", help="Who the agents are; they are told, and limits count by it."),
        click.option("--agent", metavar="KIND", help="Who does the work: command or scripted."),
        click.option("--agents", type=click.IntRange(1, 1000), metavar="N", help="At most so many at once."),
    ):
        function = option(function)
    return function


def over(options: Options, how: How) -> Options:
    """Return ``options`` with what the command line says put over them."""
    if how["agents"] is not None:
        options = replace(options, agents=how["agents"])
    if how["profile"] is not None:
        options = replace(options, profile=check_name("profile", how["profile"]))
    if how["batch_size"] is not None:
        options = replace(options, batch_size=how["batch_size"])
    if how["push"] is not None:
        options = replace(options, push=how["push"])
    if how["isolation"] is not None:
        options = replace(options, git=replace(options.git, isolation=how["isolation"]))
    if how["timeout"] is not None:
        seconds = duration.parse(how["timeout"])
        if not seconds:
            raise UsageError("--timeout must be more than 0", hint="write 90 (seconds), 30s, 5m, 1h30m or 2d")
        options = replace(options, timeout_seconds=seconds)
    return options


def said(how: How) -> tuple[str, ...]:
    """Return the options of a run that the command line says something about."""
    return tuple(option for word, option in _FIELDS if how.get(word) is not None)


def again(options: Options, former: RunRecord) -> Options:
    """Return ``options``, those of the settings, with what the command line of a former run had said put over them."""
    told = {
        option: getattr(former.options, option) for _, option in _FIELDS if option in former.told and "." not in option
    }
    git = replace(options.git, isolation=former.options.git.isolation) if _ISOLATION in former.told else options.git
    return replace(options, git=git, **told)


def changes(options: Options | GitOptions, former: Options | GitOptions) -> str:
    """Say how ``options`` differ from those of a former run; nothing where they do not."""
    pairs = ((each.name, getattr(former, each.name), getattr(options, each.name)) for each in fields(options))
    return ", ".join(_changed(*each) for each in pairs if each[1] != each[2])


def _changed(name: str, before: object, now: object) -> str:
    if isinstance(before, GitOptions) and isinstance(now, GitOptions):
        return f"{name} ({changes(now, before)})"
    return f"{name.removesuffix('_seconds')} {_plain(before)} -> {_plain(now)}" if _is_plain(before, now) else name


def _is_plain(*values: object) -> bool:
    return all(isinstance(each, int | float | str) for each in values)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else visible(str(value), 60) or "none"


NOTHING_SAID = How(
    agents=None,
    agent=None,
    profile=None,
    timeout=None,
    batch_size=None,
    isolation=None,
    push=None,
    detach=False,
    as_json=False,
)
