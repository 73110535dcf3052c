"""The commit phase: a program of its own, run by the worker in the track's worktree under its claim.

    python -P -m orchestrator.git.commit SPEC.json

It stages everything that is not ignored and commits it, with the message that the specification gives;
the user's hooks run, and git's own settings say who signs. What an agent committed by itself stays as it
is. The last line on stdout is the commit; whatever went wrong is one line ``TYPE: text`` on stderr, after
the output of a hook. Exit status: 0 done or done before, 1 nothing to commit or refused, that of git when
git or a hook said no, 64 for a wrong specification.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.outcome import FAILED, OK, USAGE
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, OrchdError, Unreadable, UsageError
from orchestrator.git import author, include, leftover, message, places, refs, submodules
from orchestrator.git.command import Git, complaint
from orchestrator.git.own import EVERYTHING, Own
from orchestrator.host import files
from orchestrator.host.failpoint import reach
from orchestrator.host.process import Finished

HOOK_SECONDS: Final = 24 * 3600.0
"""A bound on the user's hooks; the deadline of the phase comes sooner."""

_NEW_GITLINK: Final = ":000000 160000 "
_MOST_NAMES: Final = 5


class Invalid(Exception):
    """What is in the worktree cannot be committed as the track's work; the text says why."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What to commit and how it is called; written by the orchestrator.

    ``base`` is the commit that the worktree began on. ``what`` are lines of the message. ``env`` is what the
    user's hooks find in their environment where we were given something else; without ``hooks`` they are not run.
    ``author`` is ``Name <mail>``, empty for the user; ``sign`` None: as the user's git is set. In the user's checkout
    (see :mod:`orchestrator.git.commit_shared`) ``target`` is its branch, and ``own`` the track's files there.
    """

    branch: str
    base: str
    subject: str
    what: tuple[str, ...]
    trailers: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    author: str = ""
    sign: bool | None = None
    hooks: bool = True
    target: str = ""
    own: Own = EVERYTHING


def decode(data: bytes) -> Spec:
    """Read a specification of version 1; raises :class:`Unreadable` with the reason."""
    match parse_object(data):
        case {"v": 1, "branch": str(branch), "base": str(base), "subject": str(subject), **rest}:
            pass
        case _:
            raise Unreadable("not the specification of a commit, version 1")
    said, sign, hooks = rest.get("author", ""), rest.get("sign"), rest.get("hooks", True)
    target = rest.get("target", "")
    if not (
        isinstance(target, str)
        and isinstance(said, str)
        and isinstance(hooks, bool)
        and (sign is None or isinstance(sign, bool))
    ):
        raise Unreadable("author is no text, or sign or hooks neither true nor false")
    return Spec(
        *(branch, base, subject, _list(rest, "what"), _texts(rest, "trailers"), _texts(rest, "env")),
        author=said,
        sign=sign,
        hooks=hooks,
        target=target,
        own=Own(_list(rest, "paths"), _list(rest, "left_out")),
    )


