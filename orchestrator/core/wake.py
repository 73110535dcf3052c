"""What to do about workers that somebody else started, at each wake: facts in, a decision out.

The table, from the first line that fits:

========================================== ==========================================================
nobody at work, outputs complete           verify; passes: end well; refuses: one clean-up
nobody at work, outputs partial            one clean-up with exactly what is missing; after it, while
                                           outputs still come, the next wake; else end partial
nobody at work yet, at the first wake      the next wake: they may not have begun
at work, asking a person                   the next wake, and the question is shown; never a restart
at work, progress since the last wake      the next wake, later than the last one
at work, no progress for ``stuck_after``   look (log, status, screen, prompt); one wake later restart,
wakes                                      once; stuck again: look, then end and tell a person
========================================== ==========================================================

The time to the next wake grows from the low to the high end of the policy while there is progress: what goes
well is left alone. Without progress, and after every action, it is the low end: what may be stuck is seen soon.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from orchestrator.core import outcome
from orchestrator.core.listing import besides

Size = Literal["simple", "complex", "long"]

INTERVALS: Final[Mapping[Size, tuple[float, float]]] = {
    "simple": (180.0, 300.0),
    "complex": (300.0, 600.0),
    "long": (600.0, 900.0),
}
"""Seconds to the next wake by the size of the work: at least, and at most."""

STEPS: Final = 2
"""After so many wakes with progress in a row the interval is at its high end."""

STUCK_AFTER: Final = 3

What = Literal["wait", "verify", "clean", "look", "restart", "end"]
At = Literal["wake", "stuck"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person wants: intervals (s), after how many wakes without progress work is stuck, and what can be done.

    ``prompt_at``: a prompt is sent at every wake, the last included, or only when work is stuck; None: there is none.
    """

    low: float
    high: float
    stuck_after: int = STUCK_AFTER
    can_verify: bool = False
    can_clean: bool = False
    can_restart: bool = False
    prompt_at: At | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen at one wake.

    ``working``: the tracks whose owner may live. ``asking``: what workers ask a person. ``missing``: what the
    outputs lack, each in a few words. ``marks``: for each kind of thing that shows progress, something that is
    different when that is. ``refusal``: why the outputs were not accepted, empty: they were, None: nobody was asked.
    """

    working: tuple[str, ...]
    missing: tuple[str, ...]
    marks: Mapping[str, str]
    asking: tuple[str, ...] = ()
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from wake to wake. ``ended`` is the exit code once it is over, and ``why`` says why.

    ``wakes`` counts them, ``stalls`` those in a row without progress, ``streak`` those in a row with it. ``begun``:
    somebody was seen at work. ``looked``, ``cleaned``, ``restarted``: that was done, or begun.
    """

    wakes: int = 0
    stalls: int = 0
    streak: int = 0
    begun: bool = False
    looked: bool = False
    cleaned: bool = False
    restarted: bool = False
    marks: Mapping[str, str] = field(default_factory=dict)
    ended: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now and why; ``memory`` is to be kept before it is done, so that nothing is done twice.

    ``wait``: seconds to the next wake, None where there is none (yet): after ``verify`` comes another decision.
    """

    what: What
    why: str
    memory: Memory
    wait: float | None = None


def progress(memory: Memory, facts: Facts) -> tuple[str, ...]:
    """Return the kinds of things that changed since the last wake, sorted; none at the first."""
    if not memory.wakes:
        return ()
    kinds = sorted({*memory.marks, *facts.marks})
    return tuple(kind for kind in kinds if memory.marks.get(kind) != facts.marks.get(kind))


def decide(policy: Policy, memory: Memory, facts: Facts) -> Decision:
    """Return what to do at this wake; ``memory`` is that of the last one. An ended watch stays ended."""
    if memory.ended is not None:
        return Decision("end", memory.why, memory)
    now = _noted(memory, facts)
    if facts.working:
        return _running(policy, now, facts)
    if facts.missing and not now.begun and not memory.wakes:
        return _wait(policy, now, "nobody is at work yet")
    if facts.missing:
        return _mend(policy, now, f"missing: {facts.missing[0]}{besides(len(facts.missing))}")
    if facts.refusal is None and policy.can_verify:
        return Decision("verify", "nobody is at work any more, and the outputs are complete", memory)
    if facts.refusal:
        return _mend(policy, now, f"not accepted: {facts.refusal}")
    return _end(now, outcome.OK, "the outputs are complete")


def _noted(memory: Memory, facts: Facts) -> Memory:
    """Return what is known now. The first wake shows neither progress nor the lack of it."""
    moved = bool(progress(memory, facts))
    held = moved or bool(facts.asking) or not facts.working or not memory.wakes
    return replace(
        memory,
        wakes=memory.wakes + 1,
        stalls=0 if held else memory.stalls + 1,
        streak=memory.streak + 1 if moved else 0,
        begun=memory.begun or bool(facts.working),
        looked=memory.looked and not held,
        marks=dict(facts.marks),
    )


def _running(policy: Policy, now: Memory, facts: Facts) -> Decision:
    if facts.asking:
        return _wait(policy, now, f"a person is asked: {facts.asking[0]}{besides(len(facts.asking))}")
    if now.stalls < policy.stuck_after:
        return _wait(policy, now, "at work, without progress" if now.stalls else "at work")
    why = f"no progress for {now.stalls} wakes"
    if not now.looked:
        return Decision("look", why, replace(now, looked=True), policy.low)
    if policy.can_restart and not now.restarted:
        again = replace(now, restarted=True, looked=False, stalls=0)
        return Decision("restart", why, again, policy.low)
    told = "; restarted once already" if now.restarted else ""
    return _end(now, outcome.FAILED, f"stuck: {why}{told}; a person is needed")


def _mend(policy: Policy, now: Memory, why: str) -> Decision:
    """Clean up once; afterwards only see whether more comes."""
    if not now.cleaned and policy.can_clean:
        return Decision("clean", why, replace(now, cleaned=True), policy.low)
    if now.cleaned and now.streak:
        return _wait(policy, now, f"{why}; cleaned up, and more is coming")
    told = "; cleaned up once already" if now.cleaned else ""
    return _end(now, outcome.BELOW_THRESHOLD, f"{why}{told}")


def _wait(policy: Policy, now: Memory, why: str) -> Decision:
    return Decision("wait", why, now, interval(policy, now.streak))


def interval(policy: Policy, streak: int) -> float:
    """Return the seconds to the next wake, after ``streak`` wakes in a row with progress."""
    return policy.low + (policy.high - policy.low) * min(streak, STEPS) / STEPS


def is_prompted(policy: Policy, decision: Decision) -> bool:
    """Tell whether the prompt is sent at this wake."""
    if policy.prompt_at == "wake":
        return decision.what != "verify"
    return policy.prompt_at == "stuck" and decision.what == "look"


def _end(now: Memory, code: int, why: str) -> Decision:
    return Decision("end", why, replace(now, ended=code, why=why))
