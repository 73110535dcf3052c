"""Editing a file that belongs to a person."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.errors import SystemFailure
from orchestrator.host.edit import replace_content


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o444])
@pytest.mark.parametrize("content", [b"", b"one\n", b"crlf\r\n\r\n", b"\xff\x00 no text", b"x" * 1_000_000])
def test_replaced_whole(tmp_path: Path, mode: int, content: bytes) -> None:
    """Every byte is the new one's, the mode is the old one's, and nothing lies beside it."""
    path = tmp_path / "ROADMAP.md"
    path.write_bytes(content)
    path.chmod(mode)
    replace_content(str(path), content, content + b"more")
    assert path.read_bytes() == content + b"more"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(tmp_path) == ["ROADMAP.md"]


@pytest.mark.parametrize("now", [b"other", b"longer than before", b"", b"befor", b"BEFORE"])
def test_changed_meanwhile(tmp_path: Path, now: bytes) -> None:
    """What a person wrote since it was read stays; the refusal says so."""
    path = tmp_path / "ROADMAP.md"
    path.write_bytes(now)
    with pytest.raises(SystemFailure, match="changed by somebody") as refused:
        replace_content(str(path), b"before", b"after")
    assert "left as it is" in refused.value.hint
    assert path.read_bytes() == now
    assert os.listdir(tmp_path) == ["ROADMAP.md"]


def test_gone_meanwhile(tmp_path: Path) -> None:
    """A file that was removed is not made again."""
    with pytest.raises(SystemFailure, match="cannot write"):
        replace_content(str(tmp_path / "gone"), b"", b"after")
    assert os.listdir(tmp_path) == []


def test_a_link_or_folder_in_its_place(tmp_path: Path) -> None:
    """Neither is followed or replaced."""
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder"):
        with pytest.raises(SystemFailure):
            replace_content(str(tmp_path / name), b"before", b"after")
    assert (tmp_path / "real").read_bytes() == b"before"
    assert (tmp_path / "link").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["folder", "link", "real"]


def test_a_folder_that_takes_no_file(tmp_path: Path) -> None:
    """Where no file can be made beside it, it stays as it is."""
    path = tmp_path / ("x" * 200) / ("y" * 255)
    path.parent.mkdir()
    path.write_bytes(b"before")
    replace_content(str(path), b"before", b"after")
    with pytest.raises(SystemFailure, match="cannot write"):
        replace_content(f"{path.parent}/{'y' * 256}", b"before", b"after")
    assert path.read_bytes() == b"after"
