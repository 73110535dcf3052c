"""The report for programs."""

import json
from dataclasses import replace
from typing import Any

from orchestrator.reports.document import document
from orchestrator.reports.metrics import Ending, Going, measure
from tests.core import runs
from tests.reports.endings import LATE, ending, hostile, phase


def told(made: Ending) -> dict[str, Any]:
    """Return the document as a program reads it."""
    said: dict[str, Any] = json.loads(json.dumps(document(made, measure(made)), allow_nan=False))
    return said


def test_holds_the_figures_and_every_track() -> None:
    """The fields of metrics.json stand where they stand there; tracks, timeline and next steps beside them."""
    said = told(ending(judged=[phase(name="build", kind="validator", verdict="ACCEPT")]))
    assert said["validators"][0]["verdict"] == "ACCEPT"
    assert (said["state"], said["run"], said["success_rate_percentage"]) == ("ended", "roadmap", 33.3)
    assert [(each["track"], each["ended"]) for each in said["tracks"]] == [
        ("t1", "merged"),
        ("t2", "failed"),
        ("t3", "failed"),
    ]
    assert said["timeline"][0]["what"] == "run accepted"
    assert said["next_steps"] == [{"what": "try again what was not merged", "command": "orchd retry roadmap"}]


def test_a_track_has_its_attempts_and_its_diagnosis() -> None:
    """With phases; the token of a claim is nobody's business. What was not started has neither."""
    good, late, never = told(ending())["tracks"]
    assert good["diagnosis"] is None
    assert good["attempts"][0]["phases"][0]["name"] == "work"
    assert "token" not in good["attempts"][0]
    assert late["diagnosis"]["error"] == LATE
    assert late["cost_usd"] is None
    assert (never["attempts"], never["duration_seconds"]) == ([], None)


def test_a_track_that_goes_on_has_its_state() -> None:
    """And no outcome."""
    going = {"agent-2": Going("running", "its worker is alive")}
    made = ending(outcomes=(replace(runs.outcome(1), note="n"),), going=going, over=False)
    said = told(made)
    assert said["state"] == "not_over"
    good, running, unknown = said["tracks"]
    assert (good["state"], good["note"]) == (None, "n")
    assert (running["state"], running["why"], running["ended"], running["commit"]) == (
        "running",
        "its worker is alive",
        None,
        None,
    )
    assert unknown["state"] is None


def test_hostile_text_is_json() -> None:
    """Whatever stands in titles and errors."""
    assert len(told(hostile())["tracks"]) == len(hostile().record.tracks)
