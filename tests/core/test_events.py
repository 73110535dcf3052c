"""The names of events: one table, and nothing in the package outside it."""

import ast
import re
from typing import get_args

from orchestrator.core.claim import State
from orchestrator.core.events import EVENTS, UNREADABLE
from orchestrator.host.failpoint import POINTS
from tests.house.sources import sources

FAMILIES = {name.partition(".")[0] for name in EVENTS}
NAME = re.compile(rf"(?:{'|'.join(sorted(FAMILIES))})\.[a-z_]+")
FILES = ("json", "jsonl", "lock", "pidlock", "md", "log", "sock", "toml", "guard", "py")
TABLE = "orchestrator/core/events.py"
GITS = {"push.default"}  # settings of git that look the same


def _literals(text: str) -> set[str]:
    """Return the strings in ``text`` that look like the name of an event."""
    found = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    names = {each for each in found if isinstance(each, str) and NAME.fullmatch(each)}
    return {each for each in names if each.partition(".")[2] not in FILES and each not in GITS}


def test_every_name_in_the_package_is_in_the_table() -> None:
    """A string that looks like an event is one, or a failpoint."""
    used = {name: file.name for file in sources("orchestrator") for name in _literals(file.text)}
    assert {name: used[name] for name in used if name not in EVENTS and name not in POINTS} == {}


def test_every_name_in_the_table_has_a_writer() -> None:
    """No event is promised that nothing in the package, beside the table, ever tells."""
    files = [file for file in sources("orchestrator") if file.name != TABLE]
    used = {name for file in files for name in _literals(file.text)}
    if any('f"lock.{after.verdict.state}"' in file.text for file in files):
        used |= {f"lock.{state}" for state in get_args(State)}
    assert set(EVENTS) - used == set()


def test_a_name_outside_the_table_is_seen() -> None:
    """The search finds an event that the table does not have, and no file names."""
    assert _literals("journal('claim.wonn', {}); open('run.json')") == {"claim.wonn"}


def test_every_event_has_a_name_and_a_meaning() -> None:
    """Names are ``family.what``, meanings one line; the name for bad lines is none of them."""
    assert all(NAME.fullmatch(name) for name in EVENTS)
    assert all(meaning and "\n" not in meaning for meaning in EVENTS.values())
    assert UNREADABLE not in EVENTS
