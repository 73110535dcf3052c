#!/usr/bin/env python3
"""How fast tracks are claimed and listed, against a bare loop of the same system calls in the same run.

    python benchmarks/claims.py [--racers N] [--tracks N] [--locks N] [--rounds N] [--folder DIR]

The race: so many processes claim the same tracks, each in an order of its own, and release what they won. The bare loop
makes the calls that such a claim makes, one after the other, without records, names, identities or judgements.
"""

import argparse
import fcntl
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core.claim import encode

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
GUARD = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
RECORD = b"x" * 380 + b"\n"
LINE = b"0" * 82 + b"\n"


def orchd(root: str, tracks: Sequence[int]) -> int:
    """Claim each track and release what was won; return how many were."""
    store = FileClaims(root, wait=60.0)
    answers = (store.claim(Wanted(f"t{number}", "racer", os.getpid())) for number in tracks)
    won = [answer.claim for answer in answers if isinstance(answer, Won)]
    for claim in won:
        store.release(claim.track, claim.token)
    return len(won)


def bare(root: str, tracks: Sequence[int]) -> int:
    """Make the same calls."""
    won = [number for number in tracks if _claim(root, f"t{number}")]
    for number in won:
        _release(root, f"t{number}")
    return len(won)


def _claim(root: str, track: str) -> bool:
    locks = os.open(root, FOLDER)
    os.fstat(locks)
    os.fstat(locks)
    if _read(f"{track}.lock", locks):
        _look()
        os.close(locks)
        return False
    os.getpgid(os.getpid())
    private = os.open(".d", FOLDER, dir_fd=locks)
    tmp = os.open("tmp", FOLDER, dir_fd=private)
    name = f"{os.getpid()}-{os.urandom(16).hex()}"
    os.urandom(16)
    temp = os.open(name, CREATE, 0o600, dir_fd=tmp)
    os.fchmod(temp, 0o600)
    os.write(temp, RECORD)
    os.fsync(temp)
    guards = os.open("guards", FOLDER, dir_fd=private)
    guard = _guard(track, guards)
    _read(f"{track}.lock", locks)
    if not os.pread(guard, 256, 0):
        os.pwrite(guard, LINE, 0)
        os.fsync(guard)
        os.fsync(guards)
    os.pwrite(guard, LINE, 0)
    os.pwrite(temp, LINE[:20], 70)
    os.fstat(guard)
    os.stat(f"{root}/.d/guards/{track}", follow_symlinks=False)
    try:
        os.link(name, f"{track}.lock", src_dir_fd=tmp, dst_dir_fd=locks, follow_symlinks=False)
    except FileExistsError:
        won = False
    else:
        won = True
        os.fstat(temp)
        os.stat(f"{root}/{track}.lock", follow_symlinks=False)
    fcntl.flock(guard, fcntl.LOCK_UN)
    os.unlink(name, dir_fd=tmp)
    for fd in (guard, temp, locks, private, tmp, guards):
        os.close(fd)
    return won


def _release(root: str, track: str) -> None:
    locks = os.open(root, FOLDER)
    os.fstat(locks)
    os.stat(f"{track}.lock", dir_fd=locks, follow_symlinks=False)
    private = os.open(".d", FOLDER, dir_fd=locks)
    guards = os.open("guards", FOLDER, dir_fd=private)
    guard = _guard(track, guards)
    _read(f"{track}.lock", locks)
    reaped = os.open("reaped", FOLDER, dir_fd=private)
    os.link(f"{track}.lock", f"{track}.{os.getpid()}", src_dir_fd=locks, dst_dir_fd=reaped, follow_symlinks=False)
    os.fstat(guard)
    os.stat(f"{root}/.d/guards/{track}", follow_symlinks=False)
    os.stat(f"{track}.lock", dir_fd=locks, follow_symlinks=False)
    os.unlink(f"{track}.lock", dir_fd=locks)
    fcntl.flock(guard, fcntl.LOCK_UN)
    for fd in (guard, locks, private, guards, reaped):
        os.close(fd)


