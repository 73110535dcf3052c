"""JSON from strangers: one object and nothing ambiguous."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.strictjson import DEEPEST, parse_object
from orchestrator.errors import Unreadable

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_a_plain_object_is_read(value: dict[str, object]) -> None:
    """What json writes is read back."""
    assert parse_object(json.dumps(value).encode()) == value


def nested(depth: int, opening: str, closing: str) -> bytes:
    """Return an object that is ``depth`` levels deep."""
    return (opening * (depth - 1) + "{}" + closing * (depth - 1)).encode()


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ('{"a":[', "]}")])
def test_depth_has_a_bound(opening: str, closing: str) -> None:
    """So many levels are read, one more is refused, and a hundred thousand do no harm."""
    levels = opening.count("{") + opening.count("[")
    most = (DEEPEST - 1) // levels + 1
    parse_object(nested(most, opening, closing))
    for depth in (most + 1, 100_000):
        with pytest.raises(Unreadable, match="nested too deeply"):
            parse_object(nested(depth, opening, closing))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "JSON, but not an object"),
        (b"1", "JSON, but not an object"),
        (b'"a"', "JSON, but not an object"),
        (b"null", "JSON, but not an object"),
        (b'{"a": NaN}', "not valid JSON: NaN is not JSON"),
        (b'{"a": Infinity}', "not valid JSON: Infinity is not JSON"),
        (b'{"a": -Infinity}', "not valid JSON: -Infinity is not JSON"),
        (b'{"a": 1e999}', "not valid JSON: a number is too large"),
        (b'{"a": 1, "a": 2}', "not valid JSON: a key stands twice in one object"),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "not valid JSON: a key stands twice in one object"),
        (b'{"a": "\n"}', "not valid JSON: Invalid control character at: line 1 column 8 (char 7)"),
        (b"\xef\xbb\xbf{}", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        ('{"a": "\ud800"}'.encode("utf-8", "surrogatepass"), "not UTF-8 (byte 7)"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 (byte 0)"),
        (b"{}{}", "not valid JSON: Extra data: line 1 column 3 (char 2)"),
        (b"{} \0", "not valid JSON: Extra data: line 1 column 4 (char 3)"),
        (b"{'a': 1}", "not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
def test_what_is_ambiguous_is_refused(data: bytes, reason: str) -> None:
    """Each way to mean two things, or to mean none, has its reason in a few words."""
    with pytest.raises(Unreadable) as caught:
        parse_object(data)
    assert caught.value.message == reason


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    """It is no measure of anything, and slow to read."""
    with pytest.raises(Unreadable, match="Exceeds the limit"):
        parse_object(b'{"a": ' + b"9" * 5000 + b"}")


@given(st.binary(max_size=200))
def test_nothing_but_unreadable_is_raised(data: bytes) -> None:
    """Whatever the bytes, there is an object or a reason."""
    with suppress(Unreadable):
        assert isinstance(parse_object(data), dict)


def test_broad_is_not_deep() -> None:
    """Many objects side by side are read."""
    assert len(parse_object(b'{"a":[' + b",".join([b'{"b":[]}'] * 100) + b"]}")) == 1
