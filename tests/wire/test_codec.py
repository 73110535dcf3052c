"""Requests and answers as lines: strict on the way in, exact on the way out."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import errors
from orchestrator.wire import codec
from orchestrator.wire.messages import Cancel, Ping, Stop


def _line(**fields: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", **fields}).encode() + b"\n"


def test_a_request_is_one_line() -> None:
    """What is sent is one line of ASCII, and is read as what was meant."""
    line = codec.encode_request(Cancel("7", "t1", id=3))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert codec.decode_request(line) == Cancel("7", "t1", id=3)


def test_params_may_be_left_out() -> None:
    """A method without parameters needs no empty object."""
    assert codec.decode_request(_line()) == Ping(id=1)
    assert codec.decode_request(_line(method="stop")) == Stop(workers=False, id=1)


@pytest.mark.parametrize(
    ("line", "code", "ident"),
    [
        (b"", codec.PARSE_ERROR, None),
        (b"\n", codec.PARSE_ERROR, None),
        (b"GET / HTTP/1.1\r\n", codec.PARSE_ERROR, None),
        (b"\xff\xfe{}", codec.PARSE_ERROR, None),
        (b"[]", codec.PARSE_ERROR, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', codec.PARSE_ERROR, None),
        (b"{" * 50_000, codec.PARSE_ERROR, None),
        (b'{"a":' * 200 + b"1" + b"}" * 200, codec.PARSE_ERROR, None),
        (b'{"id":1,"id":2}', codec.PARSE_ERROR, None),
        (_line(id=float("nan")), codec.PARSE_ERROR, None),
        (b'{"a":"' + b"x" * codec.LARGEST + b'"}', codec.INVALID_REQUEST, None),
        (b"{}", codec.INVALID_REQUEST, None),
        (_line(id=None), codec.INVALID_REQUEST, None),
        (_line(id=True), codec.INVALID_REQUEST, None),
        (_line(id=1.5), codec.INVALID_REQUEST, None),
        (_line(id=2**70), codec.INVALID_REQUEST, None),
        (_line(id="x" * 65), codec.INVALID_REQUEST, None),
        (_line(id=[1]), codec.INVALID_REQUEST, None),
        (_line(jsonrpc="1.0"), codec.INVALID_REQUEST, 1),
        (_line(jsonrpc=None), codec.INVALID_REQUEST, 1),
        (_line(method=7), codec.INVALID_REQUEST, 1),
        (_line(params=[1, 2]), codec.INVALID_REQUEST, 1),
        (_line(params=None), codec.INVALID_REQUEST, 1),
        (_line(token="x"), codec.INVALID_REQUEST, 1),
        (_line(method="rpc.discover"), codec.METHOD_NOT_FOUND, 1),
        (_line(method="__class__"), codec.METHOD_NOT_FOUND, 1),
        (_line(method="Ping"), codec.METHOD_NOT_FOUND, 1),
        (_line(method="\x1b[31m" * 1000), codec.METHOD_NOT_FOUND, 1),
        (_line(id="abc", params={"x": 1}), codec.INVALID_PARAMS, "abc"),
        (_line(method="adopt", params={"run": "../../etc"}), codec.INVALID_PARAMS, 1),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, code: int, ident: object) -> None:
    """Each is refused with its code, the caller's id where it could be read, and a line that is safe to show."""
    with pytest.raises(codec.Refused) as refused:
        codec.decode_request(line)
    assert (refused.value.code, refused.value.id) == (code, ident)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    """No bytes make anything but a request or a refusal."""
    with suppress(codec.Refused):
        assert codec.decode_request(line).id is not None


def test_an_answer_comes_back() -> None:
    """The result is what was sent, for the request that it answers."""
    line = codec.encode_response("a", {"runs": ["ä", None, 1]})
    assert line.count(b"\n") == 1
    assert codec.decode_response(line, "a") == {"runs": ["ä", None, 1]}


@pytest.mark.parametrize(
    ("error", "same"),
    [
        (errors.NotFound("no run is called 9", hint="look"), errors.NotFound),
        (errors.BadName("bad"), errors.BadName),
        (errors.NoSpace("disk full"), errors.NoSpace),
        (errors.GitRefused("git said no"), errors.DaemonUnavailable),
    ],
)
def test_an_error_of_ours_is_raised_again(error: errors.OrchdError, same: type[errors.OrchdError]) -> None:
    """The caller meets the error that the daemon met; one that is no request's fault as the daemon's."""
    line = codec.encode_error(1, codec.REFUSED, error.message, error)
    with pytest.raises(same) as raised:
        codec.decode_response(line, 1)
    assert type(raised.value) is same
    assert (raised.value.message, raised.value.hint) == (error.message, error.hint)


def test_a_refusal_without_a_cause_is_the_daemons() -> None:
    """A plain JSON-RPC error, also one for nobody, is raised as what the daemon said; escapes are written out."""
    with pytest.raises(errors.DaemonUnavailable, match=r"no \\x1b\[31m"):
        codec.decode_response(codec.encode_error(None, codec.INTERNAL_ERROR, "no \x1b[31m"), 1)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"{}",
        b'{"jsonrpc":"2.0","id":2,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"1.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"data":7}}',
        b'{"jsonrpc":"2.0","id":1,"error":"no"}',
    ],
)
def test_what_is_no_answer_is_refused(line: bytes) -> None:
    """An answer that is none, or one to another question, is an error of the daemon."""
    with pytest.raises(errors.DaemonUnavailable):
        codec.decode_response(line, 1)
