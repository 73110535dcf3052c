"""Calls one function of the package in a process of its own, so that it can be killed or raced.

python -P tests/git/drive.py adopt ROOT PATH BRANCH
python -P tests/git/drive.py add ROOT PATH BRANCH BASE
python -P tests/git/drive.py integrate ROOT RUN TARGET BRANCH...
python -P tests/git/drive.py fill ROOT WORKTREE
python -P tests/git/drive.py keep WORKTREE REF
python -P tests/git/drive.py restore ROOT into|branch NAME
python -P tests/git/drive.py publish ROOT RUN TARGET STRATEGY
python -P tests/git/drive.py replay ROOT RUN TARGET STRATEGY BRANCH
"""

import sys

from orchestrator.core.run import GitOptions
from orchestrator.git import adopt, backup, integrate, repository, restore, submodules, worktree
from orchestrator.git.command import Git
from orchestrator.git.integrate import Integration
from orchestrator.git.publish import Publishing, publish


def _mark(track: str, data: bytes) -> bytes | None:
    marked = data.replace(f"- {track}\n".encode(), f"- {track} [DONE]\n".encode())
    return None if marked == data else marked


def _integrate(root: str, run: str, target: str, branch: str, options: GitOptions) -> object:
    repo = repository.survey(root, target)
    track = branch.replace("/", "_")
    request = Integration(run, track, "A title", branch, target, "ROADMAP.md", lambda data: _mark(track, data), options)
    return integrate.integrate(repo, request)


match sys.argv[1:]:
    case ["add", root, path, branch, base]:
        worktree.add(repository.survey(root), path, branch, base)
    case ["adopt", root, path, branch]:
        worktree.reconnect(root, path)
        adopt.adopt(repository.survey(root), path, branch)
    case ["integrate", root, run, target, *branches]:
        for each in branches:
            sys.stdout.write(f"{_integrate(root, run, target, each, GitOptions())}\n")
    case ["replay", root, run, target, "squash" | "rebase" as strategy, branch]:
        sys.stdout.write(f"{_integrate(root, run, target, branch, GitOptions(strategy=strategy))}\n")
    case ["fill", root, path]:
        submodules.fill(root, path)
    case ["keep", folder, ref]:
        commit = backup.keep(folder, ref)
        sys.stdout.write(" ".join(backup.missing(Git(folder), commit)) if commit else "nothing")
    case ["restore", root, "into", folder]:
        restore.to_folder(Git(root), restore.backups(Git(root))[0], folder)
    case ["restore", root, "branch", name]:
        restore.to_branch(Git(root), restore.backups(Git(root))[0], name)
    case ["publish", root, run, target, "merge" | "rebase" as strategy]:
        how = Publishing(GitOptions(strategy=strategy), check=lambda _: None)
        sys.stdout.write(f"{publish(repository.survey(root, target), run, how)}\n")
