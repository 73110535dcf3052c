"""A usage limit, told from the end of an agent's output. Pure.

Only the agents' own words count: their events, and sentences of theirs that begin a line. Whoever merely writes of
limits, or tests them, has met none.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.core.resets import ends
from orchestrator.core.text import visible

_EVENTS: Final = 40
_SENTENCES: Final = 10
_GENERIC: Final = 3
"""How many of the last lines may hold an agent's event, a sentence of its own, an answer that any API gives."""

_LONGEST: Final = 4000
_COLOUR: Final = r"\x1b\[[0-9;]{0,20}m"
_LEAD: Final = (
    r"(?:[\s■✕✖⎿●⚠️]|ERROR:|Error:|error:|\[?API Error:|\[Backend Error\]|stream error:|\"message\": ?\"|Codex error:)*"
)
_OWN: Final = (
    r"Claude (?:AI )?usage limit reached(?:[|.]|$)"
    r"|You['\u2019]ve (?:hit|reached) your (?:[\w.-]+ ){0,3}limit\b"
    r"|[\w-]+(?: [\w-]+)? limit reached [·∙•]"
    r"|The usage limit has been reached"
    r"|exceeded retry limit, last status: 429\b"
    r"|Rate limit reached for \S+ (?:in organization|on )"
    r"|You have exhausted your (?:capacity|daily quota|quota) on this model"
    r"|You exceeded your current quota\b"
    r"|Resource has been exhausted \(e\.g\. check quota\)"
    r"|Quota exceeded for (?:quota )?metric"
)
_ANSWER: Final = (
    r"(?:HTTP(?:/[0-9.]+)?[ :]+|API Error:? ?|Error code: |unexpected status |[\w.]*RateLimitError: (?:Error code: )?)?"
    r"(?:429\b[ :-]*(?:Too Many Requests|\{|- \{|rate.?limit)|Request rejected \(429\)|Rate limit reached(?:[. ]|$))"
)
_TYPES: Final = frozenset(
    {"rate_limit_error", "rate_limit_exceeded", "usage_limit_reached", "RESOURCE_EXHAUSTED", "rate_limit"}
)
_DONE: Final = frozenset({"result", "turn.completed", "turn.failed", "assistant", "item.completed"})
"""Events after which what was said before of a limit no longer holds."""

Event = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """What the agent ``said`` of it, in one line that is safe to show; ``until`` (UTC) where it tells the end."""

    said: str
    until: datetime | None = None


def read(text: str, now: datetime) -> UsageLimit | None:
    """Return the limit that the end of an output speaks of; never raises.

    Ask only for a phase that did not pass. ``now`` bears the zone of the machine that the agent ran on.
    """
    lines = [re.sub(_COLOUR, "", line).strip() for line in text.splitlines()]
    last = [line for line in lines if line][-_EVENTS:]
    for back, line in enumerate(reversed(last), start=1):
        event = _event(line)
        if event is not None:
            said = _of_event(event)
            if said:
                return UsageLimit(visible(said.strip(), 200), _until(last[-back:], line, now) or _noted(last, now))
            if event.get("type") in _DONE:
                return None
        elif _is_sentence(line, back):
            return UsageLimit(visible(_led(line), 200), _until(last[-back:], line, now))
    return None


def _until(rest: Sequence[str], line: str, now: datetime) -> datetime | None:
    """Look for the end in the line itself, then in those after it."""
    return ends(line[:_LONGEST], now) or ends("\n".join(rest)[:_LONGEST], now)


def _noted(last: Sequence[str], now: datetime) -> datetime | None:
    """Look for it in the event that only notes a limit."""
    noted = [line for line in last if '"rate_limit_event"' in line and '"rejected"' in line]
    return ends(noted[-1][:_LONGEST], now) if noted else None


def _is_sentence(line: str, back: int) -> bool:
    """Tell whether a line, the ``back``-th from the end, begins with what an agent says of its limit."""
    said = _led(line)
    if back <= _SENTENCES and re.match(_OWN, said):
        return True
    return back <= _GENERIC and any(re.match(_ANSWER, each, re.IGNORECASE) for each in (line, said))


def _led(line: str) -> str:
    """Return a line without the marks and names that agents put before an error."""
    return re.sub(_LEAD, "", line, count=1)


def _event(line: str) -> Event | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_event(event: Event) -> str:
    """Return what an event says of a limit that keeps the agent from going on; empty: nothing."""
    kind = event.get("type")
    info = event.get("rate_limit_info")
    if kind == "rate_limit_event":
        rejected = isinstance(info, Mapping) and info.get("status") == "rejected"
        return "the usage limit is reached" if rejected else ""
    if kind == "system":
        retries = event.get("subtype") == "api_retry" and event.get("error") == "rate_limit"
        return "its requests are refused, and it tries again" if retries else ""
    if kind == "result":
        return _of_result(event)
    if kind in ("turn.failed", "error", None):
        return _of_error(event)
    return ""


def _of_result(event: Event) -> str:
    if event.get("is_error") is not True:
        return _of_error(event) if event.get("status") == "error" else ""
    errors = event.get("errors")
    said = [event.get("result"), *(errors if isinstance(errors, list) else [])]
    texts = [each for each in said if isinstance(each, str)]
    told = next((each for each in texts if _is_sentence(each.strip(), 1)), "")
    if event.get("api_error_status") == 429:
        return told or next(filter(None, texts), "the API answers 429")
    return told


def _of_error(event: Event) -> str:
    """Return the message of an error that is a limit; some stand within an error of the same form."""
    error = event.get("error")
    inner: Event = error if isinstance(error, Mapping) else event
    message = inner.get("message")
    text = message if isinstance(message, str) else ""
    kinds = {each for each in (inner.get("type"), inner.get("status"), inner.get("code")) if isinstance(each, str)}
    if kinds & _TYPES or inner.get("code") == 429:
        return text or "the usage limit is reached"
    return text if _is_sentence(text.strip(), 1) else ""
