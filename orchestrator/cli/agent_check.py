"""Whether an agent can be started, found out before anything is made for it."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.agents.kinds import KINDS
from orchestrator.core.listing import some
from orchestrator.core.run import Agent
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.errors import AgentUnavailable
from orchestrator.state.layout import SETTINGS

_SHOWN: Final = 8


def check(agent: Agent, tracks: Sequence[Track], top: str, environ: Mapping[str, str]) -> None:
    """Raise :class:`AgentUnavailable`, with the next step, where the agent cannot start on ``tracks``.

    ``top`` is the folder that worktrees are copies of, ``environ`` what agents will get.
    """
    if agent.kind not in KINDS:
        raise AgentUnavailable(
            f"no agent kind is called '{visible(agent.kind, 40)}'", hint=f"known: {', '.join(sorted(KINDS))}"
        )
    if agent.kind == "command":
        _check_command(agent, top, {**environ, **agent.env})
    elif agent.kind == "scripted":
        _check_scripts(agent, tracks)


def _check_command(agent: Agent, top: str, environ: Mapping[str, str]) -> None:
    program = agent.argv[0]
    if os.path.dirname(program):
        found = _is_program(os.path.join(top, program))
    else:
        path = environ.get("PATH", os.defpath)
        found = any(_is_program(os.path.join(folder or top, program)) for folder in path.split(os.pathsep))
    if not found:
        raise AgentUnavailable(
            f"the agent's command '{visible(program, 120)}' is not there or cannot be executed",
            hint=f"install it, or name another in {SETTINGS}: [agent.command] argv",
        )


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _check_scripts(agent: Agent, tracks: Sequence[Track]) -> None:
    if not os.path.isdir(agent.scripts):
        raise AgentUnavailable(
            f"the folder of scripts {visible(agent.scripts, 300)} is not there",
            hint=f"make it, or name another in {SETTINGS}: [agent.scripted] scripts",
        )
    missing = [each.track for each in tracks if not os.path.isfile(f"{agent.scripts}/{each.track}.toml")]
    if missing:
        what = some([f"{each}.toml" for each in missing], _SHOWN)
        raise AgentUnavailable(
            f"the scripted agent has no script {what} in {visible(agent.scripts, 300)}",
            hint=f"write one, or name another folder in {SETTINGS}: [agent.scripted] scripts",
        )
