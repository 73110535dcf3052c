"""From a track and a prompt to the command of an agent."""

import sys
from dataclasses import replace
from typing import Literal

import pytest

from orchestrator.agents.kinds import KINDS, LONGEST_ARGUMENT, Task, equipped, phase
from orchestrator.core.run import Agent
from orchestrator.errors import AgentUnavailable
from tests.core import runs

TASK = Task(runs.spec(1), "work", "Do it.\n", "/run/.d/agent-1.work.prompt.md")
COMMAND = Agent("command", argv=("my-agent", "--auto"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_gives_a_phase(kind: str) -> None:
    """Its name, its limit and the agent's environment are those that were asked for; its command is no text."""
    agent = Agent(kind, argv=("my-agent",), scripts="/agents", env={"A": "b"})
    made = phase(agent, TASK, 12.5)
    assert (made.name, made.timeout_seconds, made.env) == ("work", 12.5, {"A": "b"})
    assert made.argv
    assert all(isinstance(each, str) for each in made.argv)
    assert made.stdin in (None, TASK.path)


@pytest.mark.parametrize(
    ("way", "argv", "stdin"),
    [
        ("stdin", ("my-agent", "--auto"), TASK.path),
        ("file", ("my-agent", "--auto", TASK.path), None),
        ("argument", ("my-agent", "--auto", "Do it.\n"), None),
    ],
)
def test_the_prompt_reaches_a_command(
    way: Literal["stdin", "file", "argument"], argv: tuple[str, ...], stdin: str | None
) -> None:
    """On its standard input, as a file, or as one argument, whatever is in it."""
    made = phase(replace(COMMAND, prompt=way), TASK, 1)
    assert (made.argv, made.stdin) == (argv, stdin)


@pytest.mark.parametrize("way", ["stdin", "file", "argument"])
def test_a_command_may_name_the_file_itself(way: Literal["stdin", "file", "argument"]) -> None:
    """Wherever it stands in the command; it is not given a second time."""
    agent = Agent("command", argv=("my-agent", "--prompt={prompt_file}", "x"), prompt=way)
    argv = phase(agent, TASK, 1).argv
    assert argv[:3] == ("my-agent", f"--prompt={TASK.path}", "x")
    assert TASK.path not in argv[3:]


def test_a_prompt_that_is_too_long_for_an_argument() -> None:
    """It is refused before anything is started, with the way out; the other ways take it."""
    long = replace(TASK, prompt="x" * (LONGEST_ARGUMENT + 1))
    with pytest.raises(AgentUnavailable, match="too long") as refused:
        phase(replace(COMMAND, prompt="argument"), long, 1)
    assert "stdin" in refused.value.hint
    assert phase(COMMAND, long, 1).stdin == TASK.path
    longest = "x" * LONGEST_ARGUMENT
    assert phase(replace(COMMAND, prompt="argument"), replace(TASK, prompt=longest), 1).argv[-1] == longest


def test_a_script_is_named_after_the_track() -> None:
    """The scripted agent is this package's own, in this interpreter."""
    made = phase(Agent("scripted", scripts="/my scripts"), TASK, 1)
    module = ("-P", "-m", "orchestrator.agents.scripted")
    assert made.argv == (sys.executable, *module, "/my scripts/t1.toml", "--phase", "work")


@pytest.mark.parametrize(
    ("agent", "words"),
    [(Agent("psychic\x1b[2J"), "no agent kind is called 'psychic\\x1b[2J'"), (Agent("command"), "has no command")],
)
def test_what_is_no_agent(agent: Agent, words: str) -> None:
    """An unknown kind and a command without words are refused in one line, with the next step."""
    with pytest.raises(AgentUnavailable) as refused:
        phase(agent, TASK, 1)
    assert words in refused.value.message
    assert refused.value.hint


def test_fewer_tools() -> None:
    """The smaller set where it is asked for and there is one; else the agent stays as it is."""
    agent = replace(COMMAND, reduced=("my-agent", "--read-only"))
    assert phase(equipped(agent, "reduced"), TASK, 1).argv == ("my-agent", "--read-only")
    assert equipped(agent, "full") == agent
    assert equipped(COMMAND, "reduced") == COMMAND
