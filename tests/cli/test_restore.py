"""`orchd restore`: what is backed up is listed, and comes back by name."""

from pathlib import Path

import pytest

from orchestrator.git import backup
from tests.cli.over import Over
from tests.daemon.seen import RUN
from tests.projects import git


@pytest.fixture
def site(tmp_path: Path) -> Over:
    """A run with two backups of its first track and one of its second."""
    site = Over(tmp_path)
    for number, attempts in ((1, (1, 2)), (2, (1,))):
        place = site.begin(number)
        for attempt in attempts:
            (place / "rest.txt").write_text(f"rest {attempt}\n")
            assert backup.keep(str(place), f"refs/orchd/backup/{RUN}/{site.tracks[number - 1]}/{attempt}")
    return site


def test_the_list(site: Over) -> None:
    """Run, track, attempt, when, how many files, how many bytes, of which commit; only those that are asked for."""
    rows = site("restore", "--list", "--json").document["backups"]
    one, two = site.tracks
    assert [(each["run"], each["track"], each["attempt"]) for each in rows] == [
        (RUN, one, 1),
        (RUN, one, 2),
        (RUN, two, 1),
    ]
    assert {(each["files"], each["bytes"]) for each in rows} == {(1, 7)}
    assert rows[0]["commit"] == site.git("rev-parse", "feat/t1")
    assert len(site("restore", RUN, two, "--list", "--json").document["backups"]) == 1
    said = site("restore").out.splitlines()
    first = said[1].split()
    assert (first[:3], first[-1]) == ([RUN, one, "1"], rows[0]["commit"][:12])
    assert f" {rows[0]['when'][:16].replace('T', ' ')} " in said[1]
    assert said[-1] == "`orchd restore RUN TRACK --attempt N` brings one back"


def test_the_latest_comes_back_as_a_branch(site: Over) -> None:
    """Or the attempt that is named; the next step is said; the checkout stays as it is, and twice is harmless."""
    track = site.tracks[0]
    before = site.git("status", "--porcelain")
    for _ in range(2):
        said = site("restore", RUN, track)
        assert said.status == 0
        assert f"git merge restored/{RUN}-{track}-2" in said.out
    assert site.git("show", f"restored/{RUN}-{track}-2:rest.txt") == "rest 2"
    assert site("restore", RUN, track, "--attempt", "1", "--branch", "mine").status == 0
    assert site.git("show", "mine:rest.txt") == "rest 1"
    assert site.git("status", "--porcelain") == before
    assert git(site.root, "fsck", "--strict", "--no-dangling") == ""


def test_what_cannot_be(site: Over, tmp_path: Path) -> None:
    """A run of many tracks without one, no such backup, something in the way."""
    track = site.tracks[0]
    (tmp_path / "there").mkdir()
    for words, why in (
        ([RUN], "backups of 2 tracks"),
        (["none"], "no such backup"),
        ([RUN, track, "--attempt", "9"], "no such backup"),
        ([RUN, track, "--into", str(tmp_path / "there")], "is there already"),
        ([RUN, track, "--branch", "feat/t1"], "is there already"),
        ([RUN, track, "--branch", "-x"], "cannot be the name of a branch"),
        (["a/b"], "is not allowed"),
    ):
        said = site("restore", *words)
        assert said.status != 0
        assert said.tame
        assert why in said.err
