"""The scene of every test of the worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A root of its own; no worker survives the test."""
    made = Scene(tmp_path)
    yield made
    made.close()
