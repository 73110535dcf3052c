"""A shell script that knows only `ln` and `echo` takes and frees tracks beside orchd."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = str(REPOSITORY / "examples" / "shell_claim.sh")
HOLD = ["sh", "-c", "echo ready; read line; exit 5"]


class Site:
    """A root in which nobody has claimed anything yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ORCHD_")}
        self.env |= {"PYTHONPATH": str(REPOSITORY), "ORCHD_ROOT": str(root)}
        self.lock = root / ".orchestrator_locks" / "unit_a.lock"

    def start(self, argv: list[str]) -> subprocess.Popen[str]:
        """Start a program in the root."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            argv, cwd=self.root, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
        )

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        """Run a program in the root to its end; return its status and what it said on both streams."""
        with self.start(argv) as child:
            stdout, stderr = child.communicate(timeout=60)
        return child.returncode, stdout, stderr

    def orchd(self, *words: str) -> list[str]:
        """Return the command line of orchd."""
        return [sys.executable, "-P", "-m", "orchestrator", *words]

    def locks(self) -> list[dict[str, object]]:
        """Return what orchd says of the claims."""
        status, stdout, stderr = self.run(self.orchd("locks", "--json"))
        assert status == 0, stderr
        found: list[dict[str, object]] = json.loads(stdout)["locks"]
        return found

    @contextmanager
    def held_by_script(self) -> Iterator[subprocess.Popen[str]]:
        """Hold unit_a with the script for as long as the block runs."""
        with self.start([SCRIPT, "unit_a", *HOLD]) as child:
            try:
                assert child.stdout
                assert child.stdout.readline() == "ready\n"
                yield child
            finally:
                child.communicate("\n", timeout=10)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A fresh root."""
    return Site(tmp_path)


def test_the_script_takes_and_frees_a_track(site: Site) -> None:
    """While the command runs there is a lock with the script's number; then the lock is gone, no temp is left."""
    with site.held_by_script() as child:
        assert site.lock.read_text() == f"{child.pid}\n"
        assert site.run([SCRIPT, "unit_b", "true"])[0] == 0
    assert child.returncode == 5
    assert [path for path in site.lock.parent.rglob("*") if not path.is_dir()] == []


def test_two_scripts_do_not_hold_one_track(site: Site) -> None:
    """The second is told so, and the first keeps what it has."""
    with site.held_by_script() as child:
        assert site.run([SCRIPT, "unit_a", "true"]) == (75, "", f"shell_claim: held: another has {site.lock}\n")
        assert site.lock.read_text() == f"{child.pid}\n"


def test_orchd_sees_the_script_and_keeps_off(site: Site) -> None:
    """The claim is shown as alive, with its owner's number and a reason; orchd cannot have the track."""
    with site.held_by_script() as child:
        (seen,) = site.locks()
        assert (seen["track"], seen["state"], seen["pid"]) == ("unit_a", "alive", child.pid)
        assert seen["why"]
        status, stdout, stderr = site.run(site.orchd("claim", "unit_a", "--json", "--pid", str(os.getpid())))
        assert (status, stdout, json.loads(stderr)["error"]["code"]) == (75, "", "held")
        assert site.run(site.orchd("reap"))[0] == 0
        assert site.lock.read_text() == f"{child.pid}\n"
    assert site.run(site.orchd("claim", "unit_a", "--", "true"))[0] == 0


def test_the_script_keeps_off_orchd(site: Site) -> None:
    """What orchd holds the script cannot have; what orchd has released it can."""
    status, stdout, stderr = site.run(site.orchd("claim", "unit_a", "--json", "--pid", str(os.getpid())))
    assert status == 0, stderr
    before = site.lock.read_bytes()
    assert site.run([SCRIPT, "unit_a", "true"])[0] == 75
    assert site.lock.read_bytes() == before
    assert site.run(site.orchd("release", "unit_a", "--token", json.loads(stdout)["token"]))[0] == 0
    assert site.run([SCRIPT, "unit_a", "true"])[0] == 0


@pytest.mark.parametrize("freed_by", ["reap", "claim"])
def test_orchd_frees_what_a_killed_script_held(site: Site, freed_by: str) -> None:
    """A dead owner is shown as dead; a reap frees the track, and the next claim takes it over by itself."""
    with site.held_by_script() as child:
        child.kill()
        child.wait(10)
        (seen,) = site.locks()
        assert (seen["state"], seen["pid"]) == ("dead", child.pid)
        if freed_by == "reap":
            status, stdout, stderr = site.run(site.orchd("reap", "--json"))
            assert (status, [each["track"] for each in json.loads(stdout)["reaped"]]) == (0, ["unit_a"]), stderr
            assert site.run([SCRIPT, "unit_a", "true"])[0] == 0
        else:
            assert site.run(site.orchd("claim", "unit_a", "--", "true"))[0] == 0
    assert not site.lock.exists()


def test_a_race_has_one_winner_at_a_time(site: Site) -> None:
    """Scripts and orchd at once: each has the track alone, or is told that it is held."""
    alone = ["sh", "-c", "mkdir inside && sleep 0.05 && rmdir inside"]
    for _ in range(4):
        rivals = [
            site.start([*words, *alone]) for words in 2 * [[SCRIPT, "unit_a"], site.orchd("claim", "unit_a", "--")]
        ]
        for rival in rivals:
            rival.communicate(timeout=60)
        statuses = sorted(rival.returncode for rival in rivals)
        assert set(statuses) <= {0, 75}
        assert statuses[0] == 0
    assert not site.lock.exists()


def test_the_track_is_free_when_the_command_has_ended(site: Site) -> None:
    """A command that is told to end keeps the track until it has ended."""
    slow = "trap 'until [ -e go ]; do sleep 0.02; done; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    with site.start([SCRIPT, "unit_a", "sh", "-c", slow]) as child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        child.terminate()
        assert site.run([SCRIPT, "unit_a", "true"])[0] == 75
        (site.root / "go").touch()
        assert child.wait(10) == 3
    assert not site.lock.exists()


def test_only_its_own_claim_is_removed(site: Site) -> None:
    """Where an operator gave the track to another meanwhile, the script leaves that claim alone."""
    with site.held_by_script():
        site.lock.write_text("1\n")
    assert site.lock.read_text() == "1\n"


@pytest.mark.parametrize(
    "name",
    ["", "../x", "/x", "a/b", ".x", "-x", "a..b", "a.", "a.lock", "a.JSON", "a b", "a\nb", "ä", "a\x1b[2J", "x" * 101],
)
def test_a_hostile_name_is_refused(site: Site, name: str) -> None:
    """What orchd does not allow as a name the script does not allow either; nothing is made."""
    status, stdout, stderr = site.run([SCRIPT, name, "true"])
    assert (status, stdout, stderr.count("\n")) == (64, "", 1)
    assert list(site.root.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(site: Site) -> None:
    """Something else in the place of the folder: said, and not taken for a claim."""
    site.lock.parent.write_text("a file")
    status, _, stderr = site.run([SCRIPT, "unit_a", "true"])
    assert (status, stderr.count("\n")) == (9, 1)
