"""What the tests of git share: a repository, and settings that are nobody's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git import repos


@pytest.fixture(autouse=True)
def nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git reads no settings but those of the test."""
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n", encoding="ascii"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("EMAIL", raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository on main to copy: making one takes four processes."""
    lines = b"".join(b"%d\n" % number for number in range(1, 10))
    files = {"a.txt": b"a\n", "src/b.txt": lines, "ROADMAP.md": b"- one\n- two\n"}
    made = repos.make(tmp_path_factory.mktemp("template") / "home", files)
    (made / ".git" / "info").mkdir()
    (made / ".git" / "info" / "exclude").touch()
    return made


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Path]:
    """A repository on main; afterwards git finds nothing wrong with it."""
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    repos.git(folder, "update-index", "--refresh")
    yield folder
    repos.assert_sound(folder)
