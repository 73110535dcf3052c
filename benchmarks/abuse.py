"""What one abusive agent does to the tracks beside it: how much longer each of their steps takes than in a calm run.

    python benchmarks/abuse.py [NAME ...]

Two slots: in one an agent abuses the machine for SECONDS, through the other go three short tracks, one after the other.
For each step the longest time of the three, less the median of the same step beside an agent that only sleeps; LAG at
most is asked for. ``two hogs`` is the measure: two processes that do nothing but compute. ``late`` is how much later
the last of the three was merged. ``MB of logs`` is the most that was on disk, ``MB`` and ``CPU s`` are those of the
process that drives the run; ``ended`` is what became of the abusive track.
"""

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).parents[1]
LAG: Final = 1.0
"""Seconds that a step may take longer beside an abusive agent."""

SECONDS: Final = 4
CALM_RUNS: Final = 3
LOOK: Final = 0.05
GOOD: Final = 3
ABUSIVE: Final = "group_A_track_1"

SETTINGS: Final = f"""\
[agent]
kind = "command"
[agent.command]
argv = {{argv}}
[run]
agents = 2
stagger = 0
attempts = 1
cleanup = false
push = false
grace = 1
timeout = "{SECONDS}s"
"""

AGENT: Final = """\
import os, pathlib, sys, time
if os.environ["ORCHD_PHASE"] == "work":
    if os.environ["ORCHD_TRACK"] == "group_A_track_1":
        exec(pathlib.Path(sys.argv[1]).read_text())
    else:
        time.sleep(1.2)
    pathlib.Path(os.environ["ORCHD_TRACK"]).write_text("made")
"""

CALM: Final = "time.sleep(until - time.monotonic())"
ABUSES: Final[Mapping[str, str]] = {
    "two hogs": """
if os.fork() == 0:
    while time.monotonic() < until:
        pass
    os._exit(0)
while time.monotonic() < until:
    pass
""",
    "ignores TERM": """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(1)
""",
    "forks away": """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            time.sleep(300)
        os._exit(0)
    os.wait()
    time.sleep(0.01)
""",
    "100 MB/s": """
piece, begun, number = (b"x" * 99 + b"\\\\n") * 10_000, time.monotonic(), 0
while time.monotonic() < until:
    os.write(1, piece)
    number += 1
    time.sleep(max(0.0, begun + number / 100 - time.monotonic()))
""",
    "10,000 statuses/s": """
import json
path = os.environ["STATUS_FILE"]
draft, child = f"{os.path.dirname(path)}/.d/tmp/abuse", os.fork()
said, begun, number = json.load(open(path)), time.monotonic(), 0
words = [json.dumps({**said, "progress_percentage": percent}).encode() for percent in range(100)]
while time.monotonic() < until:
    number += 1
    fd = os.open(f"{draft}{child}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(fd, words[number % 100])
    os.close(fd)
    os.replace(f"{draft}{child}", path)
    time.sleep(max(0.0, begun + number / 5_000 - time.monotonic()))
print(f"{number / (time.monotonic() - begun):.0f} a second", flush=True)
if child == 0:
    os._exit(0)
os.wait()
""",
    "stops itself": """
import signal
os.kill(os.getpid(), signal.SIGSTOP)
""",
}

