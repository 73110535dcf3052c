"""What needs a person since its last end, and has not changed since: to try it again would end the same way."""

import os
from contextlib import suppress
from datetime import datetime

from orchestrator.cli import agent_check, wishes
from orchestrator.cli.history import Last
from orchestrator.core import retry
from orchestrator.core.acceptance import Terms
from orchestrator.core.outcome import NOT_ITS_FAULT
from orchestrator.core.run import Agent, RunTrack
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.errors import Unreadable
from orchestrator.state import results
from orchestrator.state.layout import Layout


def hopeless(layout: Layout, track: Track, last: Last, terms: Terms) -> str:
    """Return why ``track`` is not tried again by ``terms``; empty where it is.

    Its newest failure is fatal, nobody answered it since, and its text, the settings, and the agent with its program
    or script are as they were then.
    """
    if not _is_fatal(layout, last) or last.answer is not None:
        return ""
    if not (_reads_the_same(last.spec, track) and _is_carried_the_same(last, terms)):
        return ""
    if _changed_since(_program(terms.agent, track.track, layout.root), last.outcome.at):
        return ""
    said = visible(last.outcome.error, 200)
    run = last.record.run
    return f"it needs a person ({said}), and nothing has changed since run {run}; `orchd retry {run}` takes it up"


def _is_fatal(layout: Layout, last: Last) -> bool:
    outcome = last.outcome
    if outcome.ended != "failed" or outcome.error.startswith(NOT_ITS_FAULT):
        return False
    with suppress(Unreadable):
        result = results.read_result(layout.run(last.record.run).result(last.spec.agent_id))
        entry = result.of(outcome.attempt) if result is not None else None
        return entry is not None and retry.classify(entry, entry.error) == "fatal"
    return False


def _reads_the_same(spec: RunTrack, track: Track) -> bool:
    then = (spec.title, spec.body, spec.acceptance, spec.paths, spec.depends_on)
    return then == (track.title, track.body, track.acceptance, track.paths, track.depends_on)


def _is_carried_the_same(last: Last, terms: Terms) -> bool:
    record = last.record
    same = record.agent == terms.agent and record.validators == terms.validators
    return same and not wishes.changes(terms.options, record.options)


def _program(agent: Agent, track: str, top: str) -> str | None:
    """Return the file that the agent is, as far as it can be told."""
    if agent.kind == "scripted":
        return f"{agent.scripts}/{track}.toml"
    return agent_check.program(agent, top, {**os.environ, **agent.env}) if agent.argv else None


def _changed_since(path: str | None, at: str) -> bool:
    """Tell whether a file came, or was changed, after a moment (ISO 8601); one that is not there was not."""
    if path is None:
        return False
    with suppress(OSError, ValueError):
        facts = os.stat(path)
        return max(facts.st_mtime, facts.st_ctime) > datetime.fromisoformat(at).timestamp()
    return False
