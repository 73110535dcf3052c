"""``orchd progress``: the agent's own words, from its own environment."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Removed, Wanted, Won
from orchestrator.core.status import Status
from orchestrator.state.door import read_status
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import aside
from tests.state.malformed import GOOD

PACKAGE = Path(__file__).parents[2]


@dataclass(slots=True)
class Agent:
    """An agent of a run, and what it can report with."""

    root: Path
    paths: RunLayout
    claims: FileClaims
    token: str
    env: dict[str, str] = field(default_factory=dict)

    def report(self, *words: str, **env: str | None) -> subprocess.CompletedProcess[str]:
        """Run ``orchd progress`` as the agent does; a variable that is None is not set."""
        own = {name: value for name, value in (self.env | env).items() if value is not None}
        outer = {name: os.environ[name] for name in os.environ if not name.startswith(("ORCHD_", "AGENT_"))}
        argv = [sys.executable, "-m", "orchestrator", "progress", *words]
        return subprocess.run(
            argv, cwd=self.root, env=outer | own, capture_output=True, text=True, check=False, timeout=60
        )

    def status(self) -> Status:
        """Read what was reported."""
        path = self.paths.status("agent-1")
        return read_status(path, Path(path).read_bytes())

    def claimed_again(self) -> int:
        """Let somebody else claim the track; return the fence of that claim."""
        assert isinstance(self.claims.release("t", self.token), Removed)
        won = self.claims.claim(Wanted("t", "other", os.getpid(), "1783", 2))
        assert isinstance(won, Won)
        return won.claim.fence


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent whose worker, this process, has claimed its track."""
    paths = Layout(str(tmp_path)).run("1783")
    Path(paths.folder).mkdir(parents=True)
    claims = FileClaims(str(tmp_path))
    won = claims.claim(Wanted("t", "me", os.getpid(), "1783", 1))
    assert isinstance(won, Won)
    env = {
        "PYTHONPATH": str(PACKAGE),
        "ORCHD_ROOT": str(tmp_path),
        "ORCHD_RUN": "1783",
        "ORCHD_TRACK": "t",
        "ORCHD_FENCE": str(won.claim.fence),
        "AGENT_ID": "agent-1",
        "BRANCH_NAME": "feat/t",
    }
    return Agent(tmp_path, paths, claims, won.claim.token, env)


def test_a_report_is_in_the_status_file(agent: Agent) -> None:
    """Everything that is said stands there, in a file that is whole, and nothing is printed."""
    words = ["--stage", "testing", "--percent", "40", "--pr", "12", "--error", "TEST_FAILURE: two of nine"]
    ended = agent.report(*words, "--needs-input", "Which one?")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    status = agent.status()
    assert (status.current_stage, status.progress_percentage, status.pr_number) == ("testing", 40, 12)
    assert (status.error, status.needs_input) == ("TEST_FAILURE: two of nine", {"question": "Which one?"})
    assert (status.status, status.track, status.branch_name) == ("in_progress", "t", "feat/t")
    assert status.fence == int(agent.env["ORCHD_FENCE"])


def test_reports_add_up(agent: Agent) -> None:
    """What is not said stays; an empty question means that it was answered; none at all is a sign of life."""
    agent.report("--stage", "testing", "--needs-input", "Which one?")
    before = agent.status()
    assert agent.report("--percent", "50", "--needs-input", "").returncode == 0
    assert agent.report().returncode == 0
    after = agent.status()
    assert (after.current_stage, after.progress_percentage, after.needs_input) == ("testing", 50, None)
    assert after.start_time == before.start_time
    assert (after.last_update or "") > (before.last_update or "")


def test_what_people_and_budgets_are_told(agent: Agent) -> None:
    """It stands in the metadata beside what was there; a later word replaces an earlier one."""
    Path(agent.paths.status("agent-1")).write_bytes(GOOD.replace(b'"fence": 7', b'"fence": 1, "model": "x"'))
    assert agent.report("--blocked", "no access", "--cost-usd", "0.5", "--tokens", "7").returncode == 0
    assert agent.report("--ready-for-review", "--cost-usd", "1.25").returncode == 0
    told = agent.status().metadata
    assert (told["blocked"], told["ready_for_review"], told["model"]) == ("no access", True, "x")
    assert (told["cost_usd"], told["tokens"]) == (1.25, 7)
    assert agent.report("--blocked", "").returncode == 0
    assert "blocked" not in agent.status().metadata
    assert agent.status().metadata["cost_usd"] == 1.25


def test_json_is_the_status(agent: Agent) -> None:
    """With ``--json`` stdout is exactly what was written."""
    ended = agent.report("--percent", "50", "--json")
    assert json.loads(ended.stdout) == json.loads(Path(agent.paths.status("agent-1")).read_bytes())


