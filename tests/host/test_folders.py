"""Removing a folder of ours."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import SystemFailure
from orchestrator.host import folders


def test_all_of_it_goes_and_nothing_else(tmp_path: Path) -> None:
    """What a link in it points to stays; done twice is done once."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    ours = tmp_path / "ours"
    (ours / "deep" / "er").mkdir(parents=True)
    (ours / "deep" / "link").symlink_to(kept)
    folders.remove(str(ours))
    folders.remove(str(ours))
    assert os.listdir(tmp_path) == ["kept"]
    ours.symlink_to(kept)
    folders.remove(str(ours))
    assert (kept / "file").exists()
    assert not os.path.lexists(ours)


def test_what_cannot_go_is_said(tmp_path: Path) -> None:
    """The reason is the machine's."""
    (tmp_path / "file").touch()
    with pytest.raises(SystemFailure, match="cannot be removed"):
        folders.remove(str(tmp_path / "file" / "below"))
