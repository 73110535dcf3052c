"""The door for status files, which anybody may have written: pydantic on the dataclass of ``core``.

Whatever stands in the file, the answer is a ``Status`` or one line that says which field is wrong and why.
"""

import json
import os
from typing import Final

from pydantic import TypeAdapter, ValidationError

from orchestrator.core import status as core
from orchestrator.core.listing import besides
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable

SUFFIX: Final = ".status.json"

_STATUS: Final = TypeAdapter(Status)


def read_status(path: str, data: bytes) -> Status:
    """Read the bytes of the status file at ``path``; raises :class:`Unreadable` with the reason in one line."""
    parts = core.opened(data)
    try:
        status = _STATUS.validate_json(json.dumps(parts.known), strict=True)
    except ValidationError as error:
        raise Unreadable(_reason(error)) from error
    return core.closed(status, parts.extra, os.path.basename(path).removesuffix(SUFFIX))


def _reason(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join(str(each) for each in faults[0]["loc"])
    what = faults[0]["msg"].removeprefix("Input ")
    return visible(f"field {where} {what}{besides(len(faults))}")
