"""``orchd runs`` and ``report``: what there was, from the files alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.orchd import Orchd


def _run(orchd: Orchd, run: str, created_at: str, metrics: dict[str, Any] | None = None, summary: bytes = b"") -> Path:
    """Write the files of a run as it leaves them."""
    folder = orchd.root / "runtime" / "parallel" / run
    folder.mkdir(parents=True)
    record = {"v": 1, "run": run, "created_at": created_at, "source": "/s/ROADMAP.md", "tracks": [{}, {}, {}]}
    (folder / "run.json").write_text(json.dumps(record))
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps({"run": run, "total_sub_tasks": 0, **metrics}))
        (folder / "summary.md").write_bytes(summary)
    return folder


def test_no_runs(tmp_path: Path) -> None:
    """Nothing has run, and looking makes nothing."""
    orchd = Orchd(tmp_path)
    assert orchd("runs").out == "no runs\n"
    assert orchd("runs", "--json").document == {"runs": []}
    assert orchd("report").status == 64
    assert orchd.files() == {}


def test_runs_the_newest_first(tmp_path: Path) -> None:
    """Those that have ended say how; of the others, whether anybody drives them."""
    orchd = Orchd(tmp_path)
    _run(orchd, "old", "2026-11-01T10:00:00Z", {"end_time": "2026-11-01T11:00:00Z", "successful_agents": 2})
    _run(orchd, "new", "2026-11-02T10:00:00Z")
    assert orchd("runs", "--json").document == {
        "runs": [
            {
                "run": "new",
                "state": "unattended",
                "tracks": 3,
                "succeeded": None,
                "source": "/s/ROADMAP.md",
                "created_at": "2026-11-02T10:00:00Z",
                "ended_at": None,
            },
            {
                "run": "old",
                "state": "ended",
                "tracks": 3,
                "succeeded": 2,
                "source": "/s/ROADMAP.md",
                "created_at": "2026-11-01T10:00:00Z",
                "ended_at": "2026-11-01T11:00:00Z",
            },
        ]
    }
    header, first, second = orchd("runs").out.splitlines()
    assert header.split()[:3] == ["run", "state", "tracks"]
    assert first.split()[:4] == ["new", "unattended", "3", "-"]
    assert second.split()[:4] == ["old", "ended", "3", "2"]


def test_a_record_that_cannot_be_read_is_still_a_run(tmp_path: Path) -> None:
    """Nonsense in its files, and hostile names beside it, take nothing away from the others."""
    orchd = Orchd(tmp_path)
    folder = _run(orchd, "odd", "2026-11-01T10:00:00Z")
    (folder / "run.json").write_bytes(b"\xff{")
    _run(orchd, "good", "\x1b[31m2026\n")
    (tmp_path / "runtime" / "parallel" / "a\x1b[31m").mkdir()
    ended = orchd("runs")
    assert ended.status == 0
    assert ended.tame
    assert [each["run"] for each in orchd("runs", "--json").document["runs"]] == ["good", "odd"]


def test_the_report_of_the_newest_that_ended(tmp_path: Path) -> None:
    """Without a name it is the newest report, with one that run's; in JSON the metrics as they were written."""
    orchd = Orchd(tmp_path)
    _run(orchd, "old", "2026-11-01T10:00:00Z", {"v": "old"}, b"# old\n")
    _run(orchd, "mid", "2026-11-02T10:00:00Z", {"v": "mid"}, b"# mid\n\nline\n")
    _run(orchd, "new", "2026-11-03T10:00:00Z")
    assert orchd("report").out == "# mid\n\nline\n"
    assert orchd("report", "old").out == "# old\n"
    assert orchd("report", "old", "--json").document == {"run": "old", "total_sub_tasks": 0, "v": "old"}
    ended = orchd("report", "new", "--json")
    assert (ended.status, ended.error["code"]) == (64, "not_found")


def test_a_report_is_shown_escaped(tmp_path: Path) -> None:
    """Titles and errors of strangers stand in reports."""
    orchd = Orchd(tmp_path)
    _run(orchd, "r", "2026-11-01T10:00:00Z", {"t": "\x1b[31m"}, b"# \x1b[31mred\n\xff \xe2\x80\xae\n")
    ended = orchd("report")
    assert ended.tame
    assert ended.out == "# \\x1b[31mred\n\\xff \\u202e\n"
    assert orchd("report", "--json").out.isascii()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"x": NaN}', b'{"run": "r", "total_sub_tasks": 3}'])
def test_metrics_that_are_none(tmp_path: Path, data: bytes) -> None:
    """A file in its place is no report, and no end of the run."""
    orchd = Orchd(tmp_path)
    (_run(orchd, "r", "2026-11-01T10:00:00Z", {}) / "metrics.json").write_bytes(data)
    ended = orchd("report", "r", "--json")
    assert (ended.status, ended.error["code"]) == (64, "not_found")
    assert orchd("runs", "--json").document["runs"][0]["state"] == "unattended"


def test_a_run_that_never_was(tmp_path: Path) -> None:
    """A good name of no run: exit code 64."""
    orchd = Orchd(tmp_path)
    assert orchd("report", "nothing").status == 64
