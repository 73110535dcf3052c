"""The record of a claim: encoded, read back, and what is made of everything else."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.claim import (
    FENCE_WIDTH,
    LARGEST,
    BarePid,
    Claim,
    Opaque,
    content_token,
    encode,
    fence_field,
    fence_offset,
    parse,
)

TOKEN = "0123456789abcdef" * 2
CLAIM = Claim(
    track="group_E_track_1",
    token=TOKEN,
    fence=7,
    pid=4242,
    start_ticks=123456,
    boot_id="2c1b0c0e-6b0a-4b2e-9d0e-1f2a3b4c5d6e",
    pidns=4026531836,
    host_id="3d1219c7c4c5404aaa1f6d2a48adfda4",
    host="workshop",
    pgid=4242,
    owner="claude",
    run="1783",
    attempt=1,
    claimed_at="2026-11-20T10:00:00.000Z",
    note="",
)
TEXT = st.text(st.characters(codec=None), min_size=1, max_size=40)
NUMBER = st.integers(0, 2**63 - 1)
CLAIMS = st.builds(
    Claim,
    track=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", fullmatch=True),
    token=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    fence=NUMBER,
    pid=st.integers(1, 2**63 - 1),
    start_ticks=st.none() | NUMBER,
    boot_id=st.none() | TEXT,
    pidns=st.none() | NUMBER,
    host_id=TEXT,
    host=TEXT,
    pgid=st.none() | NUMBER,
    owner=TEXT,
    run=st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", fullmatch=True),
    attempt=st.none() | NUMBER,
    claimed_at=TEXT,
    note=st.just("") | TEXT,
)


@given(CLAIMS)
def test_what_is_written_is_read_back(claim: Claim) -> None:
    """Every claim survives the way through its line, whatever texts it holds."""
    assert parse(encode(claim)) == claim


@given(CLAIMS)
def test_a_record_is_one_line_of_json(claim: Claim) -> None:
    """The record is plain ASCII, one line, and any JSON reader understands it."""
    line = encode(claim)
    assert line.isascii()
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line)["fence"] == claim.fence


@given(CLAIMS, NUMBER)
def test_the_fence_is_stamped_in_place(claim: Claim, fence: int) -> None:
    """The fence can be put into a written record without changing any other byte."""
    line = bytearray(encode(replace(claim, fence=0)))
    at = fence_offset(bytes(line))
    line[at : at + FENCE_WIDTH] = fence_field(fence)
    assert parse(bytes(line)) == replace(claim, fence=fence)


@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_reading_never_raises(data: bytes) -> None:
    """Whatever bytes a lock holds, there is a record of it with a token of its own."""
    record = parse(data, 5)
    assert record.token == content_token(data, 5)


@given(
    st.recursive(
        st.none() | st.booleans() | NUMBER | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_read_without_raising(value: object) -> None:
    """JSON of any shape is a record too: a bare pid, or held and not judged."""
    assert isinstance(parse(json.dumps(value).encode()), (BarePid, Opaque))


@pytest.mark.parametrize(
    ("data", "pid"),
    [(b"4242\n", 4242), (b"4242", 4242), (b"      4242\n", 4242), (b"\t0004242 \r\n\n", 4242), (b"2", 2)],
)
def test_a_bare_pid_is_honoured(data: bytes, pid: int) -> None:
    """What `echo $$` and other tools write is a pid, padded or not."""
    assert parse(data, 9) == BarePid(pid, content_token(data, 9))


@pytest.mark.parametrize(
    ("data", "state", "reason"),
    [
        (b"", "unreadable", "the file is empty: its writer has not said who it is"),
        (b" \n\t\n", "unreadable", "the file is empty: its writer has not said who it is"),
        (b"0\n", "unreadable", "JSON, but not an object"),
        (b"1\n", "unreadable", "JSON, but not an object"),
        (b"2147483648\n", "unreadable", "JSON, but not an object"),
        (b"-5\n", "unreadable", "JSON, but not an object"),
        (b"12 34\n", "unreadable", "not valid JSON: Extra data: line 1 column 4 (char 3)"),
        (b"pid 12\n", "unreadable", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\x00\x01\x02", "unreadable", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xfe1\x002\x00", "unreadable", "not UTF-8 (byte 0)"),
        (b'{"a": 1', "unreadable", "not valid JSON: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b"[" * LARGEST, "unreadable", "nested too deeply"),
        (b"{}", "unknown", "JSON of another tool: it cannot be judged"),
        (b'{"pid": 12}', "unknown", "JSON of another tool: it cannot be judged"),
        (b'{"v": 1.0, "token": ""}', "unknown", "written by another orchd (version 1.0)"),
        (b'{"v": true, "token": ""}', "unknown", "written by another orchd (version True)"),
        (b'{"v": 2, "token": ""}', "unknown", "written by a newer orchd (version 2)"),
        (b'{"v": "\\u001b[2J", "token": ""}', "unknown", "written by another orchd (version \\x1b[2J)"),
        (b'{"v": 1, "token": "x"}', "unreadable", "field track is missing or not a text"),
    ],
)
def test_everything_else_is_held(data: bytes, state: str, reason: str) -> None:
    """What is neither our record nor a pid is held, with the reason in a few words."""
    record = parse(data, 9)
    assert isinstance(record, Opaque)
    assert (record.state, record.reason, record.token) == (state, reason, content_token(data, 9))


@pytest.mark.parametrize(("pid", "shown"), [(12, 12), (0, None), (True, None), ("12", None), (None, None)])
def test_a_stranger_s_pid_is_shown(pid: object, shown: int | None) -> None:
    """The pid in another tool's JSON is for people; what cannot be one is left out."""
    record = parse(json.dumps({"pid": pid}).encode())
    assert isinstance(record, Opaque)
    assert record.pid == shown


