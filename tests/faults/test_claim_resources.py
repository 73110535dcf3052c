"""No descriptors, no room in a file, no room on the disk: one clear line, nothing taken, and a retry works."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Removed
from tests.claims.owners import debris, record, won, write
from tests.processes import dead, ended, python

DESCRIPTORS = """
import os, resource, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import NoSpace

root, act, token = sys.argv[1:]
store = FileClaims(root)
acts = {
    "claim": lambda: store.claim(Wanted("t", "me", os.getpid())),
    "reap": lambda: store.reap("t"),
    "release": lambda: store.release("t", token),
    "list": store.list,
    "read": lambda: store.read("t"),
    "sweep": store.sweep,
    "last_fence": lambda: store.last_fence("t"),
}
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
for most in range(3, 40):
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        answer = acts[act]()
    except NoSpace as error:
        assert error.message.endswith("Too many open files"), error.message
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        seen = store.read("t")
        assert (seen.token if seen else "") == token, seen
    else:
        print(most - 3, type(answer).__name__)
        break
"""
SIZES = """
import os, resource, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import SystemFailure

for size in (0, 1, 19, 70, 100, 200, 300):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        FileClaims(sys.argv[1]).claim(Wanted("t", "me", os.getpid()))
    except SystemFailure as error:
        print(error.message.rpartition(": ")[2])
    assert FileClaims(sys.argv[1]).list() == []
"""


@pytest.mark.parametrize(
    ("act", "least", "kind"),
    [
        ("claim", 5, "Won"),
        ("reap", 4, "Removed"),
        ("release", 4, "Removed"),
        ("list", 2, "list"),
        ("read", 2, "Seen"),
        ("sweep", 2, "int"),
        ("last_fence", 2, "int"),
    ],
)
def test_with_ever_more_descriptors_it_works_at_last(tmp_path: Path, act: str, least: int, kind: str) -> None:
    """As long as there are too few, each attempt says so and changes nothing: no lock is taken for unreadable."""
    store = FileClaims(str(tmp_path))
    token = won(store).token
    if act in ("claim", "reap"):
        token = write(tmp_path, record(dead()), start_ticks=1).token
    attempts, _, answer = ended(python(DESCRIPTORS, str(tmp_path), act, token)).strip().partition(" ")
    assert answer == kind
    assert int(attempts) >= least
    assert debris(tmp_path) == []


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """Wherever writing breaks off, in the note, the record or the guard, nothing was taken and nothing lies about."""
    assert ended(python(SIZES, str(tmp_path))) == "File too large\n" * 7
    assert won(FileClaims(str(tmp_path))).fence == 1
    assert debris(tmp_path) == []


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A file system of its own that has room for some small files only."""
    place = tmp_path / "small"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=128k,nr_inodes=40", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    return place


def test_a_full_disk(full: Path) -> None:
    """Claims are refused in one line until there is room again; freeing needs no room."""
    try:
        store = FileClaims(str(full))
        claim = won(store)
        write(full, record(dead()), start_ticks=1, track="u")
        filler = full / "filler"
        done = ended(python(FILL, str(full)))
        assert done == "cannot claim v: No space left on device NoSpace\n"
        assert isinstance(store.release("t", claim.token), Removed)
        assert isinstance(store.reap("u"), Removed)
        filler.unlink()
        won(store, "v")
        assert debris(full) == []
    finally:
        subprocess.run(["umount", str(full)], check=True)


FILL = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import NoSpace
fd = os.open(sys.argv[1] + "/filler", os.O_WRONLY | os.O_CREAT)
try:
    while os.write(fd, b"x" * 4096):
        pass
except OSError:
    pass
try:
    FileClaims(sys.argv[1]).claim(Wanted("v", "me", os.getppid()))
except NoSpace as error:
    print(error.message, type(error).__name__)
"""
