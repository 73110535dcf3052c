"""A run whose tracks all wait, each for something else, is cancelled: their work is kept and the tree is clean."""

from pathlib import Path

from tests.daemon.accepted import Accepted
from tests.daemon.daemons import running
from tests.daemon.seen import RUN
from tests.projects import script, writes
from tests.waiting import wait_for

LIMIT = 'run = ["sh", "-c", "echo \\"Claude AI usage limit reached|$(( $(date +%s) + 600 ))\\"; exit 1"]'
RED = 'run = ["sh", "-c", "exit 3"]'


def states(site: Accepted) -> list[str]:
    """Return where each track is."""
    (run,) = site("status", "--json").document["runs"]
    return [f"{each['state']} {each['rule']}" for each in run["tracks"]]


def test_whatever_they_wait_for(tmp_path: Path) -> None:
    """One for its next attempt, one for a usage limit to end, one for an answer."""
    steps = (RED, 'report = {needs_input = "Which one?"}', LIMIT)
    scripts = [script(writes(f"{number}.txt"), step) for number, step in enumerate(steps, 1)]
    site = Accepted(tmp_path, scripts, {"attempts": 3, "retry_delay_seconds": 200.0, "agents": 3})
    with running(site.root):
        wait_for(lambda: states(site) == ["waiting backoff", "needs_input question", "parked limit"], 40)
        assert site("cancel", RUN).status == 0
        site.wait_for_end()
    assert site.outcomes() == ["cancelled"] * 3
    for number, track in enumerate(site.tracks, 1):
        outcome = site.outcome(number)
        assert outcome is not None
        assert outcome.error.startswith("cancelled before it went on")
        assert f"branch feat/t{number}" in outcome.kept
        assert site.git("show", f"refs/orchd/backup/{RUN}/{track}/1:{number}.txt") == "made"
    assert (site.pushes(), site.subjects()) == (0, ["start"])
    site.is_sound()
