"""``python -P -m orchestrator.worker JOBFILE``."""

import sys

from orchestrator.worker.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
