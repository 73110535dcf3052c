"""A repository with a run in it whose tracks, and whose person, do anything; and what must be true of it all the while.

orchd's part is real: what the daemon does about a track, called one after the other. Agents are no processes here, but
what they do to their worktrees (see :mod:`tests.daemon.hands`); orchd takes over when they end or die.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from orchestrator.cli import cleaning
from orchestrator.core.actions import EndTrack, Integrate, StartWorker, Unmerged
from orchestrator.core.refusal import Refusal
from orchestrator.core.run import Agent, GitOptions, Options, Outcome, RunRecord, RunTrack
from orchestrator.daemon import perform
from orchestrator.errors import GitRefused, OrchdError
from orchestrator.git import commit, restore
from orchestrator.git.command import Git
from orchestrator.state import results
from orchestrator.state.layout import IGNORED, Layout
from tests.daemon import hands
from tests.git import repos
from tests.projects import roadmap

RUNS: Final = ("roadmap", "roadmap-2")
COUNT: Final = 3
OURS: Final = tuple(each.strip("/").partition("/")[0] for each in IGNORED)

State = Literal["idle", "working", "died", "passed", "taken", "over"]
Disk = dict[str, tuple[str, bytes]]


def template(folder: Path) -> Path:
    """Make the repository that every history begins with."""
    lines = b"".join(b"line %d\n" % number for number in range(12))
    plan = roadmap(*(f"T{number}" for number in range(1, COUNT + 1))).encode()
    made = repos.make(folder, {hands.HOT: lines, "a.txt": b"a\n", "src/b.txt": b"b\n", "ROADMAP.md": plan})
    (made / ".git" / "info").mkdir()
    (made / ".git" / "info" / "exclude").write_text("".join(f"{line}\n" for line in IGNORED), encoding="ascii")
    return made


def blob(data: bytes) -> str:
    """Return the name that git gives to a file's bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def on_disk(folder: Path) -> Disk:
    """Return every file and link below a folder, git's own excepted, with its kind."""
    found: Disk = {}
    for place, inner, names in os.walk(folder):
        links = [each for each in inner if os.path.islink(f"{place}/{each}")]
        inner[:] = [each for each in inner if each != ".git" and each not in links]
        for name in (*names, *links):
            path = Path(place, name)
            if name != ".git":
                kind = "link" if path.is_symlink() else "tool" if path.stat().st_mode & 0o100 else "file"
                data = os.fsencode(path.readlink()) if kind == "link" else path.read_bytes()
                found[os.fsdecode(os.path.relpath(path, folder))] = (kind, data)
    return found


@dataclass(frozen=True, slots=True)
class Checkout:
    """The person's checkout: the branch and its commit, what is staged, what is on disk."""

    branch: str
    head: str
    staged: dict[str, str]
    disk: Disk


@dataclass(slots=True)
class Course:
    """One track of the run, and how far it is.

    ``began`` are the patterns of what git ignored when its worktree was made; ``seen`` is what was on disk when orchd
    took over last, None where that is not known any more. ``files`` are the objects on disk then, ``others`` those that
    git's own folder of the worktree holds: what was staged, and commits.
    """

    spec: RunTrack
    state: State = "idle"
    attempt: int = 0
    base: str = ""
    began: bytes = b""
    seen: Disk | None = None
    files: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    taken: perform.TakenIn | None = None
    outcome: Outcome | None = None

    @property
    def place(self) -> Path:
        """Its worktree."""
        return Path(self.spec.worktree)

    def is_(self, state: State) -> bool:
        """Tell whether it is that far."""
        return self.state == state


