"""The report for programs: the figures, and beside them every track, the timeline and the next steps. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from orchestrator.core.run import Outcome, RunTrack
from orchestrator.reports.diagnosis import Diagnosis, diagnose
from orchestrator.reports.metrics import Ending, Metrics, duration
from orchestrator.reports.spending import spent
from orchestrator.reports.summary import next_steps
from orchestrator.reports.timeline import timeline

_OF_OUTCOME: Final = ("at", "commit", "files", "error", "note", "kept", "kept_on", "lines_added", "lines_removed")


def document(ending: Ending, metrics: Metrics) -> dict[str, object]:
    """Return the report as one JSON object: the fields of ``metrics.json``, and ``state``, ``tracks``, and so on."""
    bad = diagnose(ending)
    by_agent = {each.agent_id: each for each in bad}
    outcomes = {each.agent_id: each for each in ending.outcomes}
    tracks = [
        _track(ending, each, outcomes.get(each.agent_id), by_agent.get(each.agent_id)) for each in ending.record.tracks
    ]
    return {
        **asdict(metrics),
        "state": "ended" if ending.over else "not_over",
        "target_branch": ending.record.target_branch,
        "validators": [asdict(each) for each in ending.judged],
        "tracks": tracks,
        "timeline": [asdict(each) for each in timeline(ending)],
        "next_steps": [asdict(each) for each in next_steps(ending, bad)],
    }


def _track(
    ending: Ending, track: RunTrack, outcome: Outcome | None, diagnosis: Diagnosis | None
) -> Mapping[str, object]:
    result = ending.results.get(track.agent_id)
    going = ending.going.get(track.agent_id)
    used = spent([result] if result is not None else [])
    return {
        "agent_id": track.agent_id,
        "track": track.track,
        "title": track.title,
        "group": track.group,
        "branch": track.branch,
        "depends_on": track.depends_on,
        "state": going.state if going is not None else None,
        "why": going.why if going is not None else None,
        "ended": outcome.ended if outcome is not None else None,
        **{name: getattr(outcome, name, None) for name in _OF_OUTCOME},
        "pull_request": ending.pull_requests.get(track.agent_id),
        "duration_seconds": duration(result) if result is not None else None,
        **asdict(used),
        "attempts": [_attempt(each) for each in (asdict(result)["attempts"] if result is not None else ())],
        "diagnosis": asdict(diagnosis) if diagnosis is not None else None,
    }


def _attempt(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Return an attempt without its token, which is nobody's but the worker's."""
    return {name: value for name, value in fields.items() if name != "token"}
