"""Real repositories for the tests: made, grown and looked at with git itself."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
DRIVE: Final = Path(__file__).with_name("drive.py")

Files = Mapping[str, bytes | None]


def git(folder: Path, *args: str, stdin: bytes = b"", status: int = 0) -> str:
    """Run git and return what it printed, without the final newline; it must end with ``status``."""
    ended = subprocess.run(["git", *args], cwd=folder, input=stdin, capture_output=True, timeout=60, check=False)
    assert ended.returncode == status, ended.stderr.decode("utf-8", "replace")
    return os.fsdecode(ended.stdout.removesuffix(b"\n"))


def make(folder: Path, files: Files) -> Path:
    """Make a repository on branch main with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    grow(folder, "main", files)
    git(folder, "reset", "--quiet", "--hard", "main")
    return folder


def grow(folder: Path, branch: str, files: Files, base: str | None = None, message: str = "work") -> str:
    """Add a commit to ``branch`` (begun at ``base``) without touching any checkout; None deletes a file."""
    stream = f"commit refs/heads/{branch}\ncommitter A <a@example.org> 1700000000 +0000\n".encode() + _data(
        message.encode()
    )
    known = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", f"refs/heads/{branch}"], cwd=folder, capture_output=True, check=False
    )
    start = base or known.stdout.decode().strip()
    if start:
        stream += f"from {start}^0\n".encode()
    for path, data in files.items():
        name = b'"' + b"".join(rb"\%03o" % byte for byte in os.fsencode(path)) + b'"'
        stream += b"D " + name + b"\n" if data is None else b"M 100644 inline " + name + b"\n" + _data(data)
    git(folder, "fast-import", "--quiet", "--force", stdin=stream)
    return git(folder, "rev-parse", f"refs/heads/{branch}")


def _data(data: bytes) -> bytes:
    return b"data %d\n" % len(data) + data + b"\n"


def write(folder: Path, files: Files) -> None:
    """Write files into a checkout; None deletes one."""
    for path, data in files.items():
        target = folder / path
        if data is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def on_disk(folder: Path) -> dict[str, bytes]:
    """Return every file of a checkout, git's own excepted."""
    found = (path for path in folder.rglob("*") if ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.is_file()}


def show(folder: Path, commit: str, path: str) -> bytes:
    """Return a file of a commit."""
    return subprocess.run(
        ["git", "cat-file", "blob", f"{commit}:{path}"], cwd=folder, capture_output=True, check=True
    ).stdout


def tip(folder: Path, ref: str) -> str:
    """Return the commit of a ref; empty where there is none."""
    ended = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", f"{ref}^{{commit}}"], cwd=folder, capture_output=True, check=False
    )
    return ended.stdout.decode().strip()


def parents(folder: Path, commit: str) -> list[str]:
    """Return the parents of a commit."""
    return git(folder, "show", "-s", "--format=%P", commit).split()


def assert_sound(folder: Path) -> None:
    """Nothing is damaged, and no lock or private index is left behind."""
    assert git(folder, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
    known = folder / ".git" if (folder / ".git").is_dir() else folder
    common = known if (known / "HEAD").is_file() else Path(git(folder, "rev-parse", "--git-common-dir"))
    assert [path for path in common.rglob("*.lock") if path.is_file()] == []


def drive(
    *words: str, failpoint: str = "", folder: Path = TOP, before: Sequence[str] = (), **env: str
) -> "subprocess.Popen[bytes]":
    """Start drive.py, which calls one function of the package in a process of its own, by the command ``before``."""
    more = {"PYTHONPATH": str(TOP), **({"ORCHD_FAILPOINT": failpoint} if failpoint else {}), **env}
    return subprocess.Popen(
        [*before, sys.executable, "-P", str(DRIVE), *words],
        cwd=folder,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(child: "subprocess.Popen[bytes]", status: int = 0) -> str:
    """Wait for a child that must end with ``status`` and return what it printed."""
    out, err = child.communicate(timeout=60)
    assert child.returncode == status, (out, err)
    return out.decode()
