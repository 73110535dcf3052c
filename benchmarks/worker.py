"""What a worker costs: milliseconds from its start to its claim, its whole life, and its memory.

    python benchmarks/worker.py [ROUNDS]

Beside it, in the same rounds: an interpreter that does nothing.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.core.phase import Job, Phase, encode
from orchestrator.state.layout import Layout

TOP = Path(__file__).resolve().parents[1]
ENV = {**os.environ, "PYTHONPATH": str(TOP)}
FIELDS = ("Rss", "Private_Clean", "Private_Dirty")


def prepared(root: str, number: int, argv: tuple[str, ...]) -> tuple[str, Path]:
    """Write the job of one more track; return its path and that of its lock."""
    layout = Layout(root)
    paths = layout.run("bench")
    Path(paths.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    agent, track = f"agent-{number}", f"track-{number}"
    job = Job(root, "bench", agent, track, 1, "bench", root, "bench", (Phase("work", argv, 60.0),))
    path = paths.job(agent)
    Path(path).write_bytes(encode(job))
    return path, Path(layout.locks) / f"{track}.lock"


def started(job: str) -> subprocess.Popen[bytes]:
    """Start a worker as the daemon does."""
    argv = [sys.executable, "-P", "-m", "orchestrator.worker", job]
    return subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, start_new_session=True)


def to_claim(job: str, lock: Path) -> tuple[float, float]:
    """Return the seconds until the lock was there, and until the worker had ended."""
    start = time.perf_counter()
    worker = started(job)
    while not lock.exists() and worker.poll() is None:
        pass
    claimed = time.perf_counter() - start
    if worker.wait() != 0:
        raise SystemExit("the worker did not succeed")
    return claimed, time.perf_counter() - start


def nothing() -> float:
    """Return the seconds that an interpreter takes to do nothing."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "pass"], check=True, env=ENV)
    return time.perf_counter() - start


def memory(pid: int) -> dict[str, int]:
    """Return what the kernel counts for a process, KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    pairs = (line.split() for line in lines)
    return {words[0].rstrip(":"): int(words[1]) for words in pairs if words[0].rstrip(":") in FIELDS}


def held(root: str) -> dict[str, int]:
    """Return the memory of a worker whose agent sleeps."""
    job, _ = prepared(root, 0, ("sleep", "1"))
    worker = started(job)
    log = Path(Layout(root).log("track-0"))
    while worker.poll() is None and not (log.exists() and b"phase work" in log.read_bytes()):
        time.sleep(0.01)
    time.sleep(0.2)
    used = memory(worker.pid)
    worker.wait()
    return used


def main(rounds: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as root:
        used = held(root)
        pairs = [to_claim(*prepared(root, number, ("true",))) for number in range(1, rounds + 1)]
        bare = [nothing() for _ in range(rounds)]
    claimed, whole = zip(*pairs, strict=True)
    for what, seconds in (
        ("interpreter alone", bare),
        ("start to claim", claimed),
        ("start to end, agent `true`", whole),
    ):
        print(f"{what:28} median {statistics.median(seconds) * 1e3:6.1f} ms   least {min(seconds) * 1e3:6.1f} ms")
    private = used["Private_Clean"] + used["Private_Dirty"]
    resident = used["Rss"] / 1024
    print(f"{'memory while the agent works':28} {resident:.1f} MiB resident, {private / 1024:.1f} MiB of it private")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
