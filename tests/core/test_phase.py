"""The job file: what goes in comes out, and what is no job is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.phase import Job, Phase, decode, encode
from orchestrator.errors import Unreadable

JOB = Job(
    root="/project",
    run="demo",
    agent_id="agent-1",
    track="group_A_track_1",
    attempt=2,
    owner="scripted:agent-1",
    working_dir="/project/worktrees/agent-1",
    branch_name="feat/demo-1",
    phases=(
        Phase("work", ("claude", "-p"), 3600.0, stdin="/project/prompt.md", env={"A": "b=c"}),
        Phase("commit", ("python", "-m", "x"), 60.5),
    ),
    env={"SUB_ISSUE": "7"},
    grace_seconds=0.0,
    heartbeat_seconds=5.0,
)
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
SECONDS = st.floats(0.001, 1e9)


def changed(**fields: object) -> bytes:
    """The example's bytes with other fields; None takes a field away."""
    given_: dict[str, Any] = {**json.loads(encode(JOB)), **fields}
    return json.dumps({name: value for name, value in given_.items() if value != "absent"}).encode()


def phase(**fields: object) -> bytes:
    """The example's bytes with one phase that has other fields."""
    return changed(phases=[{"name": "work", "argv": ["x"], "timeout_seconds": 1.0, **fields}])


def test_round_trip() -> None:
    """A job that was written is read as it was."""
    assert decode(encode(JOB)) == JOB


@given(
    st.builds(
        Phase,
        st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True),
        st.lists(TEXT, max_size=3).map(lambda rest: ("x", *rest)),
        SECONDS,
        st.none() | TEXT,
        st.dictionaries(TEXT.filter(lambda name: name and "=" not in name), TEXT, max_size=2),
    )
)
def test_any_phase_survives(made: Phase) -> None:
    """Whatever text a command is made of comes back unchanged."""
    job = Job("/r", "r", "agent-1", "t", 1, "", "/w", "b", (made,))
    assert decode(encode(job)) == job


def test_what_may_be_left_out() -> None:
    """Environment, input, grace and heartbeat have defaults; whole numbers are numbers."""
    data = changed(
        env="absent",
        grace_seconds="absent",
        heartbeat_seconds="absent",
        phases=[{"name": "w", "argv": ["x"], "timeout_seconds": 9}],
    )
    job = decode(data)
    assert (job.env, job.grace_seconds, job.heartbeat_seconds) == ({}, 10.0, 30.0)
    assert job.phases == (Phase("w", ("x",), 9.0),)


ONCE = {"name": "m", "argv": ["x"], "timeout_seconds": 1}
TWICE = ONCE | {"mend": ONCE}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", "version 1"),
        (changed(v=2), "version 1"),
        (changed(v="1"), "version 1"),
        (changed(v=True), "version 1"),
        (changed(root="absent"), "root is missing"),
        (changed(root=5), "root is not a text"),
        (changed(attempt=1.5), "attempt is not a whole number"),
        (changed(attempt=True), "attempt is not a whole number"),
        (changed(attempt=0), "not positive"),
        (changed(grace_seconds=-1), "not positive"),
        (changed(heartbeat_seconds=0), "not positive"),
        (changed(heartbeat_seconds="30"), "heartbeat_seconds is not a number"),
        (changed(phases=[]), "without a command"),
        (changed(phases="x"), "phases is not a list"),
        (changed(phases=["x"]), "phases.0 is not an object"),
        (phase(argv=[]), "without a command"),
        (phase(argv=[""]), "without a command"),
        (phase(argv="ls"), "argv is not a list"),
        (phase(argv=["ls", 5]), "argv.1 is not a text"),
        (phase(argv=["l\0s"]), "cannot have"),
        (phase(timeout_seconds=0), "not positive"),
        (phase(stdin="\0"), "cannot have"),
        (phase(env={"A=B": "c"}), "cannot have"),
        (phase(env={"": "c"}), "cannot have"),
        (phase(env={"A": "\0"}), "cannot have"),
        (phase(env={"A": 5}), "env.A is not a text"),
        (phase(env=[]), "env is not an object"),
        (phase(umask=0), "field umask is not known"),
        (phase(mend={"name": "m", "argv": ["x"], "timeout_seconds": 1, "umask": 0}), "field umask is not known"),
        (phase(mend={"name": "m", "argv": [""], "timeout_seconds": 1}), "without a command"),
        (phase(mend=TWICE), "a phase that mends has one that mends it"),
        (phase(rounds=0), "without a round"),
        (phase(kind="magic"), "kind is not one of"),
        (changed(cause="whim"), "cause is not one of"),
        (changed(stale_seconds=0), "not positive"),
        (changed(sudo="yes"), "field sudo is not known"),
        (changed(root="here"), "not absolute"),
        (changed(working_dir=""), "not absolute"),
        (changed(branch_name="a\0"), "cannot have"),
        (changed(track="../x"), "track name '../x' is not allowed"),
        (changed(agent_id="a b"), "agent name 'a b' is not allowed"),
        (changed(run=""), "run name '' is not allowed"),
        (changed(run=None), "field run is not a text"),
        (phase(name="../work"), "phase name '../work' is not allowed"),
    ],
)
def test_what_is_no_job(data: bytes, said: str) -> None:
    """It is refused with the field and the reason."""
    with pytest.raises(Unreadable) as caught:
        decode(data)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
