"""``orchd init``: settings to begin with, and the ignore lines."""

import os
from typing import Final

import click

from orchestrator.cli import output
from orchestrator.cli.options import common_or_here
from orchestrator.errors import SystemFailure, Unreadable
from orchestrator.host import edit, files
from orchestrator.state.layout import IGNORED, SETTINGS, Layout

TEMPLATE: Final = """\
# Settings of orchd. Every key but who does the work is optional; what stands here holds without it, or is an example.
# Durations: 90 (seconds), "30s", "5m", "1h30m", "2d", "PT30S".

[agent]
# Who does the work, which has to be said: "command" is any program, with argv below; "scripted" does as a file tells
# it and needs no model.
# kind = "command"

[agent.command]
# The program and its arguments; no shell reads them.
# argv = ["my-agent", "--flag"]
# How the prompt reaches it: "stdin", "file" (a path, put where {prompt_file} stands, else last), or "argument".
# prompt = "stdin"
# The same with fewer tools, for an agent that failed twice in the same way. Empty: the same command again.
# reduced = []

[agent.scripted]
# The folder of its scripts, <track>.toml each.
# scripts = "agents"

[agent.env]
# Added to the agent's environment. Secrets belong into the environment of orchd instead.
# EDITOR = "true"

[run]
# At most so many agents at once.
# agents = 4
# Who they are; they find it in ORCHD_PROFILE, and profile_limits counts by it. Empty: nobody in particular.
# profile = ""
# Between two starts.
# stagger = "2s"
# For each phase of an agent, in the first attempt; each attempt after one that failed gets so many times more.
# timeout = "1h"
# timeout_growth = 1.5
# How often a track is tried, and how long it waits after the first failure (twice as long after the next).
# attempts = 3
# retry_delay = "5s"
# From being asked to end to being ended.
# grace = "10s"
# How often a worker says that it is there.
# heartbeat = "30s"
# Without a sign of life for so long, an agent is reported; after as long again, it is ended and its work kept.
# stale = "5m"
# So many tracks are taken on before the next ones may start; 0: whatever is ready starts.
# batch_size = 0
# What a track needs of those that it depends on: "merged", or only "committed".
# start_on = "merged"
# No agent is started while the machine has less memory (MB) left.
# min_memory_mb = 200
# Whether an agent that meets its usage limit waits until that is over, and how long that takes if it does not say.
# park_on_limit = true
# limit_wait = "15m"
# How long a run with nothing else to do waits for a person's answers.
# input_wait = "1h"
# Whether what is still missing when all attempts are over is given to one last worker.
# cleanup = true
# A track that failed in so many runs in a row is left alone until a person says otherwise; 0: never.
# quarantine_after = 3
# Where the run waits for `orchd approve`: "start", "push", both or neither.
# gates = []
# The share of the tracks that must succeed for exit code 1 instead of 2.
# threshold = 0.8
# Whether what was merged is pushed when the run is over.
# push = true

[run.kind_limits]
# At most so many agents of one kind at once, over all runs that one process drives. No entry: no such limit.
# command = 4

[run.profile_limits]
# The same for profiles.
# librarian = 1

# What may be spent, by each track, by the run, and by all runs of a day (UTC). What is not said is not limited.
# Workers are ended gently when it is spent, and their work is kept.
[budget.track]
# usd = 2.5
# tokens = 500000
# time = "2h"

[budget.run]
# usd = 20
# tokens = 5000000
# time = "8h"

[budget.day]
# usd = 50
# tokens = 10000000
# time = "1d"

# Who judges the work, in this order; as many such tables as you like.
# "command" judges by the exit status of argv (no shell reads it; a program with a slash is looked for from here).
# "artifacts": the files in paths are there, not empty, and new. "diff": every change is inside paths, or, where there
# are none, inside the files that the track names. "agent": an agent says ACCEPT, REVISE or REJECT; argv is its
# command, the run's own agent where there is none.
# Paths are globs from the top of the working tree; a folder covers what is below it. Tracks are globs of names, none
# means all. It is asked after "work", "review" or "commit" of a track, or after the "run", before that is pushed.
# Up to `rounds` times in all, with the agent mending in between; after a commit or the run once.
# [[validators]]
# name = "tests"
# kind = "command"
# argv = ["make", "test"]
# paths = []
# after = "review"
# tracks = []
# timeout = "10m"
# rounds = 3

[git]
# Where agents work: "worktree" (each in a working tree of its own), "shared" (in your checkout, told apart by the paths
# that tracks declare, or one after the other), "none" (in this folder, which is no repository; nothing is committed).
# isolation = "worktree"
# The folder in which each track gets a working tree: from here, or an absolute path. Git is told to ignore it.
# worktrees = "worktrees"
# Run in each new working tree before the first phase, one after the other, as [["npm", "ci"], ["make", "deps"]].
# setup = []
# setup_timeout = "10m"
# Run in a working tree before it goes, as [["docker", "compose", "down"]]. One that fails is told, and keeps nothing.
# teardown = []
# teardown_timeout = "5m"
# This command, as ["make", "test"], has to pass before the branch moves to a merge; else the track goes back with
# its output.
# check = []
# check_timeout = "30m"
# How work comes in: "merge" (a merge commit), "squash" (one commit), "rebase" (commit by commit).
# strategy = "merge"
# Whether a conflict is first given to the agent, once.
# resolve = false
# Whether files that git ignores are backed up before a working tree goes.
# keep_ignored = false
# Who is the author of the commits for tracks, "Name <mail>". Empty: as git is set.
# author = ""
# Whether they are signed. Without it: as git is set.
# sign = true
# Whether your hooks run.
# hooks = true
# A push that takes longer is ended.
# push_timeout = "30m"

[git.trailers]
# Added to the message of each commit for a track.
# Reviewed-by = "Jane Doe <jane@example.com>"

[daemon]
# How often everything is looked at again although nothing seems to have changed.
# rescan = "5s"
# How large (MB) its log grows before a new one begins; four are kept.
# log_max_mb = 10
"""


