"""Projects for orchd to work on: a real repository, a roadmap, a scripted agent, a bare remote."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cli.orchd import Orchd
from tests.waiting import wait_for

SETTINGS = """\
[agent]
kind = "scripted"

[run]
stagger = 0
attempts = 1
cleanup = false
grace = 1

[daemon]
rescan = 0.5
"""
LONGEST = 60


class Project(Orchd):
    """A root, the command in it, and what a test puts there."""

    def write(self, name: str, text: str) -> Path:
        """Write a file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @contextmanager
    def running_with(self, more: Mapping[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
        """Have the command run for the block, with ``more`` in its environment."""
        former = self.env
        self.env = former | dict(more)
        try:
            with self.running(*words) as child:
                yield child
        finally:
            self.env = former

    def git(self, *words: str) -> str:
        """Run git in the root; return what it says."""
        return git(self.root, *words)


def git(folder: Path, *words: str) -> str:
    """Run git in a folder; return what it says, without the last line break."""
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    ended = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, check=True, timeout=LONGEST)
    return ended.stdout.decode().rstrip("\n")


class Site(Project):
    """A project under git with one commit, a roadmap, a script for each track, and a bare remote beside it."""

    def __init__(
        self, folder: Path, roadmap: str, scripts: Mapping[str, str], *, settings: str = SETTINGS, remote: bool = True
    ) -> None:
        super().__init__(folder / "project")
        self.root.mkdir(parents=True)
        self.remote = folder / "remote.git"
        git(folder, "init", "--quiet", "--initial-branch=main", str(self.root))
        for name, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
            self.git("config", name, value)
        self.write("ROADMAP.md", roadmap)
        self.write("orchestrator.toml", settings)
        self.write("shared.txt", "first\n")
        for track, script in scripts.items():
            self.write(f"agents/{track}.toml", script)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=start")
        if remote:
            git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
            git(self.remote, "config", "core.logAllRefUpdates", "true")
            self.git("remote", "add", "origin", str(self.remote))
            self.git("push", "--quiet", "--set-upstream", "origin", "main")

    def subjects(self) -> list[str]:
        """Return the first lines of the commits on main that are no merges, the newest first."""
        return self.git("log", "--no-merges", "--format=%s", "main").splitlines()

    def pushes(self) -> int:
        """Return how often main was pushed since the project was made."""
        log = self.remote / "logs" / "refs" / "heads" / "main"
        return len(log.read_text().splitlines()) - 1

    def run_file(self, name: str, run: str = "roadmap") -> Path:
        """Return the path of a file of the run."""
        return self.root / "runtime" / "parallel" / run / name

    def log(self, track: str) -> str:
        """Return what the agent on a track printed."""
        path = self.root / "orchestrator_logs" / f"{track}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def locks(self) -> list[str]:
        """Return the tracks that are claimed."""
        return sorted(path.stem for path in (self.root / ".orchestrator_locks").glob("*.lock"))

    def wait_for_log(self, track: str, text: str) -> None:
        """Wait until the agent on a track printed ``text``."""
        wait_for(lambda: text in self.log(track), 20, f"{text!r} in the log of {track}")

    def wait_for_merge(self, title: str) -> None:
        """Wait until a track of that title is on main."""
        wait_for(lambda: any(f"Implement {title} " in each for each in self.subjects()), 20, f"{title} merged")


def roadmap(*titles: str, group: str = "A", **states: str) -> str:
    """Return a roadmap of one group; ``states`` has the mark of some tracks: ``t2="[DONE]"``."""
    tracks = (
        f"{number}. **Track {number}: {title}** {states.get(f't{number}', '')}".rstrip()
        for number, title in enumerate(titles, 1)
    )
    return "\n".join((f"### Group {group}: Things", "", "**Prerequisites**: None", "", *tracks, ""))


def script(*steps: str, review: Sequence[str] = ()) -> str:
    """Return a script that does these steps, each a line of TOML, in the work phase."""
    return "".join(f"[[{phase}]]\n{step}\n\n" for phase, some in (("work", steps), ("review", review)) for step in some)


def writes(name: str, text: str = "made\\n") -> str:
    """Return a step that writes a file."""
    return f'write = "{name}"\ntext = "{text}"'


def waits_for(path: Path) -> str:
    """Return a step that goes on once there is a file at ``path``."""
    return f'run = ["sh", "-c", "until [ -e \'{path}\' ]; do sleep 0.05; done"]'


def names(count: int, group: str = "A") -> list[str]:
    """Return the ids of the first tracks of a group."""
    return [f"group_{group}_track_{number}" for number in range(1, count + 1)]