def _read(name: str, folder: int) -> bytes:
    try:
        fd = os.open(name, READ, dir_fd=folder)
    except FileNotFoundError:
        return b""
    data = os.read(fd, os.fstat(fd).st_size + 1)
    os.read(fd, 1)
    os.close(fd)
    return data


def _look() -> None:
    fd = os.open(f"/proc/{os.getppid()}/stat", os.O_RDONLY | os.O_CLOEXEC)
    os.read(fd, 4096)
    os.close(fd)


def _guard(track: str, guards: int) -> int:
    guard = os.open(track, GUARD, 0o600, dir_fd=guards)
    os.fstat(guard)
    fcntl.flock(guard, fcntl.LOCK_EX)
    os.fstat(guard)
    os.stat(track, dir_fd=guards, follow_symlinks=False)
    return guard


def race(runner: Callable[[str, Sequence[int]], int], root: str, racers: int, tracks: int) -> tuple[float, int]:
    """Let forked racers run at once; return seconds and how many claims were won."""
    start, results = os.pipe(), os.pipe()
    for seed in range(racers):
        if not os.fork():
            order = list(range(tracks))
            random.Random(seed).shuffle(order)  # noqa: S311  # to be repeated, not to be secret
            os.close(start[1])
            os.read(start[0], 1)
            os.write(results[1], runner(root, order).to_bytes(8, "little"))
            os._exit(0)
    begin = time.perf_counter()
    os.close(start[1])
    won = sum(int.from_bytes(os.read(results[0], 8), "little") for _ in range(racers))
    took = time.perf_counter() - begin
    for _ in range(racers):
        os.wait()
    for fd in (start[0], *results):
        os.close(fd)
    return took, won


def ratio(folder: str, racers: int, tracks: int, rounds: int) -> None:
    """Race in turns, and print the medians."""
    rates: dict[str, list[float]] = {"orchd": [], "bare": []}
    for number in range(rounds):
        for name, runner in (("orchd", orchd), ("bare", bare)):
            root = f"{folder}/{name}-{number}"
            for each in ("guards", "tmp", "reaped"):
                os.makedirs(f"{root}/.orchestrator_locks/.d/{each}", 0o700)
            took, won = race(runner, root if name == "orchd" else f"{root}/.orchestrator_locks", racers, tracks)
            rates[name].append(racers * tracks / took)
            sys.stdout.write(f"{name:6} {racers * tracks / took:9.0f} claims/s, {won} of {racers * tracks} won\n")
            shutil.rmtree(root)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    sys.stdout.write(f"ratio  {medians['orchd'] / medians['bare']:9.2f} of the bare loop (must be 0.5 or more)\n")


def listing(folder: str, locks: int) -> None:
    """List so many locks, as JSON, and print how long it took."""
    store = FileClaims(folder)
    answer = store.claim(Wanted("t", "lister", os.getpid()))
    if isinstance(answer, Won):
        for number in range(locks):
            line = encode(answer.claim).replace(b'"track":"t"', f'"track":"t{number:06}"'.encode())
            Path(folder, ".orchestrator_locks", f"t{number:06}.lock").write_bytes(line)
    begin = time.perf_counter()
    seen = FileClaims(folder).list()
    listed = time.perf_counter() - begin
    json.dumps([(each.track, each.path, each.fence, each.token, each.verdict.state, each.verdict.why) for each in seen])
    took = time.perf_counter() - begin
    sys.stdout.write(
        f"list   {len(seen)} locks in {listed * 1000:.0f} ms, with JSON {took * 1000:.0f} ms (at most 1000)\n"
    )


def main(arguments: Sequence[str]) -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description="throughput of claims against a bare loop of the same system calls")
    parser.add_argument("--racers", type=int, default=8)
    parser.add_argument("--tracks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--locks", type=int, default=10_000)
    parser.add_argument("--folder", help="where to work; a temporary folder below it is made and removed")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        ratio(folder, given.racers, given.tracks, given.rounds)
        listing(folder, given.locks)


if __name__ == "__main__":
    main(sys.argv[1:])
