"""What a script may say, and how it is told that it is wrong."""

import math
from collections.abc import Callable

import pytest

from orchestrator.agents.script import Step, parse
from orchestrator.errors import UsageError

GRAMMAR = {"write": frozenset({"text"}), "run": frozenset[str](), "sleep": frozenset[str]()}


def step(**keys: object) -> Step:
    """Return a step with these keys."""
    return Step("work step 1", next(iter(keys), ""), keys)


def test_phases_hold_their_steps_in_order() -> None:
    """Each phase has its own steps, in the order of the text."""
    script = parse(b'[[work]]\nsleep = 1\n[[review]]\nrun = ["true"]\n[[work]]\nwrite = "a"\ntext = "b"\n', GRAMMAR)
    assert [(each.place, each.action) for each in script["work"]] == [
        ("work step 1", "sleep"),
        ("work step 2", "write"),
    ]
    assert [each.argv("run") for each in script["review"]] == [["true"]]


def test_an_empty_script_has_no_phase() -> None:
    """A script without phases is right."""
    assert parse(b"", GRAMMAR) == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'[[work]]\nwirte = "a"\ntext = "b"\n', "work step 1: unknown action 'wirte'; known: write, run, sleep"),
        (b'[[work]]\ntext = "b"\n', "work step 1: unknown action 'text'; known: write, run, sleep"),
        (b"[[work]]\n", "work step 1: not a table with an action; known actions: write, run, sleep"),
        (b"work = [3]\n", "work step 1: not a table with an action; known actions: write, run, sleep"),
        (b"[[work]]\nsleep = 1\nrun = ['x']\n", "work step 1: 'run' does not go with 'sleep' in one step"),
        (b"[[work]]\nrun = ['x']\ntext = 'x'\n", "work step 1: 'text' does not go with 'run' in one step"),
        (b"[work]\nsleep = 1\n", "'work' is not a list of steps; write [[work]] above each step"),
        (b"[[work]]\n'a\\u001b' = 1\n", "work step 1: unknown action 'a\\u001b'; known: write, run, sleep"),
        (b'[[work]]\n"a\\u001b[2J" = 1\n', "work step 1: unknown action 'a\\x1b[2J'; known: write, run, sleep"),
    ],
)
def test_a_wrong_script_is_one_line_that_names_the_place(text: bytes, line: str) -> None:
    """The error says where, what, and what would be right; nothing in it is raw."""
    with pytest.raises(UsageError) as error:
        parse(text, GRAMMAR)
    assert error.value.message == line


@pytest.mark.parametrize("data", [b"[[work]\n", b"\xff\xfe", b"a = " + b"[" * 20_000, b"a = 1\na = 2\n"])
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    """Broken, undecodable, bottomless and ambiguous texts are refused in one line."""
    with pytest.raises(UsageError, match="the script is") as error:
        parse(data, GRAMMAR)
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("keys", "read", "what"),
    [
        ({"print": 3}, Step.text, "print must be a text"),
        ({"write": "a\0b"}, Step.argument, "write must not hold a NUL character"),
        ({"run": "ls"}, Step.argv, "run must be a list of texts: a program and its arguments"),
        ({"run": []}, Step.argv, "run must be a list of texts: a program and its arguments"),
        ({"run": ["a", 1]}, Step.argv, "run must be a list of texts: a program and its arguments"),
        ({"run": ["a", "b\0"]}, Step.argv, "run must not hold a NUL character"),
        ({"sleep": -1}, Step.seconds, "sleep must be a number of seconds"),
        ({"sleep": True}, Step.seconds, "sleep must be a number of seconds"),
        ({"sleep": math.nan}, Step.seconds, "sleep must be a number of seconds"),
        ({"sleep": math.inf}, Step.seconds, "sleep must be a number of seconds"),
        ({"hang": 1}, Step.told, "hang can only be true"),
        ({"hang": False}, Step.told, "hang can only be true"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    keys: dict[str, object], read: Callable[[Step, str], object], what: str
) -> None:
    """Every reader of a key checks what it reads."""
    with pytest.raises(UsageError) as error:
        read(step(**keys), next(iter(keys)))
    assert error.value.message == f"work step 1: {what}"


@pytest.mark.parametrize("value", [0, 256, True, 1.5, "3", None])
def test_a_whole_number_has_bounds(value: object) -> None:
    """Only whole numbers within the bounds count."""
    with pytest.raises(UsageError, match="fail must be a whole number from 1 to 255"):
        step(fail=value).whole("fail", 1, 255)


def test_right_values_come_back_as_they_are() -> None:
    """What is right is returned unchanged."""
    assert step(fail=255).whole("fail", 1, 255) == 255
    assert step(sleep=2).seconds("sleep") == 2.0
    assert step(print="\0").text("print") == "\0"
    step(hang=True).told("hang")


def test_a_table_within_a_step_knows_its_keys() -> None:
    """A nested table is a step of its own, with the place of both; unknown keys are refused."""
    known = frozenset({"percent", "stage"})
    inner = step(report={"percent": 40}).table("report", known)
    assert (inner.place, inner.whole("percent", 0, 100)) == ("work step 1, report", 40)
    for value in ({}, 3, {"speed": 1}):
        with pytest.raises(UsageError, match="percent, stage"):
            step(report=value).table("report", known)
