"""The kinds of agents: from a track and a phase to a command. One entry, one function, one contract suite."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestrator.core.phase import Phase
from orchestrator.core.run import Agent, RunTrack
from orchestrator.errors import AgentUnavailable

Build = Callable[[Agent, RunTrack, str, str], Sequence[str]]
"""Receives the agent, the track, the phase and the path of the prompt's file; returns the argv."""

LONGEST_ARGUMENT: Final = 100_000
"""A longer prompt (bytes) is not passed as an argument; Linux ends at 131,072 for one."""


def _command(agent: Agent, _track: RunTrack, _phase: str, prompt_path: str) -> Sequence[str]:
    if not agent.argv:
        raise AgentUnavailable(
            "agent kind command has no command",
            hint='write it in orchestrator.toml: [agent.command] argv = ["my-agent", "--flag"]',
        )
    return [each.replace("{prompt_file}", prompt_path) for each in agent.argv]


def _scripted(agent: Agent, track: RunTrack, phase: str, _prompt_path: str) -> Sequence[str]:
    script = f"{agent.scripts}/{track.track}.toml"
    return [sys.executable, "-P", "-m", "orchestrator.agents.scripted", script, "--phase", phase]


KINDS: Final[Mapping[str, Build]] = {
    "command": _command,
    "scripted": _scripted,
}


def phase(agent: Agent, track: RunTrack, name: str, prompt: str, prompt_path: str, timeout: float) -> Phase:
    """Return one phase of a job for the agent. ``prompt_path`` is where the prompt's file will be.

    Raises :class:`AgentUnavailable` where the agent cannot be started like this.
    """
    build = KINDS.get(agent.kind)
    if build is None:
        raise AgentUnavailable(f"no agent kind is called {agent.kind}", hint=f"known: {', '.join(sorted(KINDS))}")
    argv = tuple(build(agent, track, name, prompt_path))
    if agent.kind == "command" and agent.prompt == "argument":
        argv = (*argv, _as_argument(prompt))
    elif agent.kind == "command" and agent.prompt == "file" and not any("{prompt_file}" in each for each in agent.argv):
        argv = (*argv, prompt_path)
    stdin = prompt_path if agent.kind == "scripted" or agent.prompt == "stdin" else None
    return Phase(name, argv, timeout, stdin, dict(agent.env))


def _as_argument(prompt: str) -> str:
    if len(prompt.encode("utf-8")) > LONGEST_ARGUMENT:
        raise AgentUnavailable(
            "the prompt is too long for an argument", hint='use prompt = "stdin" or "file" in [agent.command]'
        )
    return prompt.replace("\0", "")
