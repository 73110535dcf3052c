"""The run that a command names."""

from orchestrator.core.name import check_name
from orchestrator.core.run import RunRecord
from orchestrator.errors import NotFound, Unreadable
from orchestrator.state import results
from orchestrator.state.layout import Layout


def read(layout: Layout, run: str) -> RunRecord:
    """Return the record of a run. Raises ``BadName``, :class:`NotFound`, and :class:`Unreadable` with the reason."""
    check_name("run", run)
    try:
        return results.read_run(layout.run(run))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"no run is called {run}", hint="`orchd runs` shows every run") from error
    except Unreadable as error:
        raise Unreadable(
            f"the record of run {run} cannot be read: {error.message}", hint="it is left as it is"
        ) from error
