"""What workers are forked from: it has loaded the worker, and the programs of ours that a worker runs as phases.

It is started by :class:`orchestrator.host.forkserver.ForkServer`, which tells it the descriptor of their socket.
"""

import gc
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.core.outcome import OK
from orchestrator.git import commit, commit_shared
from orchestrator.host import forking
from orchestrator.host.spawn import Program
from orchestrator.validators import __main__ as validators
from orchestrator.worker.main import carry_out

MODULE: Final = "orchestrator.daemon.forkserver"

LOADED: Final[Mapping[str, Program]] = {
    "orchestrator.git.commit": commit.main,
    "orchestrator.git.commit_shared": commit_shared.main,
    "orchestrator.validators": validators.main,
}
"""What a worker need not start: its modules are there."""


def main(arguments: Sequence[str]) -> int:
    """Serve until the client has gone."""
    gc.freeze()  # what is there now is never looked at again, and so stays shared
    forking.serve(int(arguments[0]), MODULE, lambda job: carry_out([job], LOADED))
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
