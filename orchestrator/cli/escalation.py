"""What is asked when tracks failed for good and a person is there. Nobody there is never a retry."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from orchestrator.cli import asking, output
from orchestrator.core.result import Result
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.core.text import visible
from orchestrator.daemon import outcomes
from orchestrator.state.layout import Layout

Choice = Literal["retry", "skip", "abort"]

PATIENCE: Final = 60.0
"""Seconds after which nobody is taken to be there: what runs us may have other things to do."""

_CHOICES: Final[Mapping[str, Choice]] = {"1": "retry", "2": "skip", "3": "abort"}
_MOST: Final = 20
_LONGEST: Final = 300


def asked(layout: Layout, record: RunRecord) -> Choice:
    """Ask what becomes of the tracks of an ended run that failed; ``skip`` where none did, and where nobody answers."""
    paths = layout.run(record.run)
    ended = outcomes.of_run(paths, record)
    failed = [each for each in ended if each.ended in ("failed", "conflict")]
    if not failed or not asking.is_possible():
        return "skip"
    for line in _shown(record, ended, failed, outcomes.results_of_run(paths, record)):
        output.say(line)
    try:
        asking.forget()  # before the question is seen: what is typed after it is the answer
        output.write(f"1, 2 or 3? [2, and so without an answer in {PATIENCE:g} s] ")
        output.flush()
        return _CHOICES.get(asking.heard(PATIENCE) or "", "skip")
    except KeyboardInterrupt:
        return "skip"
    finally:
        output.say("")


def _shown(
    record: RunRecord, ended: Sequence[Outcome], failed: Sequence[Outcome], tried: Mapping[str, Result]
) -> Iterator[str]:
    merged = sum(each.ended == "merged" for each in ended)
    yield ""
    yield f"operation: run {record.run} of {record.source}"
    yield f"failed: {len(failed)}/{len(ended)}"
    for outcome in failed[:_MOST]:
        yield f"  {outcome.track}: {visible(outcome.error, _LONGEST)}"
        result = tried.get(outcome.agent_id)
        for each in result.attempts if result is not None else ():
            yield f"    attempt {each.attempt}: {visible(each.error or 'it did not come to its end', _LONGEST)}"
    if len(failed) > _MOST:
        yield f"  and {len(failed) - _MOST} more"
    yield f"state: {merged} merged into {record.target_branch}; what failed is kept as the report says"
    yield f"1  retry  run again what was not merged, as `orchd retry {record.run}` does"
    yield "2  skip   end with what there is"
    yield "3  abort  end as if interrupted"
