"""The report of a run on disk: figures of each agent, a summary for people, and last what says that the run is over."""

from orchestrator.host import files
from orchestrator.host.failpoint import reach
from orchestrator.reports.metrics import Ending, encode, measure, measure_agent
from orchestrator.reports.summary import summarise
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import temp


def write(paths: RunLayout, ending: Ending) -> None:
    """Write the report; ``metrics.json`` comes last and says that the run is over."""
    metrics = measure(ending)
    for outcome in ending.outcomes:
        figures = encode(measure_agent(outcome, ending.results.get(outcome.agent_id)))
        files.publish(f"{paths.folder}/{outcome.agent_id}.metrics.json", figures, temp(paths))
    files.publish(paths.summary, summarise(ending, metrics).encode("utf-8"), temp(paths), durable=True)
    reach("finish.reported")
    files.publish(paths.metrics, encode(metrics), temp(paths), durable=True)
