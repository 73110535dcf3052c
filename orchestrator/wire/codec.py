"""Requests and answers as lines. Pure: bytes in, records out, and the reverse.

A request that is not one is refused with a code of JSON-RPC 2.0. An error of ours travels with its name
and hint, so that the caller can raise the same one.
"""

import json
from collections.abc import Mapping
from typing import Final

from orchestrator import errors
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.wire.messages import METHODS, Id, Request, build, describe

LARGEST: Final = 64 * 1024
"""A request of more bytes is refused: the longest of ours has some hundred."""

LARGEST_ANSWER: Final = 64 * 1024 * 1024
"""More bytes are not an answer: the status of ten thousand tracks is far less."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REFUSED: Final = -32000
"""An error that the caller can act on; ``data`` says which."""

_LONGEST_ID: Final = 64

_RAISED_AGAIN: Final[Mapping[str, type[errors.OrchdError]]] = {
    each.code: each
    for each in (
        errors.UsageError,
        errors.BadName,
        errors.NotFound,
        errors.NotHeld,
        errors.GuardBusy,
        errors.NoSpace,
        errors.SystemFailure,
        errors.Unreadable,
    )
}


class Refused(Exception):
    """What came in is not a request; ``id`` is the caller's where it could be read."""

    def __init__(self, code: int, message: str, id: Id | None = None) -> None:  # noqa: A002  # the protocol's word
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id


def decode_request(line: bytes) -> Request:
    """Return the request that a line holds; raises :class:`Refused` for everything else."""
    if len(line) > LARGEST:
        raise Refused(INVALID_REQUEST, f"more than {LARGEST} bytes")
    try:
        fields = parse_object(line)
    except errors.Unreadable as error:
        raise Refused(PARSE_ERROR, error.message) from error
    ident = _id(fields)
    method, params = fields.get("method"), fields.get("params", {})
    if fields.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        raise Refused(INVALID_REQUEST, "not a JSON-RPC 2.0 request with named parameters", ident)
    if set(fields) - {"jsonrpc", "id", "method", "params"}:
        raise Refused(INVALID_REQUEST, "a request holds jsonrpc, id, method and params, and nothing else", ident)
    if method not in METHODS:
        raise Refused(METHOD_NOT_FOUND, f"no method is called '{visible(method, 40)}'", ident)
    try:
        return build(method, params, ident)
    except errors.UsageError as error:
        raise Refused(INVALID_PARAMS, error.message, ident) from error


def _id(fields: Mapping[str, object]) -> Id:
    ident = fields.get("id")
    if type(ident) is int and abs(ident) < 2**53:
        return ident
    if isinstance(ident, str) and len(ident) <= _LONGEST_ID:
        return ident
    raise Refused(INVALID_REQUEST, "id is missing, or neither a number nor a short text")


def encode_request(request: Request) -> bytes:
    """Return a request as one line."""
    method, params = describe(request)
    return _line({"jsonrpc": "2.0", "id": request.id, "method": method, "params": params})


def encode_response(id: Id, result: Mapping[str, object]) -> bytes:  # noqa: A002  # the protocol's word
    """Return the answer to a request as one line."""
    return _line({"jsonrpc": "2.0", "id": id, "result": dict(result)})


def encode_error(id: Id | None, code: int, message: str, cause: errors.OrchdError | None = None) -> bytes:  # noqa: A002  # the protocol's word
    """Return a refusal as one line; ``cause`` is the error of ours that the caller is to raise again."""
    fields: dict[str, object] = {"code": code, "message": visible(message)}
    if cause is not None:
        fields["data"] = {"error": cause.code, "hint": visible(cause.hint)}
    return _line({"jsonrpc": "2.0", "id": id, "error": fields})


def decode_response(line: bytes, id: Id) -> dict[str, object]:  # noqa: A002  # the protocol's word
    """Return the result in the answer to the request ``id``.

    Raises the error that the daemon refused with, or :class:`DaemonUnavailable` where this is no answer.
    """
    try:
        fields = parse_object(line)
    except errors.Unreadable as error:
        raise errors.DaemonUnavailable(f"the daemon's answer cannot be read: {error.message}") from error
    refusal, result = fields.get("error"), fields.get("result")
    if isinstance(refusal, dict):
        raise _raised(refusal)
    if fields.get("jsonrpc") != "2.0" or fields.get("id") != id or not isinstance(result, dict):
        raise errors.DaemonUnavailable("the daemon's answer is not one to what was asked")
    return result


def _raised(refusal: Mapping[str, object]) -> errors.OrchdError:
    data = refusal.get("data")
    details = data if isinstance(data, dict) else {}
    kind = _RAISED_AGAIN.get(str(details.get("error")), errors.DaemonUnavailable)
    return kind(visible(str(refusal.get("message", "no reason given"))), hint=visible(str(details.get("hint", ""))))


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