@pytest.mark.parametrize("ended", ["completed", "failed"])
def test_an_end_is_not_undone(agent: Agent, ended: str) -> None:
    """A report that comes after the end adds to it; the state stays."""
    own = GOOD.replace(b'"in_progress"', f'"{ended}"'.encode()).replace(b'"fence": 7', b'"fence": 1')
    Path(agent.paths.status("agent-1")).write_bytes(own)
    assert agent.report("--stage", "late").returncode == 0
    assert (agent.status().status, agent.status().current_stage) == (ended, "late")


def test_a_superseded_report_is_kept_aside(agent: Agent) -> None:
    """After a later claim the report changes nothing, ends with 76, and is kept; also when that claim is over."""
    agent.report("--percent", "10")
    before = agent.status()
    fence = agent.claimed_again()
    ended = agent.report("--percent", "90")
    assert ended.returncode == 76
    assert f"its fence is {fence}" in ended.stderr
    assert agent.status() == before
    kept = json.loads(Path(aside(agent.paths), f"agent-1.{agent.env['ORCHD_FENCE']}.1.status.json").read_bytes())
    assert kept["progress_percentage"] == 90
    holder = agent.claims.read("t")
    assert holder is not None
    agent.claims.release("t", holder.token)
    assert agent.report("--percent", "91", "--json").returncode == 76
    assert len(os.listdir(aside(agent.paths))) == 2


def test_the_last_claim_may_be_over(agent: Agent) -> None:
    """A report after the release, with no later claim, is taken."""
    agent.claims.release("t", agent.token)
    assert agent.report("--percent", "99").returncode == 0


def test_a_status_file_that_lies_stops_nobody(agent: Agent) -> None:
    """A fence in the file that was never given out is put aside with the file."""
    Path(agent.paths.status("agent-1")).write_bytes(GOOD.replace(b'"fence": 7', b'"fence": 999'))
    assert agent.report("--percent", "5").returncode == 0
    assert agent.status().fence == int(agent.env["ORCHD_FENCE"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORCHD_RUN", None),
        ("ORCHD_TRACK", None),
        ("ORCHD_FENCE", None),
        ("AGENT_ID", ""),
        ("ORCHD_RUN", "../1783"),
        ("ORCHD_TRACK", "t\x1b[2J"),
        ("AGENT_ID", "agent-1.json"),
        ("ORCHD_FENCE", "-1"),
        ("ORCHD_FENCE", "\u0661"),
        ("ORCHD_FENCE", "9" * 30),
        ("ORCHD_FENCE", "999"),
        ("ORCHD_RUN", "another"),
    ],
)
def test_an_environment_that_is_off_is_a_usage_error(agent: Agent, name: str, value: str | None) -> None:
    """Exit 64, one line with the variable or the name, a hint, and nothing written."""
    ended = agent.report("--percent", "5", **{name: value})
    assert ended.returncode == 64
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("  hint: ")
    assert all(line.isprintable() for line in lines)
    assert os.listdir(agent.paths.folder) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--percent", "101"],
        ["--percent", "-1"],
        ["--percent", "NaN"],
        ["--error", "it broke"],
        ["--error", "TEST_FAILURE"],
        ["--error", "TEST_FAILURE: "],
        ["--pr", "0"],
        ["--cost-usd", "-0.01"],
        ["--cost-usd", "nan"],
        ["--cost-usd", "inf"],
        ["--cost-usd", "much"],
        ["--tokens", "-1"],
        ["--tokens", "1.5"],
        ["--tokens", str(2**53)],
        ["--blocked"],
        ["--stage"],
        ["--stgae", "x"],
        ["more"],
    ],
)
def test_wrong_words_are_a_usage_error(agent: Agent, words: list[str]) -> None:
    """Exit 64 and nothing written."""
    ended = agent.report(*words)
    assert ended.returncode == 64
    assert "Traceback" not in ended.stderr
    assert os.listdir(agent.paths.folder) == []


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", "a\nb", "\udcff", "x" * 100_000, "\u202e", "\x7f"])
def test_any_text_makes_a_file_that_is_read(agent: Agent, text: str) -> None:
    """Escapes, undecodable bytes and very long texts are taken as text; the file stays whole."""
    ended = agent.report("--stage", text, "--needs-input", text, "--error", f"UNKNOWN: {text}.")
    assert ended.returncode == 0
    assert (agent.status().current_stage or "").isprintable()


def test_it_starts_without_what_is_slow(agent: Agent) -> None:
    """Agents call it often: pydantic and its like are not loaded."""
    code = (
        "import sys; sys.argv = ['orchd', 'progress', '--percent', '5']\n"
        "from orchestrator.cli.main import main\n"
        "status = main()\n"
        "slow = {'pydantic', 'psutil', 'asyncio', 'logging', 'watchdog', 'filelock'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {slow}' if slow or status else 0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=agent.root,
        env=os.environ | agent.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
