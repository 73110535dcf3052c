"""Claims as files: what lies on the disk, what is journaled, and what threads, forks and other tools see."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Removed, Won
from orchestrator.claims.opened import MOST_KEPT
from orchestrator.core.claim import encode
from orchestrator.errors import OrchdError, SystemFailure
from orchestrator.host import identity
from tests.claims.owners import TOKEN, debris, lock, locks, lost, record, wanted, won, write
from tests.processes import dead, ended, living, python


class Notes:
    """A journal that keeps what it is told, or fails."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.events: list[tuple[str, Mapping[str, object]]] = []
        self._failure = failure

    def write(self, event: str, fields: Mapping[str, object]) -> None:
        """Keep an event."""
        self.events.append((event, fields))
        if self._failure is not None:
            raise self._failure


def reaped(root: Path) -> Path:
    """Return the folder of the locks that were removed."""
    return locks(root) / ".d" / "reaped"


def test_the_lock_is_the_record(tmp_path: Path) -> None:
    """What others see is one whole line, a private file with one name."""
    claim = won(FileClaims(str(tmp_path)))
    path = lock(tmp_path)
    assert path.read_bytes() == encode(claim)
    assert path.stat().st_nlink == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert (claim.host_id, claim.start_ticks) == (FileClaims(str(tmp_path)).machine, identity.start_ticks(os.getpid()))


def test_won_names_the_lock(tmp_path: Path) -> None:
    """The path that a winner gets is absolute and is the lock's."""
    answer = FileClaims(os.path.relpath(tmp_path)).claim(wanted())
    assert isinstance(answer, Won)
    assert answer.path == str(lock(tmp_path))


def test_nothing_lies_about(tmp_path: Path) -> None:
    """After a win, a loss, a refusal and a release there is no private file, even without a sweep."""
    store = FileClaims(str(tmp_path))
    claim = won(store)
    lost(store)
    with pytest.raises(OrchdError):
        store.claim(wanted("u", dead()))
    store.release("t", claim.token)
    assert os.listdir(locks(tmp_path) / ".d" / "tmp") == []
    assert sorted(os.listdir(locks(tmp_path) / ".d")) == ["guards", "protocol", "reaped", "tmp"]


def test_what_was_removed_is_kept(tmp_path: Path) -> None:
    """Released, reaped or broken: the last word of each lock can be read afterwards."""
    store = FileClaims(str(tmp_path))
    first = won(store)
    store.release("t", first.token)
    second = write(tmp_path, record(dead()), start_ticks=5)
    store.reap("t")
    lock(tmp_path).write_bytes(b"a stranger")
    seen = store.read("t")
    assert seen is not None
    store.break_("t", seen.token)
    kept = {path.name: path.read_bytes() for path in reaped(tmp_path).iterdir()}
    assert kept == {
        f"t.{first.token}.json": encode(first),
        f"t.{TOKEN}.json": encode(second),
        f"t.{seen.token}.json": b"a stranger",
    }


