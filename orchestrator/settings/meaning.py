"""What settings mean to a run: its options, its agent, its validators."""

from dataclasses import asdict
from typing import Final

from orchestrator.core.run import Agent, Budget, GitOptions, Limit, Options, Validator
from orchestrator.errors import AgentUnavailable
from orchestrator.settings.tables import LimitSettings, Settings
from orchestrator.state.layout import SETTINGS

_FOR_THE_DOOR: Final = ("quarantine_after", "gates")


def options(settings: Settings) -> Options:
    """Return what a run does unless told otherwise."""
    said = {name: value for name, value in asdict(settings.run).items() if name not in _FOR_THE_DOOR}
    budget = settings.budget
    return Options(
        **said,
        gates=tuple(dict.fromkeys(settings.run.gates)),
        git=GitOptions(
            **{
                **asdict(settings.git),
                "setup": tuple(tuple(argv) for argv in settings.git.setup),
                "teardown": tuple(tuple(argv) for argv in settings.git.teardown),
                "check": tuple(settings.git.check),
            }
        ),
        budget=Budget(track=_limit(budget.track), run=_limit(budget.run), day=_limit(budget.day)),
    )


def _limit(said: LimitSettings) -> Limit:
    return Limit(usd=said.usd, tokens=said.tokens, seconds=said.time_seconds)


def validators(settings: Settings) -> tuple[Validator, ...]:
    """Return who judges the work, in the order in which they are asked."""
    return tuple(
        Validator(
            name=each.name,
            kind=each.kind,
            after=each.after,
            tracks=tuple(each.tracks),
            argv=tuple(each.argv),
            paths=tuple(each.paths),
            timeout_seconds=each.timeout_seconds,
            rounds=each.rounds,
        )
        for each in settings.validators
    )


def agent(settings: Settings, kind: str | None = None) -> Agent:
    """Return who does the work; ``kind`` wins over the settings. Raises :class:`AgentUnavailable` for nobody."""
    chosen = kind or settings.agent.kind
    command = settings.agent.command
    if chosen is None:
        raise AgentUnavailable("no agent is configured", hint=f'write in {SETTINGS}: [agent] kind = "command"')
    if chosen == "command" and not command.argv:
        raise AgentUnavailable(
            "agent kind command has no command", hint=f'write in {SETTINGS}: [agent.command] argv = ["my-agent"]'
        )
    return Agent(
        kind=chosen,
        argv=tuple(command.argv) if chosen == "command" else (),
        prompt=command.prompt,
        reduced=tuple(command.reduced) if chosen == "command" else (),
        scripts=settings.agent.scripted.scripts if chosen == "scripted" else "",
        env=dict(settings.agent.env),
    )
