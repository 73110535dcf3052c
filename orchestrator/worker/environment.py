"""What an agent finds in its environment: the contract with agents, FORMATS B."""

from collections.abc import Mapping
from typing import Final

from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job, Phase

_NOT_FOR_AGENTS: Final = frozenset(
    # What a service manager tells its service and nobody else; and a folder that is not the agent's.
    {
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "MAINPID",
        "OLDPWD",
    }
)


NAMES: Final = frozenset(
    {
        *("ORCHD_ROOT", "ORCHD_RUN", "ORCHD_TRACK", "ORCHD_FENCE", "ORCHD_ATTEMPT", "ORCHD_PHASE", "ORCHD_CAUSE"),
        *("ORCHD_TOOLSET", "ORCHD_ANSWER_FILE", "AGENT_ID", "MASTER_ISSUE", "SUB_ISSUE", "BRANCH_NAME", "STATUS_FILE"),
        *("WORKING_DIR", "TIMEOUT", "ORCHD_PROFILE"),
    }
)
"""What an agent finds in its environment, and is known by."""


_OF_ANOTHER_REPOSITORY: Final = frozenset(
    # What git says to its hooks and aliases, one of which may have started us: it would lead every git astray.
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE"),
        *("GIT_NAMESPACE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_CONFIG"),
    }
)


def of_nobody(own: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for what is no agent's and in no repository: we may have been started by one, in one."""
    return {name: value for name, value in own.items() if name not in NAMES | _OF_ANOTHER_REPOSITORY}


def scrubbed(own: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment without what is meant for a service alone."""
    return {name: value for name, value in own.items() if name not in _NOT_FOR_AGENTS}


def of_claim(root: str, claim: Claim) -> dict[str, str]:
    """Return what names a claim; a command that runs under it reports with these."""
    found = {"ORCHD_ROOT": root, "ORCHD_TRACK": claim.track, "ORCHD_FENCE": str(claim.fence)}
    return found if claim.run is None else {**found, "ORCHD_RUN": claim.run}


def of_phase(own: Mapping[str, str], job: Job, phase: Phase, claim: Claim, status_file: str) -> dict[str, str]:
    """Return the whole environment of a phase. What names the claim cannot be set otherwise by a job."""
    return {
        **scrubbed(own),
        **job.env,
        **phase.env,
        "AGENT_ID": job.agent_id,
        "BRANCH_NAME": job.branch_name,
        "STATUS_FILE": status_file,
        "WORKING_DIR": job.working_dir,
        "PWD": job.working_dir,
        "TIMEOUT": plain(phase.timeout_seconds),
        **of_claim(job.root, claim),
        "ORCHD_ATTEMPT": str(job.attempt),
        "ORCHD_PHASE": phase.name,
        "ORCHD_CAUSE": job.cause,
        "ORCHD_TOOLSET": job.toolset,
        "ORCHD_ANSWER_FILE": f"{status_file.removesuffix('.status.json')}.answer.json",
    }


def plain(seconds: float) -> str:
    """Return a number of seconds without a fraction that says nothing."""
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)
