"""What is said of settings that cannot be: retries, budgets, limits, gates and validators."""

import re
from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.core.text import visible
from orchestrator.errors import BadSettings


def validator(*lines: str, name: str = "v") -> str:
    """Return a table of validators with these lines."""
    return "\n".join(("[[validators]]", f'name = "{name}"', *lines, ""))


COMMAND = ('kind = "command"', 'argv = ["x"]')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\nattempts = 0", ":2: run.attempts: should be greater than or equal to 1"),
        ("[run]\ntimeout_growth = 0.5", ":2: run.timeout_growth: should be greater than or equal to 1"),
        ("[run]\ntimeout_growth = nan", ":2: run.timeout_growth: "),
        ('[run]\nretry_delay = "x"', ":2: run.retry_delay: 'x' is not a duration"),
        ("[run]\nstale = 0", ":2: run.stale: should be greater than 0"),
        ("[run]\nbatch_size = -1", ":2: run.batch_size: should be greater than or equal to 0"),
        ('[run]\nstart_on = "done"', ":2: run.start_on: should be 'merged' or 'committed'"),
        ("[run]\nmin_memory_mb = 1.5", ":2: run.min_memory_mb: should be a whole number"),
        ("[run]\npark_on_limit = 1", ":2: run.park_on_limit: should be true or false"),
        ("[run]\nquarantine_after = -1", ":2: run.quarantine_after: should be greater than or equal to 0"),
        ('[run]\ngates = "push"', ":2: run.gates: should be a valid list"),
        ('[run]\ngates = ["merge"]', ":2: run.gates.0: should be 'start' or 'push'"),
        ("[run]\nkind_limits = 3", ":2: run.kind_limits: should be a valid dictionary"),
        ("[run]\n[run.kind_limits]\ncommand = 0", ":3: run.kind_limits.command: should be greater than or equal to 1"),
        ('[run.profile_limits]\n"../x" = 1', "run.profile_limits.*'../x' is not allowed"),
        ("[budget]\nusd = 1", ":2: budget.usd: no such key; known: track, run, day"),
        ("[budget.week]\nusd = 1", ":1: budget.week: no such key"),
        ("[budget.run]\nusd = 0", ":2: budget.run.usd: should be greater than 0"),
        ("[budget.run]\nusd = inf", ":2: budget.run.usd: "),
        ("[budget.run]\ntokens = 0.5", ":2: budget.run.tokens: should be a whole number"),
        ('[budget.day]\ntime = "long"', ":2: budget.day.time: 'long' is not a duration"),
        ("[budget.day]\nseconds = 3", ":2: budget.day.seconds: no such key; known: usd, tokens, time"),
        ('[agent.command]\nreduced = "x"', ":2: agent.command.reduced: should be a valid list"),
        ("validators = 1", ":1: validators: should be a valid list"),
        ('[git]\nsetup = ["npm", "ci"]', ':2: git.setup.0: should be commands, as [["npm", "ci"]]; line 2: '),
        ('[git]\ncheck = "make test"', ':2: git.check: should be a command, as ["make", "test"]'),
        ('[git]\nauthor = "Jane"', ':2: git.author: should be "Name <mail>"'),
        ('[git.trailers]\n"a b" = "x"', ":2: git.trailers.a b: has a character that cannot be there"),
        ("[validators]\nname = 1", ":1: validators: should be a valid list"),
        ("[[validators]]", ":1: validators.0.name: is not there, and has to be"),
        (validator('kind = "magic"'), ":3: validators.0.kind: should be 'command', 'artifacts', 'diff' or 'agent'"),
        (validator('kind = "command"'), ':1: validators.0: kind "command" needs argv'),
        (validator('kind = "artifacts"'), ':1: validators.0: kind "artifacts" needs paths'),
        (validator('kind = "diff"', 'argv = ["x"]'), 'kind "diff" takes no argv'),
        (validator(*COMMAND, 'paths = ["x"]'), 'kind "command" takes no paths'),
        (validator('kind = "diff"', 'after = "run"'), 'kind "diff" after "run" needs paths'),
        (validator('kind = "agent"', 'after = "run"'), 'after "run" use kind "command"'),
        (validator(*COMMAND, 'after = "run"', 'tracks = ["a"]'), 'after "run" is about all tracks'),
        (validator(*COMMAND, 'after = "lunch"'), ":5: validators.0.after: should be"),
        (validator(*COMMAND, "rounds = 0"), ":5: validators.0.rounds: should be greater than or equal to 1"),
        (validator(*COMMAND, "timeout = 0"), ":5: validators.0.timeout: should be greater than 0"),
        (validator(*COMMAND, "when = 1"), ":5: validators.0.when: no such key; known: name, kind, after, tracks, argv"),
        (validator('kind = "diff"', 'paths = ["../x"]'), ":4: validators.0.paths.0: '../x' leads out"),
        (validator('kind = "diff"', 'paths = ["/etc"]'), ":4: validators.0.paths.0: '/etc' leads out"),
        (validator(*COMMAND, name="a/b"), ":2: validators.0.name: this name 'a/b' is not allowed"),
        (validator(*COMMAND, name="Work"), ":2: validators.0.name: 'Work' is the name of a phase of orchd's own"),
        (validator(*COMMAND, name="x-mend"), ":2: validators.0.name: 'x-mend' is the name of a phase"),
        (validator(*COMMAND, name="x" * 61), ":2: validators.0.name: should have at most 60"),
        (validator(*COMMAND) + validator(*COMMAND, name="V"), "validators: two are called 'V'"),
        (validator(*COMMAND) + "\n" + validator(*COMMAND, "at = 1", name="w"), ":10: validators.1.at: no such key"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Key, line, and what is allowed there, in one line that is safe to show."""
    (tmp_path / "orchestrator.toml").write_text(text)
    with pytest.raises(BadSettings) as refused:
        settings.load(str(tmp_path), {})
    error = refused.value
    assert re.search(re.escape(said).replace(r"\.\*", ".*"), error.message), error.message
    assert error.hint
    assert visible(error.message, 1000) == error.message


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ORCHD_RUN_ATTEMPTS", "0", "greater than or equal to 1"),
        ("ORCHD_RUN_START_ON", "x", "should be 'merged' or 'committed'"),
        ("ORCHD_RUN_QUARANTINE_AFTER", "never", "should be a whole number"),
    ],
)
def test_a_variable_that_cannot_be_is_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    """The variable, what it says, and what is allowed."""
    with pytest.raises(BadSettings, match=f"{name}={value}: .*{said}"):
        settings.load(str(tmp_path), {name: value})


def test_every_fault_is_named(tmp_path: Path) -> None:
    """The first with all there is to say, the next ones with their lines and reasons; a bound keeps it one line."""
    said = ("[run]", "attempts = 0", "tea = 1", "[git]", 'strategy = "x"', "[budget.run]", "usd = 0")
    (tmp_path / "orchestrator.toml").write_text("\n".join(said))
    with pytest.raises(BadSettings) as refused:
        settings.load(str(tmp_path), {})
    for each in (
        ":2: run.attempts: should be greater than or equal to 1",
        "line 3: run.tea: no such key",
        "line 5: git.strategy: should be 'merge'",
        "line 7: budget.run.usd: should be greater than 0",
    ):
        assert each in refused.value.message
    many = "".join(f"key{number} = 1\n" for number in range(40))
    (tmp_path / "orchestrator.toml").write_text(f"[run]\n{many}")
    with pytest.raises(BadSettings, match=r"run\.key17 and 22 more$") as refused:
        settings.load(str(tmp_path), {})
    assert len(refused.value.message) < 1500


def test_every_variable_that_cannot_be_is_named(tmp_path: Path) -> None:
    """And how to be rid of them."""
    given = {"ORCHD_RUN_ATTEMPTS": "0", "ORCHD_RUN_START_ON": "x", "ORCHD_RUN_AGENTS": "2"}
    with pytest.raises(BadSettings) as refused:
        settings.load(str(tmp_path), given)
    assert "ORCHD_RUN_ATTEMPTS=0: should be greater" in refused.value.message
    assert "; ORCHD_RUN_START_ON=x: should be 'merged'" in refused.value.message
    assert refused.value.hint == "unset ORCHD_RUN_ATTEMPTS ORCHD_RUN_START_ON"
