"""Going on with a run somewhere else: everything that is needed is in its folder, with absolute paths in it.

A root may have been moved since a run was accepted; then what lay below the old place is below the new one.
"""

import os
from collections.abc import Iterable
from dataclasses import replace

from orchestrator.core.run import Agent, RunRecord
from orchestrator.state.layout import PARALLEL, RunLayout


def root_of(paths: RunLayout) -> str:
    """Return the root that a run's folder is below; empty where it lies elsewhere."""
    parallel, _, _ = paths.folder.rpartition("/")
    return parallel.removesuffix(f"/{PARALLEL}") if parallel.endswith(f"/{PARALLEL}") else ""


def relocated(record: RunRecord, root: str) -> RunRecord:
    """Return the record of a run as it would be had the run been accepted at ``root``."""
    old = record.root
    if not old or not root or old == root:
        return record
    return replace(
        record,
        root=root,
        source=_moved(record.source, old, root),
        agent=_agent(record.agent, old, root),
        validators=tuple(replace(each, argv=_all_moved(each.argv, old, root)) for each in record.validators),
        tracks=tuple(replace(each, worktree=_moved(each.worktree, old, root)) for each in record.tracks),
    )


def _agent(agent: Agent, old: str, new: str) -> Agent:
    return replace(
        agent,
        argv=_all_moved(agent.argv, old, new),
        reduced=_all_moved(agent.reduced, old, new),
        scripts=_moved(agent.scripts, old, new),
        env={name: _moved(value, old, new) for name, value in agent.env.items()},
    )


def _all_moved(words: Iterable[str], old: str, new: str) -> tuple[str, ...]:
    return tuple(_moved(each, old, new) for each in words)


def _moved(path: str, old: str, new: str) -> str:
    """Return the path below ``new`` of what was at, or below, ``old``; anything else as it is."""
    is_below = path == old or path.startswith(os.path.join(old, ""))
    return new + path[len(old) :] if is_below else path
