"""How soon a track is free after ``kill -9`` of its owner, with the daemon running: milliseconds."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.claims import FileClaims, Wanted, Won

ROUNDS = 200
OTHERS = int(sys.argv[1]) if len(sys.argv) > 1 else 0


def main() -> None:
    """Print the minimum, median, 95th percentile and maximum over ROUNDS, with OTHERS living claims beside."""
    root = Path(tempfile.mkdtemp())
    daemon = subprocess.Popen([sys.executable, "-P", "-m", "orchestrator.daemon", "--root", str(root)])
    try:
        while not (root / "runtime" / "orchd.sock").exists():
            time.sleep(0.01)
        store = FileClaims(str(root))
        for number in range(OTHERS):
            store.claim(Wanted(f"other-{number}", "bench", os.getpid()))
        waits = sorted(1000 * one(store, root, number) for number in range(ROUNDS))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
    print(
        f"kill -9 -> lock gone, {ROUNDS} rounds, {OTHERS} other claims: min {waits[0]:.2f} ms, "
        f"median {statistics.median(waits):.2f} ms, p95 {waits[int(0.95 * ROUNDS)]:.2f} ms, max {waits[-1]:.2f} ms"
    )


def one(store: FileClaims, root: Path, number: int) -> float:
    """Return the seconds from the kill of one owner to the end of its lock."""
    owner = subprocess.Popen(["sleep", "600"])
    won = store.claim(Wanted(f"t{number}", "bench", owner.pid))
    assert isinstance(won, Won)
    time.sleep(0.03)
    path = root / ".orchestrator_locks" / f"t{number}.lock"
    start = time.perf_counter()
    owner.kill()
    while path.exists():
        time.sleep(0.0001)
    took = time.perf_counter() - start
    owner.wait()
    return took


if __name__ == "__main__":
    main()
