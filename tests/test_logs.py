"""The log: lines of JSON in a private file that is rotated, without secrets."""

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

PACKAGE = Path(__file__).parents[1]


def _log(path: Path, code: str, *, foreground: bool = False, **environ: str) -> subprocess.CompletedProcess[str]:
    """Set logging up in a process of its own, log with ``code``, and return how that ended."""
    begin = f"log = logs.set_up({str(path)!r}, foreground={foreground}, max_mb=1)"
    program = f"import logging, os\nfrom orchestrator import logs\n{begin}\n{code}\n"
    env = {name: value for name, value in os.environ.items() if "TOKEN" not in name} | {"PYTHONPATH": str(PACKAGE)}
    return subprocess.run(
        [sys.executable, "-P", "-c", program], env=env | environ, capture_output=True, text=True, timeout=60, check=True
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_a_line_of_json(tmp_path: Path) -> None:
    """When, how grave, what; whatever is in the text, it is one line of ASCII."""
    path = tmp_path / "orchd.log"
    ended = _log(
        path, "log.info('hello %s', 'a\\x1b[31m\\u2028b'); log.debug('no'); logging.getLogger('x').warning('w')"
    )
    assert ended.stderr == ended.stdout == ""
    assert path.read_text().isascii()
    first, second = _lines(path)
    assert first.pop("at").endswith("Z")
    assert first == {"level": "info", "message": "hello a\\x1b[31m\\u2028b"}
    assert (second["logger"], second["level"], second["message"]) == ("x", "warning", "w")


def test_a_traceback_stays_in_its_line(tmp_path: Path) -> None:
    """The message stands alone, the details beside it."""
    path = tmp_path / "orchd.log"
    _log(path, "try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('went wrong')")
    (line,) = _lines(path)
    assert (line["level"], line["message"]) == ("error", "went wrong")
    assert "ZeroDivisionError" in line["details"]


def test_the_file_is_private_and_no_link(tmp_path: Path) -> None:
    """0600 whatever the umask, also after a rotation; a link in its place is refused."""
    path = tmp_path / "orchd.log"
    _log(path, "[log.info('x' * 5000) for _ in range(1500)]")
    found = sorted(each.name for each in tmp_path.iterdir())
    assert found == ["orchd.log", "orchd.log.1", "orchd.log.2", "orchd.log.3"]
    for name in found:
        facts = (tmp_path / name).stat()
        assert stat.S_IMODE(facts.st_mode) == 0o600
        assert facts.st_size <= 1_010_000
    link = tmp_path / "link.log"
    link.symlink_to(tmp_path / "target")
    ended = _log(
        path,
        f"try:\n    logs.set_up({str(link)!r}, foreground=False)\nexcept OSError as error:\n    print(error.errno)",
    )
    assert ended.stdout.strip().isdigit()
    assert not (tmp_path / "target").exists()


def test_the_foreground_hears_words(tmp_path: Path) -> None:
    """On stderr the same events as lines for people, nothing in them that a terminal acts on."""
    path = tmp_path / "orchd.log"
    ended = _log(path, "log.warning('a\\x1b[31m\\nb')", foreground=True)
    assert ended.stderr.split(maxsplit=1)[1] == "warning: a\\x1b[31m\n    b\n"
    assert len(_lines(path)) == 1


def test_secrets_are_never_logged(tmp_path: Path) -> None:
    """What is named like a secret in the environment does not appear: not plain, not base64, not URL-encoded."""
    path = tmp_path / "orchd.log"
    value = "ghp_S3cret/Value+With=Signs"
    forms = [
        value,
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode(),
        quote(value, safe=""),
    ]
    code = "\n".join(f"log.info('form %s end', {form!r})" for form in forms)
    code += "\ntry:\n    raise ValueError(os.environ['GITHUB_TOKEN'])\nexcept ValueError:\n    log.exception('bad')"
    ended = _log(path, code, foreground=True, GITHUB_TOKEN=value, SHORT_TOKEN="x")
    for text in (path.read_text(), ended.stderr):
        assert not any(form.rstrip("=") in text for form in forms)
        assert text.count("***") == 5
        assert "form " in text


def test_a_full_disk_stops_nobody(tmp_path: Path) -> None:
    """What cannot be written is lost; the program goes on and says nothing of it."""
    ended = _log(tmp_path / "orchd.log", "logs.set_up('/dev/full', foreground=False).info('x'); print('on')")
    assert (ended.stdout, ended.stderr) == ("on\n", "")
