"""The kinds of agents: from a track and a prompt to a command. One entry, one function, one contract suite."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core.phase import Phase, Toolset
from orchestrator.core.run import Agent, RunTrack
from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable

LONGEST_ARGUMENT: Final = 100_000
"""A longer prompt (bytes) is not passed as an argument; Linux ends at 131,072 for one."""

PROMPT_FILE: Final = "{prompt_file}"
"""Stands in a command for the path of the prompt's file."""


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is asked to do: a phase of a track, with its prompt and the file that holds it."""

    track: RunTrack
    phase: str
    prompt: str
    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """How an agent is started: never through a shell. ``stdin`` is the path of what it reads, None for nothing."""

    argv: tuple[str, ...]
    stdin: str | None


def _command(agent: Agent, task: Task) -> Call:
    """Any command. Where it names the prompt's file, that is how the prompt reaches it."""
    if not agent.argv:
        raise AgentUnavailable(
            "agent kind command has no command",
            hint='write it in orchestrator.toml: [agent.command] argv = ["my-agent", "--flag"]',
        )
    argv = tuple(each.replace(PROMPT_FILE, task.path) for each in agent.argv)
    match agent.prompt:
        case "stdin":
            return Call(argv, task.path)
        case "argument":
            return Call((*argv, _as_argument(task.prompt)), None)
        case "file":
            named = any(PROMPT_FILE in each for each in agent.argv)
            return Call(argv if named else (*argv, task.path), None)


def _as_argument(prompt: str) -> str:
    if len(prompt.encode("utf-8", "backslashreplace")) > LONGEST_ARGUMENT:
        raise AgentUnavailable(
            "the prompt is too long for an argument", hint='use prompt = "stdin" or "file" in [agent.command]'
        )
    return prompt


def _scripted(agent: Agent, task: Task) -> Call:
    """The agent that does as it is told, by a script that is named after the track."""
    script = f"{agent.scripts}/{task.track.track}.toml"
    argv = (sys.executable, "-P", "-m", "orchestrator.agents.scripted", script, "--phase", task.phase)
    return Call(argv, task.path)


KINDS: Final[Mapping[str, Callable[[Agent, Task], Call]]] = {
    "command": _command,
    "scripted": _scripted,
}


def equipped(agent: Agent, toolset: Toolset) -> Agent:
    """Return the agent with that set of tools; one that knows no smaller set stays as it is."""
    return replace(agent, argv=agent.reduced) if toolset == "reduced" and agent.reduced else agent


def phase(agent: Agent, task: Task, timeout: float) -> Phase:
    """Return one phase of a job for the agent, at most ``timeout`` seconds long.

    Raises :class:`AgentUnavailable` where the agent cannot be started like this.
    """
    build = KINDS.get(agent.kind)
    if build is None:
        raise AgentUnavailable(
            f"no agent kind is called '{visible(agent.kind, 40)}'", hint=f"known: {', '.join(sorted(KINDS))}"
        )
    call = build(agent, task)
    return Phase(task.phase, call.argv, timeout, call.stdin, dict(agent.env))
