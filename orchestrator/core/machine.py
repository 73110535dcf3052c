"""What the machine says: where we are, and what it knows of one process."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Machine:
    """Where we are: what a record is compared with. None: this machine does not say."""

    host_id: str
    host: str
    boot_id: str | None
    pidns: int | None
    ticks_comparable: bool = True


@dataclass(frozen=True, slots=True)
class Sight:
    """What the machine says of one pid right now.

    ``started_ns`` is its start on the wall clock (ns since the epoch), as far as the clock was not
    moved; ``clock_steady`` tells whether it was. ``group`` tells whether the process group of
    that number has living members.
    """

    seen: Literal["running", "stopped", "zombie", "gone", "hidden"]
    start_ticks: int | None = None
    started_ns: int | None = None
    clock_steady: bool = True
    group: bool = False
