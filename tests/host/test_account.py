"""The account that we run as."""

import os
import pwd
from pathlib import Path

import pytest

from orchestrator.host import account


def test_home_is_the_account_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As ssh has it: whatever HOME says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert account.home() == pwd.getpwuid(os.getuid()).pw_dir
