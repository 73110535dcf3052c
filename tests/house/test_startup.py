"""What `orchd locks` imports: it is called in loops and prompts, and start-up is import time."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.house.sources import TOP

IMPORTED: Final = re.compile(r"import time: +\d+ \| +\d+ \| +(\S+)")
BARE: Final = "import click\n\n@click.command()\ndef bare() -> None:\n    click.echo()\n\nbare()\n"

# Beside our own modules, click's own and what a bare click program brings. Each of these is small, and a new one must
# be worth its milliseconds. hashlib names the content of a lock that a stranger wrote; socket is the host's name.
ALLOWED: Final = {"dataclasses", "fcntl", "gc", "json", "signal", "unicodedata", "zlib"}
BROUGHT: Final = {"copy", "encodings", "org"}  # by those


def _imported(folder: Path, *arguments: str) -> set[str]:
    """Return the name of every module that a Python program imports."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=folder,
        env={name: os.environ[name] for name in os.environ if not name.startswith("ORCHD_")} | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(IMPORTED.findall(ended.stderr))


@pytest.mark.parametrize("command", [["locks"], ["locks", "--json"]])
def test_locks_imports_no_more_than_it_needs(tmp_path: Path, command: list[str]) -> None:
    """Beside what a bare click program brings, `orchd locks` imports our own modules and those of the list."""
    (tmp_path / "bare.py").write_text(BARE)
    (tmp_path / ".orchestrator_locks").mkdir()
    (tmp_path / ".orchestrator_locks" / "docs.lock").write_text(f"{os.getpid()}\n")
    bare = _imported(tmp_path, "-m", "bare")
    added = _imported(tmp_path, "-m", "orchestrator", *command, "--root", str(tmp_path)) - bare
    tops = {name.partition(".")[0].removeprefix("_") for name in added}
    assert "click" in bare
    assert "orchestrator" in tops
    assert tops - {"orchestrator", "click"} - ALLOWED - BROUGHT == set()
