"""Another run of what a run did not finish, which goes on from where that one stopped."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator import settings as door
from orchestrator.cli import accepting, source, views, wishes
from orchestrator.cli.accepting import Earlier, Wanted
from orchestrator.cli.offering import offer
from orchestrator.cli.source import Source
from orchestrator.cli.wishes import How
from orchestrator.core import isolation
from orchestrator.core.acceptance import Terms
from orchestrator.core.graph import SETTLED
from orchestrator.core.run import Outcome, RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.daemon import outcomes
from orchestrator.errors import Held, Unreadable
from orchestrator.git import refs, repository, worktree
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository
from orchestrator.settings import Settings
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout

_LONGEST: Final = 500
_MOST_BEFORE: Final = 6


@dataclass(frozen=True, slots=True)
class Open:
    """A track that a run did not finish: as it carried it, how it ended, and as its source has it now."""

    spec: RunTrack
    outcome: Outcome
    track: Track


def accepted(layout: Layout, former: RunRecord, how: How) -> RunRecord | None:
    """Accept a run of what ``former`` did not finish; None where there is nothing to do.

    Options, validators and how the agent is started are what the settings say now: they may be what had to be mended.
    What the command line of ``former`` said holds, and so does its kind of agent; ``how`` is put over all of it. A
    track whose branch stands goes on with it, and in its worktree. Raises :class:`Held` where ``former`` has not
    ended, or another run of its source has not.
    """
    if not results.has_ended(layout.run(former.run)):
        raise Held(f"run {former.run} has not ended", hint=accepting.how_to_end(layout, former))
    unfinished = _unfinished(layout, former)
    if not unfinished:
        return None
    found = source.read(former.source)
    refusal = source.refusal(found)
    if refusal:
        raise refusal
    accepting.refuse_second(layout, found.path)
    tracks = _still_open(layout, found, unfinished)
    if not tracks:
        return None
    names = [each.track.track for each in tracks]
    terms = _terms(door.load(layout.root), former, names, how)
    apart = not (isolation.together(terms.options) or isolation.together(former.options))
    left = (
        _earlier(layout, repository.survey(layout.root), former, tracks) if apart else _said_of(layout, former, tracks)
    )
    earlier = dict(zip(names, left, strict=True))
    wanted = Wanted(found, [each.track for each in tracks], terms, earlier)
    return accepting.accept(layout, accepting.survey(layout, wanted), wanted)


def _terms(settings: Settings, former: RunRecord, names: Sequence[str], how: How) -> Terms:
    """Return how the tracks are carried out now, and say what is other than in the former run."""
    options = isolation.settled(wishes.over(wishes.again(door.options(settings), former), how))
    agent = door.agent(settings, how["agent"] or former.agent.kind)
    validators = door.validators(settings)
    others = [wishes.changes(options, former.options)]
    others += [
        name
        for name, same in (("agent", agent == former.agent), ("validators", validators == former.validators))
        if not same
    ]
    changed = ", ".join(each for each in others if each)
    if changed:
        views.remark(f"other than in run {former.run}: {changed}")
    told = tuple(sorted({*former.told, *wishes.said(how)}))
    return Terms(agent, options, validators, tuple(names), told)


def _unfinished(layout: Layout, former: RunRecord) -> list[tuple[RunTrack, Outcome]]:
    ended = outcomes.of_run(layout.run(former.run), former)
    return [(former.find(each.agent_id), each) for each in ended if each.ended != "merged"]


def _still_open(layout: Layout, found: Source, unfinished: Sequence[tuple[RunTrack, Outcome]]) -> list[Open]:
    """Return what is still to be done by the source as it stands now, and say what is not."""
    still = []
    for spec, outcome in unfinished:
        track = found.plan.find(spec.track)
        if track is None:
            views.remark(f"{spec.track} is left out: {found.path} has it no more")
        elif track.state in SETTLED:
            views.remark(f"{spec.track} is left out: it is {track.state} by now")
        else:
            still.append(Open(spec, outcome, track))
    offered = offer(layout.root, [each.track for each in still])
    for remark in offered.remarks:
        views.remark(remark)
    names = {each.track for each in offered.tracks}
    return [each for each in still if each.track.track in names]


def _earlier(layout: Layout, repo: Repository, former: RunRecord, tracks: Sequence[Open]) -> Iterator[Earlier]:
    """Yield what the former run left of each track."""
    for each in tracks:
        worktree.reconnect(repo.top, each.spec.worktree)
    stand = {tree.branch: tree.path for tree in worktree.list(repo) if tree.branch is not None and not tree.gone}
    for each in tracks:
        spec = each.spec
        said, answer = (*spec.before[-_MOST_BEFORE:], *_said(former, each)), _answer(layout, former, spec)
        branch, path = _place(repo, spec, stand.get(spec.branch))
        yield Earlier(branch, path, said, answer)


def _said_of(layout: Layout, former: RunRecord, tracks: Sequence[Open]) -> Iterator[Earlier]:
    """Yield what is known of each track that begins anew: where others work, too, nothing is left standing."""
    for each in tracks:
        kept = f"what it had done is kept: {each.outcome.kept}" if each.outcome.kept else ""
        said = (*each.spec.before[-_MOST_BEFORE:], *_said(former, each), *([kept] if kept else []))
        yield Earlier(before=said, answer=_answer(layout, former, each.spec))


def _place(repo: Repository, spec: RunTrack, stands_on: str | None) -> tuple[str, str]:
    """Return the branch and the worktree to go on in, each empty where there is none; ``stands_on`` is the branch's."""
    if refs.resolve(Git(repo.top), refs.head(spec.branch)) is None:
        return "", ""
    own = os.path.realpath(spec.worktree)
    if stands_on is not None and stands_on != own:
        views.remark(f"{spec.track} begins anew: its branch {spec.branch} is checked out at {stands_on}")
        return "", ""
    return spec.branch, spec.worktree if stands_on is not None or not os.path.lexists(own) else ""


def _said(former: RunRecord, each: Open) -> Iterator[str]:
    outcome = each.outcome
    if outcome.attempt or outcome.ended == "conflict":
        yield f"run {former.run}: {outcome.ended}: {visible(outcome.error, _LONGEST)}"
    if outcome.ended == "conflict":
        yield f"`git merge {former.target_branch}` on this branch shows the conflict, which is to be solved here"


def _answer(layout: Layout, former: RunRecord, spec: RunTrack) -> Answer | None:
    try:
        return answers.read(layout.run(former.run).answer(spec.agent_id))
    except Unreadable as error:
        views.remark(f"the answer to {spec.track} cannot be read and is passed over: {error.message}")
        return None
