"""Histories made up by chance: whatever agents and persons do, no byte that orchd took over is lost.

`scripts/test tests/daemon/test_histories.py --hypothesis-profile=long` tries many more, other ones each time.
"""

import shutil
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from orchestrator.core.actions import Unmerged
from orchestrator.core.run import GitOptions
from tests.daemon import hands, histories
from tests.daemon.hands import Deed
from tests.daemon.histories import COUNT, Course, State, World

SHARE: Final = 16
"""One of so many examples of the profile: a history takes a second."""
STEPS: Final = 25

tracks = st.integers(0, COUNT - 1)
often = st.sampled_from((True, True, True, False))
deed = st.tuples(st.sampled_from(hands.FILES), st.sampled_from(hands.NAMES), st.sampled_from(hands.TEXTS))
deeds = st.lists(deed, min_size=1, max_size=4)
gits = st.sampled_from(("", "", "", "", "", "commits all", "merges main", "merges main", *sorted(hands.GITS)))


class Histories(RuleBasedStateMachine):
    """Three agents in their worktrees, a person in the checkout, and orchd."""

    def __init__(self, model: Path, folder: Path) -> None:
        super().__init__()
        self.model, self.folder = model, folder

    @initialize(
        strategy=st.sampled_from(("merge", "squash", "rebase")),
        keep_ignored=st.booleans(),
        resolve=st.booleans(),
        cleans=st.sampled_from((False, False, True)),
    )
    def begin(
        self, strategy: Literal["merge", "squash", "rebase"], *, keep_ignored: bool, resolve: bool, cleans: bool
    ) -> None:
        """Accept a run."""
        self.cleans = cleans
        options = GitOptions(strategy=strategy, keep_ignored=keep_ignored, resolve=resolve)
        self.world = World(self.model, self.folder, options)
        for course in self.world.courses[1:]:
            self._start(course)

    def _course(self, number: int, *states: State) -> Course:
        """Return a track that is in one of some states: the one of that number, or the next such."""
        order = [*self.world.courses[number:], *self.world.courses[:number]]
        return next(each for each in order if each.state in states)

    def _any(self, *states: State) -> bool:
        return any(each.state in states for each in self.world.courses)

    @precondition(lambda self: self._any("idle", "died"))
    @rule(number=tracks)
    def starts(self, number: int) -> None:
        """An attempt begins: the first, or one after another that came to nothing."""
        self._start(self._course(number, "idle", "died"))

    def _start(self, course: Course) -> None:
        self.world.watched(lambda: self.world.start(course))

    @precondition(lambda self: self._any("working"))
    @rule(number=tracks, done=deeds, what=gits)
    def works(self, number: int, done: list[tuple[Deed, str, bytes]], what: str) -> None:
        """An agent changes files, and does something with git."""
        self._work(self._course(number, "working"), done, what)

    def _work(self, course: Course, done: list[tuple[Deed, str, bytes]], what: str) -> None:
        for do, name, data in done:
            if course.place.is_dir():
                do(course.place, name, self.world.unique(data))
        if what and course.place.is_dir():
            hands.GITS[what](course.place)

    @precondition(lambda self: self._any("working"))
    @rule(number=tracks, done=deeds, well=often, at_once=often)
    def ends(self, number: int, done: list[tuple[Deed, str, bytes]], *, well: bool, at_once: bool) -> None:
        """An agent ends, and what it did is committed and taken in; or it dies, and nothing is."""
        course = self._course(number, "working")
        self._work(course, done, "")
        self._end(course, well=well, at_once=at_once)

    def _end(self, course: Course, *, well: bool = True, at_once: bool) -> None:
        self.world.take_over(course)
        course.state = "died"
        if well:
            self.world.watched(lambda: self.world.commit(course))
        if at_once and course.is_("passed"):
            self.world.watched(lambda: self.world.merge(course))
        if at_once and course.is_("taken"):
            self.world.watched(lambda: self.world.wind_up(course))

    @precondition(lambda self: self._any("passed", "taken"))
    @rule(number=tracks)
    def merges(self, number: int) -> None:
        """A track that passed is taken in; or that was begun, and forgotten by a crash."""
        course = self._course(number, "passed", "taken")
        self.world.watched(lambda: self.world.merge(course))

    @precondition(lambda self: self._any("taken"))
    @rule(number=tracks)
    def winds_up(self, number: int) -> None:
        """What is left to do about a track that was taken in is done."""
        course = self._course(number, "taken")
        self.world.watched(lambda: self.world.wind_up(course))

    @precondition(lambda self: self._any("died", "passed", "taken"))
    @rule(number=tracks, how=st.sampled_from(("failed", "cancelled", "quarantined")))
    def gives_up(self, number: int, how: Unmerged) -> None:
        """A track ends unmerged."""
        course = self._course(number, "died", "passed", "taken")
        self.world.watched(lambda: self.world.end(course, how))

    @precondition(lambda self: self._any("died", "passed", "taken"))
    @rule(number=tracks, what=st.sampled_from(("folder", "git's side of it", ".git")))
    def is_disturbed(self, number: int, what: str) -> None:
        """A person deletes a worktree, or what git knows of it."""
        course = self._course(number, "died", "passed", "taken")
        self.world.disturb(course, what)

    @precondition(lambda self: self._any("over"))
    @rule(number=tracks, name=st.sampled_from(hands.NAMES))
    def is_late(self, number: int, name: str) -> None:
        """Something is written where nobody is at work any more."""
        course = self._course(number, "over")
        self.world.write_late(course, f"late {name}".replace("/", " "), self.world.unique(b"late"))

    @precondition(lambda self: not self._any("idle", "working", "died", "passed", "taken"))
    @rule()
    def runs_again(self) -> None:
        """What was not merged is tried again in another run."""
        if self.world.record.run == histories.RUNS[0]:
            self.world.run_again()

    @rule(do=st.sampled_from(hands.FILES[:10]), name=st.sampled_from(hands.NAMES), data=st.sampled_from(hands.TEXTS))
    def the_person_works(self, do: Deed, name: str, data: bytes) -> None:
        """The person changes something in the checkout."""
        do(self.world.home, name, self.world.unique(data))

    @rule(what=st.sampled_from(("commits all", "commits what is staged", "stands elsewhere", "detaches", "prunes")))
    def the_person_uses_git(self, what: str) -> None:
        """The person commits, or goes elsewhere."""
        hands.GITS[what](self.world.home)

    def teardown(self) -> None:
        """Every track ends, what may go is removed, and all is there all the same."""
        if not hasattr(self, "world"):
            return
        for course in self.world.courses:
            if course.state == "working":
                self._work(course, [(hands.change, hands.HOT, self.world.unique(b"last"))], "")
                self._end(course, at_once=True)
            if course.state != "over":
                self.world.watched(partial(self.world.end, course, "cancelled"))
        if self.cleans:
            self.world.watched(self.world.clean)
        self.world.check_kept()
        shutil.rmtree(self.folder)


def test_no_byte_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends how: git finds nothing wrong, the person's checkout is as it was or ahead, all work is kept."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ann\n\temail = ann@example.org\n", encoding="ascii")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    model = histories.template(tmp_path / "model")
    numbers = count()

    class Here(Histories):
        """In a folder of its own each time."""

        def __init__(self) -> None:
            super().__init__(model, tmp_path / f"history-{next(numbers)}")

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=settings().max_examples // SHARE,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),  # making a history shorter takes hundreds of others
        ),
    )
