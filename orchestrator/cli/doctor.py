"""``orchd doctor``: everything that may be wrong, each with its cure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import click

from orchestrator.cli import check_left, check_machine, check_root, output
from orchestrator.cli.finding import Finding, of_error
from orchestrator.cli.options import common
from orchestrator.core.outcome import OK, PARTIAL
from orchestrator.errors import OrchdError

Check = Callable[[str], Iterable[Finding]]

CHECKS: Final[Mapping[str, Check]] = {
    "file system": check_machine.file_system,
    "changes": check_machine.changes,
    "git": check_machine.git,
    "agent": check_root.agent,
    "claims": check_root.claims,
    "leftovers": check_root.leftovers,
    "runs": check_root.runs,
    "worktrees": check_root.worktrees,
    "branches": check_left.branches,
    "backups": check_left.backups,
    "logs": check_root.logs,
}

MOST: Final = 20
"""Of one check, so many findings are shown to a person; --json has them all."""


@click.command("doctor")
@common
def command(root: str, as_json: bool) -> int:
    """Check the machine and the root; each finding comes with its cure. Exit code 1 when there is one."""
    found = {name: _checked(check, root) for name, check in CHECKS.items()}
    if as_json:
        findings = [{"check": name, "what": each.what, "cure": each.cure} for name in found for each in found[name]]
        output.emit({"findings": findings, "checks": list(CHECKS)})
    else:
        for name, some in found.items():
            _show(name, some)
    return PARTIAL if any(found.values()) else OK


def _checked(check: Check, root: str) -> list[Finding]:
    try:
        return list(check(root))
    except OrchdError as error:
        return [of_error(error)]


def _show(name: str, findings: list[Finding]) -> None:
    output.say(f"{name}: {'ok' if not findings else f'{len(findings)} found'}")
    for each in findings[:MOST]:
        output.say(f"  {each.what}")
        output.say(f"    cure: {each.cure}")
    if len(findings) > MOST:
        output.say(f"  and {len(findings) - MOST} more: `orchd doctor --json` has them all")
