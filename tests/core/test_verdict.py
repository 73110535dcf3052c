"""What is said of an owner: dead only on proof."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.claim import GRAIN_NS, BarePid, Claim, Opaque, Record, judge, judge_elsewhere
from orchestrator.core.machine import Machine, Sight

HERE = Machine("host-a", "workshop", "boot-1", 4026531836)
CLAIM = Claim(
    track="t",
    token="0" * 32,
    fence=1,
    pid=50,
    start_ticks=900,
    boot_id="boot-1",
    pidns=4026531836,
    host_id="host-a",
    host="workshop",
    pgid=None,
    owner="me",
    run=None,
    attempt=None,
    claimed_at="2026-11-20T10:00:00.000Z",
)
LEADER = replace(CLAIM, pgid=50)
BARE = BarePid(50, "content-0")
RUNNING = Sight("running", 900, 1_000)
GONE = Sight("gone")
ZOMBIE = Sight("zombie", 900, 1_000)
WRITTEN = 10_000_000_000


@pytest.mark.parametrize(
    ("record", "here", "sight", "state", "why"),
    [
        (CLAIM, HERE, RUNNING, "alive", "process 50 is running"),
        (CLAIM, HERE, replace(RUNNING, seen="stopped"), "alive", "process 50 is paused (stopped), and still the owner"),
        (CLAIM, HERE, GONE, "dead", "process 50 is gone"),
        (CLAIM, HERE, ZOMBIE, "dead", "process 50 has ended (a zombie)"),
        (CLAIM, HERE, replace(GONE, group=True), "dead", "process 50 is gone"),
        (LEADER, HERE, GONE, "dead", "process 50 is gone"),
        (
            LEADER,
            HERE,
            replace(GONE, group=True),
            "orphaned",
            "process 50 is gone, but processes of its group still run",
        ),
        (
            LEADER,
            HERE,
            replace(ZOMBIE, group=True),
            "orphaned",
            "process 50 has ended (a zombie), but processes of its group still run",
        ),
        (replace(CLAIM, pgid=49), HERE, replace(GONE, group=True), "dead", "process 50 is gone"),
        (
            CLAIM,
            HERE,
            replace(RUNNING, start_ticks=901),
            "dead",
            "process 50 is gone: its number now belongs to another process",
        ),
        (
            LEADER,
            HERE,
            replace(ZOMBIE, start_ticks=901),
            "dead",
            "process 50 is gone: its number now belongs to another process",
        ),
        (CLAIM, HERE, Sight("hidden"), "unknown", "process 50 cannot be examined: this machine hides it"),
        (
            replace(CLAIM, start_ticks=None),
            HERE,
            RUNNING,
            "unknown",
            "process 50 runs, but whether it is the owner cannot be told: no start time to compare",
        ),
        (
            CLAIM,
            replace(HERE, ticks_comparable=False),
            replace(RUNNING, start_ticks=901),
            "unknown",
            "process 50 runs, but whether it is the owner cannot be told: no start time to compare",
        ),
        (
            CLAIM,
            HERE,
            replace(RUNNING, start_ticks=None),
            "unknown",
            "process 50 runs, but whether it is the owner cannot be told: no start time to compare",
        ),
        (replace(CLAIM, start_ticks=None), HERE, GONE, "dead", "process 50 is gone"),
        (replace(CLAIM, start_ticks=None), HERE, ZOMBIE, "dead", "process 50 has ended (a zombie)"),
        (
            replace(CLAIM, boot_id="boot-0"),
            HERE,
            RUNNING,
            "dead",
            "the machine was restarted since process 50 claimed it",
        ),
        (replace(CLAIM, boot_id=None), HERE, RUNNING, "alive", "process 50 is running"),
        (CLAIM, replace(HERE, boot_id=None), RUNNING, "alive", "process 50 is running"),
        (
            replace(CLAIM, host_id="host-b", host="shed\x1b[31m"),
            HERE,
            GONE,
            "foreign",
            "claimed on host shed\\x1b[31m: its processes cannot be seen from here",
        ),
        (
            replace(CLAIM, host_id="host-b", boot_id="boot-0"),
            HERE,
            GONE,
            "foreign",
            "claimed on host workshop: its processes cannot be seen from here",
        ),
        (
            replace(CLAIM, pidns=7),
            HERE,
            GONE,
            "foreign",
            "claimed in another pid namespace (container) on this host, as process 50",
        ),
        (
            replace(CLAIM, pidns=7, boot_id="boot-0"),
            HERE,
            RUNNING,
            "dead",
            "the machine was restarted since process 50 claimed it",
        ),
        (replace(CLAIM, pidns=None), HERE, GONE, "dead", "process 50 is gone"),
        (CLAIM, replace(HERE, pidns=None), GONE, "dead", "process 50 is gone"),
        (BARE, HERE, GONE, "dead", "process 50 is gone"),
        (BARE, HERE, ZOMBIE, "dead", "process 50 has ended (a zombie)"),
        (BARE, HERE, replace(GONE, group=True), "orphaned", "process 50 is gone, but processes of its group still run"),
        (BARE, HERE, Sight("hidden"), "unknown", "process 50 cannot be examined: this machine hides it"),
        (BARE, HERE, Sight("running"), "unknown", "process 50 runs, but whether it wrote the lock cannot be told"),
        (BARE, HERE, RUNNING, "alive", "process 50 is running (the lock holds a pid only)"),
        (
            BARE,
            HERE,
            replace(RUNNING, started_ns=WRITTEN + GRAIN_NS),
            "alive",
            "process 50 is running (the lock holds a pid only)",
        ),
        (
            BARE,
            HERE,
            replace(RUNNING, started_ns=WRITTEN + GRAIN_NS + 1),
            "dead",
            "process 50 started after the lock was written: its number was used again",
        ),
        (
            BARE,
            HERE,
            replace(RUNNING, started_ns=WRITTEN + GRAIN_NS + 1, clock_steady=False),
            "unknown",
            "process 50 runs; the clock was moved, so whether it wrote the lock cannot be told",
        ),
        (
            BARE,
            HERE,
            replace(RUNNING, clock_steady=False),
            "alive",
            "process 50 is running (the lock holds a pid only)",
        ),
        (Opaque("the file is empty", "x"), HERE, GONE, "unreadable", "held, not judged: the file is empty"),
        (Opaque("of another tool", "x", "unknown", 50), HERE, GONE, "unknown", "held, not judged: of another tool"),
    ],
)
def test_verdict(record: Record, here: Machine, sight: Sight, state: str, why: str) -> None:
    """Each combination of record, machine and sight has its state, and a line that a person understands."""
    verdict = judge(record, here, sight, WRITTEN)
    assert (verdict.state, verdict.why) == (state, why)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, None),
        ({"boot_id": None}, None),
        ({"pidns": None}, None),
        ({"host_id": "host-b"}, "foreign"),
        ({"boot_id": "boot-0"}, "dead"),
        ({"pidns": 7}, "foreign"),
    ],
)
def test_a_pid_of_elsewhere_is_nobody_here(changes: dict[str, Any], state: str | None) -> None:
    """For a record of another machine, boot or namespace there is a verdict without a look at any process."""
    verdict = judge_elsewhere(replace(CLAIM, **changes), HERE)
    assert (verdict.state if verdict is not None else None) == state