STEPS: Final = (
    ("start", "to starting", "worker.started"),
    ("claim", "worker.started", "claim.won"),
    ("work", "claim.won", "claim.released"),
    ("seen", "claim.released", "to merging"),
    ("merge", "to merging", "track.merged"),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took: seconds a step for each good track, the last merge (s), what was used, what was said."""

    steps: Mapping[str, Sequence[float]]
    last: float
    disk: float
    memory: float
    cpu: float
    ended: str
    updates: int


def project(root: Path, argv: Sequence[str]) -> None:
    """Make a repository with a roadmap of one abusive track and the good ones."""
    root.mkdir()
    tracks = (f"{number}. **Track {number}: Thing {number}**" for number in range(1, GOOD + 2))
    (root / "ROADMAP.md").write_text("### Group A: Things\n\n" + "\n".join(tracks) + "\n")
    (root / "orchestrator.toml").write_text(SETTINGS.format(argv=json.dumps(argv)))
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@localhost")
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), ("commit", "--quiet", "-m", "start")):
        subprocess.run(["git", *who, *words], cwd=root, check=True)


def carried(folder: Path, abuse: str) -> Taken:
    """Carry a run out beside that abuse."""
    number = len(list(folder.glob("*.abuse.py")))
    script, agent = folder / f"{number}.abuse.py", folder / "agent.py"
    script.write_text(f"until = time.monotonic() + {SECONDS - 1}\n{abuse}\n")
    agent.write_text(AGENT)
    root = folder / str(number)
    project(root, [sys.executable, "-S", str(agent), str(script)])
    argv = [sys.executable, "-P", "-m", "orchestrator", "--root", str(root), "run", str(root / "ROADMAP.md")]
    with subprocess.Popen(argv, env=environment(folder), stdout=subprocess.DEVNULL) as driver:
        looks = list(watched(driver, root / "orchestrator_logs"))
    marks = marked(root)
    metrics = json.loads((root / "runtime" / "parallel" / "roadmap" / "metrics.json").read_bytes())
    good = [marks[f"group_A_track_{number}"] for number in range(2, GOOD + 2)]
    begun = min(each["to starting"] for each in marks.values())
    log = (root / "orchestrator_logs" / f"{ABUSIVE}.log").read_bytes()[-4096:].decode("utf-8", "replace")
    return Taken(
        steps={step: [each[end] - each[begin] for each in good] for step, begin, end in STEPS},
        last=max(each["track.merged"] for each in good) - begun,
        disk=max(each[0] for each in looks),
        memory=max(each[1] for each in looks),
        cpu=looks[-1][2],
        ended=f"{'merged' if 'track.merged' in marks[ABUSIVE] else 'failed'}, {metrics['successful_agents']} merged",
        updates=sum(int(line.split()[0]) for line in log.splitlines() if line.endswith(" a second")),
    )


def watched(driver: subprocess.Popen[bytes], logs: Path) -> Iterator[tuple[float, float, float]]:
    """Look at the logs and at the process that drives a run until it ends: MB on disk, MB of memory, CPU s."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    while driver.poll() is None:
        words = Path(f"/proc/{driver.pid}/stat").read_text().rpartition(") ")[2].split()
        disk = sum(each.stat().st_blocks for each in logs.glob("*") if each.exists()) * 512
        yield disk / 1e6, int(words[21]) * page / 1e6, (int(words[11]) + int(words[12])) / tick
        time.sleep(LOOK)


def marked(root: Path) -> Mapping[str, Mapping[str, float]]:
    """Return for each track when (s) what first happened to it."""
    marks: dict[str, dict[str, float]] = {}
    for line in (root / "runtime" / "events.jsonl").read_bytes().splitlines():
        each: dict[str, Any] = json.loads(line)
        if "track" in each:
            name = f"to {each['to']}" if each["event"] == "track.changed" else each["event"]
            marks.setdefault(each["track"], {}).setdefault(name, datetime.fromisoformat(each["at"]).timestamp())
    return marks


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with byte code of our own, and nothing set that slows Python down."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("ORCHD_", "PYTHON", "GIT_"))}
    return kept | {"PYTHONPATH": str(TOP), "PYTHONPYCACHEPREFIX": str(folder / "cache")}


def line(name: str, took: Taken, calm: Mapping[str, float], last: float) -> str:
    """Return what is told of one abuse."""
    lags = [round(max(took.steps[step]) - calm[step], 2) + 0.0 for step, *_ in STEPS]
    figures = "".join(f"{each:7.2f}" for each in lags)
    bound = "holds" if max(lags) <= LAG else "over the bound"
    rate = f" ({took.updates:,} a second)" if took.updates else ""
    return (
        f"{name:18}{figures} {took.last - last:7.2f} {took.disk:10.0f} {took.memory:5.0f} {took.cpu:6.2f}"
        f"  {took.ended}{rate}; {bound}"
    )


def main(words: Sequence[str]) -> int:
    """Print a line an abuse; the exit status is 1 where a step took too long."""
    with tempfile.TemporaryDirectory(prefix="orchd-abuse-", ignore_cleanup_errors=True) as folder:
        sys.pycache_prefix = f"{folder}/cache"
        compileall.compile_dir(TOP / "orchestrator", quiet=1)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        calm = [carried(Path(folder), CALM) for _ in range(CALM_RUNS)]
        medians = {step: statistics.median([each for run in calm for each in run.steps[step]]) for step, *_ in STEPS}
        last = statistics.median(run.last for run in calm)
        heads = "".join(f"{step:>7}" for step in medians)
        print(f"{'abuse':18}{heads} {'late':>7} {'MB of logs':>10} {'MB':>5} {'CPU s':>6}  ended")
        told = "".join(f"{each:7.2f}" for each in medians.values())
        print(f"{'(calm, seconds)':18}{told} {last:7.2f}")
        lines = [line("calm", max(calm, key=lambda run: run.last), medians, last)]
        print(lines[0])
        for name, abuse in ABUSES.items():
            if not words or name in words:
                lines.append(line(name, carried(Path(folder), abuse), medians, last))
                print(lines[-1], flush=True)
    return int(any(each.endswith("over the bound") for each in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
