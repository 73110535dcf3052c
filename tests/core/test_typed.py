"""JSON values into dataclasses: everything that fits, and a reason for everything else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Union

import pytest

from orchestrator.core.typed import build
from orchestrator.errors import Unreadable


@dataclass(frozen=True, slots=True)
class Leaf:
    """A record within a record."""

    text: str
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """One field of each kind."""

    count: int
    share: float
    word: Literal["one", "two"]
    leaf: Leaf
    leaves: tuple[Leaf, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    anything: object = None
    maybe: int | None = None
    old_maybe: Union[str, None] = None  # noqa: UP007  # both ways to write it are understood
    bounded: int | None = field(default=None, metadata={"ge": 1, "le": 9})
    formed: str | None = field(default=None, metadata={"pattern": r"^[a-z]+$"})
    filled: str | None = field(default=None, metadata={"min_length": 1})


LEAST = {"count": 1, "share": 0.5, "word": "one", "leaf": {"text": "x"}}


def test_what_is_missing_gets_its_default() -> None:
    """The required fields are enough."""
    assert build(Tree, LEAST) == Tree(1, 0.5, "one", Leaf("x"))


def test_every_kind_of_field_is_built() -> None:
    """Records, lists, maps, choices and numbers arrive as what they are; a whole number may be a share."""
    given = {
        **LEAST,
        "share": 1,
        "leaves": [{"text": "a", "flag": True}],
        "names": {"a": "b"},
        "anything": [{"x": None}],
        "maybe": 3,
        "old_maybe": "y",
        "bounded": 9,
        "formed": "abc",
        "filled": "z",
        "of a later version": 1,
    }
    made = build(Tree, given)
    assert made == Tree(
        1, 1.0, "one", Leaf("x"), (Leaf("a", flag=True),), {"a": "b"}, [{"x": None}], 3, "y", 9, "abc", "z"
    )
    assert type(made.share) is float


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"count": True}, "field count is not a whole number"),
        ({"count": 1.0}, "field count is not a whole number"),
        ({"count": None}, "field count is not a whole number"),
        ({"share": "1"}, "field share is not a number"),
        ({"share": 10**400}, "field share is not a number"),
        ({"word": "three"}, "field word is not one of one, two"),
        ({"word": []}, "field word is not one of one, two"),
        ({"leaf": []}, "field leaf is not an object"),
        ({"leaf": {}}, "field leaf.text is missing"),
        ({"leaf": {"text": 1}}, "field leaf.text is not a text"),
        ({"leaves": {}}, "field leaves is not a list"),
        ({"leaves": [{"text": ""}, {"text": "", "flag": 1}]}, "field leaves.1.flag is not true or false"),
        ({"names": []}, "field names is not an object"),
        ({"names": {"a\x1b": 1}}, r"field names.a\x1b is not a text"),
        ({"maybe": "3"}, "field maybe is not a whole number"),
        ({"bounded": 0}, "field bounded is 0, out of bounds"),
        ({"bounded": 10}, "field bounded is 10, out of bounds"),
        ({"formed": "a\n"}, r"field formed is 'a\x0a', which has not the form ^[a-z]+$"),
        ({"filled": ""}, "field filled is empty"),
    ],
)
def test_what_does_not_fit_is_named(changed: dict[str, object], reason: str) -> None:
    """The reason names the field by its path, in one line that is safe to show."""
    with pytest.raises(Unreadable) as raised:
        build(Tree, LEAST | changed)
    assert raised.value.message == reason


def test_what_is_missing_is_named() -> None:
    """A required field that is not there is named; so is a record that is none."""
    with pytest.raises(Unreadable, match="field count is missing"):
        build(Tree, {})
    with pytest.raises(Unreadable, match="not an object"):
        build(Tree, [])