@click.command("init")
@common_or_here
def command(root: str, as_json: bool) -> None:
    """Write a commented orchestrator.toml, and ignore lines where git is. What exists is never overwritten."""
    written = _write_settings(Layout(root).settings)
    ignored = _add_ignore_lines(os.path.join(root, ".gitignore")) if _in_git(root) else []
    if as_json:
        output.emit({"root": root, "settings": "written" if written else "kept", "ignored": ignored})
        return
    output.say(f"{SETTINGS}: {'written' if written else 'was there, and is as it was'}")
    if ignored:
        output.say(f".gitignore: added {' '.join(ignored)}")


def _write_settings(path: str) -> bool:
    try:
        os.close(files.create(path, TEMPLATE.encode("ascii")))
    except FileExistsError:
        return False
    except OSError as error:
        raise files.failure(error, f"cannot write {SETTINGS}") from error
    return True


def _in_git(root: str) -> bool:
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True


def _add_ignore_lines(path: str) -> list[str]:
    """Add the lines that are missing and return them; every other byte stays."""
    try:
        before = files.read(path, 1024 * 1024).data
    except FileNotFoundError:
        os.close(files.create(path, b""))
        os.chmod(path, 0o644)
        before = b""
    except Unreadable as error:
        raise SystemFailure(
            f".gitignore cannot be read: {error.message}", hint=f"add these lines yourself: {' '.join(IGNORED)}"
        ) from error
    present = {line.strip() for line in before.decode("utf-8", "replace").splitlines()}
    missing = [line for line in IGNORED if line not in present]
    if missing:
        gap = b"" if not before or before.endswith(b"\n") else b"\n"
        edit.replace_content(path, before, before + gap + "".join(f"{line}\n" for line in missing).encode("ascii"))
    return missing
