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
    if program(agent, top, environ) is None:
        raise AgentUnavailable(
            f"the agent's command '{visible(agent.argv[0], 120)}' is not there or cannot be executed",
            hint=f"install it, or name another in {SETTINGS}: [agent.command] argv",
        )


def program(agent: Agent, top: str, environ: Mapping[str, str]) -> str | None:
    """Return the path of the command's program, None where there is none; the arguments are those of :func:`check`."""
    name = agent.argv[0]
    folders = [""] if os.path.dirname(name) else environ.get("PATH", os.defpath).split(os.pathsep)
    paths = (os.path.join(folder or top, name) for folder in folders)
    return next((path for path in paths if _is_program(path)), None)


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
