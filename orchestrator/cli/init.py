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
# Settings of orchd. Every key is optional; what stands here is what holds without it.
# Durations: 90 (seconds), "30s", "5m", "1h30m", "2d", "PT30S".

[agent]
# Who does the work: "command" is any program, "scripted" does as a file tells it and needs no model.
# kind = "command"

[agent.command]
# The program and its arguments; no shell reads them.
# argv = ["my-agent", "--flag"]
# How the prompt reaches it: "stdin", "file" (a path, put where {prompt_file} stands, else last), or "argument".
# prompt = "stdin"

[agent.scripted]
# The folder of its scripts, <track>.toml each.
# scripts = "agents"

[agent.env]
# Added to the agent's environment. Secrets belong into the environment of orchd instead.
# EDITOR = "true"

[run]
# At most so many agents at once.
# agents = 4
# Between two starts.
# stagger = "2s"
# For each phase of a track.
# timeout = "1h"
# From being asked to end to being ended.
# grace = "10s"
# How often a worker says that it is there.
# heartbeat = "30s"
# The share of the tracks that must succeed for exit code 1 instead of 2.
# threshold = 0.8
# Whether a run that went well is pushed.
# push = true

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
