"""What of a run may be pushed, and how: who judges it, who has to open a gate, what it is brought together with.

Whatever is against it is an answer: everything that was merged is safe at home, and the answer says what to do.
"""

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from orchestrator.core.run import Outcome, Publication, RunRecord
from orchestrator.core.text import visible
from orchestrator.daemon import checking, destination, marks, run_validators, sharing, watched, without_git
from orchestrator.errors import AgentUnavailable, CommandFailed, GuardBusy, Unreadable
from orchestrator.git import publish, repository
from orchestrator.git.integrate import Red
from orchestrator.git.publish import Published, Publishing
from orchestrator.git.remote import ASK_SECONDS, Terms
from orchestrator.git.repository import Repository
from orchestrator.host import files, others
from orchestrator.state import approvals, cancel
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import temp

_PHASE: Final = "publish:push"  # no phase of an attempt can be called that


def publication_of(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> Publication:
    """Publish what a run has merged, where that is wanted and nobody is against it; say what came of it."""
    if not any(each.ended == "merged" for each in ended):
        return Publication("none", "nothing was merged")
    if record.options.git.isolation == "none":
        return Publication("none", without_git.COMMITTED)
    return _refused(layout, record) or _withheld(layout.run(record.run), record) or _sent(layout, record, ended)


def _refused(layout: Layout, record: RunRecord) -> Publication | None:
    """Return why nothing is pushed where a validator of the run does not accept what was merged."""
    paths = layout.run(record.run)
    if not any(each.after == "run" for each in record.validators) or _cancelled(paths):
        return None
    try:
        repo = repository.survey(layout.root, record.target_branch)
        refusal = run_validators.judged(layout, record, repo, lambda: _cancelled(paths)).refusal
    except (CommandFailed, GuardBusy) as error:
        return Publication("failed", f"what was merged could not be judged: {error.message}", _by_hand(record))
    if refusal is None or _cancelled(paths):
        return None
    return Publication("failed", visible(f"nothing was pushed: {refusal.error}"), _by_hand(record))


def _by_hand(record: RunRecord) -> str:
    return shlex.join(("git", "push", record.remote, record.target_branch)) if record.remote is not None else ""


def _withheld(paths: RunLayout, record: RunRecord) -> Publication | None:
    """Return why nothing is to be pushed, None where it is."""
    if not record.options.push:
        return Publication("none", "not asked for (--no-push)")
    if record.remote is None:
        return Publication("none", "the repository has no remote")
    if _cancelled(paths):
        return Publication("none", "the run was cancelled, so nothing was pushed", _by_hand(record))
    if "push" in record.options.gates and "push" not in approvals.opened_of(paths):
        return Publication("none", "nobody opened the gate push, so nothing was pushed", _by_hand(record))
    return None


def _sent(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> Publication:
    paths = layout.run(record.run)
    try:
        repo = repository.survey(layout.root, record.target_branch)
        if destination.changed(paths, repo):
            why = f"where {record.remote} is pushed to is not what it was when the run began: see `git remote -v`"
            return Publication("failed", visible(why), _by_hand(record))
        return _push(layout, record, repo, _publishing(layout, record, repo, ended))
    except (CommandFailed, GuardBusy, AgentUnavailable) as error:
        return Publication("failed", error.message, _by_hand(record))


def _publishing(layout: Layout, record: RunRecord, repo: Repository, ended: Sequence[Outcome]) -> Publishing:
    """Return how the run is published: as its options say; what it is brought together with has to pass, too."""
    paths, git = layout.run(record.run), record.options.git

    def stop() -> bool:
        return _cancelled(paths)

    terms = Terms(
        ask_seconds=min(ASK_SECONDS, git.push_timeout_seconds),
        push_seconds=git.push_timeout_seconds,
        hooks=git.hooks,
        stop=stop,
        marks=watched.marks(layout.root, record.run, _PHASE),
    )
    check = checking.of_commit(layout, record, repo, "publication", stop)

    def passes(commit: str) -> Red | None:
        red = check(commit) if check is not None else None
        if red is not None:
            return red
        refusal = run_validators.judged(layout, record, repo, stop, commit).refusal
        return Red(refusal.error) if refusal is not None else Red("") if stop() else None

    merged = [record.find(each.agent_id).track for each in ended if each.ended == "merged"]
    return Publishing(git, passes, marks.of_both(repo, record, merged), terms)


def _push(layout: Layout, record: RunRecord, repo: Repository, how: Publishing) -> Publication:
    paths = layout.run(record.run)
    note = f"{paths.private}/push.begun"
    again = os.path.lexists(note)
    if again:  # whoever pushed for us, and is gone, may have left a git that still does
        others.end(lambda: others.carrying(how.terms.marks), 0.0)
    files.publish(note, b"", temp(paths))
    made = sharing.of_others(record, repo) if record.options.git.isolation == "shared" else ""
    answer = publish.publish(repo, record.run, how)
    if not isinstance(answer, Published):
        files.remove(note)
        if _cancelled(paths):
            return Publication("none", "the run was cancelled while it was pushed", answer.command)
        return Publication("failed", visible(answer.reason, 500), answer.command, answer.output)
    theirs = answer.already and not again
    if theirs:
        files.remove(note)
    said = "; ".join(each for each in (f"{record.target_branch} at {answer.commit[:12]}", answer.note, made) if each)
    return Publication("already" if theirs else "pushed", said)


def _cancelled(paths: RunLayout) -> bool:
    """Tell whether a person asked for the end of the whole run: then what is published is theirs to say."""
    with suppress(Unreadable):
        request = cancel.read_request(paths.cancel)
        return request is not None and request.tracks is None
    return False
