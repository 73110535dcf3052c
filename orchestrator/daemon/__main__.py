"""``python -P -m orchestrator.daemon --root ROOT``: the daemon in the background."""

import sys
import traceback
from collections.abc import Sequence

from orchestrator.core.outcome import BUG, USAGE, exit_of
from orchestrator.daemon.main import serve
from orchestrator.errors import OrchdError


def main(arguments: Sequence[str]) -> int:
    """Serve the root that is named; a refusal is one line and its exit code."""
    match arguments:
        case ["--root", root]:
            pass
        case _:
            sys.stderr.write("usage: python -P -m orchestrator.daemon --root ROOT\n")
            return USAGE
    try:
        return serve(root, foreground=False)
    except OrchdError as error:
        sys.stderr.write(f"orchd: {error.message}\n")
        return exit_of(error)
    except Exception:  # noqa: BLE001  # the end of the line: what gets here is a bug, and its report must not be lost
        traceback.print_exc()
        return BUG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
