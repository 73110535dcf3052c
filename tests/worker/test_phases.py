"""A phase that runs a module of ours which the worker has loaded: forked, and otherwise like any other."""

import sys
from pathlib import Path

from orchestrator.core.phase import Phase
from tests.processes import ended, python
from tests.worker.scene import AGENT, Scene

WORKER = """
import os, sys
from orchestrator.worker.main import carry_out

def loaded(words):
    print(words, os.getcwd(), os.environ["ORCHD_PHASE"], os.environ["MORE"])
    return 0 if words == ["good"] else 7

print(carry_out([sys.argv[1]], {"no.such.module": loaded}))
"""


def phase(name: str, *words: str) -> Phase:
    """A phase that runs a Python module."""
    return Phase(name, (sys.executable, "-P", "-m", *words), 30.0, env={"MORE": "more"})


def test_a_loaded_module_is_not_started(tmp_path: Path) -> None:
    """It has its words, the folder and the environment of the phase, its output in the log, and its status counts."""
    scene = Scene(tmp_path)
    scene.job(phase("first", "no.such.module", "good"), phase("second", "no.such.module", "bad"))
    assert ended(python(WORKER, scene.paths.job(AGENT))) == "1\n"
    log = scene.log()
    assert f"['good'] {scene.tree} first more\n" in log
    assert f"['bad'] {scene.tree} second more\n" in log
    assert [(each.ending, each.status) for each in scene.attempt().phases] == [("exited", 0), ("exited", 7)]


def test_any_other_is_started(tmp_path: Path) -> None:
    """A module that is not loaded, or the same one in another interpreter."""
    scene = Scene(tmp_path)
    scene.job(phase("first", "no.such.module.either"))
    assert ended(python(WORKER, scene.paths.job(AGENT))) == "1\n"
    assert "No module named" in scene.log()
