"""The names of the events in the journal, and what each means.

The journal is for people and observers and never the truth: that stands in the files it tells of.
"""

from collections.abc import Mapping
from typing import Final

VERSION: Final = 1
"""Of a journal line: ``{"v": 1, "at": time, "event": name, ...}``."""

UNREADABLE: Final = "unreadable"
"""The name under which a reader hands on a line that is no event; never written."""

EVENTS: Final[Mapping[str, str]] = {
    "claim.won": "a track was claimed",
    "claim.released": "its owner gave a track back",
    "claim.reaped": "a track was freed from an owner who is provably dead",
    "claim.broken": "an operator freed a track whose owner cannot be judged",
    "claim.undone": "a claim that failed was taken back before anybody heard of it; never written",
    "lock.unreadable": "a lock file's owner cannot be told; it counts as held",
    "lock.unknown": "the owner of a lock file cannot be judged; it counts as held",
    "lock.foreign": "a lock file is of another machine or container; it counts as held",
    "lock.orphaned": "the owner is dead, but processes of its group still run; it counts as held",
    "lock.appeared": "a lock file was seen for the first time",
    "lock.vanished": "a lock file is gone, by whomever",
    "status.changed": "a worker says that it is somewhere else",
    "status.problem": "a status file cannot be believed; it is left as it is",
    "status.superseded": "a status file of an earlier claim was kept aside",
    "worker.started": "a process was started for an attempt",
    "worker.ended": "an attempt's process is gone",
    "run.accepted": "a plan was accepted and its run begins",
    "run.adopted": "a run that was going on without us is driven by us from now on",
    "run.approved": "a person opened a gate of a run",
    "run.answered": "a person answered the question of a track",
    "run.ended": "nothing more will happen in this run; its report is written",
    "track.merged": "a track's work is on the target branch",
    "track.conflict": "a track's work cannot be merged; its branch is kept",
    "track.refused": "a track's work passed and was not merged; its agent is told why",
    "track.failed": "a track ended without work to merge",
    "track.cancelled": "a person ended a track",
    "track.quarantined": "a track that failed in too many runs, or needs a person first, was not worked on",
    "track.changed": "a track is in another state than before",
    "push.done": "the target branch was pushed",
    "push.failed": "the remote did not take the target branch",
    "schedule.began": "a source is run again and again from now on",
    "schedule.tick": "one run of a schedule is over, and what comes after it",
    "schedule.left": "no run began: what is left needs a person first, and has not changed since it said so",
    "schedule.ended": "a schedule is over, and why",
    "wake.woke": "somebody looked after workers: what was seen, and what was decided",
    "wake.acted": "a wake ran a command, and how that ended",
    "wake.ended": "no wake comes after this one, and why",
    "daemon.started": "the daemon is ready",
    "daemon.stopped": "the daemon ends; workers go on",
    "watch.degraded": "the kernel does not tell of changes; folders are read every few seconds instead",
    "watch.restored": "the kernel tells of changes again",
}
