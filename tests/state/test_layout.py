"""Where everything lies."""

from orchestrator.core.name import is_name
from orchestrator.state.layout import IGNORED, Layout, RunLayout

LAYOUT = Layout("/r")
RUN = LAYOUT.run("1783")


def test_the_paths_are_those_of_the_protocol() -> None:
    """Scripts and other tools rely on these paths, so they never change."""
    assert LAYOUT.locks == "/r/.orchestrator_locks"
    assert LAYOUT.journal == "/r/runtime/events.jsonl"
    assert (LAYOUT.socket, LAYOUT.pidlock) == ("/r/runtime/orchd.sock", "/r/runtime/orchd.pidlock")
    assert (LAYOUT.daemon_log, LAYOUT.settings) == ("/r/runtime/orchd.log", "/r/orchestrator.toml")
    assert (LAYOUT.log("t"), LAYOUT.worktree("agent-1")) == ("/r/orchestrator_logs/t.log", "/r/worktrees/agent-1")
    assert RunLayout("/r/runtime/parallel/1783") == RUN
    assert RUN.record == "/r/runtime/parallel/1783/run.json"
    assert RUN.status("agent-1") == "/r/runtime/parallel/1783/agent-1.status.json"
    assert RUN.job("agent-1") == "/r/runtime/parallel/1783/agent-1.job.json"
    assert RUN.result("agent-1") == "/r/runtime/parallel/1783/agent-1.result.json"
    assert RUN.outcome("agent-1") == "/r/runtime/parallel/1783/agent-1.outcome.json"
    assert (RUN.summary, RUN.metrics) == (f"{RUN.folder}/summary.md", f"{RUN.folder}/metrics.json")


def test_what_is_private_is_out_of_the_watched_folder() -> None:
    """Temporary files, guards and prompts lie one level below the run's folder."""
    assert RUN.private == f"{RUN.folder}/.d"
    assert RUN.prompt("agent-1", "work").startswith(f"{RUN.private}/")
    assert not is_name(".d")


def test_the_files_of_one_run_are_apart() -> None:
    """No two files of a run, and no two of an agent, have the same path."""
    own = (RUN.record, RUN.conductor, RUN.cancel, RUN.summary, RUN.metrics, RUN.private)
    agents = [each(name) for name in ("agent-1", "agent-2") for each in (RUN.status, RUN.job, RUN.result, RUN.outcome)]
    assert len({*own, *agents}) == len(own) + len(agents)


def test_git_ignores_what_runs_leave_behind() -> None:
    """Each folder that orchd writes is in the ignore lines."""
    for path in (LAYOUT.locks, LAYOUT.parallel, LAYOUT.log("t"), LAYOUT.worktree("t")):
        assert any(f"{path}/".startswith(f"/r{line}") for line in IGNORED)
