"""A fast-forward that went to another branch: somebody switched the checkout in the instant before git did it.

git brings forward whatever HEAD names by then, and nothing tells it which branch was meant. What moved instead is
taken back to where it was; a branch that somebody has gone on from is left to him.
"""

import shlex
from collections.abc import Mapping

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import refs
from orchestrator.git.command import Git

_HEAD = "HEAD"


def branches(git: Git) -> Mapping[str, str]:
    """Return where every branch stands, by full name."""
    lines = git.out("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads").splitlines()
    return {name: commit for name, _, commit in (line.rpartition(" ") for line in lines)}


def stands_on(git: Git, branch: str) -> bool:
    """Tell whether the checkout is still one of ``branch``."""
    return _stand(git) == refs.head(branch)


def take_back(git: Git, before: Mapping[str, str], commit: str) -> None:
    """Take back what a fast-forward to ``commit`` moved that is not where it was ``before``.

    Raises :class:`GitRefused` where that cannot be, with the command that does it.
    """
    old, stand = refs.resolve(git, "ORIG_HEAD"), _stand(git)
    strayed = [name for name, there in branches(git).items() if there == commit != before.get(name)]
    if stand == _HEAD and not strayed and refs.resolve(git, _HEAD) == commit:
        strayed = [_HEAD]
    if old is None or old == commit or len(strayed) != 1:
        return
    name = strayed[0]
    files = git.run("read-tree", "-m", "-u", commit, old) if name == stand else None
    if files is not None and files.status != 0:
        short = visible(name.removeprefix("refs/heads/"))
        command = f"git -C {shlex.quote(visible(git.folder))} reset --keep {old}"
        raise GitRefused(f"somebody switched to {short} meanwhile, which was moved instead; `{command}` takes it back")
    refs.update(git, name, old, commit, "taken back: somebody switched to it meanwhile")


def _stand(git: Git) -> str:
    """Return the full name of the branch that the checkout is one of; HEAD where it is one of none."""
    return git.run("symbolic-ref", "--quiet", _HEAD).text() or _HEAD
