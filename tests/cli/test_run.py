"""What ``orchd run`` takes on record of what a person says."""

from pathlib import Path

import pytest

from orchestrator.core.run import RunRecord
from orchestrator.state import results
from orchestrator.state.layout import Layout
from tests.projects import SETTINGS, Site, names, script, writes

ONE, TWO = names(2)
PLAN = """\
### Group A: Things

**Prerequisites**: None

1. **Track 1: One**
   - in `shared.txt`
2. **Track 2: Two**
   - in `shared.txt`, too
"""
MORE = """
[[validators]]
name = "inside"
kind = "artifacts"
after = "work"
paths = ["*.txt"]

[budget.run]
time = "1h"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A project of two tracks that name the same file."""
    scripts = {track: script(writes(f"{track}.txt")) for track in (ONE, TWO)}
    return Site(tmp_path, PLAN, scripts, settings=SETTINGS + MORE, remote=False)


def record(site: Site) -> RunRecord:
    """Return what was accepted."""
    return results.read_run(Layout(str(site.root)).run("roadmap"))


def test_what_is_asked_for_is_on_record(site: Site) -> None:
    """Order, batches, validators, budgets and the root; and the run is carried out so."""
    said = site("run", "ROADMAP.md", "--order", "--batch-size", "1", "--json")
    assert (said.status, [each["outcome"] for each in said.document["tracks"]]) == (0, ["merged", "merged"])
    accepted = record(site)
    assert [each.depends_on for each in accepted.tracks] == [(), (ONE,)]
    assert (accepted.options.batch_size, accepted.options.budget.run.seconds) == (1, 3600.0)
    assert [(each.name, each.after) for each in accepted.validators] == [("inside", "work")]
    assert (accepted.root, accepted.lifted, accepted.told) == (str(site.root), (), ("batch_size",))


@pytest.mark.parametrize(
    "words",
    [
        ["--resume", "--retry"],
        ["--resume", "--order"],
        ["--resume", "--skip-fatal"],
        ["--retry", "--skip-fatal"],
        ["--resume", "--batch-size", "2"],
        ["--batch-size", "-1"],
    ],
)
def test_what_does_not_go_together(site: Site, words: list[str]) -> None:
    """A run that goes on is carried out as it was accepted; nothing is made."""
    said = site("run", "ROADMAP.md", *words)
    assert (said.status, said.out, said.tame) == (64, "", True)
    assert not (site.root / "runtime" / "parallel").exists()


def test_the_disk_is_full(site: Site) -> None:
    """Nothing is begun and the exit code says why; when there is room again, it is begun."""
    said = site("run", "ROADMAP.md", ORCHD_FAILPOINT="publish.written:error=ENOSPC")
    assert (said.status, said.out, said.tame) == (7, "", True)
    assert site("run", "ROADMAP.md", "--resume").status == 64
    assert site("run", "ROADMAP.md", "--json").document["exit"] == 0
