"""What a root is set to: ``orchestrator.toml`` and ``ORCHD_…`` variables, read once at the door.

Every key is optional. What is unknown, of another type or out of range is refused with the key, its
line and what is allowed there. Only the entry points read settings; everybody else is told.
"""

from orchestrator.settings.door import LARGEST, VARIABLES, load
from orchestrator.settings.meaning import agent, options, validators
from orchestrator.settings.tables import Settings

__all__ = ["LARGEST", "VARIABLES", "Settings", "agent", "load", "options", "validators"]
