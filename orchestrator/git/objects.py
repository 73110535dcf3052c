"""What is in a repository, asked of one git that stays: a question costs a tenth of what a command costs.

It sees what others write meanwhile, as every git does. Source: git-cat-file(1), ``--batch-command``.
"""

import os
import re
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import CommandFailed, GitRefused
from orchestrator.host.dialogue import Dialogue

COMMAND: Final = ("cat-file", "--batch-command", "-z")
"""The git that is asked."""

_TOLD: Final = re.compile(rb"([0-9a-f]{40,64}) ([a-z]+) ([0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree: its mode in octal digits, and the id of what it names."""

    mode: bytes
    id: str

    @property
    def kind(self) -> bytes:
        """Tell what it names."""
        return {b"40000": b"tree", b"160000": b"commit"}.get(self.mode, b"blob")


class Objects:
    """The objects of a repository, by any name that git understands. Raises :class:`GitRefused` when git is gone."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def commit(self, name: str) -> str | None:
        """Return the id of the commit that ``name`` stands for; None: there is none."""
        found = self._told(b"info", f"{name}^{{commit}}")
        return found[0] if found is not None else None

    def blob(self, name: str) -> bytes | None:
        """Return the content of a file; None where ``name`` is none."""
        found = self._told(b"contents", name)
        return found[2] if found is not None and found[1] == b"blob" else None

    def entries(self, tree: str, folder: str) -> dict[bytes, Entry]:
        """Return what is in a folder of a tree, by name; nothing where there is no such folder."""
        found = self._told(b"contents", f"{tree}:{folder}")
        if found is None or found[1] != b"tree":
            return {}
        length = len(found[0]) // 2
        entries, rest = {}, found[2]
        while rest:
            mode, _, rest = rest.partition(b" ")
            name, _, rest = rest.partition(b"\0")
            entries[name] = Entry(mode, rest[:length].hex())
            rest = rest[length:]
        return entries

    def _told(self, word: bytes, name: str) -> tuple[str, bytes, bytes] | None:
        """Return id, kind and, where it was asked for, content."""
        asked = os.fsencode(name)
        try:
            self._dialogue.say(word + b" " + asked + b"\0")
            found = _TOLD.match(self._dialogue.line())
            if found is None:
                for _ in range(asked.count(b"\n")):  # git repeats the name, and says that it is missing
                    self._dialogue.line()
                return None
            data = self._dialogue.exactly(int(found[3]) + 1)[:-1] if word == b"contents" else b""
        except CommandFailed as error:
            raise GitRefused(f"git cat-file: {error.message}") from error
        return found[1].decode("ascii"), found[2], data
