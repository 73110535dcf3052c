"""A usage limit, told from the end of an agent's output."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.usage_limit import read

HERE: Final = timezone(timedelta(hours=-5))
NOW: Final = datetime(2026, 11, 20, 14, 0, tzinfo=HERE)  # a Friday
EPOCH: Final = 1795206000
SPENT: Final = "You've hit your limit"


def at(text: str) -> datetime:
    """A local moment."""
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


def event(**fields: object) -> str:
    """One line of a stream of events."""
    return json.dumps(fields)


REJECTED: Final = event(type="rate_limit_event", rate_limit_info={"status": "rejected", "resetsAt": EPOCH})


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Claude AI usage limit reached|1795206000", at("2026-11-20T15:20")),
        ("Claude usage limit reached. Your limit will reset at 3pm (America/Santiago).", at("2026-11-20T15:00")),
        ("You've hit your limit · resets 3:45pm (Asia/Tokyo)", at("2026-11-20T15:45")),
        ("You’ve hit your session limit · resets 12am", at("2026-11-21T00:00")),
        ("You’ve hit your session limit · resets 9:30pm (UTC)", at("2026-11-20T16:30")),
        ("5-hour limit reached ∙ resets 12:30pm", at("2026-11-21T12:30")),
        ("5-hour limit reached ∙ resets 1:30pm", at("2026-11-20T13:30")),
        ("Weekly limit reached · resets Mon 12:00am · /upgrade", at("2026-11-23T00:00")),
        ("You've hit your weekly limit · resets Fri 9am", at("2026-11-27T09:00")),
        ("You've hit your Opus limit · resets Nov 25 at 5pm", at("2026-11-25T17:00")),
        ("You've hit your weekly limit · resets Dec 2, 5pm", at("2026-12-02T17:00")),
        ("■ You've hit your usage limit. Try again in 2 days 17 hours 14 minutes.", at("2026-11-23T07:14")),
        ("ERROR: You've hit your usage limit. Visit https://x.y or try again at 3:45 PM.", at("2026-11-20T15:45")),
        ("You've hit your usage limit. Try again at Nov 25th, 2026 3:45 PM.", at("2026-11-25T15:45")),
        ("✕ [API Error: You have exhausted your daily quota on this model.]", None),
        (
            "You have exhausted your capacity on this model. Your quota will reset after 8h44m7s.",
            at("2026-11-20T22:44:07"),
        ),
        (
            '  "message": "Resource has been exhausted (e.g. check quota).",\n"retryDelay": "34s"',
            at("2026-11-20T14:00:34"),
        ),
        ("\x1b[31mERROR:\x1b[0m exceeded retry limit, last status: 429 Too Many Requests", None),
        ("Rate limit reached for gpt-5 in organization o: Please try again in 1500ms.", at("2026-11-20T14:00:01.5")),
        ('API Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}', None),
        ("HTTP/1.1 429 Too Many Requests\nRetry-After: 120", at("2026-11-20T14:02")),
        ("openai.RateLimitError: Error code: 429 - {'error': 1}", None),
        ("API Error: Request rejected (429)\n\n", None),
        (event(type="turn.failed", error={"message": f"{SPENT}. Try again at 3:45 PM."}), at("2026-11-20T15:45")),
        (event(type="error", error={"type": "usage_limit_reached", "resets_in_seconds": 60}), at("2026-11-20T14:01")),
        (event(type="error", message="Quota exceeded for metric x. Please retry in 30s."), at("2026-11-20T14:00:30")),
        (event(error={"code": 429, "message": "no"}), None),
        (event(type="result", status="error", error={"message": "You exceeded your current quota, check"}), None),
        (event(type="result", is_error=True, result=f"{SPENT} · resets 4pm"), at("2026-11-20T16:00")),
        (event(type="result", is_error=True, errors=["no", SPENT]), None),
        (event(type="result", is_error=True, api_error_status=429), None),
        (event(type="system", subtype="api_retry", error="rate_limit"), None),
        (f"{REJECTED}\n{event(type='result', is_error=True, result=SPENT)}", at("2026-11-20T15:20")),
        (f"{REJECTED}\n{event(type='user')}", at("2026-11-20T15:20")),
    ],
)
def test_the_agents_own_words(text: str, until: datetime | None) -> None:
    """What the agents and the services behind them really say, and when that ends."""
    limit = read(f"working on it\n{text}\n", NOW)
    assert limit is not None
    assert limit.until == until
    assert limit.said
    assert limit.said.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the rate limit is 429 Too Many Requests",
        "def rate_limit(): return 429",
        "E   openai.RateLimitError: Error code: 429 - no",
        "FAILED tests/test_limit.py::test_429 - usage limit reached",
        "You've hit your limits test, which passes",
        '+    "You\'ve hit your limit · resets 3pm"',
        "assert text == 'Claude AI usage limit reached|1795206000'",
        "Attempt 1 failed: You have exhausted your capacity on this model. Retrying after 6173ms...",
        "curl: (22) The requested URL returned error: 429",
        "Approaching usage limit · resets at 2am",
        "HTTP/1.1 429 Too Many Requests\nnow\nfor something\nelse",
        f"{SPENT}" + "\nand then it went on" * 10,
        f"{REJECTED}\n{event(type='result', is_error=False, result='done')}",
        f"{REJECTED}\n{event(type='assistant', message={})}",
        event(type="rate_limit_event", rate_limit_info={"status": "allowed_warning", "resetsAt": EPOCH}),
        event(type="turn.failed", error={"message": "it broke"}),
        event(type="result", status="success", error={"message": SPENT}),
        event(type="result", is_error=True, result="Not logged in"),
        event(type="user", message="You've hit your limit"),
        event(type="system", subtype="api_retry", error="overloaded"),
        event(type="rate_limit_event", rate_limit_info=5),
        event(type="error", error={"message": 5, "type": 7}),
        '{"type": "error", ' + "[" * 50_000,
    ],
)
def test_who_only_writes_of_limits_has_met_none(text: str) -> None:
    """Sources, tests, warnings, retries that went well, and limits that are long past."""
    assert read(text, NOW) is None


WORDS: Final = (
    SPENT,
    " · resets ",
    "reset at ",
    "try again in ",
    "retry-after: ",
    "|",
    "Feb ",
    "Mon ",
    "99999999",
    "30",
    ":",
    "pm",
    " days ",
    "s",
    "(UTC)",
    "\n",
    '{"type":',
    '"result"',
    ',"is_error":true',
    ',"error":',
    '{"code":429}',
    "}",
    "429 {",
)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), max_size=30))
def test_whatever_is_printed(parts: list[str]) -> None:
    """It never raises; an end is in UTC and near."""
    limit = read("".join(parts), NOW)
    if limit is not None and limit.until is not None:
        assert limit.until.tzinfo is UTC
        assert timedelta(days=-1) <= limit.until - NOW <= timedelta(days=40)
