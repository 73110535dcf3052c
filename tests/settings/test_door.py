"""Settings: what a file and the environment may say, and what is said of anything else."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.core.run import Agent, Options
from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable, BadSettings


def _load(root: Path, text: str | bytes = "", **environ: str) -> settings.Settings:
    (root / "orchestrator.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings.load(str(root), environ)


def _refused(root: Path, text: str | bytes, **environ: str) -> str:
    """Return the line with which that file is refused."""
    with pytest.raises(BadSettings) as refused:
        _load(root, text, **environ)
    error = refused.value
    assert error.hint
    assert visible(error.message, 1000) == error.message
    assert len(error.message) < 400
    return error.message


def test_nothing_is_needed(tmp_path: Path) -> None:
    """Without a file, and with an empty one, what holds is what a run does unless told otherwise."""
    missing = settings.load(str(tmp_path), {})
    assert missing == _load(tmp_path)
    assert settings.options(missing) == Options()
    assert missing.daemon.rescan_seconds == 5


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Each key arrives where it is used, durations in seconds, whole seconds as numbers."""
    loaded = _load(
        tmp_path,
        """
        [agent]
        kind = "command"
        [agent.command]
        argv = ["my-agent", "--flag", "a b"]
        prompt = "file"
        [agent.scripted]
        scripts = "scripts/agents"
        [agent.env]
        EDITOR = "true"
        EMPTY = ""
        [run]
        agents = 2
        stagger = 0
        timeout = "1h30m"
        grace = "PT5S"
        heartbeat = 7.5
        threshold = 1
        push = false
        [daemon]
        rescan = "30s"
        log_max_mb = 1
        """,
    )
    assert settings.options(loaded) == Options(
        agents=2,
        stagger_seconds=0,
        timeout_seconds=5400,
        grace_seconds=5,
        heartbeat_seconds=7.5,
        push=False,
        threshold=1,
    )
    assert settings.agent(loaded) == Agent(
        kind="command", argv=("my-agent", "--flag", "a b"), prompt="file", env={"EDITOR": "true", "EMPTY": ""}
    )
    assert settings.agent(loaded, "scripted").scripts == f"{tmp_path}/scripts/agents"
    assert (loaded.daemon.rescan_seconds, loaded.daemon.log_max_mb) == (30, 1)


