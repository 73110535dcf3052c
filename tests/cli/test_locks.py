"""``orchd locks``: every claim, its state, and why."""

import json
import os
import subprocess
from pathlib import Path

from orchestrator.claims import FileClaims
from tests.cli.orchd import Orchd
from tests.waiting import wait_for

KEYS = [
    "track",
    "path",
    "state",
    "why",
    "owner",
    "pid",
    "host",
    "run",
    "attempt",
    "fence",
    "token",
    "claimed_at",
    "age_seconds",
]


def test_no_claims(tmp_path: Path) -> None:
    """An empty root has none, and looking makes nothing."""
    orchd = Orchd(tmp_path)
    assert orchd("locks").out == "no claims\n"
    assert orchd("locks", "--json").document == {"locks": []}
    assert orchd.files() == {}


def test_the_document(tmp_path: Path) -> None:
    """Every key of the contract, in its order, sorted by track; what the record does not say is null."""
    orchd = Orchd(tmp_path)
    claim = orchd.claim("b", owner="ada", run="7", attempt=2)
    orchd.write_lock("a", f"{os.getpid()}\n".encode())
    orchd.write_lock("c", b"")
    ended = orchd("locks", "--json")
    assert (ended.status, ended.err) == (0, "")
    bare, full, empty = ended.document["locks"]
    assert list(full) == KEYS
    age = full.pop("age_seconds")
    assert 0 <= age < 60
    assert full == {
        "track": "b",
        "path": str(orchd.lock("b")),
        "state": "alive",
        "why": f"process {os.getpid()} is running",
        "owner": "ada",
        "pid": os.getpid(),
        "host": claim.host,
        "run": "7",
        "attempt": 2,
        "fence": claim.fence,
        "token": claim.token,
        "claimed_at": claim.claimed_at,
    }
    assert (bare["track"], bare["state"], bare["pid"], bare["owner"]) == ("a", "alive", os.getpid(), None)
    assert (empty["track"], empty["state"], empty["pid"], empty["fence"]) == ("c", "unreadable", None, None)
    assert empty["claimed_at"].startswith("20")


def test_the_table(tmp_path: Path) -> None:
    """A line a claim, with why; a dash where nothing is known."""
    orchd = Orchd(tmp_path)
    orchd.claim("b", owner="ada", run="7")
    dead = orchd.dead_claim("a")
    header, first, second = orchd("locks").out.splitlines()
    assert header.split() == ["track", "state", "owner", "pid", "host", "age", "run", "fence", "why"]
    assert first.split()[:4] == ["a", "dead", "ada", str(dead.pid)]
    assert f"process {dead.pid} is gone" in first
    assert second.split()[:2] == ["b", "alive"]
    assert header.index("why") == first.index("process") == second.index("process")


def test_stale_leaves_the_living_out(tmp_path: Path) -> None:
    """``--stale`` shows only what nobody is known to work on."""
    orchd = Orchd(tmp_path)
    orchd.claim("alive")
    orchd.dead_claim("dead")
    orchd.write_lock("empty", b"")
    assert [each["track"] for each in orchd("locks", "--stale", "--json").document["locks"]] == ["dead", "empty"]


def test_hostile_contents_are_shown_escaped(tmp_path: Path) -> None:
    """Whatever stands in a lock, and whatever it is called: one line each, nothing that a terminal acts on."""
    orchd = Orchd(tmp_path)
    orchd.claim("a", owner="e\x1b[31mvil\n\u202e", note="x")
    orchd.write_lock("b", b'{"v":1,"track":"\\u001b[2J\\ud800"}')
    orchd.write_lock("c", b"\x1b]0;title\x07" * 100)
    orchd.write_lock("d", b"\xff" * 200_000)
    os.mkfifo(orchd.lock("e"))
    orchd.lock("f").symlink_to("/etc/passwd")
    folder = os.fsencode(orchd.lock("x").parent)
    Path(os.fsdecode(folder + b"/\x1b[31m\n\xff.lock")).touch()
    ended = orchd("locks")
    assert ended.status == 0
    assert ended.tame
    assert len(ended.out.splitlines()) == 8
    assert "e\\x1b[31mvil\\x0a\\u202e" in ended.out
    document = orchd("locks", "--json")
    assert document.out.isascii()
    assert len(document.document["locks"]) == 7
    assert json.dumps(document.document, ensure_ascii=False).encode()
    assert {each["state"] for each in document.document["locks"]} == {"alive", "unreadable"}


def test_watch_shows_them_again(tmp_path: Path) -> None:
    """``--watch`` prints a document a second; a claim that comes in between is in the next."""
    orchd = Orchd(tmp_path)
    with orchd.running("locks", "--watch", "--json") as child:
        assert child.stdout
        assert json.loads(child.stdout.readline()) == {"locks": []}
        orchd.claim("t")
        lines = child.stdout
        assert wait_for(lambda: json.loads(lines.readline())["locks"], 10)


def test_a_claim_by_the_store_is_shown_at_once(tmp_path: Path) -> None:
    """What one process claims and releases, another sees in that order."""
    orchd = Orchd(tmp_path)
    claim = orchd.claim("t")
    assert len(orchd("locks", "--json").document["locks"]) == 1
    FileClaims(str(tmp_path)).release("t", claim.token)
    assert orchd("locks", "--json").document["locks"] == []


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """Locks elsewhere, behind a link, are not ours: refused in one line."""
    other = Orchd(tmp_path / "other")
    other.root.mkdir()
    other.claim("t")
    orchd = Orchd(tmp_path / "root")
    orchd.root.mkdir()
    (orchd.root / ".orchestrator_locks").symlink_to(other.lock("t").parent)
    ended = orchd("locks")
    assert ended.status == 9
    assert ended.tame
    assert len(ended.err.splitlines()) == 2


def test_it_works_beside_a_shell(tmp_path: Path) -> None:
    """A lock that a shell script wrote with ``echo`` is shown with its process."""
    orchd = Orchd(tmp_path)
    orchd.write_lock("x", b"").unlink()
    script = "echo $$ > .orchestrator_locks/t.lock; exec sleep 60"
    with subprocess.Popen(["sh", "-c", script], cwd=tmp_path) as shell:
        try:
            wait_for(lambda: orchd.lock("t").exists() and orchd.lock("t").read_bytes().endswith(b"\n"))
            (lock,) = orchd("locks", "--json").document["locks"]
            assert (lock["state"], lock["pid"]) == ("alive", shell.pid)
        finally:
            shell.kill()
