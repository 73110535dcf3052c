"""The errors that a user can act on: each has a name of its own, and says what to do."""

import inspect

import pytest

from orchestrator import errors
from orchestrator.errors import CommandFailed, Held, OrchdError


def _classes() -> list[type[OrchdError]]:
    return [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, OrchdError)]


def test_every_error_has_a_name_of_its_own() -> None:
    """Programs tell errors apart by their codes, so no two share one."""
    codes = [each.code for each in _classes()]
    assert len(codes) == len(set(codes))
    assert all(code.isidentifier() and code == code.lower() for code in codes)


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_and_what_next(kind: type[OrchdError]) -> None:
    """Message and hint come out as they were given, and the message is what the exception says."""
    error = kind("it is so", hint="do that")
    assert (error.message, error.hint, str(error)) == ("it is so", "do that", "it is so")
    assert kind("it is so").hint == ""


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: kind.__name__)
def test_every_error_is_described(kind: type[OrchdError]) -> None:
    """Each class says on its page what it means."""
    assert inspect.getdoc(kind)


def test_held_names_the_holder() -> None:
    """The holder's record comes along, as a copy; without one it is empty."""
    record = {"owner": "ada"}
    error = Held("taken", holder=record)
    record["owner"] = "eve"
    assert error.holder == {"owner": "ada"}
    assert Held("taken").holder == {}


def test_a_failed_command_keeps_its_streams() -> None:
    """Status and both streams are there for the report."""
    error = CommandFailed("git ended", status=128, stdout="out", stderr="err")
    assert (error.status, error.stdout, error.stderr) == (128, "out", "err")
    assert CommandFailed("git ended").status is None
