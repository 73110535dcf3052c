"""What the engine adds to the time of the agents: wall-clock time against the ideal of each graph, cost a track.

    python benchmarks/engine.py [shapes | many [TRACKS [AGENT]]]

``shapes``: agents of a fixed length, and how long the run takes against the best that its slots and its order allow.
``many``: so many tracks (1000) of an agent that is done at once, on 4 slots: memory, and what a track costs; AGENT
is ``file`` (it writes one, so that every track is committed and merged) or ``true`` (every track fails). Without
words: both. CPU time is that of the whole tree of processes. Nothing is staggered, and nothing is pushed.
"""

import compileall
import heapq
import json
import os
import resource
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
MOST: Final = 1.05
START_UP: Final = 0.3
"""A run may take MOST times the ideal and so many seconds more."""

LOOK: Final = 0.2
"""Seconds between two looks at the process that drives the run."""

AGENT: Final = """\
[ "$ORCHD_PHASE" = work ] || exit 0
[ "$1" = 0 ] || sleep "$1"
mkdir -p made
echo done > "made/$ORCHD_TRACK"
"""
SETTINGS: Final = """\
[agent]
kind = "command"
[agent.command]
argv = {argv}
[run]
agents = {slots}
stagger = 0
attempts = 1
cleanup = false
push = false
"""
NAME: Final = "group_A_track_"


@dataclass(frozen=True, slots=True)
class Shape:
    """A graph of tracks of the same length (s): for each the numbers of those that it waits for, from 1."""

    name: str
    seconds: float
    slots: int
    needs: tuple[tuple[int, ...], ...]

    @property
    def ideal(self) -> float:
        """Return the seconds of a list schedule, the longest chain first, in which nothing else takes any time."""
        heights = [1] * len(self.needs)
        for number in range(len(self.needs), 0, -1):
            for need in self.needs[number - 1]:
                heights[need - 1] = max(heights[need - 1], heights[number - 1] + 1)
        ended: dict[int, float] = {}
        running: list[tuple[float, int]] = []
        now = 0.0
        left = sorted(range(1, len(self.needs) + 1), key=lambda number: -heights[number - 1])
        while left or running:
            ready = [each for each in left if all(ended.get(need, now + 1) <= now for need in self.needs[each - 1])]
            for number in ready[: self.slots - len(running)]:
                left.remove(number)
                heapq.heappush(running, (now + self.seconds, number))
            now, number = heapq.heappop(running)
            ended[number] = now
        return now


def free(count: int) -> tuple[tuple[int, ...], ...]:
    """Return so many tracks that wait for nothing."""
    return ((),) * count


SHAPES: Final = (
    *(Shape(f"{count} tracks", 2.0, 5, free(count)) for count in (3, 5, 7, 10)),
    Shape("100 tracks", 0.1, 4, free(100)),
    Shape("diamond", 2.0, 5, ((), (1,), (1,), (2, 3))),
    Shape("two chains", 2.0, 5, ((), (), (1,), (2,), (3,), (4,))),
    Shape("fan", 2.0, 5, ((), (1,), (1,), (1,), (1,), (1,))),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took. ``looks``: seconds, resident MB and CPU seconds of the driver, ended tracks, again and again."""

    seconds: float
    cpu: float
    metrics: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]
    looks: Sequence[tuple[float, float, float, int]]


def project(root: Path, shape: Shape, argv: Sequence[str]) -> None:
    """Make a repository with a roadmap of that shape."""
    root.mkdir()
    (root / "ROADMAP.md").write_text("### Group A: Things\n\n" + "\n".join(lines(shape)) + "\n")
    (root / "agent.sh").write_text(AGENT)
    (root / "orchestrator.toml").write_text(SETTINGS.format(argv=json.dumps(argv), slots=shape.slots))
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@localhost")
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), ("commit", "--quiet", "-m", "start")):
        subprocess.run(["git", *who, *words], cwd=root, check=True)


def lines(shape: Shape) -> Iterator[str]:
    """Yield the lines of the roadmap."""
    for number, needs in enumerate(shape.needs, 1):
        after = f" (after Track{'s' * (len(needs) > 1)} {' and '.join(map(str, needs))})" if needs else ""
        yield f"{number}. **Track {number}: Thing {number}**{after}"


def cpu_of_children() -> float:
    """Return the CPU seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def carried(folder: Path, shape: Shape, argv: Sequence[str]) -> Taken:
    """Carry a run out, and return what it took from the start of the command to its end."""
    root = folder / shape.name.replace(" ", "-")
    project(root, shape, argv)
    before, begun = cpu_of_children(), time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestrator", "--root", str(root), "run", str(root / "ROADMAP.md")],
        env=environment(folder),
        stdout=subprocess.DEVNULL,
    ) as driver:
        looks = list(watched(driver, root / "runtime" / "parallel" / "roadmap", begun))
    seconds = time.perf_counter() - begun
    run = root / "runtime" / "parallel" / "roadmap"
    events = [json.loads(line) for line in (root / "runtime" / "events.jsonl").read_bytes().splitlines()]
    results = [json.loads(path.read_bytes()) for path in run.glob("agent-*.result.json")]
    metrics = json.loads((run / "metrics.json").read_bytes())
    return Taken(seconds, cpu_of_children() - before, metrics, events, results, looks)


