"""The record of a run, and of how a track ended."""

import json

from orchestrator.core.run import encode
from tests.core import runs


def test_bytes_are_one_json_object_with_its_version() -> None:
    """What is written is whole JSON; a track is found by the agent that carries it."""
    record = runs.record(runs.spec(1), runs.spec(2))
    written = json.loads(encode(record))
    assert (written["v"], written["run"]) == (1, runs.RUN)
    assert [each["agent_id"] for each in written["tracks"]] == ["agent-1", "agent-2"]
    assert record.find("agent-2").track == "t2"
    assert json.loads(encode(runs.outcome(1)))["ended"] == "merged"
