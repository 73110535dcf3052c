"""What is decided at each wake: every line of the table, and that a watch comes to an end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import wake
from orchestrator.core.wake import Decision, Facts, Memory, Policy, decide, interval, is_prompted, progress

POLICY = Policy(300.0, 600.0, stuck_after=2, can_verify=True, can_clean=True, can_restart=True)
BARE = Policy(300.0, 300.0, stuck_after=2)
AT_WORK = Facts(("unit_a",), ("a.md",), {"outputs": "0"})
PARTIAL = replace(AT_WORK, working=())
COMPLETE = replace(PARTIAL, missing=())
BEGUN = Memory(wakes=3, begun=True, marks={"outputs": "0"})


def changed(facts: Facts, number: int = 1) -> Facts:
    """Return the facts with outputs that are different."""
    return replace(facts, marks={"outputs": str(number)})


def follow(policy: Policy, memory: Memory, *seen: Facts) -> list[str]:
    """Return what is decided at each of these wakes."""
    said: list[str] = []
    for facts in seen:
        decision = decide(policy, memory, facts)
        memory = decision.memory
        said.append(decision.what)
    return said


def test_all_gone_and_complete_is_verified_first() -> None:
    """The check comes before the end and changes no memory; what it says decides."""
    asked = decide(POLICY, BEGUN, COMPLETE)
    assert (asked.what, asked.memory, asked.wait) == ("verify", BEGUN, None)
    done = decide(POLICY, BEGUN, replace(COMPLETE, refusal=""))
    assert (done.what, done.memory.ended, done.why, done.wait) == ("end", 0, "the outputs are complete", None)
    refused = decide(POLICY, BEGUN, replace(COMPLETE, refusal="status 1: a.md lacks a title"))
    assert (refused.what, refused.why) == ("clean", "not accepted: status 1: a.md lacks a title")
    again = decide(POLICY, refused.memory, replace(COMPLETE, refusal="no"))
    assert (again.what, again.memory.ended) == ("end", 2)


def test_complete_without_a_check() -> None:
    """Where nobody can say more, there is what was expected."""
    assert decide(BARE, BEGUN, COMPLETE).memory.ended == 0
    assert decide(BARE, Memory(), COMPLETE).memory.ended == 0


def test_all_gone_and_partial_is_cleaned_up_once() -> None:
    """One clean-up, kept before it is done; while more comes after it wait; still partial: the end says what."""
    two = replace(PARTIAL, missing=("a.md", "b.md"))
    first = decide(POLICY, BEGUN, two)
    assert (first.what, first.why, first.wait) == ("clean", "missing: a.md (and 1 more)", 300.0)
    assert first.memory.cleaned
    second = decide(POLICY, first.memory, changed(PARTIAL))
    assert (second.what, second.why) == ("wait", "missing: a.md; cleaned up, and more is coming")
    third = decide(POLICY, second.memory, changed(PARTIAL))
    assert (third.what, third.memory.ended) == ("end", 2)
    assert third.why == "missing: a.md; cleaned up once already"


def test_partial_without_a_clean_up() -> None:
    """Nobody can help: it ends and says what is missing, also while outputs change."""
    over = decide(BARE, BEGUN, changed(PARTIAL))
    assert (over.what, over.memory.ended, over.why) == ("end", 2, "missing: a.md")


def test_nobody_has_begun() -> None:
    """The first wake does not clean up after workers that may not have begun; the second does."""
    assert follow(POLICY, Memory(), PARTIAL, PARTIAL) == ["wait", "clean"]
    assert follow(POLICY, Memory(), AT_WORK, PARTIAL) == ["wait", "clean"]


def test_the_interval_grows_with_progress_and_falls_without() -> None:
    """From the low end to the high end in STEPS wakes; back at once when nothing changes."""
    waits, memory = [], Memory()
    for number in (0, 1, 2, 3, 3, 4):
        decision = decide(POLICY, memory, changed(AT_WORK, number))
        waits.append(decision.wait)
        memory = decision.memory
    assert waits == [300.0, 450.0, 600.0, 600.0, 300.0, 450.0]
    assert interval(Policy(60.0, 60.0), 9) == 60.0
    assert wake.INTERVALS == {"simple": (180, 300), "complex": (300, 600), "long": (600, 900)}


def test_stuck_is_looked_at_then_restarted_once_then_given_up() -> None:
    """The first wake shows no lack of progress; each step takes a wake; the second time there is no restart."""
    said = follow(POLICY, Memory(), *[AT_WORK] * 7)
    assert said == ["wait", "wait", "look", "restart", "wait", "look", "end"]
    memory = Memory()
    for _ in range(7):
        memory = decide(POLICY, memory, AT_WORK).memory
    assert memory.ended == 1
    assert memory.why == "stuck: no progress for 3 wakes; restarted once already; a person is needed"


def test_stuck_without_a_restart() -> None:
    """A look, and at the next wake a person is told."""
    assert follow(BARE, Memory(), *[AT_WORK] * 4) == ["wait", "wait", "look", "end"]


def test_progress_after_a_look() -> None:
    """What moves again is not restarted, and when it is stuck once more it is looked at first."""
    said = follow(POLICY, Memory(), AT_WORK, AT_WORK, AT_WORK, changed(AT_WORK), *[changed(AT_WORK)] * 3)
    assert said == ["wait", "wait", "look", "wait", "wait", "look", "restart"]


def test_who_asks_a_person_is_not_stuck() -> None:
    """A question is shown, and waits as long as it takes."""
    asking = replace(AT_WORK, asking=("agent-1: which one?", "agent-2: why?"))
    assert follow(POLICY, Memory(), *[asking] * 9) == ["wait"] * 9
    assert decide(POLICY, BEGUN, asking).why == "a person is asked: agent-1: which one? (and 1 more)"


def test_what_is_said_of_work() -> None:
    """With progress, and without any yet."""
    assert decide(POLICY, BEGUN, changed(AT_WORK)).why == "at work"
    assert decide(POLICY, BEGUN, AT_WORK).why == "at work, without progress"


def test_an_ended_watch_stays_ended() -> None:
    """Whoever asks again gets the same answer."""
    over = decide(POLICY, BEGUN, replace(COMPLETE, refusal="")).memory
    assert decide(POLICY, over, AT_WORK) == Decision("end", "the outputs are complete", over)


def test_progress_is_what_changed() -> None:
    """A kind that is new or gone counts too; the first wake compares with nothing."""
    facts = Facts((), (), {"claims": "1", "outputs": "2"})
    before = Memory(wakes=1, marks={"claims": "1", "outputs": "1", "logs": "x"})
    assert progress(before, facts) == ("logs", "outputs")
    assert progress(Memory(), facts) == ()


@pytest.mark.parametrize(
    ("at", "prompted"),
    [(None, []), ("stuck", ["look"]), ("wake", ["wait", "clean", "look", "restart", "end"])],
)
def test_when_the_prompt_is_sent(at: wake.At | None, prompted: list[str]) -> None:
    """At every wake, the last one included, or only when work is stuck."""
    policy = replace(POLICY, prompt_at=at)
    kinds: tuple[wake.What, ...] = ("wait", "verify", "clean", "look", "restart", "end")
    assert [each for each in kinds if is_prompted(policy, Decision(each, "", Memory()))] == prompted


SEEN = st.builds(
    Facts,
    working=st.sampled_from([(), ("t",)]),
    missing=st.sampled_from([(), ("a",)]),
    marks=st.fixed_dictionaries({"outputs": st.sampled_from("01")}),
    asking=st.sampled_from([(), (), ("q",)]),
    refusal=st.sampled_from([None, "", "no"]),
)
POLICIES = st.builds(
    Policy,
    low=st.just(1.0),
    high=st.just(2.0),
    stuck_after=st.integers(1, 4),
    can_verify=st.booleans(),
    can_clean=st.booleans(),
    can_restart=st.booleans(),
)


@given(POLICIES, st.lists(SEEN, max_size=40))
def test_whatever_is_seen(policy: Policy, seen: list[Facts]) -> None:
    """One clean-up, one restart, nothing after the end, and a time for the next wake where there is one."""
    memory, done = Memory(), []
    for facts in seen:
        decision = decide(policy, memory, facts)
        memory = decision.memory
        done.append(decision.what)
        assert (decision.wait is None) == (decision.what in ("end", "verify"))
        assert decision.wait is None or 1.0 <= decision.wait <= 2.0
        assert (memory.ended is not None) == (decision.what == "end")
    assert done.count("clean") <= policy.can_clean
    assert done.count("restart") <= policy.can_restart
    assert set(done[done.index("end") :]) == {"end"} if "end" in done else True


@given(POLICIES, SEEN)
def test_what_does_not_move_ends(policy: Policy, facts: Facts) -> None:
    """Where nothing changes any more, the watch is over soon, unless a person is asked."""
    answered = replace(facts, refusal=facts.refusal or "", asking=())
    memory = Memory()
    for _ in range(2 * policy.stuck_after + 6):
        memory = decide(policy, memory, answered).memory
    assert memory.ended is not None
