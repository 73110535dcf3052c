"""What a run stands on: the repository, its branch, its remote; and the few things read or added in it."""

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, Unreadable
from orchestrator.git import refs
from orchestrator.git.command import Git, refusal
from orchestrator.host import files

LONGEST_EXCLUDE: Final = 4 * 1024 * 1024
SHORT: Final = 30.0

_TOP: Final = ("--show-toplevel",)
_COMMON_DIR: Final = ("--path-format=absolute", "--git-common-dir")

_BUSY: Final[Mapping[str, str]] = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as it was found.

    ``top`` is the folder of the user's checkout, ``common_dir`` what all worktrees share. ``branch`` is
    the branch in question and ``head`` its commit. ``remote`` is where it is pushed to (None: nowhere),
    ``upstream_branch`` what it is called there.
    """

    top: str
    common_dir: str
    branch: str
    head: str
    remote: str | None
    upstream_branch: str

    @property
    def private(self) -> str:
        """Our own folder beside git's: guards and private indexes."""
        return f"{self.common_dir}/orchd"


def survey(root: str, branch: str | None = None, *, remote: bool = True) -> Repository:
    """Look at the repository around ``root``.

    Without ``branch``: it must be one that a run can start on: a checkout on a branch with a commit, and
    nothing going on in it. With ``branch`` (for a run that is under way): that branch, whatever the user's
    checkout stands on by now. Without ``remote`` nobody asks where that is pushed to. Raises :class:`GitRefused`
    with the reason and the next step.
    """
    git = Git(root, SHORT)
    if branch is None:
        git.require_version()
    known = _at_once(git, branch) if branch is not None and not remote else None
    if known is not None:
        return known
    top, common_dir = _place(git, root)
    return Repository(top, common_dir, *_branch(git, branch if branch is not None else _current_branch(git)))


def _at_once(git: Git, branch: str) -> Repository | None:
    """Return what one question to git tells of a repository; None where that takes more, or something is wrong."""
    words = ("--is-bare-repository", "--is-inside-work-tree", *_COMMON_DIR, *_TOP, f"{refs.head(branch)}^{{commit}}")
    told = git.run("rev-parse", *words)
    match os.fsdecode(told.stdout).split("\n"):
        case ["false", "true", common_dir, top, commit, ""] if told.status == 0:
            return Repository(top, common_dir, branch, commit, None, branch)
    return None


def _place(git: Git, root: str) -> tuple[str, str]:
    """Return the top of the checkout, and git's own folder."""
    where = visible(root)
    inside = git.run("rev-parse", "--is-bare-repository", "--is-inside-work-tree", *_COMMON_DIR, *_TOP)
    told = os.fsdecode(inside.stdout.removesuffix(b"\n")).split("\n")
    match told:
        case ["true", _, *_]:
            raise GitRefused(f"{where} is a bare repository", hint="clone it and run there: work needs files")
        case ["false", "false", *_]:
            raise GitRefused(f"{where} is inside git's own folder", hint="go to the folder with your files")
    if inside.status != 0:
        missing = "`git init` makes one, then commit what is there; or do without: `--isolation none`"
        hint = missing if b"not a git repository" in inside.stderr else ""
        raise refusal(inside, hint=hint)
    if len(told) == 4:  # an answer each; more of them: a path with a line break in it
        return told[3], told[2]
    return git.out("rev-parse", *_TOP), git.out("rev-parse", *_COMMON_DIR)


def _current_branch(git: Git) -> str:
    busy = going_on(git.out("rev-parse", "--path-format=absolute", "--git-dir"))
    if busy:
        raise GitRefused(f"a {busy} is going on here", hint=f"finish it, or undo it with `git {busy} --abort`")
    full = git.run("symbolic-ref", "--quiet", "HEAD").text()
    if not full.startswith("refs/heads/"):
        raise GitRefused("HEAD is detached: there is no branch to merge into", hint="`git switch BRANCH` first")
    name = full.removeprefix("refs/heads/")
    if refs.resolve(git, full) is None:
        raise GitRefused(
            f"the branch {visible(name)} has no commit yet",
            hint='make a first one: `git add -A && git commit -m "start"`, or with `--allow-empty`',
        )
    return name


def going_on(git_dir: str) -> str:
    """Return what is half done in the checkout of ``git_dir`` (``rebase``, ``merge``, …); empty for nothing."""
    return next((word for name, word in _BUSY.items() if os.path.lexists(f"{git_dir}/{name}")), "")


def _branch(git: Git, branch: str) -> tuple[str, str, str | None, str]:
    """Return a branch, its commit, where it is pushed to, and what it is called there.

    The remote it is set up for, else ``origin``, else the only one. The name there is its own, unless the
    user said ``push.default = upstream``: a branch made from ``origin/main`` tracks main, but is not main.
    """
    wanted = ("objectname", "push:remotename", "upstream:remotename", "upstream:remoteref")
    told, push, upstream, ref = refs.told_of(git, branch, *wanted) or ("", "", "", "")
    commit = refs.existing(branch, told or None)
    remote = next((each for each in (push, upstream) if each and each != "."), None) or usual_remote(git)
    there = ref.removeprefix("refs/heads/")
    if remote == upstream and there and git.run("config", "--get", "push.default").text() in {"upstream", "tracking"}:
        return branch, commit, remote, there
    return branch, commit, remote, branch


def usual_remote(git: Git) -> str | None:
    """Return the remote that a branch goes to for which nothing is set: ``origin``, else the only one."""
    known = git.out("remote").splitlines()
    return "origin" if "origin" in known else known[0] if len(known) == 1 else None


def guarded(repo: Repository, what: str, wait: float) -> AbstractContextManager[int]:
    """Hold the guard ``what`` of the repository against every other process; waits at most ``wait`` seconds."""
    files.ensure_folder(repo.private)
    return files.guard(f"{repo.private}/{what}.guard", wait, f"this repository ({what})")


def exclude(repo: Repository, lines: Iterable[str]) -> None:
    """Add the missing of ``lines`` to ``info/exclude``; patterns are relative to the top, .gitignore stays as it is."""
    path = f"{repo.common_dir}/info/exclude"
    with guarded(repo, "exclude", SHORT):
        data, mode = _read_exclude(path)
        present = set(data.decode("utf-8", "surrogateescape").splitlines())
        missing = [line for line in dict.fromkeys(lines) if line not in present]
        if not missing:
            return
        gap = b"\n" if data and not data.endswith(b"\n") else b""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.publish(path, data + gap + "".join(f"{line}\n" for line in missing).encode(), repo.private)
        os.chmod(path, mode)


def _read_exclude(path: str) -> tuple[bytes, int]:
    try:
        return files.read(path, LONGEST_EXCLUDE).data, stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return b"", 0o644
    except Unreadable as error:
        reason = f"{visible(path)} cannot be added to: {error.message}"
        raise GitRefused(reason, hint="put a plain file there") from error


def unclean(repo: Repository) -> tuple[str, ...]:
    """Return what differs from the commit in the user's checkout, new files included; a new folder counts as one."""
    entries = Git(repo.top).names("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
    return tuple(each[3:] for each in entries)


def blob_equals(repo: Repository, commit: str, path: str, data: bytes) -> bool:
    """Tell whether ``data``, found in the checkout at ``path`` (relative to the top), is what ``commit`` has there.

    As git sees it: line ends and filters that git would undo when adding make no difference.
    """
    git = Git(repo.top)
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{path}").text()
    if not found:
        return False
    if git.out("hash-object", "--stdin", stdin=data) == found:
        return True
    return git.out("hash-object", "--stdin", f"--path={path}", stdin=data) == found