class World:
    """One history. ``owed`` is every object that an agent made, by what it is."""

    def __init__(self, model: Path, folder: Path, options: GitOptions) -> None:
        self.home = folder / "home"
        self.aside = folder / "aside"
        shutil.copytree(model, self.home, symlinks=True)
        self.layout = Layout(str(self.home))
        self.options = options
        self.record = self._accept(RUNS[0], tuple(self._track(number, f"t{number}") for number in range(1, COUNT + 1)))
        self.courses = [Course(track) for track in self.record.tracks]
        self.owed: dict[str, str] = {}
        self.late: dict[Path, bytes] = {}
        self.number = 0

    def _track(self, number: int, name: str) -> RunTrack:
        return RunTrack(
            agent_id=f"agent-{number}",
            track=f"group_A_track_{number}",
            title=f"T{number}",
            branch=f"feat/{name}",
            worktree=str(self.home / "worktrees" / name),
        )

    def run_again(self) -> None:
        """Accept another run: what was not merged goes on where it stands, on its branch if there is one."""
        Path(self.layout.run(self.record.run).metrics).write_text(json.dumps({"run": self.record.run}))
        tracks = [self._track(number, f"t{number}-2") for number in range(1, COUNT + 1)]
        for course in self.courses:
            if course.outcome is not None and course.outcome.ended != "merged" and course.place.is_dir():
                tracks[self.courses.index(course)] = course.spec
        self.record = self._accept(RUNS[1], tuple(tracks))
        self.courses = [Course(track, began=former.began) for track, former in zip(tracks, self.courses, strict=True)]

    def _accept(self, run: str, tracks: tuple[RunTrack, ...]) -> RunRecord:
        record = RunRecord(
            run=run,
            orchestration_id=f"orch-{run}-20260131-120000",
            source=str(self.home / "ROADMAP.md"),
            source_kind="roadmap",
            created_at="2026-01-31T12:00:00.000Z",
            target_branch="main",
            base=self.git("rev-parse", "main"),
            remote=None,
            agent=Agent("scripted", scripts=str(self.home)),
            options=replace(Options(), grace_seconds=0.1, git=self.options),
            tracks=tracks,
        )
        assert results.write_run(self.layout.run(run), record)
        return record

    def git(self, *words: str) -> str:
        """Run git in the person's checkout."""
        return os.fsdecode(hands.git(self.home, *words).stdout.removesuffix(b"\n"))

    def unique(self, data: bytes) -> bytes:
        """Return bytes that nobody has written yet; nothing stays nothing."""
        self.number += 1
        return data + b"%d" % self.number if data else data

    # -- what orchd does ------------------------------------------------------------------------------

    def watched(self, act: Callable[[], None]) -> None:
        """Let orchd act; the person's checkout is then as it was, or further by a fast-forward, and all is sound."""
        before = self.checkout()
        act()
        self._check_checkout(before, self.checkout())
        assert repos.git(self.home, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
        left = [path for path in (self.home / ".git").rglob("*.lock") if path.is_file()]
        assert [path for path in left if path.stat().st_mtime != hands.LONG_AGO] == []

    def start(self, course: Course) -> None:
        """Let an attempt begin; the track ends where it cannot."""
        course.attempt += 1
        if not course.place.exists():
            course.began = (self.home / ".git" / "info" / "exclude").read_bytes()
        try:
            perform.make_ready(
                self.layout, self.record, StartWorker(self.record.run, course.spec.agent_id, course.attempt)
            )
        except OrchdError as error:
            self.end(course, "failed", error.message)
            return
        self._settle(course)
        course.base = self.git("rev-parse", course.spec.branch)
        course.state = "working"
        assert os.path.isdir(course.place)

    def commit(self, course: Course) -> None:
        """Let the commit phase follow a phase that ended well."""
        spec = commit.Spec(course.spec.branch, course.base, "Do it", (), {"Orchd-Run": self.record.run})
        course.state = "died"
        try:
            commit.make(Git(course.spec.worktree), spec)
            course.state = "passed"
        except (commit.Invalid, GitRefused):
            pass

    def merge(self, course: Course) -> None:
        """Take a track in; where that is refused, the track ends or is given back. The rest may be left for later."""
        try:
            said = perform.merge_track(
                self.layout, self.record, Integrate(self.record.run, course.spec.agent_id, course.attempt, fence=0)
            )
        except GitRefused as error:
            self.end(course, "failed", error.message)
            return
        if isinstance(said, perform.TakenIn):
            course.state, course.taken = "taken", said
        elif isinstance(said, Outcome):
            self._over(course, said)
        else:
            assert isinstance(said, Refusal)
            course.state = "died"

    def wind_up(self, course: Course) -> None:
        """Do what is left to do about a track that was taken in."""
        assert course.taken is not None
        self._over(course, perform.wind_up(self.layout, self.record, course.taken))

    def end(self, course: Course, how: Unmerged, why: str = "TIMEOUT: x") -> None:
        """End a track that is not merged."""
        action = EndTrack(self.record.run, course.spec.agent_id, how, why, course.attempt)
        self._over(course, perform.end_track(self.layout, self.record, action))

    def _over(self, course: Course, outcome: Outcome) -> None:
        course.state, course.outcome = "over", outcome
        assert "not backed up" not in outcome.kept + outcome.note, outcome
        if outcome.ended == "merged":
            self.git("merge-base", "--is-ancestor", outcome.commit, "main")
        self._settle(course)
        self._check_restored(course)

    def clean(self) -> None:
        """Remove what `orchd clean` would, as if the run were over."""
        Path(self.layout.run(self.record.run).metrics).write_text(
            json.dumps({"run": self.record.run, "total_sub_tasks": COUNT})
        )
        scope = cleaning.Scope()
        for item in cleaning.plan(str(self.home), scope):
            if item.verdict.may_go:
                cleaning.remove(str(self.home), scope, item)

    # -- what is owed ---------------------------------------------------------------------------------

    def take_over(self, course: Course) -> None:
        """Note everything that an agent leaves at this moment: files, staged versions, commits."""
        inside = [*self._inside(course)]
        ignored = set() if self.options.keep_ignored else self._ignored(course, inside)
        course.seen = {name: each for name, each in on_disk(course.place).items() if not _is_within(name, ignored)}
        course.files = {blob(data): f"{kind} {name!r}" for name, (kind, data) in course.seen.items()}
        if not inside:
            return
        for row in hands.git(self.home, *inside, "ls-files", "-z", "--stage").stdout.split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            if not facts.startswith(b"160000") and facts.split(b" ")[1].decode() != blob(b""):  # as intended files are
                course.others[facts.split(b" ")[1].decode()] = f"staged {name!r}"
        logged = hands.git(self.home, *inside, "log", "-g", "--format=%H", "HEAD").stdout.split()
        course.others |= {each.decode(): "commit" for each in logged}

    def _inside(self, course: Course) -> Iterator[str]:
        """Yield the options with which git works in a worktree even where its .git file is gone."""
        for place in (self.home / ".git" / "worktrees").glob("*/gitdir"):
            if place.read_bytes().rstrip(b"\n") == os.fsencode(course.place / ".git"):
                yield from (f"--git-dir={place.parent}", f"--work-tree={course.place}", "-C", str(course.place))

    def _ignored(self, course: Course, inside: list[str]) -> set[str]:
        """Return what git is not to look at by patterns of the beginning, or of the worktree's own files.

        Where git knows nothing of the worktree any more, that is by the patterns of now.
        """
        if not inside:
            there = (f"--git-dir={self.home}/.git", f"--work-tree={course.place}", "-C", str(course.place))
            names = b"".join(os.fsencode(each) + b"\0" for each in on_disk(course.place))
            hidden = hands.git(self.home, *there, "check-ignore", "-z", "--no-index", "--stdin", stdin=names).stdout
            return {os.fsdecode(each) for each in hidden.split(b"\0") if each}
        self.aside.write_bytes(course.began)
        words = ("ls-files", "-z", "-o", "-i", "--directory", "--exclude-per-directory=.gitignore")
        told = hands.git(self.home, *inside, *words, f"--exclude-from={self.aside}").stdout
        return {os.fsdecode(each).rstrip("/") for each in told.split(b"\0") if each}

    def _settle(self, course: Course) -> None:
        """Check that all that a track owes is held by a ref, from now on."""
        self.owed |= course.files | course.others
        course.files, course.others = {}, {}
        self.check_kept()

    def disturb(self, course: Course, what: str) -> None:
        """Let a person delete a worktree, or what git knows of it; what only that held is theirs to miss."""
        admin = next((Path(each.removeprefix("--git-dir=")) for each in self._inside(course)), None)
        held = self._held()
        if what == "folder" and course.place.exists():
            shutil.rmtree(course.place)
            course.files = {name: each for name, each in course.files.items() if name in held}
            course.seen = None
        elif what == "git's side of it" and admin is not None:
            shutil.rmtree(admin)
            course.others = {name: each for name, each in course.others.items() if name in held}
        elif what == ".git":
            hands.lose_git(course.place)

    def write_late(self, course: Course, name: str, data: bytes) -> None:
        """Let something that orchd does not know write to a worktree of a track that is over."""
        if course.place.is_dir() and not course.place.joinpath(name).exists():
            hands.write(course.place, name, data)
            self.late[course.place / name] = data

    def check_kept(self) -> None:
        """Check that everything which orchd took over is still held by a branch or a backup."""
        held = self._held()
        lost = {name: what for name, what in self.owed.items() if name not in held}
        lost |= {blob(data): f"{path}" for path, data in self.late.items() if not _has(path, data)}
        missing = {name: what for name, what in lost.items() if name not in held}
        assert missing == {}, missing

    def _held(self) -> set[str]:
        words = ("rev-list", "--objects", "--branches", "--glob=refs/orchd", "--glob=refs/stash")
        return {line.partition(" ")[0] for line in self.git(*words).splitlines()}

    def _check_restored(self, course: Course) -> None:
        """Check that the backup of a track, if that has one, brings back just what was on disk."""
        found = restore.backups(Git(str(self.home)), self.record.run, course.spec.track)
        if course.seen is None or not found or found[-1].attempt != str(course.attempt):
            return
        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.unlink(missing_ok=True)
        restore.to_folder(Git(str(self.home)), found[-1], str(self.aside))
        back = {name: each for name, each in on_disk(self.aside).items() if not name.startswith(".orchd")}
        shutil.rmtree(self.aside)
        lacking = {name: each for name, each in course.seen.items() if back.get(name) != each}
        assert lacking == {}, lacking

    # -- the person's checkout ------------------------------------------------------------------------

    def checkout(self) -> Checkout:
        """Return how the person's checkout stands."""
        rows = (row.split("\t", 1) for row in self.git("ls-files", "-z", "--stage").split("\0")[:-1])
        disk = {name: each for name, each in on_disk(self.home).items() if name.partition("/")[0] not in OURS}
        staged = {name: facts for facts, name in rows}
        return Checkout(self.git("symbolic-ref", "HEAD"), self.git("rev-parse", "HEAD"), staged, disk)

    def _check_checkout(self, before: Checkout, after: Checkout) -> None:
        if before == after:
            return
        assert after.branch == before.branch
        assert repos.git(self.home, "merge-base", "--is-ancestor", before.head, after.head) == ""
        old, new = self._tree(before.head), self._tree(after.head)
        moved = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        for name in before.disk.keys() | after.disk.keys() | before.staged.keys() | after.staged.keys():
            had, has = before.disk.get(name), after.disk.get(name)
            if name in moved:
                missing = had is None and name in before.staged  # which git takes for a file that may come back
                assert missing or _is(had, old.get(name)) or _is(had, new.get(name)), name
                assert _is(has, new.get(name)), name
            elif name == "ROADMAP.md" and had is not None and has is not None:
                assert has[1].replace(b" [DONE]", b"") == had[1].replace(b" [DONE]", b"")
            else:
                assert (name, has) == (name, had)
                assert (name, before.staged.get(name)) == (name, after.staged.get(name))

    def _tree(self, head: str) -> dict[str, str]:
        rows = (row.split("\t", 1) for row in self.git("ls-tree", "-r", "-z", head).split("\0")[:-1])
        return {name: facts for facts, name in rows}


def _is(there: tuple[str, bytes] | None, entry: str | None) -> bool:
    """Tell whether what is on disk is what a commit has at that path."""
    if there is None or entry is None:
        return there is None and entry is None
    mode, _, name = entry.split(" ")
    return name == blob(there[1]) and mode == {"link": "120000", "tool": "100755", "file": "100644"}[there[0]]


def _has(path: Path, data: bytes) -> bool:
    """Tell whether a file is there and holds that."""
    return path.is_file() and path.read_bytes() == data


def _is_within(name: str, folders: set[str]) -> bool:
    """Tell whether a path is one of some, or below."""
    return any(f"{name}/".startswith(f"{each}/") for each in folders)
