"""How a command ends when something goes wrong around it: streams, keys, bugs."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from orchestrator.cli.guarded import guarded
from orchestrator.errors import Held
from tests.cli.orchd import ARGV, Orchd
from tests.waiting import wait_for


def _raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


def test_a_status_is_passed_on() -> None:
    """What a command returns, or exits with, is the exit code."""
    assert guarded(lambda: 3, []) == 3
    assert guarded(_raising(click.exceptions.Exit(5)), []) == 5


def test_a_bug_is_reported_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal gets one line that says where the full report is; only the owner may read that."""
    status = guarded(_raising(ValueError("odd \x1b[31m\n thing")), ["--root", str(tmp_path), "locks"])
    said = capsys.readouterr()
    assert (status, said.out) == (70, "")
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err
    assert said.err.startswith("orchd: a bug in orchd: ValueError: odd \\x1b[31m\\x0a thing\n")
    (report,) = (tmp_path / "runtime" / "crash").iterdir()
    assert str(report) in said.err
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "Traceback" in text
    assert "arguments: --root" in text
    assert "Python 3" in text


def test_a_bug_does_not_tell_secrets(tmp_path: Path) -> None:
    """What is named like a secret in the environment is in no report and not on the terminal."""
    orchd = Orchd(tmp_path)
    code = (
        "import os, sys; from orchestrator.cli.guarded import guarded\n"
        "def command(): raise ValueError(os.environ['API_TOKEN'])\n"
        "sys.exit(guarded(command, []))"
    )
    env = orchd.env | {"API_TOKEN": "S3cret-value/x"}
    ended = subprocess.run(
        [ARGV[0], "-P", "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    (report,) = (tmp_path / "runtime" / "crash").iterdir()
    assert ended.returncode == 70
    for text in (ended.stderr, report.read_text()):
        assert "ValueError: ***" in text
        assert "S3cret" not in text


def test_a_bug_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--json`` a bug is an error object too."""
    status = guarded(_raising(RuntimeError("odd")), [f"--root={tmp_path}", "--json"])
    assert status == 70
    assert '"code": "bug"' in capsys.readouterr().err


def test_a_report_that_cannot_be_below_the_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the root cannot take the report, a private folder for temporary files does."""
    (tmp_path / "runtime").write_text("in the way")
    assert guarded(_raising(ValueError("odd")), ["--root", str(tmp_path)]) == 70
    (place,) = re.findall(r"is in (\S+): please", capsys.readouterr().err)
    report = Path(place)
    assert not report.is_relative_to(tmp_path)
    assert report.parent.stat().st_mode & 0o777 == 0o700
    assert "Traceback" in report.read_text()
    report.unlink()
    report.parent.rmdir()


def test_an_unexpected_os_error_is_a_bug_and_a_full_disk_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the machine refuses is said in one line with its exit code; what should not happen is a bug."""
    argv = ["--root", str(tmp_path)]
    assert guarded(_raising(FileNotFoundError(2, "gone", "x")), argv) == 70
    assert guarded(_raising(OSError(28, "No space left on device")), argv) == 7
    assert guarded(_raising(OSError(5, "Input/output error", 7)), argv) == 9
    assert guarded(_raising(PermissionError(13, "Permission denied", "a\x1bb")), argv) == 9
    assert "cannot use a\\x1bb: Permission denied" in capsys.readouterr().err


def test_held_says_by_whom(capsys: pytest.CaptureFixture[str]) -> None:
    """The holder's record stands in the JSON error."""
    assert guarded(_raising(Held("t is held", holder={"owner": "ada"})), ["--json"]) == 75
    assert '"holder": {"owner": "ada"}' in capsys.readouterr().err


def test_json_behind_two_dashes_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` among the words of somebody else's command does not change how we speak."""
    assert guarded(_raising(Held("t is held")), ["claim", "t", "--", "cmd", "--json"]) == 75
    assert capsys.readouterr().err == "orchd: t is held\n"


def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    """SIGINT: exit code 130 and no word."""
    with Orchd(tmp_path).running("locks", "--watch") as child:
        assert child.stdout
        assert child.stdout.readline() == "no claims\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=10)
    assert (child.returncode, err) == (130, "")


def test_a_reader_that_went_away(tmp_path: Path) -> None:
    """A closed pipe: no word, and the exit code that a shell shows for SIGPIPE."""
    orchd = Orchd(tmp_path)
    for words in (("locks",), ("locks", "--json"), ("--help",), ("--version",)):
        reader, writer = os.pipe()
        os.close(reader)
        assert orchd.into(writer, *words) == (141, b"")
        os.close(writer)


@pytest.mark.parametrize("words", [("locks",), ("locks", "--json"), ("--help",), ("--version",)])
def test_a_full_disk_behind_stdout(tmp_path: Path, words: tuple[str, ...]) -> None:
    """What cannot be printed is an error in one line, not a traceback at the end."""
    with Path("/dev/full").open("wb") as full:
        status, err = Orchd(tmp_path).into(full, *words)
    assert status == 7
    assert b"the machine refused: No space left on device" in err
    assert b"Traceback" not in err
    assert b"Exception" not in err


def test_no_stdout_and_no_stderr(tmp_path: Path) -> None:
    """A command started without streams does its work and says nothing."""
    orchd = Orchd(tmp_path)
    command = " ".join(ARGV)
    for words, status in (("locks >&- 2>&-", 0), ("lcoks >&- 2>&-", 64), ("lcoks 2>/dev/full", 64)):
        ended = subprocess.run(["sh", "-c", f"{command} {words}"], cwd=tmp_path, env=orchd.env, timeout=60, check=False)
        assert ended.returncode == status


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(tmp_path: Path, encoding: str) -> None:
    """Text that the stream's encoding lacks is written out."""
    orchd = Orchd(tmp_path)
    orchd.write_lock("t", b"x" * 100)
    ended = orchd("release", "\u0430" * 100, "--token", "x", PYTHONIOENCODING=encoding)
    assert ended.status == 64
    assert "Traceback" not in ended.err


def test_a_read_only_file_system(tmp_path: Path) -> None:
    """Reading works, and what must write says in one line that it cannot."""
    orchd = Orchd(Path("/proc/self"))
    orchd.env["ORCHD_ROOT"] = "/proc"
    assert orchd("locks", cwd=tmp_path).out == "no claims\n"
    ended = orchd("init", cwd=tmp_path)
    assert ended.status == 9
    assert ended.tame
    assert len(ended.err.splitlines()) == 2


def test_a_signal_that_ends_us_is_not_hidden(tmp_path: Path) -> None:
    """SIGTERM ends a waiting command as it ends any program."""
    with Orchd(tmp_path).running("logs", "t", "-f") as child:
        wait_for(lambda: Path(f"/proc/{child.pid}/cmdline").read_bytes().count(b"\0") > 3)
        child.terminate()
        assert child.wait(10) == -signal.SIGTERM
