"""``orchd release``, ``break`` and ``reap``: the three ways in which a lock goes."""

import json
import os
import pty
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.claim import Claim, encode
from orchestrator.host import temps
from tests.cli.orchd import ARGV, Orchd


def _events(orchd: Orchd) -> list[str]:
    lines = (orchd.root / "runtime" / "events.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_release_gives_back(tmp_path: Path) -> None:
    """The right token frees the track; the second time is harmless; the journal tells of it once."""
    orchd = Orchd(tmp_path)
    claim = orchd.claim("t")
    ended = orchd("release", "t", "--token", claim.token, "--json")
    assert (ended.status, ended.document) == (0, {"track": "t", "released": True})
    assert not orchd.lock("t").exists()
    again = orchd("release", "t", "--token", claim.token, "--json")
    assert (again.status, again.document) == (0, {"track": "t", "released": True})
    assert orchd("release", "t", "--token", claim.token).out == "t: it had been freed before\n"
    assert _events(orchd) == ["claim.released"]


@pytest.mark.parametrize("token", ["0" * 32, "", "x\x1b[31m", "../../x", "y" * 5000, b"\xff"])
def test_release_of_what_is_not_ours(tmp_path: Path, token: str | bytes) -> None:
    """Another token: exit code 76, and the claim stays."""
    orchd = Orchd(tmp_path)
    orchd.claim("t")
    before = orchd.lock("t").read_bytes()
    ended = orchd("release", "t", "--token", token, "--json")
    assert (ended.status, ended.out) == (76, "")
    assert ended.error["code"] == "not_held"
    assert ended.tame
    assert orchd.lock("t").read_bytes() == before


def test_release_of_nothing(tmp_path: Path) -> None:
    """A track that nobody holds: exit code 76, nothing made."""
    orchd = Orchd(tmp_path)
    assert orchd("release", "t", "--token", "0" * 32).status == 76
    assert orchd.files() == {}


def test_break_frees_exactly_that_claim(tmp_path: Path) -> None:
    """With the token that ``locks`` shows, a lock that cannot be judged is freed; with another it stays."""
    orchd = Orchd(tmp_path)
    orchd.write_lock("t", b"")
    (lock,) = orchd("locks", "--json").document["locks"]
    assert orchd("break", "t", "--token", "other", "--yes").status == 76
    assert orchd.lock("t").exists()
    ended = orchd("break", "t", "--token", lock["token"], "--yes", "--json")
    assert ended.status == 0, ended.err
    was = ended.document["was"]
    assert ended.document == {"track": "t", "broken": True, "was": was}
    assert (was["state"], was["token"]) == ("unreadable", lock["token"])
    assert not orchd.lock("t").exists()
    assert _events(orchd) == ["claim.broken"]


def _foreign(orchd: Orchd, owner: str = "somebody") -> Claim:
    """Let another machine claim the track "t"."""
    claim = replace(orchd.claim("t", owner=owner), host_id="another")
    orchd.lock("t").write_bytes(encode(claim))
    return claim


@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_break_leaves_the_living(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Whoever provably lives keeps the track; the hint says how it is freed."""
    orchd = Orchd(tmp_path)
    claim = orchd.claim("t")
    ended = orchd("break", "t", "--token", claim.token, *words)
    assert (ended.status, ended.out) == (64, "")
    assert f"its owner lives: process {os.getpid()} is running" in ended.err
    assert f"end process {os.getpid()}" in ended.err
    assert orchd.lock("t").exists()
    assert orchd("release", "t", "--token", claim.token).status == 0


def test_break_asks_first(tmp_path: Path) -> None:
    """Where nobody can be asked it wants ``--yes`` and changes nothing."""
    orchd = Orchd(tmp_path)
    claim = _foreign(orchd)
    ended = orchd("break", "t", "--token", claim.token)
    assert ended.status == 64
    assert "--yes" in ended.err
    assert orchd.lock("t").exists()


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"n\n", 64), (b"\n", 64), (b"\x04", 130)])
def test_break_on_a_terminal(tmp_path: Path, answer: bytes, status: int) -> None:
    """A person sees what would be freed, escaped, and decides."""
    orchd = Orchd(tmp_path)
    claim = _foreign(orchd, "a\x1b[31mb")
    mine, theirs = pty.openpty()
    argv = [*ARGV, "break", "t", "--token", claim.token]
    with subprocess.Popen(
        argv, cwd=tmp_path, env=orchd.env, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        os.write(mine, answer)
        _, err = child.communicate(timeout=30)
    os.close(mine)
    os.close(theirs)
    assert child.returncode == status
    assert b"a\\x1b[31mb" in err
    assert orchd.lock("t").exists() is (status != 0)


def test_reap_frees_the_dead_only(tmp_path: Path) -> None:
    """What is provably dead is freed and told of; everything else is kept, with why."""
    orchd = Orchd(tmp_path)
    dead = [orchd.dead_claim(f"dead{number}") for number in range(3)]
    orchd.claim("alive")
    orchd.write_lock("empty", b"")
    before = orchd.files()
    foreseen = orchd("reap", "--dry-run", "--json")
    assert foreseen.status == 0
    assert orchd.files() == before
    ended = orchd("reap", "--json")
    assert ended.document == foreseen.document
    assert [(each["track"], each["token"]) for each in ended.document["reaped"]] == [
        (each.track, each.token) for each in dead
    ]
    assert all("is gone" in each["why"] for each in ended.document["reaped"])
    assert [each["track"] for each in ended.document["kept"]] == ["alive", "empty"]
    assert _events(orchd) == ["claim.reaped"] * 3
    assert [path.stem for path in sorted(orchd.lock("x").parent.glob("*.lock"))] == ["alive", "empty"]


def test_reap_in_words(tmp_path: Path) -> None:
    """A line for each that was freed, and the sum; nothing to do is fine."""
    orchd = Orchd(tmp_path)
    assert orchd("reap").out == "0 freed, 0 kept\n"
    orchd.dead_claim("t")
    assert orchd("reap", "--dry-run").out.splitlines()[-1] == "1 would be freed, 0 kept"
    first, last = orchd("reap").out.splitlines()
    assert first.startswith("t: freed: process ")
    assert last == "1 freed, 0 kept"
    assert orchd("reap").out == "0 freed, 0 kept\n"


def test_reap_removes_what_dead_writers_left(tmp_path: Path) -> None:
    """The temporary files of dead processes go, in every run's folder too; those of the living stay."""
    orchd = Orchd(tmp_path)
    tmp = tmp_path / "runtime" / "parallel" / "r" / ".d" / "tmp"
    tmp.mkdir(parents=True, mode=0o700)
    living = tmp / temps.name()
    living.touch()
    (tmp.parents[2] / "elsewhere" / ".d").mkdir(parents=True)
    (tmp.parents[2] / "elsewhere" / ".d" / "tmp").symlink_to(tmp)
    with subprocess.Popen(["sleep", "60"]) as child:
        dead = tmp / living.name.replace(f"-{os.getpid()}-", f"-{child.pid}-")
        child.kill()
    dead.touch()
    assert orchd("reap", "--dry-run").status == 0
    assert dead.exists()
    assert orchd("reap").status == 0
    assert sorted(tmp.iterdir()) == [living]


def test_the_dead_are_seen_without_a_daemon(tmp_path: Path) -> None:
    """A token of a track that was reaped is answered as freed before, not as somebody else's."""
    orchd = Orchd(tmp_path)
    claim = orchd.dead_claim("t")
    assert orchd("reap").status == 0
    assert orchd("release", "t", "--token", claim.token).status == 0
