"""Accepting a run: from tracks that somebody wants done to ``run.json``, which says that they will be.

One acceptance at a time below a root: what a run takes (its name, branches, worktrees) is on record
before the next one chooses.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.cli import agent_check, footing
from orchestrator.cli.hints import resuming
from orchestrator.cli.source import Source
from orchestrator.core import acceptance, isolation
from orchestrator.core.acceptance import Ground, Taken, Terms
from orchestrator.core.isolation import NO_BRANCH
from orchestrator.core.run import RunRecord
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.daemon.gather import RunFiles
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import GitRefused, Held, SystemFailure, Unreadable
from orchestrator.git import branches, repository, run_names
from orchestrator.git.command import redact
from orchestrator.git.pending import pending
from orchestrator.git.repository import Repository
from orchestrator.host import clock, files
from orchestrator.host.failpoint import reach
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from orchestrator.state.journal import Journal
from orchestrator.state.layout import WORKTREES, Layout, RunLayout, own_folders

WAIT: Final = 30.0
"""Seconds to wait while another run is being accepted."""

_SPECIAL: Final = re.compile(r"[\\*?\[\]!# ]")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a former run left of a track: the branch and worktree to go on in (empty: a new one), and what is known.

    ``answer`` is what a person said to its last question, when nobody was there any more to hear it.
    """

    branch: str = ""
    worktree: str = ""
    before: tuple[str, ...] = ()
    answer: Answer | None = None


_NOTHING: Final = Earlier()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for. By track: what former runs left of it, and why it is not to be worked on."""

    source: Source
    tracks: Sequence[Track]
    terms: Terms
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    quarantined: Mapping[str, str] = field(default_factory=dict)

    def left(self, track: Track) -> Earlier:
        """Return what a former run left of a track."""
        return self.earlier.get(track.track, _NOTHING)


def unfinished(layout: Layout) -> list[RunRecord]:
    """Return the accepted runs without a report, the newest first; one that cannot be read is left out."""
    records = []
    for run in RunFiles(layout).unfinished():
        with suppress(Unreadable, FileNotFoundError):
            records.append(results.read_run(layout.run(run)))
    return sorted(records, key=lambda each: each.created_at, reverse=True)


def unfinished_of(layout: Layout, path: str) -> RunRecord | None:
    """Return the newest run of the source at ``path`` that has no report."""
    return next((each for each in unfinished(layout) if each.source == path), None)


def draft(layout: Layout, repo: Repository | None, wanted: Wanted) -> RunRecord:
    """Return the record that a run would have; nothing is made or written. ``repo`` None: there is none.

    Raises :class:`Held` where a run that has not ended carries a track of the same name: its claim and its log are
    that track's, whatever the source.
    """
    others = unfinished(layout)
    _refuse_company(layout, others, wanted)
    wanted_names = {track.track for track in wanted.tracks}
    for other in others:
        carried = next((each.track for each in other.tracks if each.track in wanted_names), None)
        if carried is not None:
            raise Held(f"run {other.run} carries {carried} too, and has not ended", hint=how_to_end(layout, other))
    names = acceptance.run_names(wanted.source.stem)
    name = acceptance.first_free(names, lambda run: _is_named(layout, repo, run))
    count = len(wanted.tracks)
    chosen, worktrees = [NO_BRANCH] * count, [repo.top if repo is not None else layout.root] * count
    if repo is not None:
        chosen = _branches(repo, wanted, {each.branch for run in others for each in run.tracks})
    if not isolation.together(wanted.terms.options):
        worktrees = _worktrees(layout, name, wanted, {each.worktree for run in others for each in run.tracks})
    source = wanted.source
    stands = (NO_BRANCH, "", None) if repo is None else (repo.branch, repo.head, repo.remote and redact(repo.remote))
    ground = Ground(source.path, source.plan.kind, layout.root, *stands, clock.iso())
    taken = [_taken(wanted, *each) for each in zip(wanted.tracks, chosen, worktrees, strict=True)]
    return acceptance.accept(name, taken, ground, wanted.terms)


def _is_named(layout: Layout, repo: Repository | None, run: str) -> bool:
    """Tell whether a run of that name is there, in this root or in another of the same repository."""
    anothers = repo is not None and run_names.is_anothers(repo, run, layout.root)
    return anothers or os.path.lexists(layout.run(run).folder)


def _taken(wanted: Wanted, track: Track, branch: str, path: str) -> Taken:
    earlier = wanted.left(track)
    return Taken(
        track,
        branch,
        path,
        resume=bool(earlier.branch),
        before=earlier.before,
        quarantined=wanted.quarantined.get(track.track, ""),
    )


def _branches(repo: Repository, wanted: Wanted, taken: set[str]) -> list[str]:
    """Return a branch for each track: the one to go on with, else one that neither the repository nor a run has."""
    chosen: list[str] = []
    known = branches.known(repo)
    for track in wanted.tracks:
        free = (branches.free(repo, each, known) for each in acceptance.numbered(acceptance.branch_name(track)))
        own = wanted.left(track).branch
        chosen.append(own or acceptance.first_free(free, lambda each: each in taken or each in chosen))
    return chosen


def _worktrees(layout: Layout, run: str, wanted: Wanted, taken: set[str]) -> list[str]:
    """Return a path for each agent's worktree: the one to go on in, else where nothing is and no run puts one."""
    own = [left if (left := wanted.left(track).worktree) not in taken else "" for track in wanted.tracks]

    def is_taken(path: str) -> bool:
        return path in taken or path in own or os.path.lexists(path)

    folder = layout.worktrees(wanted.terms.options.git.worktrees)
    names = (acceptance.worktree_names(run, agent_id) for agent_id in acceptance.agent_ids(wanted.tracks))
    return [
        kept or acceptance.first_free((f"{folder}/{name}" for name in each), is_taken)
        for kept, each in zip(own, names, strict=True)
    ]


