"""The README and the documents show commands that exist."""

import os
import re
import shlex
from typing import Final

import click
import pytest

from orchestrator.cli.main import cli
from tests.house.sources import TOP

CONSOLE: Final = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL: Final = re.compile(r"[|&;<>]+\Z")


def _commands(text: str) -> list[str]:
    """Return what stands after `$ ` in the console blocks of ``text``, continued lines joined."""
    blocks = "".join(CONSOLE.findall(text)).replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in blocks.splitlines() if line.startswith("$ ")]


def _words(command: str) -> list[str]:
    """Return the words of the first program that a shell would start."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    words = []
    for word in lexer:
        if SHELL.match(word):
            break
        words.append(word)
    return words


def _check(words: list[str], command: click.Command = cli, parent: click.Context | None = None) -> None:
    """Raise :class:`click.UsageError` where click would not take ``words``, the first being the command's name."""
    context = click.Context(command, parent=parent, info_name=words[0], **command.context_settings)
    given, left, _ = command.make_parser(context).parse_args(words[1:])
    missing = [each for each in command.params if each.value_is_missing(each.consume_value(context, given)[0])]
    if any(each.required for each in missing):
        raise click.UsageError(f"{words}: something is missing")
    if not isinstance(command, click.Group):
        if left:
            raise click.UsageError(f"{words}: too much: {left}")
    elif left:
        inner = command.get_command(context, left[0])
        if inner is None:
            raise click.UsageError(f"{words}: no command {left[0]}")
        _check(left, inner, context)


DOCUMENTS: Final = (TOP / "README.md", *sorted((TOP / "docs").glob("*.md")))
COMMANDS: Final = [each for document in DOCUMENTS for each in _commands(document.read_text(encoding="utf-8"))]


def test_there_are_commands_to_check() -> None:
    """The README shows orchd at work, and the two commands of the repository."""
    assert any(command.startswith("orchd ") for command in COMMANDS)
    assert {"scripts/demo", "scripts/test"} <= {_words(command)[0] for command in COMMANDS}


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.split()[0] == "orchd"])
def test_the_command_exists(command: str) -> None:
    """Command, options and number of arguments are what the command line takes."""
    _check(_words(command))


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith(("scripts/", "./"))])
def test_the_script_exists(command: str) -> None:
    """A script that the README names is there and can be started."""
    assert os.access(TOP / _words(command)[0], os.X_OK)


@pytest.mark.parametrize("command", ["orchd lcoks", "orchd locks --stael", "orchd run", "orchd locks too much"])
def test_a_wrong_command_is_seen(command: str) -> None:
    """A command that does not exist, a wrong option, a missing and a superfluous argument are found."""
    with pytest.raises(click.UsageError):
        _check(_words(command))