def watched(driver: subprocess.Popen[bytes], run: Path, begun: float) -> Iterator[tuple[float, float, float, int]]:
    """Look at the process that drives a run until it ends."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    while driver.poll() is None:
        words = Path(f"/proc/{driver.pid}/stat").read_text().rpartition(") ")[2].split()
        over = sum(1 for _ in run.glob("*.outcome.json"))
        cpu = (int(words[11]) + int(words[12])) / tick
        yield time.perf_counter() - begun, int(words[21]) * page / 1e6, cpu, over
        time.sleep(LOOK)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with byte code of our own, and nothing set that slows Python down."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("ORCHD_", "PYTHON", "GIT_"))}
    return kept | {"PYTHONPATH": str(TOP), "PYTHONPYCACHEPREFIX": str(folder / "cache")}


def shapes(folder: Path) -> None:
    """Print a line a shape. ``engine``: from the first worktree to the last merge; ``speed-up``: of the lengths."""
    print(f"{'shape':12} {'ideal':>6} {'bound':>6} {'command':>8} {'engine':>7}  ratio  speed-up (ideal)  CPU/track")
    for shape in SHAPES:
        took = carried(folder, shape, ["sh", str(folder / "agent.sh"), f"{shape.seconds:g}"])
        bound = MOST * shape.ideal + START_UP
        engine = span(took.events)
        whole = shape.seconds * len(shape.needs)
        ratio = engine / shape.ideal
        print(
            f"{shape.name:12} {shape.ideal:6.2f} {bound:6.2f} {took.seconds:8.2f} {engine:7.2f} {ratio:6.2f}"
            f" {whole / engine:8.2f} ({whole / shape.ideal:4.2f}) {took.cpu / len(shape.needs):15.3f}"
            f"  {'holds' if engine <= bound else 'over the bound'}, {took.metrics['successful_agents']} merged",
            flush=True,
        )


def at(text: str) -> float:
    """Return the seconds since the epoch of a time in a file."""
    return datetime.fromisoformat(text).timestamp()


def span(events: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds from the first start to the last end of a track."""
    first = next(at(each["at"]) for each in events if each["event"] == "track.changed" and each["to"] == "starting")
    return max(at(each["at"]) for each in events if each["event"] in ("track.merged", "track.failed")) - first


def parts(took: Taken) -> dict[str, list[float]]:
    """Return for each part of a track's life how long (s) it lasted, in every track that has it."""
    marks: dict[str, dict[str, float]] = {}
    for each in took.events:
        if "track" in each:
            name = f"to {each['to']}" if each["event"] == "track.changed" else each["event"]
            marks.setdefault(each["track"], {}).setdefault(name, at(each["at"]))
    told: dict[str, list[float]] = {name: [] for name, *_ in SPANS}
    for mark in marks.values():
        for name, begin, end in SPANS:
            if begin in mark and end in mark:
                told[name].append(mark[end] - mark[begin])
    for result in took.results:
        for phase in result["attempts"][-1]["phases"]:
            told.setdefault(f"phase {phase['name']}", []).append(phase["seconds"])
            told.setdefault(f"phase {phase['name']}, CPU", []).append(phase["cpu_seconds"])
    return told


SPANS: Final = (
    ("worktree and job", "to starting", "worker.started"),
    ("worker to its claim", "worker.started", "claim.won"),
    ("claim to release", "claim.won", "claim.released"),
    ("release to the merge", "claim.released", "to merging"),
    ("merge and tidying up", "to merging", "track.merged"),
    ("release to the end", "claim.released", "track.failed"),
)


def own_cpu(looks: Sequence[tuple[float, float, float, int]], count: int, number: int) -> float:
    """Return the CPU milliseconds of the driver for each track that ended in that tenth of the run, from 1."""
    inside = [each for each in looks if (number - 1) * count <= each[3] * 10 <= number * count]
    (_, _, before, begun), (_, _, after, over) = inside[0], inside[-1]
    return (after - before) / max(over - begun, 1) * 1e3


def many(folder: Path, count: int, agent: str) -> None:
    """Print what many tracks cost of which each does next to nothing."""
    shape = Shape(f"many {agent}", 0.0, 4, free(count))
    took = carried(folder, shape, ["true"] if agent == "true" else ["sh", str(folder / "agent.sh"), "0"])
    how = f"{took.metrics['successful_agents']} merged, {took.metrics['failed_agents']} failed"
    print(f"{count} tracks of agent {agent} on {shape.slots} slots: {took.seconds:.1f} s, {how}")
    print(f"  a track: {took.seconds / count * 1e3:.0f} ms on the clock, {took.cpu / count * 1e3:.0f} ms of CPU in all")
    for tenth in range(1, 11):
        at_tenth = [each for each in took.looks if each[3] >= tenth * count // 10]
        if at_tenth and tenth in (1, 5, 10):
            seconds, memory, cpu, over = at_tenth[0]
            print(
                f"  after {over:4} tracks: driver {memory:.0f} MB, {cpu / over * 1e3:.1f} ms of its own CPU a track,"
                f" {seconds / over * 1e3:.0f} ms on the clock"
            )
    first, last = (own_cpu(took.looks, count, number) for number in (1, 10))
    print(f"  driver's own CPU a track: {first:.1f} ms in the first tenth, {last:.1f} ms in the last one")
    for name, each in parts(took).items():
        if each:
            print(f"  {name:24} median {statistics.median(each) * 1e3:7.1f} ms   of {len(each)}")


def main(words: Sequence[str]) -> None:
    """Print all of it, or what is asked for."""
    what = words[0] if words else "all"
    with tempfile.TemporaryDirectory(prefix="orchd-engine-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "agent.sh").write_text(AGENT)
        sys.pycache_prefix = str(folder / "cache")
        compileall.compile_dir(TOP / "orchestrator", quiet=1)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        if what in {"all", "shapes"}:
            shapes(folder)
        if what in {"all", "many"}:
            count = int(words[1]) if len(words) > 1 else 1000
            for agent in words[2:3] or ("file", "true"):
                many(folder, count, agent)
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
