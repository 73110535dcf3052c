"""Gates: what would happen is shown, only a person's y opens one, and nobody there is never a yes."""

from pathlib import Path

import pytest

from orchestrator.core.run import Gate
from orchestrator.state import approvals
from tests.cli.orchd import ARGV
from tests.cli.terminals import terminal
from tests.daemon.accepted import Accepted, makes
from tests.waiting import wait_for

RESUME = ("run", "ROADMAP.md", "--resume")


@pytest.fixture
def site(tmp_path: Path) -> Accepted:
    """A run of one track with both gates, which nobody drives."""
    return Accepted(tmp_path, [makes(1)], {"gates": ("start", "push")})


def opened(site: Accepted) -> frozenset[Gate]:
    """Return the gates that are open."""
    return approvals.opened_of(site.paths)


def test_nobody_is_there(site: Accepted) -> None:
    """Then the run waits; each gate is opened by name, and what that sets going is shown."""
    with site.running(*RESUME, "--json") as child:
        wait_for(lambda: site.events("run.adopted"), 20)
        refused = site("approve", "roadmap")
        assert (refused.status, refused.out) == (64, "")
        assert "1. start scripted agents, at most 4 at once  (gate start)" in refused.err
        assert f"target: {site.tracks[0]}" in refused.err
        assert "add --yes" in refused.err
        assert (site.subjects(), opened(site)) == (["start"], frozenset())
        shown = site("status").out
        assert "waiting for a person:\n  run roadmap: waits for a person's word before it starts agents" in shown
        said = site("approve", "roadmap", "--yes", "--json")
        assert (said.document["approved"], said.document["driven"]) == (["start"], True)
        wait_for(lambda: site.outcomes() == ["merged"], 30)
        assert site.pushes() == 0
        assert site("approve", "roadmap", "--yes").out == "run roadmap: gate push opened\n"
        _, err = child.communicate(timeout=30)
    assert (child.returncode, site.pushes()) == (0, 1)
    assert "waits at the gate start: `orchd approve roadmap` opens it" in err
    assert "reasoning: 1 of 1 tracks are merged, every track is over" in err
    assert [each["gates"] for each in site.events("run.approved")] == [["start"], ["push"]]


def test_a_person_watches(site: Accepted) -> None:
    """Whoever watches is asked; only y is a yes, and only once it was asked for."""
    with terminal([*ARGV, *RESUME], site.root, site.env | {"TERM": "dumb"}) as screen:
        screen.type("y\n")
        screen.shows("waits at the gate start: y and Enter opens it", 30)
        assert opened(site) == frozenset()
        screen.type("y\n")
        screen.shows("the gate start is open", 20)
        screen.shows("waits at the gate push: y and Enter opens it", 40)
        screen.type("yes, please\n")
        screen.shows("not opened; `orchd approve roadmap` opens it later", 20)
        assert (opened(site), site.pushes()) == (frozenset({"start"}), 0)
        with terminal([*ARGV, "approve", "roadmap"], site.root, site.env) as other:
            other.shows("1. push main  (gate push)", 20)
            other.type("n\n")
            assert other.ends() == 64
        with terminal([*ARGV, "approve", "roadmap"], site.root, site.env) as other:
            other.shows("Open? y", 20)
            other.type("y\n")
            assert other.ends() == 0
        assert screen.ends(30) == 0
    assert site.pushes() == 1


def test_nothing_to_approve(site: Accepted) -> None:
    """It is said, and nothing is opened; a gate that the run has not come to is opened by its name alone."""
    assert site("approve", "roadmap", "--yes").status == 0
    assert opened(site) == {"start"}
    said = site("approve", "roadmap", "--yes")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("nothing to approve in run roadmap: it waits at no gate; gate push is closed")
    assert site("approve", "roadmap", "--yes", "--json").document["approved"] == []
    assert opened(site) == {"start"}
    beforehand = site("approve", "roadmap", "--gate", "push", "--yes")
    assert "nobody drives it now" in beforehand.out
    assert opened(site) == {"start", "push"}
    assert site(*RESUME).status == 0
    assert site("approve", "roadmap").out == "nothing to approve in run roadmap: it is over\n"


def test_what_is_not_there(site: Accepted) -> None:
    """An unknown run or gate, and what is no name: one line, nothing opened."""
    for words in (["none"], ["../x"], ["roadmap", "--gate", "merge"], []):
        said = site("approve", *words, "--yes")
        assert (said.status, said.out, said.tame) == (64, "", True)
    assert opened(site) == frozenset()


def test_an_agent_opens_no_gate(site: Accepted) -> None:
    """Nor does it answer its own question; in another root it is anybody."""
    site.env |= {"AGENT_ID": "agent-1", "ORCHD_ROOT": str(site.root)}
    for argv in (("approve", "roadmap", "--gate", "push", "--yes"), ("answer", site.tracks[0], "yes")):
        said = site(*argv)
        assert (said.status, "a person's word" in said.err) == (64, True)
    assert opened(site) == frozenset()
    site.env |= {"ORCHD_ROOT": str(site.root / "elsewhere")}
    assert site("approve", "roadmap", "--gate", "push", "--yes", "--root", str(site.root)).status == 0
    assert opened(site) == {"push"}
