"""How long `orchd locks` takes to start, beside a bare click program, in one run on the same machine.

    python benchmarks/startup.py [ROUNDS]

Both run with compiled byte code, in turn, so that whatever else the machine does hits both alike. The ratio of
the minima is what counts; the medians carry the machine's noise. Exit status 1 when the ratio is above LIMIT.
"""

import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

LIMIT: Final = 1.5
ROUNDS: Final = 30
TOP: Final = Path(__file__).parents[1]
BARE: Final = "import click\n\n@click.command()\ndef bare() -> None:\n    click.echo('no claims')\n\nbare()\n"


def environment(cache: Path) -> dict[str, str]:
    """Return an environment in which byte code is kept in ``cache`` and nothing of orchd is set."""
    names = [name for name in os.environ if not name.startswith(("ORCHD_", "PYTHON"))]
    ours = {name: os.environ[name] for name in names}
    return ours | {"PYTHONPATH": str(TOP), "PYTHONPYCACHEPREFIX": str(cache)}


def spent(argv: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a program to its end and return the seconds on the clock and on the processor."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)
    taken, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(rounds: int) -> int:
    """Measure, print, and judge."""
    with tempfile.TemporaryDirectory(prefix="orchd-startup-") as folder:
        root, cache = Path(folder, "root"), Path(folder, "cache")
        root.mkdir()
        bare = Path(folder, "bare", "bare_click.py")
        bare.parent.mkdir()
        bare.write_text(BARE, encoding="utf-8")
        env = environment(cache)
        env["PYTHONPATH"] += os.pathsep + str(bare.parent)
        programs = {
            "bare click": [sys.executable, "-m", "bare_click"],
            "orchd locks": [sys.executable, "-m", "orchestrator", "--root", str(root), "locks"],
        }
        sys.pycache_prefix = str(cache)
        compileall.compile_dir(TOP / "orchestrator", quiet=1)
        compileall.compile_dir(bare.parent, quiet=1)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
        for turn in range(rounds + 2):
            for name, argv in programs.items():
                taken = spent(argv, env)
                if turn > 1:  # the first two warm the caches
                    times[name].append(taken)
    for name, each in times.items():
        clock, processor = zip(*each, strict=True)
        print(
            f"{name:<12} min {min(clock) * 1e3:6.1f} ms   median {statistics.median(clock) * 1e3:6.1f} ms"
            f"   processor: min {min(processor) * 1e3:6.1f} ms   median {statistics.median(processor) * 1e3:6.1f} ms"
        )
    ratio = min(times["orchd locks"])[0] / min(times["bare click"])[0]
    print(f"ratio of the minima: {ratio:.2f} (at most {LIMIT})")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
