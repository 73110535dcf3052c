"""What failed for good is put to the person who is there; who is not there is asked nothing."""

from pathlib import Path

import pytest

from tests.cli.orchd import ARGV
from tests.cli.terminals import Terminal, terminal
from tests.projects import Site, names, roadmap, script, writes

ONE, TWO = names(2)
FAILS = script('run = ["sh", "-c", "exit 3"]')


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A project whose second track fails."""
    return Site(tmp_path, roadmap("One", "Two"), {ONE: script(writes("one.txt")), TWO: FAILS}, remote=False)


def is_asked(screen: Terminal) -> None:
    """Wait for the question; it says what there is to know."""
    screen.shows("1, 2 or 3?", 40)
    for line in (
        "operation: run roadmap of ",
        "failed: 1/2",
        "attempt 1: UNKNOWN: phase work ended with status 3",
        "state: 1 merged into main",
        "1  retry",
        "2  skip",
        "3  abort",
    ):
        assert line in screen.shown


@pytest.mark.parametrize(("keys", "status"), [("\n", 2), ("3\n", 130), ("\x03", 2)])
def test_skip_and_abort(site: Site, keys: str, status: int) -> None:
    """Enter ends with what there is; abort ends as an interrupt does, for whatever has started us."""
    with terminal([*ARGV, "run", "ROADMAP.md"], site.root, site.env | {"TERM": "dumb"}) as screen:
        is_asked(screen)
        screen.type(keys)
        assert screen.ends() == status
    assert len(list((site.root / "runtime" / "parallel").iterdir())) == 1


def test_retry(site: Site) -> None:
    """What failed is run again, once it was mended."""
    with terminal([*ARGV, "run", "ROADMAP.md"], site.root, site.env | {"TERM": "dumb"}) as screen:
        is_asked(screen)
        site.write(f"agents/{TWO}.toml", script(writes("two.txt")))
        screen.type("1\n")
        assert screen.ends(40) == 0
    assert site.git("show", "main:two.txt") == "made"


def test_nobody_is_there(site: Site) -> None:
    """The run ends with what it has."""
    said = site("run", "ROADMAP.md")
    assert said.status == 2
    assert "1  retry" not in said.out + said.err
