"""When a usage limit ends, from the words of whoever set it: a moment, a time of day, or how long to wait.

The patterns are compiled when they are needed: every worker imports this, and hardly one meets a limit.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_EPOCH: Final = r"(?:\||resets?[_-]?at\W{1,4})([0-9]{10})(?![0-9])"
_SECONDS: Final = (
    r"(?:resets?[_-]in[_-]seconds|retry[-_ ]?after(?:[-_]seconds)?)\W{1,4}"
    r"([0-9]{1,8}(?:\.[0-9]{1,9})?)(?![0-9:.]|\s*ms)"
)
_SPAN: Final = (
    r"(?:again|retry|retrydelay|resets?|available)(?:\W{1,4}| in | after )"
    r"((?:[0-9]{1,8}(?:\.[0-9]{1,20})?\s?(?:milliseconds?|ms|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|[dhms])\b"
    r"|(?<=[dhms])[0-9]{1,8}(?:\.[0-9]{1,20})?[hms]\b|[0-9]{1,8}[dhm](?=[0-9])|[ ,]|and)+)"
)
_PART: Final = r"([0-9]{1,8}(?:\.[0-9]{1,20})?)\s?(ms|milli|d|h|m|s)"
_MOMENT: Final = (
    r"(?:again|resets?)(?: at| on)? "
    r"(?:(?P<day>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? (?:at )?)?"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6} "
    r"(?P<date>[0-9]{1,2})(?:st|nd|rd|th)?,? (?:(?P<year>20[0-9]{2}),? )?(?:at )?)?"
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?(?P<half> ?[ap]\.?m)?(?![0-9a-z:])"
    r"(?P<utc>\.? ?\((?:utc|gmt|etc/utc)\)| utc)?"
)

_LATE: Final = timedelta(hours=1)
"""A time of day that is no longer past than this is the one of today: the limit has just ended."""

_FARTHEST: Final = timedelta(days=40)


def ends(text: str, now: datetime) -> datetime | None:
    """Return when ``text`` says that a limit ends, in UTC; None where it does not, or nobody would believe it.

    ``now`` bears the zone of the machine: a time of day is meant in it, unless it says UTC.
    """
    for found in _told(text, now):
        if found is not None and timedelta(days=-1) <= found - now <= _FARTHEST:
            return found.astimezone(UTC)
    return None


def _told(text: str, now: datetime) -> Iterator[datetime | None]:
    """Yield what the text says, the exact words first."""
    epoch = re.search(_EPOCH, text, re.IGNORECASE)
    if epoch:
        yield datetime.fromtimestamp(int(epoch[1]), UTC)
    seconds = re.search(_SECONDS, text, re.IGNORECASE)
    if seconds:
        yield _after(now, float(seconds[1]))
    span = re.search(_SPAN, text, re.IGNORECASE)
    if span and re.search(_PART, span[1], re.IGNORECASE):
        yield _after(
            now, sum(float(number) * _unit(unit) for number, unit in re.findall(_PART, span[1], re.IGNORECASE))
        )
    moment = re.search(_MOMENT, text, re.IGNORECASE)
    if moment and (moment["half"] or moment["minute"]):
        yield _moment(moment, now)


def _unit(word: str) -> float:
    return _UNITS["ms" if word.lower() == "milli" else word.lower()]


def _after(now: datetime, seconds: float) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds <= _FARTHEST.total_seconds() else None


def _moment(match: re.Match[str], now: datetime) -> datetime | None:
    """Return the moment that a date, a day of the week or a mere time of day means."""
    here = now.astimezone(UTC) if match["utc"] else now
    try:
        time = here.replace(hour=_hour(match), minute=int(match["minute"] or 0), second=0, microsecond=0)
        return _on(match, time, here)
    except (ValueError, OverflowError):
        return None


def _on(match: re.Match[str], time: datetime, here: datetime) -> datetime:
    if match["month"]:
        month = _MONTHS.index(match["month"].lower()) + 1
        dated = time.replace(year=int(match["year"] or time.year), month=month, day=int(match["date"]))
        past = not match["year"] and dated < here - timedelta(days=31)
        return dated.replace(year=dated.year + 1) if past else dated
    ahead, step = 0, 1
    if match["day"]:
        ahead, step = (_DAYS.index(match["day"].lower()) - time.weekday()) % 7, 7
    found = time + timedelta(days=ahead)
    return found + timedelta(days=step) if found < here - _LATE else found


def _hour(match: re.Match[str]) -> int:
    hour, half = int(match["hour"]), (match["half"] or "").strip().lower()[:1]
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "p" else 0)
