"""Everything that can be asked of the daemon. What is not in this table does not exist: deny by default.

``id`` is what the caller put there to know the answer by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.errors import UsageError

Id = int | str


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask whether the daemon is there, and who it is."""

    id: Id = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Ask what is going on."""

    id: Id = 0


@dataclass(frozen=True, slots=True)
class Adopt:
    """Drive this accepted run."""

    run: str
    id: Id = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """End one track of a run, or all of it where ``track`` is None."""

    run: str
    track: str | None = None
    id: Id = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """End; with ``workers`` end them too, else they go on."""

    workers: bool = False
    id: Id = 0


Request = Ping | Status | Adopt | Cancel | Stop
"""Every request."""


def _adopt(params: Mapping[str, object], ident: Id) -> Request:
    return Adopt(_name(params, "run"), id=ident)


def _cancel(params: Mapping[str, object], ident: Id) -> Request:
    track = None if params.get("track") is None else _name(params, "track")
    return Cancel(_name(params, "run"), track, id=ident)


def _stop(params: Mapping[str, object], ident: Id) -> Request:
    workers = params.get("workers", False)
    if not isinstance(workers, bool):
        raise UsageError("parameter workers is not true or false")
    return Stop(workers, id=ident)


def _name(params: Mapping[str, object], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str):
        raise UsageError(f"parameter {key} is missing or not a text")
    return check_name(key, value)


_Build = Callable[[Mapping[str, object], Id], Request]

METHODS: Final[Mapping[str, tuple[frozenset[str], _Build]]] = {
    "ping": (frozenset(), lambda _params, ident: Ping(id=ident)),
    "status": (frozenset(), lambda _params, ident: Status(id=ident)),
    "adopt": (frozenset({"run"}), _adopt),
    "cancel": (frozenset({"run", "track"}), _cancel),
    "stop": (frozenset({"workers"}), _stop),
}
"""Each method: the parameters it may have, and what makes the request of them."""


def build(method: str, params: Mapping[str, object], ident: Id) -> Request:
    """Return the request; ``method`` is one of METHODS.

    Raises :class:`UsageError` for a parameter that is unknown, missing, of another type or no name.
    """
    allowed, make = METHODS[method]
    unknown = sorted(set(params) - allowed)
    if unknown:
        raise UsageError(f"{method} has no parameter {visible(unknown[0], 40)}")
    return make(params, ident)


def describe(request: Request) -> tuple[str, dict[str, object]]:
    """Return the method and the parameters of a request: the reverse of :func:`build`."""
    match request:
        case Adopt(run=run):
            return "adopt", {"run": run}
        case Cancel(run=run, track=track):
            return "cancel", {"run": run, "track": track}
        case Stop(workers=workers):
            return "stop", {"workers": workers}
        case Ping() | Status():
            return type(request).__name__.lower(), {}
