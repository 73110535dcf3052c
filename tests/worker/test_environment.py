"""What an agent finds in its environment."""

import pytest

from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job, Phase
from orchestrator.worker.environment import NAMES, of_claim, of_nobody, of_phase, plain, scrubbed

CLAIM = Claim("t", "0" * 32, 12, 99, 1, None, None, "h", "host", 99, "me", "demo", 3, "now")


def test_a_phase_comes_before_its_job() -> None:
    """The phase's own variables win over the job's, those over ours; nobody sets what names the claim."""
    phase = Phase("work", ("x",), 90.0, env={"B": "phase", "ORCHD_FENCE": "99"})
    job = Job(
        "/r", "demo", "agent-1", "t", 3, "me", "/w", "br", (phase,), env={"A": "job", "B": "job", "AGENT_ID": "me"}
    )
    env = of_phase({"A": "own", "B": "own", "C": "own", "PWD": "/x"}, job, phase, CLAIM, "/s")
    assert (env["A"], env["B"], env["C"]) == ("job", "phase", "own")
    assert (env["AGENT_ID"], env["ORCHD_FENCE"], env["PWD"]) == ("agent-1", "12", "/w")


def test_nobody_is_taken_for_an_agent() -> None:
    """Every name that a phase gets of its own is one that others are started without."""
    job = Job("/r", "demo", "agent-1", "t", 3, "me", "/w", "br", (Phase("work", ("x",), 90.0),))
    of_the_job = {"MASTER_ISSUE": "demo", "SUB_ISSUE": "t", "ORCHD_PROFILE": ""}
    env = of_phase({}, job, job.phases[0], CLAIM, "/s") | of_the_job
    assert set(env) - {"PWD"} == NAMES
    assert of_nobody(env | {"HOME": "/h", "GIT_DIR": "/x", "GIT_SSH": "ssh"}) == {
        "PWD": "/w",
        "HOME": "/h",
        "GIT_SSH": "ssh",
    }


def test_outside_a_run() -> None:
    """A claim without a run names none."""
    free = Claim("t", "0" * 32, 12, 99, 1, None, None, "h", "host", None, "me", None, None, "now")
    assert of_claim("/r", free) == {"ORCHD_ROOT": "/r", "ORCHD_TRACK": "t", "ORCHD_FENCE": "12"}


def test_what_is_for_services_stays_here() -> None:
    """Everything else goes on."""
    assert scrubbed({"NOTIFY_SOCKET": "x", "LISTEN_FDS": "1", "ORCHD_FAILPOINT": "", "HOME": "/h"}) == {
        "ORCHD_FAILPOINT": "",
        "HOME": "/h",
    }


@pytest.mark.parametrize(("seconds", "said"), [(120.0, "120"), (0.5, "0.5"), (36e4, "360000"), (1e9, "1000000000")])
def test_seconds(seconds: float, said: str) -> None:
    """Without exponents, and a fraction only where there is one."""
    assert plain(seconds) == said
