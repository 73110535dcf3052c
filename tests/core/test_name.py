"""What may be a file name of ours."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.name import LONGEST, check_name, is_name, slug
from orchestrator.errors import BadName

ALLOWED = set(string.ascii_letters + string.digits + "._-")
GOOD = [
    "a",
    "Z",
    "0",
    "group_E_track_1",
    "issue_1783_task_3",
    "plan_001_phase_3",
    "v1.2-rc_3",
    "a.lock.b",
    "x" * LONGEST,
]
BAD = [
    "", ".", "..", "...", ".a", "-a", "_a", "a.", "a..b", "../a", "a/b", "a\\b", "/etc/passwd", "~", "a b", "a\n",
    "a\0", "\x1b[2J", "a.lock", "a.LOCK", "a.json", "a.Json", ".lock", "x" * (LONGEST + 1), "x" * 5000, "ä",
    "\u0430", "a\u200b", "\uff41", "\uff11", "a\udcff", "a:b", "a;b", "$(id)", "`id`", "a|b", "a*", "a?", "%2e",
    "a\u2024lock", "CON:", "\u202ea",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_returned(name: str) -> None:
    """A name within the rule passes unchanged."""
    assert check_name("track", name) == name


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused(name: str) -> None:
    """Everything else is refused in one line that is safe to show and says what would do."""
    with pytest.raises(BadName) as caught:
        check_name("run", name)
    assert caught.value.message.startswith("run name '")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 700
    assert "1 to 100" in caught.value.hint


@given(st.text(st.characters(codec=None), max_size=120))
def test_the_rule_is_what_the_design_says(name: str) -> None:
    """Only ASCII letters, digits, dot, underscore and dash; nothing that a path could turn on."""
    good = (
        0 < len(name) <= LONGEST
        and set(name) <= ALLOWED
        and name[0] not in "._-"
        and ".." not in name
        and not name.endswith(".")
        and not name.lower().endswith((".lock", ".json"))
    )
    assert is_name(name) == good


@given(st.text(st.characters(codec=None), max_size=120), st.integers(1, LONGEST))
def test_every_title_becomes_a_name(title: str, longest: int) -> None:
    """A slug is a name, in lower case, never empty and not too long."""
    name = slug(title, longest)
    assert is_name(name)
    assert name == name.lower()
    assert len(name) <= max(longest, len("untitled"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Add a Parser (now!)", "add-a-parser-now"),
        ("Überprüfung", "uberprufung"),
        ("../../etc/passwd", "etc-passwd"),
        ("漢字", "untitled"),
        ("", "untitled"),
        ("a" * 50, "a" * 40),
        ("x" * 39 + " y", "x" * 39),
    ],
)
def test_slug(title: str, name: str) -> None:
    """Words stay readable; what is not a letter or digit becomes one dash."""
    assert slug(title) == name
