"""JSON that fits."""

import json

from hypothesis import given, settings
from hypothesis import strategies as some

from orchestrator.core.bounded import encode_within

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=20,
)


def test_what_fits_is_whole() -> None:
    """Small fields come out as they are, on several lines or on one."""
    fields = {"a": "ä", "b": [1, (2,), None], "c": {"d": 0.5}}
    whole = {"a": "ä", "b": [1, [2], None], "c": {"d": 0.5}}
    assert json.loads(encode_within(fields, 1000, ())) == whole
    assert encode_within(fields, 1000, (), indent=None).count(b"\n") == 1


def test_long_texts_are_cut_first() -> None:
    """One text that is too long is cut, and everything else stays."""
    read = json.loads(encode_within({"a": "x" * 10**6, "b": "y" * 100, "c": {"d": ["z" * 10**6]}}, 60_000, ()))
    assert read["b"] == "y" * 100
    assert len(read["a"]) == len(read["c"]["d"][0]) == 16_384
    assert read["a"].endswith("x…")


def test_at_last_only_plain_vital_fields_remain() -> None:
    """Ten thousand fields leave those that are vital, with what is plain in them."""
    many: dict[str, object] = {f"field-{number}": number for number in range(10_000)}
    vital = ("v", "metadata", "fence", "gone", "list")
    fields = many | {"v": 1, "list": [1] * 10**5, "metadata": {"fence": 7, "v": [1], **many}}
    assert json.loads(encode_within(fields, 10_000, vital)) == {"v": 1, "metadata": {"fence": 7}}


def test_half_characters_are_written_out() -> None:
    """A lone surrogate, as in an undecodable file name, comes out as text that every reader takes."""
    assert json.loads(encode_within({"a\udcff": "b\ud800"}, 1000, ())) == {"a\\udcff": "b\\ud800"}


@settings(max_examples=50)
@given(some.dictionaries(some.text(), JSON, max_size=8), some.integers(500, 4000))
def test_it_always_fits_and_is_always_json(fields: dict[str, object], limit: int) -> None:
    """Whatever the fields are, the result is one JSON object within the limit."""
    data = encode_within(fields, limit, ("a", "b"))
    assert len(data) <= limit
    assert isinstance(json.loads(data), dict)
