"""Requests: what can be asked, and nothing else."""

import pytest

from orchestrator.errors import UsageError
from orchestrator.wire.messages import METHODS, Adopt, Cancel, Ping, Request, Status, Stop, build, describe

EVERY: list[Request] = [
    Ping(id=1),
    Status(id="s"),
    Adopt("7", id=2),
    Cancel("7", id=3),
    Cancel("7", "group_A_track_1", id=4),
    Stop(id=6),
    Stop(workers=True, id=7),
]


@pytest.mark.parametrize("request_", EVERY, ids=repr)
def test_a_request_survives_the_way(request_: Request) -> None:
    """Method and parameters of a request make the same request again."""
    method, params = describe(request_)
    assert build(method, params, request_.id) == request_


def test_every_method_is_tried() -> None:
    """The list above leaves no method out."""
    assert {describe(each)[0] for each in EVERY} == set(METHODS)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ping", {"x": 1}),
        ("status", {"root": "/"}),
        ("adopt", {}),
        ("adopt", {"run": None}),
        ("adopt", {"run": 7}),
        ("adopt", {"run": "../x"}),
        ("adopt", {"run": "a\x1b[31m"}),
        ("adopt", {"run": "a" * 5000}),
        ("adopt", {"run": "a", "command": ["rm"]}),
        ("cancel", {"track": "t"}),
        ("cancel", {"run": "r", "track": 3}),
        ("cancel", {"run": "r", "track": ["t"]}),
        ("cancel", {"run": "r", "track": "-t"}),
        ("stop", {"workers": 1}),
        ("stop", {"workers": "yes"}),
        ("stop", {"workers": None}),
    ],
)
def test_what_is_not_in_the_table_is_refused(method: str, params: dict[str, object]) -> None:
    """An unknown, missing, mistyped or hostile parameter is an error in one line that is safe to show."""
    with pytest.raises(UsageError) as refused:
        build(method, params, 1)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200