BAD_TEXT: tuple[object, ...] = ("", None, 1, True, [], {}, 1.5)
NO_TEXT: tuple[object, ...] = (1, True, [], {})
BAD_NUMBER: tuple[object, ...] = ("1", True, -1, 1.0, [], {}, 2**63)
BAD: list[tuple[str, object, str]] = (
    [
        (key, value, f"field {key} is missing or not a text")
        for key in ("track", "host_id", "host", "owner", "claimed_at")
        for value in BAD_TEXT
    ]
    + [("token", value, "field token is missing or not a text") for value in BAD_TEXT]
    + [
        ("token", value, "field token is not 128 bits in hex")
        for value in ("../../x", TOKEN + "0", TOKEN.upper(), TOKEN + "\n", "x" * 32)
    ]
    + [(key, value, f"field {key} is missing or not a text") for key in ("boot_id", "run", "note") for value in NO_TEXT]
    + [("run", value, "field run is not a name") for value in ("../../etc", "a/b", ".", "-rf", "a\n", "x" * 101)]
    + [
        (key, value, f"field {key} is missing or not a sensible number")
        for key in ("fence", "pid")
        for value in (*BAD_NUMBER, None)
    ]
    + [("pid", 0, "field pid is missing or not a sensible number")]
    + [
        (key, value, f"field {key} is missing or not a sensible number")
        for key in ("start_ticks", "pidns", "pgid", "attempt")
        for value in BAD_NUMBER
    ]
)


@pytest.mark.parametrize(("key", "value", "reason"), BAD)
def test_a_record_with_a_bad_field_is_held(key: str, value: object, reason: str) -> None:
    """A version 1 record with one wrong field is unreadable as a whole, and nothing of it is believed."""
    fields = {**json.loads(encode(CLAIM)), key: value}
    data = json.dumps(fields).encode()
    assert parse(data, 3) == Opaque(reason, content_token(data, 3))


@pytest.mark.parametrize("key", ["track", "token", "fence", "pid", "host_id", "host", "owner", "claimed_at"])
def test_a_record_without_a_required_field_is_held(key: str) -> None:
    """What identifies the owner, the track and the claim must be there."""
    fields = json.loads(encode(CLAIM))
    del fields[key]
    record = parse(json.dumps(fields).encode())
    assert isinstance(record, Opaque)
    assert key in record.reason


@pytest.mark.parametrize("key", ["start_ticks", "boot_id", "pidns", "pgid", "run", "attempt"])
def test_what_a_machine_does_not_say_may_be_missing(key: str) -> None:
    """Optional facts are None when they are left out, null or empty."""
    fields = json.loads(encode(CLAIM))
    del fields[key]
    left_out = parse(json.dumps(fields).encode())
    assert isinstance(left_out, Claim)
    assert getattr(left_out, key) is None
    assert parse(json.dumps({**fields, key: None}).encode()) == left_out


def test_unknown_fields_are_ignored() -> None:
    """A later writer may say more."""
    fields = {**json.loads(encode(CLAIM)), "colour": ["blue"], "pidfd_ino": 17}
    assert parse(json.dumps(fields).encode()) == CLAIM


def test_the_token_of_content_names_bytes_and_time() -> None:
    """Other bytes, or the same bytes written at another time, are another lock."""
    tokens = {content_token(b"1234\n", 5), content_token(b"1234\n", 6), content_token(b"1235\n", 5)}
    assert len(tokens) == 3
    assert content_token(b"1234\n", 5) in tokens
