"""What agents and persons do to a checkout, right or wrong: to its files, and with git."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

HOT: Final = "hot.txt"

NAMES: Final = (
    HOT,
    "a.txt",
    "src/b.txt",
    "src",
    "src/c/d",
    "ROADMAP.md",
    "new one",
    os.fsdecode(b"\xff\xfe"),
    "q\"u'o\nte",
    "\u00fc/-dash",
    "x.log",
    ":(top)x",
)
"""Paths that are written to: some are in the repository, some only differ from those by a folder, some are no text."""

TEXTS: Final = (
    b"",
    b"one\n",
    b"two\r\n",
    b"mixed\r\nends\n",
    b"no end",
    b"\x00\xff\x80\x00",
    b"<<<<<<<\n",
    b"x\n" * 40,
)

LONG_AGO: Final = 1.0
"""When agents left their locks."""


def git(folder: Path, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run git in a checkout, whatever comes of it."""
    return subprocess.run(["git", *words], cwd=folder, input=stdin, capture_output=True, timeout=60, check=False)


def _room(path: Path) -> None:
    """Make room for a file: what stands in its way goes."""
    for above in [*path.parents][::-1]:
        if above.is_symlink() or above.is_file():
            above.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file, through no link."""
    path = folder / name
    _room(path)
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def change(folder: Path, name: str, data: bytes) -> None:
    """Write into one line of the file that everybody changes; which one is told by the data."""
    path = folder / HOT
    if path.is_file() and not path.is_symlink():
        lines = path.read_bytes().split(b"\n")
        lines[len(name) % len(lines)] = b"line %d " % len(data) + data[-20:]
        path.write_bytes(b"\n".join(lines))


def delete(folder: Path, name: str, _data: bytes) -> None:
    """Remove a file or a folder."""
    path = folder / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(OSError):  # a folder above may lead nowhere
            path.unlink()


def rename(folder: Path, name: str, _data: bytes) -> None:
    """Move a file."""
    path = folder / name
    if path.is_file():
        _room(folder / "moved" / name)
        path.rename(folder / "moved" / name)


def link(folder: Path, name: str, _data: bytes) -> None:
    """Put a symbolic link there that leads somewhere, or nowhere."""
    path = folder / name
    _room(path)
    path.unlink(missing_ok=True)
    path.symlink_to(("a.txt", "/nowhere/at all", "..", "src")[len(name) % 4])


def mode(folder: Path, name: str, data: bytes) -> None:
    """Change the rights of a file."""
    path = folder / name
    if path.is_file() and not path.is_symlink():
        path.chmod((0o755, 0o644, 0o600, 0o444)[len(data) % 4])


def stage(folder: Path, name: str, _data: bytes) -> None:
    """Stage one path."""
    git(folder, "--literal-pathspecs", "add", "-A", "--", name)


def unstage(folder: Path, name: str, _data: bytes) -> None:
    """Take one path out of what is tracked, and leave it on disk."""
    git(folder, "--literal-pathspecs", "rm", "-r", "-q", "--cached", "--", name)


def hide(folder: Path, name: str, _data: bytes) -> None:
    """Tell git not to look at a file."""
    git(folder, "update-index", ("--assume-unchanged", "--skip-worktree")[len(name) % 2], "--", name)


def ignore(folder: Path, _name: str, data: bytes) -> None:
    """Have files ignored from now on, in this checkout or in all of them."""
    if len(data) % 2:
        write(folder, ".gitignore", b"*.log\n")
    else:
        shared = Path(os.fsdecode(git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir").stdout[:-1]))
        if shared.is_dir():
            with (shared / "info" / "exclude").open("ab") as file:
                file.write(b"new*\n")


def nest(folder: Path, name: str, data: bytes) -> None:
    """Make a repository within, with a commit or without."""
    inner = folder / "inner"
    if not inner.exists():
        inner.mkdir()
        git(inner, "init", "-q", "--template=")
        write(inner, name, data)
        if len(data) % 2:
            git(inner, "add", "-A")
            git(inner, "commit", "-q", "-m", "inner")


Deed = Callable[[Path, str, bytes], None]

FILES: Final[Sequence[Deed]] = (
    write,
    write,
    write,
    change,
    change,
    change,
    change,
    delete,
    rename,
    link,
    mode,
    stage,
    unstage,
    hide,
    ignore,
    nest,
)
"""What is done to files."""


def _with(*commands: tuple[str, ...]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        for words in commands:
            git(folder, *words)

    return run


def lose_git(folder: Path) -> None:
    """Delete the file that says whose worktree this is."""
    if (folder / ".git").is_file():
        (folder / ".git").unlink()


def leave_lock(folder: Path) -> None:
    """Leave what a git that was killed leaves."""
    place = Path(os.fsdecode(git(folder, "rev-parse", "--absolute-git-dir").stdout[:-1]))
    if place.parent.name == "worktrees":
        for name in ("index.lock", "HEAD.lock"):
            (place / name).write_bytes(b"")
            os.utime(place / name, (LONG_AGO, LONG_AGO))


def drop_branch(folder: Path) -> None:
    """Delete the branch that one stands on."""
    here = git(folder, "symbolic-ref", "-q", "HEAD").stdout.strip().decode()
    if here.startswith("refs/heads/feat/"):
        git(folder, "update-ref", "-d", here)


GITS: Final[Mapping[str, Callable[[Path], None]]] = {
    "commits all": _with(("add", "-A"), ("commit", "-q", "-m", "own")),
    "commits what is staged": _with(("commit", "-q", "-m", "own")),
    "amends": _with(("commit", "-q", "--amend", "--allow-empty", "-m", "amended")),
    "resets": _with(("reset", "-q", "--hard", "HEAD~1")),
    "resets softly": _with(("reset", "-q", "HEAD~1")),
    "stands elsewhere": _with(("checkout", "-q", "-B", "elsewhere")),
    "detaches": _with(("checkout", "-q", "--detach")),
    "stashes": _with(("stash", "-q", "-u")),
    "merges main": _with(("merge", "-q", "--no-edit", "main")),
    "rebases": _with(("rebase", "-q", "main")),
    "picks": _with(("cherry-pick", "main~0")),
    "starts anew": _with(("checkout", "-q", "--orphan", "new")),
    "intends": _with(("add", "-N", ".")),
    "prunes": _with(("prune", "--expire=now"), ("worktree", "prune", "--expire=now")),
    "packs": _with(("pack-refs", "--all", "--prune"), ("repack", "-q", "-a", "-d")),
    "forgets": _with(("reflog", "expire", "--expire=now", "--all")),
    "loses .git": lose_git,
    "leaves locks": leave_lock,
    "drops the branch": drop_branch,
}
"""What is done with git."""
