"""Whoever drives a run is killed at git commands of every kind: the next start finishes or undoes what was begun."""

import signal
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.daemon.killed import MODES, Killed

LONG: Final = settings().max_examples > 1000

STEPS: Final = (
    "worktree add * feat/t1 ",
    "add --all",
    "commit --quiet",
    "worktree add * feat/t3 ",
    "update-ref * refs/orchd/backup/*track_3/",
    "merge-tree * --stdin",
    "merge-tree * -z ",
    "commit-tree",
    "worktree add * --detach ",
    "update-ref * refs/orchd/runs/roadmap/integrated ",
    "merge --ff-only",
    "update-ref * refs/orchd/runs/roadmap/landed ",
    "update-ref * refs/orchd/backup/*track_1/",
    "update-ref * HEAD ",
    "update-ref * refs/orchd/backup/*track_2/",
    "push --porcelain",
    "worktree remove * */agent-1",
    "update-ref * -d refs/heads/feat/t1 ",
    "read-tree --reset",
    "worktree remove * */agent-2",
    "update-ref * -d refs/heads/feat/t2 ",
)
"""What a run comes to, one after the other: commits, a retry, a probe, merges with a check, a push, a clean-up."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """The run that is carried out."""
    return Killed(tmp_path_factory.mktemp("model") / "site")


@pytest.fixture(scope="module")
def usual(model: Killed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What comes of it where nobody is killed."""
    site = model.moved(tmp_path_factory.mktemp("usual") / "site")
    ends(site)
    return site.seen()


def ends(site: Killed) -> None:
    """Carry a run on to its end."""
    assert site.drive() == 0, (site.aside / "error").read_text()


@pytest.mark.parametrize("first", range(3) if LONG else [0])
def test_killed_at_each_step(model: Killed, usual: dict[str, object], tmp_path: Path, first: int) -> None:
    """Before it is done, while, or after: whoever comes next gets one step further; what comes of it is the same."""
    site = model.moved(tmp_path / "site")
    for number, step in enumerate(STEPS, first):
        status = site.drive(f"*{step}*", MODES[number % 3])
        assert status == -signal.SIGKILL, (step, (site.aside / "error").read_text() if status == 1 else status)
    ends(site)
    assert site.seen() == usual


def test_killed_anywhere(model: Killed, usual: dict[str, object], tmp_path: Path) -> None:
    """At commands that chance picks, git with its caller too; what comes of it is the same."""
    numbers = count()
    kills = st.lists(st.tuples(st.integers(1, 250), st.sampled_from(MODES)), min_size=1, max_size=4)

    @settings(
        max_examples=settings().max_examples // 100,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(kills)
    def carried_on(deaths: list[tuple[int, str]]) -> None:
        site = model.moved(tmp_path / f"site-{next(numbers)}")
        for number, mode in deaths:
            assert site.drive(f"{number} *", mode) in {0, -signal.SIGKILL}, (site.aside / "error").read_text()
        ends(site)
        assert site.seen() == usual

    carried_on()
