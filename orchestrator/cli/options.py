"""What every command takes: ``--root DIR`` and ``--json``, before the command's name or after it."""

from collections.abc import Callable
from typing import Final, TypeVar

import click

from orchestrator.cli import root as roots

Function = TypeVar("Function", bound=Callable[..., object])

_ROOT_HELP: Final = "The root. Default: $ORCHD_ROOT, else the nearest folder upwards that looks like one."
_JSON_HELP: Final = "Print one JSON document (streams: one object a line)."


def _above(ctx: click.Context, name: str) -> object:
    """Return what the group was given under that name."""
    return ctx.parent.params.get(name) if ctx.parent is not None else None


def _named(ctx: click.Context, value: str | None) -> str | None:
    above = _above(ctx, "root")
    return above if value is None and isinstance(above, str) else value


def _root(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    return roots.find(_named(ctx, value))


def _root_or_here(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    return roots.find_or_here(_named(ctx, value))


def _as_json(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    return value or _above(ctx, "as_json") is True


def common(function: Function) -> Function:
    """Add both options: the function gets ``root`` (absolute, an existing folder) and ``as_json``."""
    root = click.option("--root", metavar="DIR", callback=_root, help=_ROOT_HELP)
    return root(click.option("--json", "as_json", is_flag=True, callback=_as_json, help=_JSON_HELP)(function))


def common_or_here(function: Function) -> Function:
    """Like :func:`common`; where nothing looks like a root, ``root`` is the present folder."""
    root = click.option("--root", metavar="DIR", callback=_root_or_here, help=_ROOT_HELP)
    return root(click.option("--json", "as_json", is_flag=True, callback=_as_json, help=_JSON_HELP)(function))


def of_group(function: Function) -> Function:
    """Add both options to the group; its commands take them from there."""
    root = click.option("--root", metavar="DIR", help=_ROOT_HELP)
    return root(click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)(function))
