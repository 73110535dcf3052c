"""Locks as they were once written are read for ever. A sample is never changed; a new form gets a new one."""

from pathlib import Path

import pytest

from orchestrator.core.claim import BarePid, Claim, Opaque, Record, content_token, encode, parse

SAMPLES = Path(__file__).parents[1] / "data" / "v1"
FULL = Claim(
    track="group_E_track_1",
    token="0123456789abcdef0123456789abcdef",
    fence=7,
    pid=4242,
    start_ticks=123456,
    boot_id="2c1b0c0e-6b0a-4b2e-9d0e-1f2a3b4c5d6e",
    pidns=4026531836,
    host_id="3d1219c7c4c5404aaa1f6d2a48adfda4",
    host="workshop",
    pgid=4242,
    owner="claude ☃ \udcff",
    run="1783",
    attempt=1,
    claimed_at="2026-11-20T10:00:00.000Z",
    note="a\n\x1b[31mnote",
)
LEAST = Claim(
    track="unit_docs",
    token="fedcba9876543210fedcba9876543210",
    fence=0,
    pid=2,
    start_ticks=None,
    boot_id=None,
    pidns=None,
    host_id="name-shed",
    host="shed",
    pgid=None,
    owner="unnamed",
    run=None,
    attempt=None,
    claimed_at="2026-11-20T10:00:00.000Z",
    note="",
)
BY_HAND = Claim(
    track="unit_docs",
    token="00000000000000000000000000000001",
    fence=12,
    pid=77,
    start_ticks=None,
    boot_id=None,
    pidns=None,
    host_id="3d1219c7c4c5404aaa1f6d2a48adfda4",
    host="workshop",
    pgid=None,
    owner="a person",
    run=None,
    attempt=None,
    claimed_at="2026-11-20",
    note="",
)


def sample(name: str) -> bytes:
    """Return a frozen file."""
    return (SAMPLES / f"lock-{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("full", FULL),
        ("bare", LEAST),
        ("by-hand", BY_HAND),
        ("pid", BarePid(4242, content_token(sample("pid"), 0))),
        ("uucp", BarePid(4242, content_token(sample("uucp"), 0))),
        (
            "other-tool",
            Opaque(
                "JSON of another tool: it cannot be judged", content_token(sample("other-tool"), 0), "unknown", 4242
            ),
        ),
        ("newer", Opaque("written by a newer orchd (version 2)", content_token(sample("newer"), 0), "unknown")),
    ],
)
def test_a_frozen_lock_is_read_as_ever(name: str, record: Record) -> None:
    """Each sample means today what it meant when it was written."""
    assert parse(sample(name)) == record


def test_a_claim_is_written_as_ever() -> None:
    """What we write is byte for byte what older readers know."""
    assert encode(FULL) == sample("full")


def test_every_sample_is_tested() -> None:
    """No sample lies there unread."""
    names = {path.stem.removeprefix("lock-") for path in SAMPLES.glob("lock-*.json")}
    assert names == {"full", "bare", "by-hand", "pid", "uucp", "other-tool", "newer"}


def test_the_token_of_content_never_changes() -> None:
    """A token that was printed yesterday still names the same lock."""
    assert content_token(b"4242\n", 1_700_000_000_123_456_789) == "content-17979cfe3d85cd15-5-e6662952"
