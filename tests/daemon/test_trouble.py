"""A machine that refuses: no space, no descriptors. The daemon lives, says so now and then, and goes on afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.host import files
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import Daemon, answers, environment, running
from tests.processes import living
from tests.projects import waits_for
from tests.waiting import wait_for


def test_no_space_for_what_is_recorded(tmp_path: Path) -> None:
    """Neither outcome nor report can be written: each is tried on and on, and told once; nothing is half-done."""
    go = tmp_path / "go"
    site = Accepted(tmp_path, [makes(1, waits_for(go))])
    with running(site.root) as daemon:
        site.wait_for_owner(1)
        daemon.kill()
    full = Daemon(site.root, environment(ORCHD_FAILPOINT="publish.written:error=ENOSPC")).ready()
    go.touch()
    log = Path(site.layout.daemon_log)
    wait_for(lambda: "No space left on device" in log.read_text(), 20)
    wait_for(lambda: "1.txt" in site.git("ls-tree", "--name-only", "main"), 20)
    began = len(site.git("reflog", "main").splitlines())
    wait_for(lambda: site.git("status", "--porcelain") == "")
    assert answers(site.root)
    assert (site.outcomes(), site.owner(1)) == ([], None)
    full.kill()
    assert log.read_text().count("No space left on device") <= 2
    assert os.listdir(f"{site.paths.private}/tmp") == []
    with running(site.root):
        site.wait_for_end()
    assert len(site.git("reflog", "main").splitlines()) == began
    site.is_done_once()


IN_A_SMALL_ONE = """
mount -t tmpfs -o size=2m,mode=0700 none "$1/small" && cp -a "$1/runtime/." "$1/small/" \
    && mount --move "$1/small" "$1/runtime" && exec "$2" -P -m orchestrator.daemon --root "$1"
"""


@contextmanager
def on_a_small_disk(site: Accepted) -> Iterator[Path]:
    """Have a daemon whose runtime folder, and no other, is on a file system of 2 MB; yield it as seen from here."""
    (site.root / "small").mkdir(mode=0o700)
    argv = ["unshare", "-Urm", "sh", "-c", IN_A_SMALL_ONE, "sh", str(site.root), sys.executable]
    with subprocess.Popen(argv, env=environment(), stderr=subprocess.PIPE) as daemon:
        runtime = Path(f"/proc/{daemon.pid}/root{site.root}/runtime")
        try:
            wait_for(lambda: daemon.poll() is not None or (runtime / "orchd.log").exists(), 20)
            if daemon.poll() is not None:
                pytest.skip("no user namespaces with file systems here")
            yield runtime
        finally:
            with suppress(ProcessLookupError):
                daemon.send_signal(signal.SIGTERM)


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """The run stands still where it is, the daemon answers, and goes on by itself once there is room."""
    site = Accepted(tmp_path, [makes(1)])
    site.write(".git/info/exclude", (site.root / ".git/info/exclude").read_text() + "/small\n")
    guard = site.root / ".git" / "orchd" / "integrate.guard"
    guard.parent.mkdir(mode=0o700)
    with on_a_small_disk(site) as runtime:
        folder = runtime / "parallel" / "roadmap"
        with files.guard(str(guard), 5, "a test"):
            result = folder / "agent-1.result.json"
            wait_for(lambda: result.exists() and '"finished": true' in result.read_text(), 30)
            wait_for(lambda: site.locks() == [])
            with suppress(OSError), (runtime / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 4096)
        wait_for(lambda: "1.txt" in site.git("ls-tree", "--name-only", "main"), 20)
        wait_for(lambda: site.git("branch", "--list", "feat/t1") != "")
        assert not (folder / "agent-1.outcome.json").exists()
        (runtime / "filler").unlink()
        start = time.monotonic()
        wait_for((folder / "metrics.json").exists, 10, "the end of the run")
        assert time.monotonic() - start < 5
        assert json.loads((folder / "agent-1.outcome.json").read_bytes())["ended"] == "merged"
        assert list((folder / ".d" / "tmp").iterdir()) == []
    assert site.pushes() == 1


def test_few_descriptors_and_many_claims(tmp_path: Path) -> None:
    """With 64 of them and 200 owners alive, a run is carried out, and every dead owner's track is free soon."""
    site = Accepted(tmp_path, [makes(1)])
    store = FileClaims(str(site.root))
    with living() as one, living() as other:
        for number in range(200):
            won = store.claim(Wanted(f"x{number}", "test", one.pid if number % 2 else other.pid))
            assert isinstance(won, Won)
        argv = [
            "sh",
            "-c",
            'ulimit -n 64; exec "$@"',
            "sh",
            sys.executable,
            "-P",
            "-m",
            "orchestrator.daemon",
            "--root",
        ]
        with subprocess.Popen([*argv, str(site.root)], env=environment()) as daemon:
            try:
                site.wait_for_end()
                assert site.outcomes() == ["merged"]
                held = len(os.listdir(f"/proc/{daemon.pid}/fd"))
                assert held < 48
                one.kill()
                wait_for(lambda: len(site.locks()) == 100, 20, "the tracks of the dead owner free")
                other.kill()
                wait_for(lambda: site.locks() == [], 20)
                assert answers(site.root)
            finally:
                daemon.terminate()
    site.is_done_once()
