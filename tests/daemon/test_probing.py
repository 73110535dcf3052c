"""Conflicts that are ahead, while real agents are at work; and many tracks with one hot file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from orchestrator.core.facts import TrackFacts
from orchestrator.core.probe import Clash
from orchestrator.core.standing import Standing
from orchestrator.daemon import probing
from orchestrator.daemon.probing import Probes
from tests.core import runs
from tests.daemon.accepted import Accepted
from tests.daemon.daemons import running
from tests.projects import git, script, waits_for, writes
from tests.waiting import wait_for


def working(site: Accepted, now: float, *numbers: int) -> Standing:
    """Return where the run stands while these tracks are worked on."""
    tracks = tuple(
        TrackFacts(each, job_attempt=1, claim=runs.claim(run="roadmap"))
        for number, each in enumerate(site.record.tracks, 1)
        if number in numbers
    )
    return Standing(replace(runs.facts(*tracks), record=site.record), now)


def test_conflicts_show_before_they_hurt(tmp_path: Path) -> None:
    """In status, with the files, although nothing is committed; over once the tracks are."""
    gate = tmp_path / "gate"
    site = Accepted(tmp_path, [script(writes("hot.txt", f"{number}\\n"), waits_for(gate)) for number in (1, 2)])
    one, two = site.tracks
    with running(site.root):
        for number in (1, 2):
            site.wait_for_owner(number)
            site.wait_for_log(site.tracks[number - 1], "begun")
        made = [Path(each.worktree) / "hot.txt" for each in site.record.tracks]
        wait_for(lambda: all(each.exists() for each in made), 20, "what both agents wrote")
        clashes, seconds = probing.look(site.layout, site.record, ["agent-1", "agent-2"])
        assert clashes == (Clash(one, two, ("hot.txt",)),)
        assert seconds < 20
        said = site("status")
        assert f"conflicts ahead:\n  {one} with {two}: hot.txt" in said.out
        (run,) = site("status", "--json").document["runs"]
        assert run["conflicts_ahead"] == [{"one": one, "other": two, "files": ["hot.txt"]}]
        gate.touch()
        site.wait_for_end()
    assert sorted(site.outcomes()) == ["conflict", "merged"]
    assert "conflicts ahead" not in site("status").out


def test_when_is_looked(tmp_path: Path) -> None:
    """Some seconds after two tracks are under way, then every so often, and not while there is one alone."""
    site = Accepted(tmp_path, [script(), script()], remote=False)
    probes, threads = Probes(), ThreadPoolExecutor(1)
    site.git("branch", "feat/t1")
    site.git("branch", "feat/t2")
    probes.turn(site.layout, working(site, 0.0, 1), threads)
    assert probes.due is None
    probes.turn(site.layout, working(site, 1.0, 1, 2), threads)
    assert probes.due == 1.0 + probing.FIRST
    for number in (1, 2):
        git(site.root, "switch", "--quiet", f"feat/t{number}")
        site.write("shared.txt", f"{number}\n")
        site.git("commit", "--quiet", "--all", "--message=x")
    site.git("switch", "--quiet", "main")
    probes.turn(site.layout, working(site, 7.0, 1, 2), threads)
    assert probes.due == 7.0 + probing.EVERY
    threads.shutdown()
    probes.turn(site.layout, working(site, 8.0, 1, 2), threads)
    assert probes.clashes == (Clash(site.tracks[0], site.tracks[1], ("shared.txt",)),)
    assert probes.due >= 8.0 + probing.EVERY
    probes.turn(site.layout, working(site, 9.0, 1), threads)
    assert probes.due is None


def test_many_tracks_with_one_hot_file(tmp_path: Path) -> None:
    """All that can be merged is; each that cannot names the one that came before it, and no lock is left."""
    hot, gate = {1, 2, 3, 4}, tmp_path / "gate"
    scripts = [
        script(
            writes(f"{number}.txt"), *([writes("hot.txt", f"{number}\\n"), waits_for(gate)] if number in hot else [])
        )
        for number in range(1, 21)
    ]
    site = Accepted(tmp_path, scripts, {"agents": 4}, remote=False)
    with running(site.root):
        for number in hot:
            site.wait_for_log(site.tracks[number - 1], "begun")
        gate.touch()
        site.wait_for_end(100)
    ended = {number: site.outcome(number) for number in range(1, 21)}
    (won,) = [number for number in hot if (each := ended[number]) is not None and each.ended == "merged"]
    for number, outcome in ended.items():
        assert outcome is not None
        if number in hot - {won}:
            assert (outcome.ended, outcome.files) == ("conflict", ("hot.txt",))
            assert outcome.error == f"FILE_CONFLICT: hot.txt with feat/t{won}"
        else:
            assert outcome.ended == "merged"
    names = set(site.git("ls-tree", "--name-only", "main").splitlines())
    assert {f"{number}.txt" for number in range(1, 21)} - names == {f"{number}.txt" for number in hot - {won}}
    assert not list((site.root / ".git").rglob("*.lock"))
    site.is_sound()
