"""Where git keeps files of its own, asked in one question."""

from typing import Final

from orchestrator.git.command import Git

_ABSOLUTE: Final = ("rev-parse", "--path-format=absolute")


def of(git: Git, *names: str) -> list[str]:
    """Return the paths of files in git's own folder for this worktree, or in what all worktrees share."""
    return ask(git, *(("--git-path", name) for name in names))


def ask(git: Git, *questions: tuple[str, ...]) -> list[str]:
    """Return the answers of ``git rev-parse`` to questions that are answered by an absolute path or one line."""
    told = git.out(*_ABSOLUTE, *(word for words in questions for word in words)).split("\n")
    if len(told) == len(questions):
        return told
    return [git.out(*_ABSOLUTE, *words) for words in questions]  # a path with a line break in it
