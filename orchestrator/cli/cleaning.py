"""What `orchd clean` would remove, and what it leaves alone, each with its reason; and the removal of exactly that."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from orchestrator import settings
from orchestrator.claims import FileClaims
from orchestrator.cli import views
from orchestrator.cli.run_files import folders
from orchestrator.core import isolation
from orchestrator.core.run import RunRecord
from orchestrator.core.text import visible
from orchestrator.daemon import outcomes, tearing
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import NotFound, OrchdError, Unreadable
from orchestrator.git import backup, cleaning, refs, repository, restore, worktree
from orchestrator.git.cleaning import Verdict
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository
from orchestrator.git.worktree import Worktree
from orchestrator.host import clock, files, temps
from orchestrator.host.failpoint import reach
from orchestrator.state import results
from orchestrator.state.layout import WORKTREES, Layout
from orchestrator.state.status import temp

Kind = Literal["worktree", "branch", "backup", "temporary file", "empty folder"]

_DAY: Final = 86400.0
_LIVING: Final = frozenset({"alive", "orphaned", "foreign", "unknown", "unreadable"})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing: a path, a branch or a ref; the run it belongs to (empty: none); whether it may go, and why (not)."""

    kind: Kind
    name: str
    run: str
    verdict: Verdict
    record: RunRecord | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: one run, or all; and backups older than so many seconds, None for no backup."""

    run: str | None = None
    older: float | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a root when things are judged. ``doomed`` are the backups to go, and their days."""

    layout: Layout
    repo: Repository
    ended: dict[str, RunRecord] = field(default_factory=dict)
    going: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    doomed: dict[str, int] = field(default_factory=dict)


def survey(root: str, scope: Scope) -> Ground:
    """Look at every run of a root. Raises :class:`NotFound` where the run that is meant is none."""
    layout = Layout(root)
    known = {os.path.basename(each.folder): each for each in folders(layout)}
    if scope.run is not None and scope.run not in known:
        raise NotFound(f"no run is called {scope.run}", hint="`orchd runs` shows every run")
    ground = Ground(layout, _repository(root))
    for run, paths in known.items():
        if not os.path.lexists(paths.record):
            continue
        try:
            record = results.read_run(paths)
        except (Unreadable, FileNotFoundError):
            ground.going[run] = f"the record of run {run} cannot be read"
            continue
        if results.has_ended(paths) and not is_taken(paths.conductor):
            ground.ended[run] = record
            continue
        going = "is under way" if is_taken(paths.conductor) else f"has not ended: `orchd cancel {run}` ends it"
        ground.going[run] = f"run {run} {going}"
        for each in record.tracks:
            ground.wanted.update({os.path.realpath(each.worktree): run, refs.head(each.branch): run})
    return Ground(layout, ground.repo, ground.ended, ground.going, ground.wanted, _doomed(ground, scope))


def _repository(root: str) -> Repository:
    """Return the repository, on whatever it stands: here only where it is matters."""
    git = Git(root)
    top = git.out("rev-parse", "--show-toplevel")
    common = git.out("rev-parse", "--path-format=absolute", "--git-common-dir")
    with suppress(OrchdError):
        return repository.survey(root)
    return Repository(top, common, "", "", None, "")


