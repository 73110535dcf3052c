"""Which part of a source is meant: ``--group G`` and ``--tracks a,b``."""

from collections.abc import Callable
from typing import Final, TypeVar

import click

from orchestrator.core.name import check_name
from orchestrator.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., object])

_GROUP: Final = "Only this group, by its letter or name. Default: every group whose prerequisites are done."
_TRACKS: Final = "Only these tracks, with commas between them."


def selecting(function: Function) -> Function:
    """Add both options to a command: it gets ``group`` and ``tracks``, None where they are not given."""
    group = click.option("--group", metavar="G", help=_GROUP)
    return group(click.option("--tracks", metavar="A,B", help=_TRACKS)(function))


def names_of(tracks: str | None) -> frozenset[str]:
    """Return the names in ``a,b``; none for None. Raises :class:`UsageError` where there is no name in it."""
    if tracks is None:
        return frozenset()
    names = frozenset(check_name("track", each.strip()) for each in tracks.split(",") if each.strip())
    if not names:
        raise UsageError("--tracks names no track", hint="write --tracks group_A_track_1,group_A_track_2")
    return names
