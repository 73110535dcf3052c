"""The example of ``orchd wake``, with real workers that nobody of ours started."""

import shutil
from contextlib import ExitStack
from pathlib import Path

from tests.cli.orchd import PACKAGE, Orchd
from tests.waiting import wait_for


def test_the_example(tmp_path: Path) -> None:
    """Workers at work, then gone with one output missing: one clean-up makes it, the check accepts, and it is over."""
    orchd = Orchd(tmp_path)
    place = tmp_path / "examples" / "wake"
    shutil.copytree(PACKAGE / "examples" / "wake", place, ignore=shutil.ignore_patterns("work", "out"))
    wake = ("wake", "examples/wake/condense.toml", "--once", "--json")
    with ExitStack() as stack:
        commands = (("claim", f"unit_{unit}", "--", "sh", "examples/wake/worker.sh", unit) for unit in "abc")
        workers = [stack.enter_context(orchd.running(*words)) for words in commands]
        wait_for(lambda: len(list(place.glob("work/?"))) == 3, 20)
        first = orchd(*wake).document
        (place / "work" / "go").touch()
        assert [each.wait(30) for each in workers[:2]] == [0, 0]
        workers[2].wait(30)
    second, third = (orchd(*wake) for _ in range(2))
    assert (first["working"], first["decision"], first["outputs"]) == (["unit_a", "unit_b", "unit_c"], "wait", 0)
    assert first["next_seconds"] == 180
    assert second.document["missing"] == ["examples/wake/out/c.txt"]
    assert (second.status, second.document["decision"], second.document["outputs"]) == (0, "clean", 2)
    assert second.document["acted"][0]["said"] == ["made examples/wake/out/c.txt"]
    assert (third.status, third.document["decision"], third.document["outputs"]) == (0, "end", 3)
    assert third.document["exit"] == 0
    assert orchd(*wake).document["why"] == "the outputs are complete"
