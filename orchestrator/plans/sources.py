"""What a source can be written in, and who reads it."""

from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.core.text import visible
from orchestrator.core.track import Plan
from orchestrator.errors import CannotParse
from orchestrator.plans import roadmap

PARSERS: Final[Mapping[str, Callable[[str, str], Plan]]] = {
    roadmap.KIND: roadmap.parse,
}


def read(source_name: str, text: str, kind: str | None = None) -> Plan:
    """Return the plan that ``text`` states; ``kind`` None tries all of them, in order.

    Raises :class:`CannotParse`, with the accepted forms, where nobody finds a track.
    """
    if kind is not None and kind not in PARSERS:
        raise CannotParse(f"'{visible(kind, 40)}' is no kind of plan", hint=f"the kinds are {', '.join(PARSERS)}")
    refusals = []
    for name in [kind] if kind is not None else PARSERS:
        try:
            return PARSERS[name](source_name, text)
        except CannotParse as error:
            refusals.append(error)
    raise refusals[0]
