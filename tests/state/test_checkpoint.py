"""A run goes on where its root is by now."""

from dataclasses import replace
from pathlib import Path

from orchestrator.core.run import Agent, Options, RunRecord, RunTrack, Validator
from orchestrator.state import results
from orchestrator.state.checkpoint import relocated, root_of
from orchestrator.state.layout import Layout, RunLayout

OLD = "/old/project"
RECORD = RunRecord(
    run="roadmap",
    orchestration_id="o",
    source=f"{OLD}/ROADMAP.md",
    source_kind="roadmap",
    created_at="2026-01-31T12:00:00.000Z",
    target_branch="main",
    base="c" * 40,
    remote=None,
    agent=Agent(
        "command",
        argv=(f"{OLD}/agent", "--in", "/old/projects", "old/project"),
        reduced=(f"{OLD}/agent",),
        scripts=f"{OLD}/agents",
        env={"HOME": OLD},
    ),
    options=Options(),
    tracks=(
        RunTrack("agent-1", "t1", "T1", "feat/t1", f"{OLD}/worktrees/agent-1", body=f"see {OLD}/x"),
        RunTrack("agent-2", "t2", "T2", "feat/t2", "/elsewhere/agent-2"),
    ),
    validators=(Validator("check", "command", argv=(f"{OLD}/check",), paths=("src/**",)),),
    root=OLD,
)


def test_what_lay_below_the_old_root_is_below_the_new_one() -> None:
    """Source, worktrees and commands; what lay elsewhere, or only looks alike, stays, and so do texts."""
    moved = relocated(RECORD, "/new")
    assert (moved.root, moved.source) == ("/new", "/new/ROADMAP.md")
    assert moved.agent.argv == ("/new/agent", "--in", "/old/projects", "old/project")
    assert (moved.agent.reduced, moved.agent.scripts, moved.agent.env) == (
        ("/new/agent",),
        "/new/agents",
        {"HOME": "/new"},
    )
    assert [each.worktree for each in moved.tracks] == ["/new/worktrees/agent-1", "/elsewhere/agent-2"]
    assert moved.tracks[0].body == f"see {OLD}/x"
    assert moved.validators[0].argv == ("/new/check",)


def test_what_was_not_moved_is_as_it_was() -> None:
    """Nor is a record changed that does not say where it was accepted."""
    assert relocated(RECORD, OLD) is RECORD
    unknown = replace(RECORD, root="")
    assert relocated(unknown, "/new") is unknown
    assert relocated(RECORD, "") is RECORD


def test_the_root_of_a_run() -> None:
    """It is the one whose folder of runs this is."""
    assert root_of(Layout("/r").run("x")) == "/r"
    assert root_of(RunLayout("/somewhere/x")) == ""


def test_a_record_is_read_as_it_is_today(tmp_path: Path) -> None:
    """Whoever reads it gets the paths of today; the file stays as it was accepted."""
    paths = Layout(str(tmp_path)).run("roadmap")
    results.write_run(paths, RECORD)
    before = Path(paths.record).read_bytes()
    assert results.read_run(paths).source == f"{tmp_path}/ROADMAP.md"
    assert Path(paths.record).read_bytes() == before
