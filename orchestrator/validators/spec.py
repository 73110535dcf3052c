"""What a validator is to look at: its specification, written by the orchestrator."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

from orchestrator.core.typed import build, versioned

VERSION: Final = 1

Kind = Literal["artifacts", "diff"]


@dataclass(frozen=True, slots=True)
class Spec:
    """What to look for.

    ``base`` is the commit that the work began on, ``paths`` are globs from the top of the working tree. A file
    written after ``since`` (s since the epoch, None: not known) is new, and so is one that differs from ``base``.
    """

    kind: Kind
    base: str
    paths: tuple[str, ...]
    since: float | None = None


def encode(spec: Spec) -> bytes:
    """Return the specification's bytes."""
    return json.dumps({"v": VERSION, **asdict(spec)}, indent=1).encode("ascii") + b"\n"


def decode(data: bytes) -> Spec:
    """Read a specification of version 1; raises ``Unreadable`` with the reason."""
    return build(Spec, versioned(data, VERSION, "the specification of a validator"))
