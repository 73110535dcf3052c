"""The commit phase in the user's own checkout: a program like :mod:`orchestrator.git.commit`, run at its top.

    python -P -m orchestrator.git.commit_shared SPEC.json

It commits the track's files as they are there, and nothing else, onto the track's branch, with an index of its own:
neither the user's index nor a file is touched, and the user's branch only moves when the track is integrated. Hooks
(pre-commit, commit-msg) run as git would run them.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.run import GitOptions
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import author, commit, leftover, merge, message, places, refs
from orchestrator.git.command import Git, complaint
from orchestrator.git.commit import Invalid, Spec, say, show
from orchestrator.git.own import Staged, changes, put, staged
from orchestrator.host import files
from orchestrator.host.failpoint import reach

_MOST_NAMES: Final = 5
_GITLINK: Final = "160000"
_MESSAGE: Final = "message-"
_LARGEST: Final = 1024 * 1024


def make(git: Git, spec: Spec) -> str:
    """Commit the track's files and return the branch's commit; raises as :func:`orchestrator.git.commit.make` does."""
    _check_place(git, spec)
    tip = refs.tip(git, spec.branch)
    quiet = Git(git.folder, 600.0, hooks=False)
    with staged(quiet, spec.own, tip) as now:
        _check_changes(quiet, spec, now)
        if not now.found and tip != spec.base:
            say("everything was committed already")
            return tip
        if not now.found:
            raise Invalid("the agent changed nothing that is the track's")
        made = _commit(git, spec, now.env, tip)
    reach("commit.staged")
    leftover.clear_locks(quiet, f"{refs.head(spec.branch)}.lock")
    refs.update(quiet, refs.head(spec.branch), made, tip, "committed")
    reach("commit.made")
    return made


def _check_place(git: Git, spec: Spec) -> None:
    told = git.run("rev-parse", "--show-prefix")
    if told.stdout != b"\n":
        raise Invalid("this folder is not the top of the checkout any more")
    here = git.run("symbolic-ref", "--quiet", "HEAD").text()
    if here != refs.head(spec.target):
        stands = f"on {visible(here.removeprefix('refs/heads/'))}" if here else "on no branch"
        raise Invalid(f"the checkout stands {stands}, not on {visible(spec.target)}")


def _check_changes(git: Git, spec: Spec, now: Staged) -> None:
    if now.left:
        raise Invalid(f"not a file that can be committed: {some(now.left, _MOST_NAMES)}")
    found = now.found
    rows = (each.partition("\t")[2] for each in git.names("ls-files", "--unmerged", "-z"))
    conflicts = [each for each in dict.fromkeys(rows) if spec.own.covers(each)]
    if conflicts:
        raise Invalid(f"conflicts are not resolved in {some(conflicts, _MOST_NAMES)}")
    nested = [each.path for each in found if each.after[0] == _GITLINK != each.before[0]]
    if nested and not any(each.path == ".gitmodules" for each in found):
        raise Invalid(f"a repository of its own stands in {some(nested, _MOST_NAMES)}: remove its .git")


def _commit(git: Git, spec: Spec, env: Mapping[str, str], tip: str) -> str:
    theirs = {**env, "LC_ALL": os.environ.get("LC_ALL", ""), **spec.env}
    _hook(git, theirs, "pre-commit")
    found = changes(git, "diff-index", "--cached", tip, env=env)
    put(git, [(each.before, each.path) for each in found if not spec.own.covers(each.path)], env)  # a hook adds things
    tree = git.out("write-tree", env=env)
    names = [each.path for each in found if spec.own.covers(each.path)]
    text = message.of_commit(spec.subject, spec.what, names, spec.trailers)
    text = _edited(git, theirs, text)
    missing = author.missing(git)
    if missing:
        say(f"git knows no user.name and user.email here: committing as {author.NAME} <{author.EMAIL}>")
    by = author.maker(git, GitOptions(author=spec.author, sign=spec.sign))
    return merge.commit(git, tree, (tip,), text, replace(by, env={**by.env, **env}))


def _hook(git: Git, env: Mapping[str, str], name: str, *words: str) -> None:
    given = ("--", *words) if words else ()
    ended = git.run("hook", "run", "--ignore-missing", name, *given, env=env)
    show(ended)
    if ended.status != 0:
        raise GitRefused(f"the hook {name} says no: {complaint(ended)}", status=ended.status)


def _edited(git: Git, env: Mapping[str, str], text: bytes) -> bytes:
    """Return a commit's message as the user's hook wants it."""
    (folder,) = places.ask(git, ("--git-common-dir",))
    path = f"{folder}/orchd/{_MESSAGE}{os.getpid()}"
    try:
        files.remove(path)
        os.close(files.create(path, text))
        _hook(git, env, "commit-msg", path)
        return files.read(path, _LARGEST).data
    finally:
        files.remove(path)


def main(arguments: Sequence[str]) -> int:
    """Commit as the specification says; return the exit status."""
    return commit.main(arguments, make)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
