"""One of several processes that race for tracks.

python -m tests.claims.racer all ROOT SEED TRACKS      claims every track once, in an order of its own
python -m tests.claims.racer again ROOT SEED TRACKS HOLDS   claims, holds and releases random ones

It waits for a line on stdin before it starts, and prints what it won: track and fence.
"""

import fcntl
import os
import random
import sys
from pathlib import Path

from orchestrator.claims import FileClaims, Wanted, Won


def claim_all(store: FileClaims, order: random.Random, tracks: int) -> list[tuple[int, int]]:
    """Claim each track once; return what was won."""
    numbers = list(range(tracks))
    order.shuffle(numbers)
    answers = ((number, store.claim(Wanted(f"t{number}", "racer", os.getpid()))) for number in numbers)
    return [(number, answer.claim.fence) for number, answer in answers if isinstance(answer, Won)]


def _hold(root: str, track: str, fence: int) -> None:
    """Be inside, so that two at once are seen in two ways: a file that must be new, and the flock of another."""
    marker = f"{root}/{track}.marker"
    os.close(os.open(marker, os.O_CREAT | os.O_EXCL, 0o600))
    fd = os.open(f"{root}/{track}.fences", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(fd, f"{fence}\n".encode())
    os.close(fd)
    Path(marker).unlink()


def hold_again(store: FileClaims, order: random.Random, tracks: int, holds: int, root: str) -> list[tuple[int, int]]:
    """Claim, hold and release random tracks until so many holds were had; return them."""
    had: list[tuple[int, int]] = []
    while len(had) < holds:
        number = order.randrange(tracks)
        answer = store.claim(Wanted(f"t{number}", "racer", os.getpid()))
        if isinstance(answer, Won):
            _hold(root, f"t{number}", answer.claim.fence)
            had.append((number, answer.claim.fence))
            store.release(f"t{number}", answer.claim.token)
    return had


def main(mode: str, root: str, seed: str, tracks: str, holds: str = "0") -> None:
    """Wait for the start, race, and say what was won."""
    store = FileClaims(root, wait=60.0)
    order = random.Random(int(seed))
    sys.stdin.readline()
    if mode == "all":
        won = claim_all(store, order, int(tracks))
    else:
        won = hold_again(store, order, int(tracks), int(holds), root)
    sys.stdout.writelines(f"{number} {fence}\n" for number, fence in won)
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