def test_nobody_is_named(tmp_path: Path) -> None:
    """Without an agent, or without its command, there is nobody to do the work; the hint says what to write."""
    for text in ("", '[agent]\nkind = "command"'):
        with pytest.raises(AgentUnavailable) as refused:
            settings.agent(_load(tmp_path, text))
        assert "orchestrator.toml" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\nagents = 0", r"orchestrator.toml:2: run.agents: should be greater than or equal to 1"),
        ("[run]\nagents = 1001", r":2: run.agents: should be less than or equal to 1000"),
        ("[run]\nagents = 2.5", r":2: run.agents: should be a whole number"),
        ("[run]\nagents = true", r":2: run.agents: should be a whole number"),
        ('[run]\n\n# x\nagents = "2"', r":4: run.agents: should be a whole number"),
        ('[run]\ntimeout = "5 parsecs"', r":2: run.timeout: '5 parsecs' is not a duration; write 90"),
        ("[run]\ntimeout = 0", r":2: run.timeout: should be greater than 0"),
        ("[run]\ntimeout = -1", r":2: run.timeout: "),
        ("[run]\ntimeout = nan", r":2: run.timeout: "),
        ("[run]\ntimeout = inf", r":2: run.timeout: "),
        ("[run]\ngrace = 2026-11-20", r":2: run.grace: "),
        ('[run]\ngrace = "100000d"', r":2: run.grace: .* ten years"),
        ("[run]\nthreshold = 1.01", r":2: run.threshold: should be less than or equal to 1"),
        ("[run]\nthreshold = nan", r":2: run.threshold: "),
        ('[run]\npush = "yes"', r":2: run.push: should be true or false"),
        ("[run]\ntimeuot = 1", r":2: run.timeuot: no such key; known: agents, profile, stagger, timeout, grace"),
        ("[run]\ntimeout_seconds = 1", r":2: run.timeout_seconds: no such key"),
        ("runs = 1", r":1: runs: no such key; known: agent, run, budget, validators, git, daemon"),
        ("run = 1", r":1: run: should be a table"),
        ("[[run]]\n", r":1: run: should be a table"),
        ('[agent]\nkind = "claude"', r":2: agent.kind: should be 'command' or 'scripted'"),
        ('[agent.command]\nargv = "x"', r":2: agent.command.argv: should be a valid list"),
        ('[agent.command]\nargv = ["x", 3]', r":2: agent.command.argv.1: should be a valid string"),
        ('[agent.command]\nargv = [""]', r":2: agent.command.argv.0: "),
        ('[agent.command]\nargv = ["a\\u0000"]', r":2: agent.command.argv.0: has a character that cannot be there"),
        ('[agent.command]\nprompt = "shell"', r":2: agent.command.prompt: should be 'stdin', 'file' or 'argument'"),
        ("[agent.env]\nA = 1", r":2: agent.env.A: should be a valid string"),
        ('[agent.env]\n"A=B" = "x"', r"agent.env.A=B"),
        ('[agent.env]\nA = "\\u0000"', r":2: agent.env.A: has a character"),
        ("[daemon]\nrescan = 0", r":2: daemon.rescan: should be greater than or equal to 0.1"),
        ("[daemon]\nlog_max_mb = 0", r":2: daemon.log_max_mb: "),
        ("a = 1\nb = 2", r"a: no such key; known: .*; line 2: b: no such key$"),
        ('[run]\n"a\\u001b[31m\\n" = 1', r"run.a\\x1b\[31m\\x0a: no such key"),
        ("[run\nagents = 2", r"not TOML: .*line 1"),
        ("[run]\nagents = 2\nagents = 3", r"not TOML"),
        ("a = " + "[" * 3000, r"not TOML"),
        (b"[run]\n# \xff", r"cannot be read: not UTF-8"),
        ("\ufeff[run]\nagents = 0".encode("utf-16"), r"cannot be read: not UTF-8"),
        (b"#" * (settings.LARGEST + 1), r"cannot be read: .* bytes"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    """Key, line, and what is allowed there, in one line that is safe to show."""
    assert re.search(said, _refused(tmp_path, text))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Some editors write one."""
    assert settings.options(_load(tmp_path, b"\xef\xbb\xbf[run]\nagents = 2")).agents == 2


def _link(path: str) -> None:
    os.symlink("/etc/hostname", path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, _link], ids=["fifo", "folder", "link"])
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[str], None]) -> None:
    """A FIFO, a folder or a link in the place of the settings is refused at once, never waited for or followed."""
    make(str(tmp_path / "orchestrator.toml"))
    with pytest.raises(BadSettings, match="cannot be read"):
        settings.load(str(tmp_path), {})


def test_the_environment_wins(tmp_path: Path) -> None:
    """Variables are put over the file, each with the meaning of its key; empty ones and strangers count for nothing."""
    text = '[agent]\nkind = "command"\n[agent.command]\nargv = ["x"]\n[run]\nagents = 2\ntimeout = 5\n'
    loaded = _load(
        tmp_path,
        text,
        ORCHD_AGENT_KIND="scripted",
        ORCHD_RUN_AGENTS="7",
        ORCHD_RUN_GRACE="90",
        ORCHD_RUN_PUSH="FALSE",
        ORCHD_RUN_THRESHOLD="0.5",
        ORCHD_RUN_HEARTBEAT="",
        ORCHD_DAEMON_RESCAN="1m",
        ORCHD_RUN="7",
        ORCHD_TRACK="t",
    )
    assert settings.options(loaded) == Options(agents=7, timeout_seconds=5, grace_seconds=90, push=False, threshold=0.5)
    assert settings.agent(loaded).kind == "scripted"
    assert loaded.agent.command.argv == ["x"]
    assert loaded.daemon.rescan_seconds == 60


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ORCHD_RUN_AGENTS", "many", "should be a whole number"),
        ("ORCHD_RUN_AGENTS", "0", "greater than or equal to 1"),
        ("ORCHD_RUN_AGENTS", "9" * 5000, "ORCHD_RUN_AGENTS="),
        ("ORCHD_RUN_TIMEOUT", "soon", "not a duration"),
        ("ORCHD_RUN_PUSH", "maybe", "true or false"),
        ("ORCHD_RUN_THRESHOLD", "nan", "ORCHD_RUN_THRESHOLD=nan"),
        ("ORCHD_AGENT_KIND", "a\x1b[31m", r"a\\x1b\[31m: should be 'command' or 'scripted'"),
        ("ORCHD_DAEMON_LOG_MAX_MB", "2.5", "whole number"),
    ],
)
def test_a_variable_that_cannot_be_is_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    """The variable, what it says, and what is allowed."""
    message = _refused(tmp_path, "[run]\nagents = 2\n", **{name: value})
    assert message.startswith(f"{name}=")
    assert re.search(said, message)


def test_every_variable_has_a_key() -> None:
    """The table of variables points at keys that there are."""
    for name, (table, key, _) in settings.VARIABLES.items():
        inner = getattr(settings.Settings(), table)
        assert any(hasattr(inner, each) for each in (key, f"{key}_seconds")), name