def test_what_is_kept_has_a_bound(tmp_path: Path) -> None:
    """A sweep keeps the newest; and every so often a removal sweeps by itself, so that no daemon is needed."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    (newest,) = reaped(tmp_path).iterdir()
    for number in range(MOST_KEPT + 20):
        (reaped(tmp_path) / f"old.{number}.json").touch()
    newest.rename(reaped(tmp_path) / "t.newest.json")
    assert store.sweep() == 21
    assert len(os.listdir(reaped(tmp_path))) == MOST_KEPT
    assert (reaped(tmp_path) / "t.newest.json").exists()
    write(tmp_path, record(dead()), start_ticks=5, token="f" * 29 + "000")
    assert isinstance(store.reap("t"), Removed)
    assert len(os.listdir(reaped(tmp_path))) == MOST_KEPT


def test_every_change_is_journaled(tmp_path: Path) -> None:
    """Who won, who was freed and why, in that order; looks and refusals are no changes."""
    notes = Notes()
    store = FileClaims(str(tmp_path), journal=notes.write)
    with living() as owner:
        first = won(store, "t", owner.pid)
        lost(store)
        store.reap("t")
    second = won(store)
    store.release("t", second.token)
    store.release("t", second.token)
    third = won(store)
    store.break_("t", third.token)
    store.list()
    facts = [
        (event, fields["track"], fields["token"], fields["fence"], fields["pid"], fields.get("why"))
        for event, fields in notes.events
    ]
    me = os.getpid()
    assert facts == [
        ("claim.won", "t", first.token, 1, owner.pid, None),
        ("claim.reaped", "t", first.token, 1, owner.pid, f"process {owner.pid} is gone"),
        ("claim.won", "t", second.token, 2, me, None),
        ("claim.released", "t", second.token, 2, me, "released by its owner"),
        ("claim.won", "t", third.token, 3, me, None),
        ("claim.broken", "t", third.token, 3, me, "freed by an operator"),
    ]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), SystemFailure("no space")])
def test_a_journal_that_cannot_be_written_keeps_nobody_waiting(tmp_path: Path, failure: BaseException) -> None:
    """On a full disk tracks are still freed and claimed: the journal is never the truth."""
    store = FileClaims(str(tmp_path), journal=Notes(failure).write)
    claim = won(store)
    assert isinstance(store.release("t", claim.token), Removed)
    write(tmp_path, record(dead()), start_ticks=5)
    assert isinstance(store.reap("t"), Removed)


@pytest.mark.parametrize("failure", [KeyError("bug"), KeyboardInterrupt(), SystemExit(3)])
def test_a_journal_with_a_bug_takes_no_track(tmp_path: Path, failure: BaseException) -> None:
    """An error that is none of ours goes to the caller, and he holds nothing that he does not know of."""
    store = FileClaims(str(tmp_path), journal=Notes(failure).write)
    with pytest.raises(type(failure)):
        store.claim(wanted())
    plain = FileClaims(str(tmp_path))
    assert plain.list() == []
    claim = won(plain).token
    with pytest.raises(type(failure)):
        store.release("t", claim)
    seen = plain.read("t")
    assert seen is not None
    assert seen.token == claim
    assert isinstance(plain.release("t", claim), Removed)
    assert debris(tmp_path) == []


def test_threads_of_one_process_are_rivals(tmp_path: Path) -> None:
    """Of many threads that want a track exactly one gets it, through one store or through several."""
    stores = [FileClaims(str(tmp_path)) for _ in range(2)]
    wins: list[tuple[str, int]] = []

    def work(number: int) -> None:
        for track in range(30):
            answer = stores[number % 2].claim(wanted(f"t{track}"))
            if isinstance(answer, Won):
                wins.append((answer.claim.track, answer.claim.fence))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == sorted((f"t{track}", 1) for track in range(30))


def test_a_fork_of_the_owner_has_the_same_store(tmp_path: Path) -> None:
    """A child may claim for itself and release what its parent claimed; the parent's claims outlive it."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
store = FileClaims(sys.argv[1])
mine = store.claim(Wanted("t", "parent", os.getpid())).claim
child = os.fork()
if not child:
    store.claim(Wanted("u", "child", os.getpid()))
    store.claim(Wanted("v", "child for its parent", os.getppid()))
    store.release("t", mine.token)
    os._exit(0)
os.waitpid(child, 0)
print([(seen.track, seen.verdict.state) for seen in store.list()])
"""
    assert ended(python(code, str(tmp_path))) == "[('u', 'dead'), ('v', 'alive')]\n"
    assert debris(tmp_path) == []


def test_a_shell_script_takes_part(tmp_path: Path) -> None:
    """With `ln` and `echo` a script takes a track that is free, loses one that is held, and gives its own back."""
    store = FileClaims(str(tmp_path))
    claim = won(store)
    script = """
cd "$1/.orchestrator_locks" || exit 9
echo $$ > "../mine.$$"
ln "../mine.$$" t.lock 2>/dev/null && exit 8
ln "../mine.$$" u.lock || exit 7
rm "../mine.$$"
echo took; read -r _; rm u.lock; echo gave
"""
    words = ["sh", "-c", script, "sh", str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "took\n"
        assert lost(store, "u").holder.verdict.state == "alive"
        assert [(seen.track, seen.token == claim.token) for seen in store.list()] == [("t", True), ("u", False)]
        stdout, _ = shell.communicate("\n", timeout=10)
        assert (stdout, shell.returncode) == ("gave\n", 0)
    assert won(store, "u").fence == 1


def test_a_released_token_is_remembered_by_name_only(tmp_path: Path) -> None:
    """Where nothing is kept any more, a second release says that no lock is there."""
    store = FileClaims(str(tmp_path))
    claim = won(store)
    store.release("t", claim.token)
    for path in reaped(tmp_path).iterdir():
        path.unlink()
    assert store.release("t", claim.token) == Kept("t", "no lock is there")


def test_ten_thousand_locks_are_listed_soon(tmp_path: Path) -> None:
    """Ten thousand locks and their JSON take less than a second of our time, however busy the machine is."""
    claim = record(os.getpid())
    for number in range(10_000):
        each = f"t{number:05}"
        pid = os.getpid() if number % 2 else 2**22 + number
        (locks(tmp_path) / f"{each}.lock").write_bytes(encode(claim).replace(b'"t"', f'"{each}"'.encode()).replace(
            f'"pid":{os.getpid()}'.encode(), f'"pid":{pid}'.encode()
        ))  # fmt: skip
    start = time.process_time()
    seen = FileClaims(str(tmp_path)).list()
    json.dumps([(each.track, each.path, each.verdict.state, each.verdict.why) for each in seen])
    assert time.process_time() - start < 1
    assert len(seen) == 10_000
    assert [each.verdict.state for each in seen] == ["dead", "alive"] * 5_000