def _list(given: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unreadable(f"{key} is not a list of texts")
    return tuple(value)


def _texts(given: Mapping[str, object], key: str) -> Mapping[str, str]:
    value = given.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Unreadable(f"{key} is not a set of texts")
    return value


def make(git: Git, spec: Spec) -> str:
    """Commit everything and return the branch's commit.

    Raises :class:`Invalid`, :class:`GitRefused` with git's status, and ``OSError``; done twice, the second
    finds the commit of the first.
    """
    locks, head = _check_place(git, spec.branch)
    leftover.clear(git.folder, locks)
    _check_conflicts(git)
    for line in submodules.bring_home(git.folder):
        say(line)
    git.out("add", "--all", "--sparse")
    staged = _staged(git)
    _check_copies(git, spec.base, staged)
    if head != spec.base:
        _check_committed(git, spec.base)
    reach("commit.staged")
    if staged or os.path.lexists(*places.of(git, "MERGE_HEAD")):
        _commit(git, spec, staged)
        reach("commit.made")
    elif git.out("rev-list", "--count", f"{spec.base}..HEAD") == "0":
        raise Invalid("the agent changed nothing")
    else:
        say("everything was committed already")
    return refs.tip(git, spec.branch)


def _check_place(git: Git, branch: str) -> tuple[list[str], str]:
    """Return the locks that may be in the way, and the commit; :class:`Invalid`: this is no worktree on ``branch``."""
    names = ("index.lock", "HEAD.lock", f"{refs.head(branch)}.lock")
    paths = (word for name in names for word in ("--git-path", name))
    told = git.run(
        "rev-parse", "--show-prefix", "--path-format=absolute", *paths, "HEAD", "--symbolic-full-name", "HEAD"
    )
    if told.status != 0 or not told.stdout.startswith(b"\n"):
        raise Invalid("this folder is not the top of a worktree: its .git file is gone")
    *locks, head, here = os.fsdecode(told.stdout.strip(b"\n")).split("\n")
    if here != refs.head(branch):
        stands = "on no branch" if here == "HEAD" else f"on {visible(here.removeprefix('refs/heads/'))}"
        raise Invalid(f"the worktree stands {stands}, not on {visible(branch)}")
    return (locks if len(locks) == len(names) else places.of(git, *names)), head


def _check_conflicts(git: Git) -> None:
    rows = git.names("ls-files", "--unmerged", "-z")
    if rows:
        raise Invalid(f"conflicts are not resolved in {_some([row.partition(chr(9))[2] for row in rows])}")


def _staged(git: Git) -> list[str]:
    """Return the paths that the commit changes.

    Repositories that the agent made or cloned inside are refused: their files would not be in the commit.
    """
    fields = git.names("diff-index", "--cached", "--raw", "--no-renames", "-z", "HEAD")
    changes = list(zip(fields[::2], fields[1::2], strict=True))
    new = [path for facts, path in changes if facts.startswith(_NEW_GITLINK)]
    if new and not any(path == ".gitmodules" for _, path in changes):
        told = b"".join(os.fsencode(each) + b"\0" for each in new)
        git.out("update-index", "--force-remove", "-z", "--stdin", stdin=told)
        raise Invalid(f"a repository of its own stands in {_some(new)}: remove its .git, or have it ignored")
    return [path for _, path in changes]


def _check_committed(git: Git, base: str) -> None:
    """Refuse what :func:`_staged` refuses where the agent committed it by itself, and it is still there."""
    fields = git.names("diff-index", "--cached", "--raw", "--no-renames", "-z", base)
    new = [path for facts, path in zip(fields[::2], fields[1::2], strict=True) if facts.startswith(_NEW_GITLINK)]
    if new and ".gitmodules" not in fields[1::2]:
        raise Invalid(
            f"a repository of its own was committed as {_some(new)}, without its files: `git rm --cached` takes it out"
        )


def _check_copies(git: Git, base: str, staged: Sequence[str]) -> None:
    """Refuse copies of what the user has git ignore, secrets often, where the agent has them ignored no longer."""
    copies = include.copied(git.folder)
    made = git.names("log", "--format=", "--name-only", "--no-renames", "-m", "-z", f"{base}..HEAD") if copies else []
    there = [each for each in made if each in copies]
    if there:
        raise Invalid(f"{_some(there)} was committed, a copy that {include.NAME} names: take it out of the history")
    coming = [each for each in staged if each in copies]
    if coming:
        told = b"".join(os.fsencode(each) + b"\0" for each in coming)
        git.out("update-index", "--force-remove", "-z", "--stdin", stdin=told)
        raise Invalid(f"{_some(coming)} is a copy that {include.NAME} names: have git ignore it again")


def _commit(git: Git, spec: Spec, changed: Sequence[str]) -> None:
    unknown = author.missing(git)
    if unknown:
        say(f"git knows no user.name and user.email here: committing as {author.NAME} <{author.EMAIL}>")
    text = message.of_commit(spec.subject, spec.what, changed, spec.trailers)
    # Hooks are the user's programs: they get the user's language back, and what else we were not to see.
    env = {**unknown, **author.given(spec.author), "LC_ALL": os.environ.get("LC_ALL", ""), **spec.env}
    signed = {None: (), True: ("--gpg-sign",), False: ("--no-gpg-sign",)}[spec.sign]
    ended = git.run("commit", "--quiet", *signed, "--cleanup=whitespace", "-F", "-", stdin=text, env=env)
    show(ended)
    if ended.status != 0:
        raise GitRefused(f"git commit: {complaint(ended)}", status=ended.status)


def show(ended: Finished) -> None:
    """Print what a command printed, line by line, safe to show."""
    for data in (ended.stdout, ended.stderr):
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            say(visible(line, 2000))


def _some(paths: Sequence[str]) -> str:
    return some(list(dict.fromkeys(paths)), _MOST_NAMES)


def say(line: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(status: int, line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return status


def _load(arguments: Sequence[str]) -> Spec:
    match arguments:
        case [path]:
            return decode(files.read(path).data)
    raise UsageError("usage: python -m orchestrator.git.commit SPEC.json")


def main(arguments: Sequence[str], make: Callable[[Git, Spec], str] = make) -> int:
    """Commit as the specification says, by ``make``; return the exit status."""
    try:
        spec = _load(arguments)
    except (OrchdError, FileNotFoundError) as error:
        text = error.message if isinstance(error, OrchdError) else f"there is no file {visible(arguments[0])}"
        return _fail(USAGE, f"UNKNOWN: {text}")
    try:
        say(make(Git(os.getcwd(), HOOK_SECONDS, hooks=spec.hooks), spec))
    except Invalid as error:
        return _fail(FAILED, f"VALIDATION_ERROR: {error}")
    except GitRefused as error:
        return _fail(error.status or FAILED, f"VALIDATION_ERROR: {error.message}")
    except OrchdError as error:
        return _fail(FAILED, f"RESOURCE_ERROR: {error.message}")
    except OSError as error:
        return _fail(FAILED, f"RESOURCE_ERROR: {error.strerror}")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
