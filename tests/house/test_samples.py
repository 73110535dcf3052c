"""Every file format with a version has samples in `tests/data/v1` that never change."""

import ast
from typing import Final

from tests.house.sources import TOP, Source, sources

SAMPLES: Final = {
    "orchestrator/core/claim.py": ("lock-full.json", "lock-newer.json", "lock-bare.json"),
    "orchestrator/core/events.py": ("event.json",),
    "orchestrator/core/phase.py": ("job.json", "job-engine.json"),
    "orchestrator/core/refusal.py": ("refused.json",),
    "orchestrator/core/result.py": ("result.json", "result-engine.json"),
    "orchestrator/core/run.py": ("run.json", "run-engine.json", "outcome.json"),
    "orchestrator/core/status.py": ("status-full.json", "status-least.json", "status-later.json"),
    "orchestrator/reports/metrics.py": ("metrics.json", "agent-metrics.json"),
    "orchestrator/state/ahead.py": ("ahead.json",),
    "orchestrator/state/answers.py": ("answer.json",),
    "orchestrator/state/approvals.py": ("approved.json",),
    "orchestrator/state/cancel.py": ("cancel.json", "cancel-all.json"),
    "orchestrator/state/verdicts.py": ("validators.json",),
    "orchestrator/state/wakes.py": ("wake-memory.json",),
    "orchestrator/validators/spec.py": ("spec.json",),
}
FOLDER: Final = TOP / "tests" / "data" / "v1"


def _is_versioned(file: Source) -> bool:
    """Tell whether a module says, at its top, which version of a format it writes."""
    named = (each.target for each in file.tree().body if isinstance(each, ast.AnnAssign))
    return any(isinstance(each, ast.Name) and each.id == "VERSION" for each in named)


def test_every_format_has_samples() -> None:
    """A module with a `VERSION` is in the list, and nothing else is."""
    assert {each.name for each in sources("orchestrator") if _is_versioned(each)} == set(SAMPLES)


def test_every_sample_is_there_and_read() -> None:
    """Its file exists, and a test names it."""
    named = {name for names in SAMPLES.values() for name in names}
    assert {name for name in named if not (FOLDER / name).is_file()} == set()
    texts = [each.text for each in sources("tests") if each.name != "tests/house/test_samples.py"]
    stems = {name.removesuffix(".json") for name in named}
    stems = {each.removeprefix("lock-").removeprefix("status-") for each in stems}
    assert {each for each in stems if not any(f'"{each}' in text for text in texts)} == set()


def test_a_format_is_seen() -> None:
    """A version that is a constant of the module counts; one that is not public does not."""
    assert _is_versioned(Source("a.py", "VERSION: Final = 1\n"))
    assert not _is_versioned(Source("a.py", "_VERSION: Final = 1\ndef f(): VERSION: int = 1\n"))