def _doomed(ground: Ground, scope: Scope) -> dict[str, int]:
    if scope.older is None:
        return {}
    now = clock.wall_ns() / 1e9
    git = Git(ground.repo.top)
    told = git.out("for-each-ref", "--format=%(committerdate:unix) %(refname)", f"{refs.BACKUPS}/").splitlines()
    pairs = (line.split(" ", 1) for line in told)
    ages = {ref: now - int(when) for when, ref in pairs if scope.run in {None, _run_of(ref)}}
    return {
        ref: int(age // _DAY) for ref, age in ages.items() if age >= scope.older and _run_of(ref) not in ground.going
    }


def _run_of(ref: str) -> str:
    return ref.removeprefix(f"{refs.BACKUPS}/").partition("/")[0]


def plan(root: str, scope: Scope) -> list[Item]:
    """Return everything that runs left behind, in the order in which it would go. Changes nothing."""
    ground = survey(root, scope)
    return [*_of_runs(ground, scope), *_of_nobody(ground, scope), *_backups(ground), *_temps(ground, scope)]


def _of_runs(ground: Ground, scope: Scope) -> Iterator[Item]:
    """Yield worktrees and branches of the tracks of runs that have ended; what stays of those that go on is said."""
    for run, why in sorted(ground.going.items()):
        if scope.run in {None, run}:
            there = [each for each, owner in ground.wanted.items() if owner == run and os.path.isdir(each)]
            yield from (Item("worktree", each, run, Verdict(may_go=False, why=why)) for each in there)
    seen: set[str] = set()
    for run, record in sorted(ground.ended.items()):
        if scope.run not in {None, run}:
            continue
        for track in record.tracks:
            for item in _of_track(ground, record, track.agent_id):
                if item.name not in seen:
                    seen.add(item.name)
                    yield item


def _of_track(ground: Ground, record: RunRecord, agent_id: str) -> Iterator[Item]:
    """Yield the worktree of a track and its branch; a branch stays where a worktree on it does."""
    tree, branch = _worktree(ground, record, agent_id), _branch(ground, record, agent_id)
    if tree is not None:
        yield tree
    if branch is not None:
        goes = tree.name if tree is not None and tree.verdict.may_go else ""
        stands = next((each for each in _linked(ground.repo) if each.branch == branch.name and each.path != goes), None)
        stays = Verdict(may_go=False, why=f"{visible(stands.path)} stands on it" if stands is not None else "")
        yield replace(branch, verdict=stays) if stands is not None and branch.verdict.may_go else branch


def _worktree(ground: Ground, record: RunRecord, agent_id: str) -> Item | None:
    track = record.find(agent_id)
    if isolation.together(record.options):
        return None
    path = os.path.realpath(track.worktree)
    there = next((each for each in _linked(ground.repo) if each.path == path), None)
    if there is None or (there.branch != track.branch and _has_another(ground, there)):
        return None
    verdict = _in_use(ground, path, track.track) or cleaning.of_worktree(
        ground.repo, path, track.branch, keep_ignored=record.options.git.keep_ignored, doomed=ground.doomed
    )
    return Item("worktree", path, record.run, verdict, record)


def _has_another(ground: Ground, there: Worktree) -> bool:
    """Tell whether a worktree is that of a track by its branch, too: one run has it where another once had its own."""
    every = (track for record in ground.ended.values() for track in record.tracks)
    return any(each.branch == there.branch and os.path.realpath(each.worktree) == there.path for each in every)


def _branch(ground: Ground, record: RunRecord, agent_id: str) -> Item | None:
    track = record.find(agent_id)
    ref = refs.head(track.branch)
    if refs.resolve(Git(ground.repo.top), ref) is None:
        return None
    verdict = _in_use(ground, ref, track.track) or cleaning.of_branch(
        ground.repo, track.branch, record.target_branch, doomed=ground.doomed
    )
    return Item("branch", track.branch, record.run, verdict, record)


def _in_use(ground: Ground, name: str, track: str) -> Verdict | None:
    """Return why a thing of a track is not to be touched whatever is in it, None where nothing says so."""
    if name in ground.wanted:
        return Verdict(may_go=False, why=ground.going[ground.wanted[name]])
    seen = FileClaims(ground.layout.root).read(track)
    if seen is not None and seen.verdict.state in _LIVING:
        return Verdict(may_go=False, why=f"{track} is claimed: {seen.verdict.why}")
    return None


def _of_nobody(ground: Ground, scope: Scope) -> Iterator[Item]:
    """Yield what lies in the folders of worktrees and belongs to no run: left by a crash, or somebody's."""
    if scope.run is not None:
        return
    spoken = {os.path.realpath(each.worktree) for record in ground.ended.values() for each in record.tracks}
    registered = {each.path for each in _linked(ground.repo)}
    yield from _private(ground, registered)
    for path in sorted(_inside(ground)):
        if path in registered and (path in spoken or path in ground.wanted):
            continue
        if path in registered:
            ours = cleaning.is_ours(ground.repo, path)
            verdict = Verdict(may_go=False, why="orchd did not make it")
            if ours:
                verdict = cleaning.of_worktree(ground.repo, path, "", keep_ignored=False, doomed=ground.doomed)
            yield Item("worktree", path, "", verdict)
        elif not os.listdir(path):
            yield Item("empty folder", path, "", Verdict(may_go=True, why="nothing is in it"))
        else:
            yield Item("worktree", path, "", Verdict(may_go=False, why="it is no worktree of this repository"))


def _linked(repo: Repository) -> Sequence[Worktree]:
    return worktree.list(repo)[1:]


def _private(ground: Ground, registered: Collection[str]) -> Iterator[Item]:
    """Yield checkouts of orchd's own that a crash left in the folder of a run."""
    above = os.path.realpath(ground.layout.parallel)
    for path in sorted(each for each in registered if each.startswith(f"{above}/")):
        run = path.removeprefix(f"{above}/").partition("/")[0]
        verdict = Verdict(may_go=False, why=ground.going.get(run, ""))
        if run not in ground.going:
            verdict = cleaning.of_worktree(ground.repo, path, "", keep_ignored=False, doomed=ground.doomed)
        yield Item("worktree", path, run, verdict)


def _inside(ground: Ground) -> set[str]:
    """Return the folders among the worktrees; in a folder outside the root, which others may use, only those."""
    layout = ground.layout
    apart = [one for one in ground.ended.values() if not isolation.together(one.options)]
    places = {os.path.dirname(os.path.realpath(each.worktree)) for one in apart for each in one.tracks}
    linked = {each.path for each in _linked(ground.repo)}
    found: set[str] = set()
    for place in {*places, *(os.path.realpath(layout.worktrees(each)) for each in _folders_set(layout))}:
        with suppress(OSError), os.scandir(place) as entries:
            there = {each.path for each in entries if each.is_dir(follow_symlinks=False)}
            found |= there if place.startswith(f"{os.path.realpath(layout.root)}/") else there & linked
    return found - places


def _folders_set(layout: Layout) -> set[str]:
    """Return the folders for worktrees: the usual one, and the one that is set."""
    with suppress(OrchdError):
        return {WORKTREES, settings.load(layout.root).git.worktrees}
    return {WORKTREES}


def _backups(ground: Ground) -> Iterator[Item]:
    for one in restore.backups(Git(ground.repo.top)):
        if one.ref in ground.doomed:
            why = f"it is {ground.doomed[one.ref]} days old, and you asked for it"
            yield Item("backup", one.ref, one.run, Verdict(may_go=True, why=why, at=one.commit))


def _temps(ground: Ground, scope: Scope) -> Iterator[Item]:
    for paths in folders(ground.layout):
        run = os.path.basename(paths.folder)
        if scope.run in {None, run}:
            for path in _left_over(temp(paths)):
                yield Item("temporary file", path, run, Verdict(may_go=True, why="whoever wrote it is gone"))


def _left_over(folder: str) -> list[str]:
    with suppress(OSError, OrchdError):
        fd = files.open_folder(folder, ours=True)
        try:
            return [f"{folder}/{each}" for each in temps.left_over(fd)]
        finally:
            os.close(fd)
    return []


def remove(root: str, scope: Scope, item: Item) -> str:
    """Judge a thing again and remove it; return why it stays, or nothing. Gone meanwhile is fine."""
    reach("clean.judged")
    now = next(iter(_again(root, scope, item)), None)
    if now is None:
        return ""
    if not now.verdict.may_go or now.verdict.at != item.verdict.at:
        return f"it changed meanwhile: {now.verdict.why}"
    try:
        return _gone(survey(root, scope), now)
    except OrchdError as error:
        return error.message
    except OSError as error:
        return os.strerror(error.errno or 0).lower()


def _again(root: str, scope: Scope, item: Item) -> list[Item]:
    """Return what a fresh look says of one thing."""
    ground = survey(root, scope)
    if item.record is not None and item.kind in {"worktree", "branch"}:
        judge = _worktree if item.kind == "worktree" else _branch
        found = (judge(ground, item.record, each.agent_id) for each in item.record.tracks)
        return [each for each in found if each is not None and each.name == item.name]
    source = {"backup": _backups(ground), "temporary file": _temps(ground, scope)}.get(item.kind)
    return [each for each in source or _of_nobody(ground, scope) if (each.kind, each.name) == (item.kind, item.name)]


def _gone(ground: Ground, item: Item) -> str:
    repo = ground.repo
    match item.kind:
        case "worktree":
            _tear_down(ground, item)
            kept = item.record is not None and item.record.options.git.keep_ignored
            why = cleaning.remove_worktree(repo, item.name, keep_ignored=kept)
        case "branch":
            why = cleaning.remove_ref(repo, refs.head(item.name), item.verdict.at, "cleaned")
        case "backup":
            why = cleaning.remove_ref(repo, item.name, item.verdict.at, "cleaned")
        case "temporary file":
            why = "" if files.remove(item.name) or not os.path.lexists(item.name) else "it cannot be removed"
        case "empty folder":
            os.rmdir(item.name)
            why = ""
    reach("clean.removed")
    return visible(why)


def _tear_down(ground: Ground, item: Item) -> None:
    """Run the tear-down commands of the run that made a worktree; what these leave in it is kept, too."""
    record = item.record
    if record is None or not record.options.git.teardown:
        return
    track = next(each for each in record.tracks if os.path.realpath(each.worktree) == item.name)
    failed = tearing.down(ground.layout, record, track)
    if failed:
        views.remark(f"{track.track}: {failed}")
    ended = outcomes.of_run(ground.layout.run(record.run), record)
    attempt = next(each.attempt for each in ended if each.agent_id == track.agent_id)
    ref = f"{refs.BACKUPS}/{record.run}/{track.track}/{attempt}"
    backup.keep(item.name, ref, ignored=record.options.git.keep_ignored)