def survey(layout: Layout, wanted: Wanted) -> Repository | None:
    """Look at what the run is to stand on; None where that is no repository, as was asked for.

    Raises where it cannot: the repository, the tracks, or the agent, is not fit for it.
    """
    options = wanted.terms.options
    tracks = [each for each in wanted.tracks if each.track not in wanted.quarantined]
    isolation.check(options, wanted.terms.validators)
    refused = isolation.refusal(tracks, options)
    if refused is not None:
        raise refused
    repo = footing.of_run(layout, wanted.source.path, tracks, options)
    if repo is not None:
        refuse_behind(layout, repo)
    agent_check.check(wanted.terms.agent, tracks, repo.top if repo is not None else layout.root, os.environ)
    return repo


def _refuse_company(layout: Layout, others: Sequence[RunRecord], wanted: Wanted) -> None:
    """Raise :class:`Held` where another run has not ended whose agents work in the same place."""
    kind = wanted.terms.options.git.isolation
    other = next((each for each in others if each.options.git.isolation == kind), None)
    if kind != "worktree" and other is not None:
        raise Held(
            f"run {other.run} has not ended, and its agents work in the same place", hint=how_to_end(layout, other)
        )


def accept(layout: Layout, repo: Repository | None, wanted: Wanted) -> RunRecord:
    """Accept the run and return its record, which is on disk then; git is told what not to look at.

    Raises :class:`Held` where another run of the same source has not ended.
    """
    if repo is not None:
        repository.exclude(repo, ignore_lines(layout, repo.top, wanted.terms.options.git.worktrees))
    files.ensure_folder(layout.runtime)
    files.ensure_folder(layout.parallel)
    with (
        files.guard(f"{layout.runtime}/accept.guard", WAIT, "the runs of this root (one is being accepted)"),
        repository.guarded(repo, "names", WAIT) if repo is not None else nullcontext(),
    ):
        refuse_second(layout, wanted.source.path)
        record = draft(layout, repo, wanted)
        paths = layout.run(record.run)
        try:
            os.mkdir(paths.folder, 0o700)
        except OSError as error:
            raise files.failure(error, f"cannot make the folder {visible(paths.folder)}") from error
        if repo is not None:
            run_names.take(repo, record.run, layout.root)
        _hand_on_answers(paths, record, wanted)
        if not results.write_run(paths, record):
            raise SystemFailure(f"{visible(paths.record)} was written by somebody else", hint="try again")
    said = {"run": record.run, "source": record.source, "tracks": len(record.tracks)}
    Journal(layout.root).write("run.accepted", said)
    reach("run.accepted")
    return record


def _hand_on_answers(paths: RunLayout, record: RunRecord, wanted: Wanted) -> None:
    """Put down what a person said to former runs; attempt 0 is before all of this one."""
    for track in record.tracks:
        answer = wanted.earlier.get(track.track, _NOTHING).answer
        if answer is not None:
            answers.write(paths, track.agent_id, replace(answer, attempt=0))


def refuse_second(layout: Layout, path: str) -> None:
    """Raise :class:`Held` where a run of the source at ``path`` has not ended."""
    former = unfinished_of(layout, path)
    if former is not None:
        driven = is_taken(layout.run(former.run).conductor)
        how = "is going on" if driven else "was interrupted, and nobody drives it"
        raise Held(f"run {former.run} of this source {how}", hint=how_to_end(layout, former))


def how_to_end(layout: Layout, run: RunRecord) -> str:
    """Return what a person can do about a run that has not ended."""
    again = resuming(run)
    if is_taken(layout.run(run.run).conductor):
        return f"`{again}` watches it, `orchd cancel {run.run}` ends it"
    return f"`{again}` goes on with it, and so does a daemon (`orchd start`)"


def refuse_behind(layout: Layout, repo: Repository) -> None:
    """Raise :class:`GitRefused` where the branch lacks what a former run merged: that work would be done again."""
    for ref in pending(repo):
        run = ref.split("/")[-2]
        if run_names.is_anothers(repo, run, layout.root):
            continue
        with suppress(Unreadable, FileNotFoundError):
            if results.read_run(layout.run(run)).target_branch != repo.branch:
                continue
        raise GitRefused(
            f"{visible(repo.branch)} lacks what run {run} merged, because something in the checkout was in the way",
            hint=f"move that aside, then `git merge {ref}`; or, if it is not wanted, `git update-ref -d {ref}`",
        )


def ignore_lines(layout: Layout, top: str, folder: str = WORKTREES) -> list[str]:
    """Return what git is to ignore of ours, as patterns from the ``top`` of the repository.

    ``folder`` is the one for working trees that is set; where that is outside, there is nothing to ignore.
    """
    *ours, trees = own_folders(layout, folder)
    inner = (os.path.relpath(each, top) for each in (*ours, os.path.realpath(trees)))
    return [f"/{_SPECIAL.sub(_escaped, each)}/" for each in inner if each.split("/")[0] != os.pardir]


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match.group()}"
