"""``python -m orchestrator.daemon --root ROOT``: the daemon in the background."""

import sys

from orchestrator.core.outcome import exit_of
from orchestrator.daemon.main import serve
from orchestrator.errors import OrchdError


def main(argv: list[str]) -> int:
    """Serve the root named in ``argv``; a refusal is one line and its exit code."""
    try:
        return serve(argv[argv.index("--root") + 1], foreground=False)
    except OrchdError as error:
        sys.stderr.write(f"orchd: {error.message}\n")
        return exit_of(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
