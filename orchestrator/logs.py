"""The one logging set-up: a line of JSON an event, in a file that is rotated; in the foreground, words on stderr too.

What looks like a secret in our environment never reaches a log, in no form that is easily undone.
"""

import base64
import json
import logging
import os
import re
from collections.abc import Mapping
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import Final
from urllib.parse import quote

from orchestrator.core.text import visible
from orchestrator.host import clock

NAME: Final = "orchd"
KEPT: Final = 4
"""Log files at most, the one in use included."""

LONGEST: Final = 8000
"""A message of more characters is cut."""

_SECRET_NAMES: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_KEY|ACCESS_KEY", re.IGNORECASE
)
_SHORTEST_SECRET: Final = 8
_OPEN: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def set_up(path: str, *, foreground: bool, max_mb: int = 10) -> logging.Logger:
    """Log to ``path`` (0600), a new file every ``max_mb`` megabytes, and return our logger.

    ``foreground``: to stderr too. Raises ``OSError`` when the file cannot be opened.
    """
    secrets = _secrets(os.environ)
    handlers: list[logging.Handler] = [_File(path, maxBytes=max_mb * 1_000_000, backupCount=KEPT - 1)]
    handlers[0].setFormatter(_Json(secrets))
    if foreground:
        handlers.append(logging.StreamHandler())
        handlers[1].setFormatter(_Words(secrets))
    # A full disk must neither stop the daemon nor fill the terminal: what cannot be logged is lost.
    logging.raiseExceptions = False
    logging.basicConfig(handlers=handlers, level=logging.WARNING, force=True)
    ours = logging.getLogger(NAME)
    ours.setLevel(logging.INFO)
    return ours


def redact(text: str) -> str:
    """Return ``text`` without what looks like a secret in our environment."""
    secrets = _secrets(os.environ)
    return secrets.sub("***", text) if secrets else text


class _File(RotatingFileHandler):
    """A rotated file that only its owner may read, never opened through a link."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(FileIO(self.baseFilename, "a", opener=_opened), encoding="ascii")


def _opened(path: str, _flags: int) -> int:
    return os.open(path, _OPEN, 0o600)


class _Redacting(logging.Formatter):
    def __init__(self, secrets: re.Pattern[str] | None) -> None:
        super().__init__()
        self._secrets = secrets

    def _said(self, record: logging.LogRecord) -> str:
        """Return the message, and the traceback where there is one, without secrets."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return self._secrets.sub("***", text) if self._secrets else text


class _Json(_Redacting):
    def format(self, record: logging.LogRecord) -> str:
        message, _, details = self._said(record).partition("\n")
        fields = {
            "at": clock.iso(int(record.created * 1_000_000_000)),
            "level": record.levelname.lower(),
            "message": visible(message, LONGEST),
        }
        if record.name != NAME:
            fields["logger"] = record.name
        if details:
            fields["details"] = details[-LONGEST:]
        return json.dumps(fields)


class _Words(_Redacting):
    def format(self, record: logging.LogRecord) -> str:
        lines = [visible(line, LONGEST) for line in self._said(record).split("\n")]
        return "\n    ".join(
            [f"{clock.iso(int(record.created * 1_000_000_000))} {record.levelname.lower()}: {lines[0]}", *lines[1:]]
        )


def _secrets(environ: Mapping[str, str]) -> re.Pattern[str] | None:
    """Return what matches the values of variables that are named like secrets, plain and encoded."""
    found = {value for name, value in environ.items() if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET}
    forms = {form for value in found for form in _forms(value)}
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))) if forms else None


def _forms(secret: str) -> tuple[str, ...]:
    data = secret.encode("utf-8", "surrogateescape")
    plain, url_safe = base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("=")
    return secret, plain, url_safe, quote(data, safe="")
