"""What settings mean to a run: retries, budgets, limits, gates and validators."""

from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.core.run import Agent, Budget, GitOptions, Limit, Options, Validator
from orchestrator.errors import BadSettings

ALL = """
[agent]
kind = "command"
[agent.command]
argv = ["bin/agent", "--all"]
reduced = ["bin/agent", "--few"]
[run]
profile = "dev-lead"
attempts = 5
timeout_growth = 2
retry_delay = "1m"
stale = "2m"
batch_size = 3
start_on = "committed"
min_memory_mb = 0
park_on_limit = false
limit_wait = "1h"
input_wait = 0
cleanup = false
quarantine_after = 0
gates = ["push", "start", "push"]
[run.kind_limits]
command = 2
[run.profile_limits]
"dev-lead" = 1
[budget.track]
usd = 2
[budget.run]
tokens = 1000
time = "2h"
[budget.day]
usd = 9.5
"""


def load(root: Path, text: str, **environ: str) -> settings.Settings:
    """Return the settings of a root with such a file."""
    (root / "orchestrator.toml").write_text(text)
    return settings.load(str(root), environ)


def test_everything_that_a_run_is_told(tmp_path: Path) -> None:
    """Attempts, limits, budgets and gates arrive, durations in seconds, and what is not said is not bounded."""
    loaded = load(tmp_path, ALL)
    assert settings.options(loaded) == Options(
        profile="dev-lead",
        attempts=5,
        timeout_growth=2,
        retry_delay_seconds=60,
        stale_seconds=120,
        batch_size=3,
        start_on="committed",
        min_memory_mb=0,
        park_on_limit=False,
        limit_wait_seconds=3600,
        input_wait_seconds=0,
        cleanup=False,
        budget=Budget(track=Limit(usd=2), run=Limit(tokens=1000, seconds=7200), day=Limit(usd=9.5)),
        gates=("push", "start"),
        kind_limits={"command": 2},
        profile_limits={"dev-lead": 1},
    )
    assert loaded.run.quarantine_after == 0
    program = str(tmp_path / "bin/agent")
    assert settings.agent(loaded) == Agent("command", argv=(program, "--all"), reduced=(program, "--few"))
    assert settings.agent(loaded, "scripted").reduced == ()


def test_a_track_is_quarantined_after_three_runs(tmp_path: Path) -> None:
    """Unless the file says otherwise."""
    assert load(tmp_path, "").run.quarantine_after == 3


def test_the_environment_says_the_simple_keys(tmp_path: Path) -> None:
    """Each has a variable, which wins over a file that has tables of all kinds."""
    loaded = load(
        tmp_path,
        ALL + '[[validators]]\nname = "v"\nkind = "diff"\n',
        ORCHD_RUN_ATTEMPTS="1",
        ORCHD_RUN_TIMEOUT_GROWTH="1",
        ORCHD_RUN_RETRY_DELAY="0",
        ORCHD_RUN_STALE="9m",
        ORCHD_RUN_BATCH_SIZE="7",
        ORCHD_RUN_START_ON="merged",
        ORCHD_RUN_MIN_MEMORY_MB="64",
        ORCHD_RUN_PARK_ON_LIMIT="true",
        ORCHD_RUN_LIMIT_WAIT="5s",
        ORCHD_RUN_INPUT_WAIT="6s",
        ORCHD_RUN_CLEANUP="1",
        ORCHD_RUN_QUARANTINE_AFTER="4",
    )
    said = settings.options(loaded)
    assert (said.attempts, said.timeout_growth, said.retry_delay_seconds, said.stale_seconds) == (1, 1, 0, 540)
    assert (said.batch_size, said.start_on, said.min_memory_mb, said.park_on_limit) == (7, "merged", 64, True)
    assert (said.limit_wait_seconds, said.input_wait_seconds, said.cleanup) == (5, 6, True)
    assert loaded.run.quarantine_after == 4
    assert [each.name for each in settings.validators(loaded)] == ["v"]


def test_validators_arrive_in_their_order(tmp_path: Path) -> None:
    """With their defaults; a program with a slash is the root's, one without is looked for on PATH."""
    text = """
    [[validators]]
    name = "tests"
    kind = "command"
    argv = ["scripts/test", "a/b"]
    timeout = "90s"
    [[validators]]
    name = "papers"
    kind = "artifacts"
    after = "work"
    tracks = ["group_A_*"]
    paths = ["docs/**/*.md"]
    rounds = 1
    [[validators]]
    name = "inside"
    kind = "diff"
    after = "commit"
    [[validators]]
    name = "second-look"
    kind = "agent"
    argv = ["reviewer"]
    """
    assert settings.validators(load(tmp_path, text)) == (
        Validator("tests", "command", argv=(str(tmp_path / "scripts/test"), "a/b"), timeout_seconds=90),
        Validator("papers", "artifacts", after="work", tracks=("group_A_*",), paths=("docs/**/*.md",), rounds=1),
        Validator("inside", "diff", after="commit"),
        Validator("second-look", "agent", argv=("reviewer",)),
    )


@pytest.mark.parametrize("text", ["", "validators = []"])
def test_without_validators_nobody_judges(tmp_path: Path, text: str) -> None:
    """An empty list is as good as none."""
    assert settings.validators(load(tmp_path, text)) == ()


GIT = """\
[git]
setup = [["bin/prepare", "--fast"], ["npm", "ci"]]
setup_timeout = "1m"
check = ["bin/check"]
check_timeout = 30
strategy = "squash"
resolve = true
keep_ignored = true
author = "Jane Doe <jane@example.com>"
sign = false
hooks = false
push_timeout = "2m"
[git.trailers]
Reviewed-by = "Jane"
"""


def test_how_a_run_uses_git(tmp_path: Path) -> None:
    """Programs that are paths are the root's; what is not said is as git is set."""
    root = str(tmp_path)
    assert settings.options(load(tmp_path, GIT)).git == GitOptions(
        setup=((f"{root}/bin/prepare", "--fast"), ("npm", "ci")),
        setup_timeout_seconds=60,
        check=(f"{root}/bin/check",),
        check_timeout_seconds=30,
        strategy="squash",
        resolve=True,
        keep_ignored=True,
        author="Jane Doe <jane@example.com>",
        trailers={"Reviewed-by": "Jane"},
        sign=False,
        hooks=False,
        push_timeout_seconds=120,
    )
    assert settings.options(load(tmp_path, "")).git == GitOptions()


@pytest.mark.parametrize(
    "text",
    [
        'author = "Jane"',
        'author = "Jane <a@b>\\nX: y"',
        'strategy = "force"',
        "setup = [[]]",
        'check = "make test"',
        'sign = "yes"',
        "isolation = 1",
        'trailers = { "a b" = "c" }',
        'trailers = { a = "b\\nc" }',
    ],
)
def test_what_git_cannot_do_is_refused(tmp_path: Path, text: str) -> None:
    """With the key and its line."""
    with pytest.raises(BadSettings) as caught:
        load(tmp_path, f"[git]\n{text}\n")
    assert "orchestrator.toml:2: git." in caught.value.message
