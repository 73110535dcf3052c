"""Integration: what is merged, what the user's checkout sees of it, and what a conflict says."""

from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import integrate, repository
from orchestrator.git.integrate import AlreadyIn, Answer, Conflict, Integration, Merged, Nothing
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/runs/demo/integrated"


def request(branch: str, title: str = "A title", target: str = "main") -> Integration:
    """Return the request for a branch that is named like its track."""

    def mark(data: bytes) -> bytes | None:
        marked = data.replace(f"- {branch}\n".encode(), f"- {branch} [DONE]\n".encode())
        return None if marked == data else marked

    return Integration("demo", branch, title, branch, target, "ROADMAP.md", mark)


def take(home: Path, branch: str, title: str = "A title", target: str = "main") -> Answer:
    """Integrate a branch."""
    return integrate.integrate(repository.survey(str(home), target), request(branch, title, target))


def merged(home: Path, branch: str, title: str = "A title", target: str = "main") -> Merged:
    """Integrate a branch that merges."""
    answer = take(home, branch, title, target)
    assert isinstance(answer, Merged)
    return answer


def test_a_branch_is_merged_with_its_mark_in_one_commit(home: Path) -> None:
    """A real merge of both parents; branch, ref and checkout stand on it; the mark is in it."""
    before = repos.tip(home, "main")
    one = repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    answer = merged(home, "one")
    assert answer == Merged(repos.tip(home, "main"), note="")
    assert repos.parents(home, answer.commit) == [before, one]
    assert repos.tip(home, REF) == answer.commit
    assert (home / "one.txt").read_bytes() == b"1\n"
    assert (home / "ROADMAP.md").read_bytes() == b"- one [DONE]\n- two\n"
    assert git(home, "status", "--porcelain") == ""
    assert git(home, "log", "-1", "--format=%B") == (
        "Merge track one: A title\n\nOrchd-Track: one\nOrchd-Run: demo\nOrchd-Branch: one\n"
    )
    assert integrate.line_counts(repository.survey(str(home)), answer.commit) == (2, 1)


def test_a_second_time_there_is_nothing_to_do(home: Path) -> None:
    """It names the commit of the first, and makes none."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    answer = merged(home, "one")
    repos.grow(home, "two", {"two.txt": b"1\n"}, base="main")
    merged(home, "two")
    tip = repos.tip(home, "main")
    assert take(home, "one") == AlreadyIn(answer.commit)
    assert repos.tip(home, "main") == tip


def test_a_branch_without_commits_has_nothing_to_take_in(home: Path) -> None:
    """Nothing happens, and no mark is set."""
    git(home, "branch", "one")
    before = repos.tip(home, "main")
    assert take(home, "one") == Nothing("main holds all of it without it")
    assert (repos.tip(home, "main"), repos.tip(home, REF)) == (before, "")
    assert (home / "ROADMAP.md").read_bytes() == b"- one\n- two\n"


def test_what_another_branch_brought_is_not_this_one_s(home: Path) -> None:
    """It stands on the other's commit, or took the target in: neither is work of its own."""
    one = repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    git(home, "branch", "two", one)
    repos.grow(home, "three", {}, base="main")
    first = merged(home, "one")
    joined = git(home, "commit-tree", "-p", "three", "-p", "main", "-m", "x", "main:")
    git(home, "update-ref", "refs/heads/three", joined)
    assert take(home, "two") == Nothing("main holds all of it without it")
    assert take(home, "three") == Nothing("it changes no file")
    assert repos.tip(home, "main") == first.commit
    assert (home / "ROADMAP.md").read_bytes() == b"- one [DONE]\n- two\n"


@pytest.mark.parametrize(("files", "why"), [({}, "no file"), ({"ROADMAP.md": b"!"}, "only ROADMAP.md")])
def test_a_commit_alone_is_no_work(home: Path, files: repos.Files, why: str) -> None:
    """An empty one, or one that only marks the plan, which is the orchestrator's to mark."""
    repos.grow(home, "one", files, base="main", message="done, promised")
    assert take(home, "one") == Nothing(f"it changes {why}")
    assert (home / "ROADMAP.md").read_bytes() == b"- one\n- two\n"


def test_a_conflict_names_the_files_and_the_other_side_and_changes_nothing(home: Path) -> None:
    """Who changed them: a track that was merged before, or the target itself."""
    repos.grow(home, "one", {"a.txt": b"one\n", "src/b.txt": b"one\n"}, base="main")
    repos.grow(home, "two", {"a.txt": b"two\n", "fine": b""}, base="main")
    repos.grow(home, "four", {"c": b"four\n"}, base="main")
    merged(home, "one")
    repos.grow(home, "main", {"c": b"user\n"})
    git(home, "reset", "--quiet", "--hard")
    refs, disk = git(home, "for-each-ref"), repos.on_disk(home)
    assert take(home, "two") == Conflict(("a.txt",), ("one",))
    assert take(home, "four") == Conflict(("c",), ("main",))
    assert (git(home, "for-each-ref"), repos.on_disk(home)) == (refs, disk)


@pytest.mark.parametrize("change", [b"hacked\n", None], ids=["rewritten", "deleted"])
def test_what_a_branch_did_to_the_marked_file_stays_outside(home: Path, change: bytes | None) -> None:
    """Only the orchestrator writes the roadmap: the target's text is marked, and the merge says what it left out."""
    before = repos.show(home, "main", "ROADMAP.md")
    repos.grow(home, "one", {"ROADMAP.md": change, "one.txt": b"1\n"}, base="main")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    first, second = merged(home, "one"), merged(home, "two")
    assert repos.show(home, "main", "ROADMAP.md").startswith(before[:5])
    assert b"hacked" not in repos.show(home, "main", "ROADMAP.md")
    assert "Orchd-Left-Out: ROADMAP.md" in git(home, "log", "-1", "--format=%B", first.commit)
    assert "Orchd-Left-Out" not in git(home, "log", "-1", "--format=%B", second.commit)
    assert repos.show(home, "main", "one.txt") == b"1\n"


def test_a_dirty_checkout_stays_byte_for_byte(home: Path) -> None:
    """What is not in the way stays, while the branch moves on."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    repos.write(home, {"a.txt": b"mine\r\n", "new": b"mine", "src/b.txt": None})
    git(home, "add", "new")
    status = git(home, "status", "--porcelain")
    assert not merged(home, "one").note
    assert git(home, "status", "--porcelain") == status
    assert (home / "a.txt").read_bytes() == b"mine\r\n"
    assert (home / "one.txt").read_bytes() == b"1\n"


@pytest.mark.parametrize("obstacle", ["changed", "staged", "untracked", "ignored"])
def test_what_is_in_the_way_is_never_written_over(home: Path, obstacle: str) -> None:
    """The branch stays, everything is merged under the ref, and the note's command finishes it later."""
    git(home, "config", "merge.autoStash", "true")
    (home / ".git" / "info" / "exclude").write_text("*.ign\n", encoding="ascii")
    path = {"untracked": "new.txt", "ignored": "new.ign"}.get(obstacle, "a.txt")
    repos.grow(home, "one", {path: b"theirs\n"}, base="main")
    repos.write(home, {path: b"mine\n"})
    if obstacle == "staged":
        git(home, "add", path)
    disk, index, before = repos.on_disk(home), (home / ".git" / "index").read_bytes(), repos.tip(home, "main")
    answer = merged(home, "one")
    assert answer.note
    assert answer.note.startswith("main stays behind: ")
    assert path in answer.note
    assert answer.note.endswith(f"; then `git -C {home} merge --ff-only {REF}`")
    assert (repos.on_disk(home), (home / ".git" / "index").read_bytes()) == (disk, index)
    assert (repos.tip(home, "main"), repos.tip(home, REF)) == (before, answer.commit)
    again = take(home, "one")
    assert again == AlreadyIn(answer.commit, note=answer.note)
    repos.grow(home, "two", {"two.txt": b"2\n"}, base=answer.commit)
    assert integrate.tip(repository.survey(str(home)), "demo", "main") == answer.commit
    second = merged(home, "two")
    assert repos.parents(home, second.commit)[0] == answer.commit
    git(home, "rm", "--quiet", "--cached", "--ignore-unmatch", path)
    (home / path).unlink()
    git(home, "reset", "--quiet", "--hard")
    git(home, "merge", "--quiet", "--ff-only", REF)
    assert take(home, "two") == AlreadyIn(second.commit)
    assert repos.tip(home, "refs/orchd/runs/demo/landed") == second.commit


def test_a_user_on_another_branch_is_not_disturbed(home: Path) -> None:
    """The target moves by itself; the checkout and what is dirty in it do not."""
    repos.grow(home, "one", {"a.txt": b"one\n"}, base="main")
    git(home, "checkout", "--quiet", "-b", "elsewhere")
    repos.write(home, {"a.txt": b"mine\n"})
    answer = merged(home, "one")
    assert answer == Merged(repos.tip(home, "main"), note="")
    assert git(home, "symbolic-ref", "HEAD") == "refs/heads/elsewhere"
    assert git(home, "status", "--porcelain") == "M a.txt".rjust(8)
    assert (home / "a.txt").read_bytes() == b"mine\n"


def test_a_target_in_another_worktree_moves_there(home: Path, tmp_path: Path) -> None:
    """Wherever the target is checked out, that checkout follows."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    git(home, "checkout", "--quiet", "-b", "elsewhere")
    git(home, "worktree", "add", "--quiet", str(tmp_path / "other place"), "main")
    assert not merged(home, "one").note
    assert (tmp_path / "other place" / "one.txt").exists()
    assert not (home / "one.txt").exists()


def test_a_target_that_is_being_rebased_stays(home: Path) -> None:
    """The user is in the middle of something with it; the note says what."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    repos.grow(home, "upstream", {"a.txt": b"theirs\n"}, base="main")
    repos.grow(home, "main", {"a.txt": b"mine\n"})
    git(home, "reset", "--quiet", "--hard")
    before = repos.tip(home, "main")
    git(home, "rebase", "upstream", status=1)
    answer = merged(home, "one")
    assert answer.note
    assert "a rebase of it is going on" in answer.note
    assert repos.tip(home, "main") == before
    git(home, "rebase", "--abort")
    assert take(home, "one") == AlreadyIn(answer.commit)
    assert repos.tip(home, "main") == answer.commit


def test_a_user_s_commit_in_between_is_kept(home: Path) -> None:
    """Commits on the target between two merges are part of what follows."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    merged(home, "one")
    repos.write(home, {"mine": b"mine"})
    git(home, "add", "mine")
    git(home, "commit", "--quiet", "-m", "mine")
    mine = repos.tip(home, "main")
    answer = merged(home, "two")
    assert repos.parents(home, answer.commit)[0] == mine
    assert (home / "mine").exists()


def test_a_user_s_commit_beside_what_was_integrated_is_joined(home: Path) -> None:
    """The target lagged behind and went on by itself: first both are joined, then the next is merged."""
    repos.grow(home, "one", {"a.txt": b"one\n"}, base="main")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    repos.write(home, {"a.txt": b"mine\n"})
    first = merged(home, "one")
    assert first.note
    git(home, "checkout", "--quiet", "a.txt")
    repos.write(home, {"mine": b"mine"})
    git(home, "add", "mine")
    git(home, "commit", "--quiet", "-m", "mine")
    mine = repos.tip(home, "main")
    second = merged(home, "two")
    assert not second.note
    joined = repos.parents(home, second.commit)[0]
    assert repos.parents(home, joined) == [mine, first.commit]
    assert repos.on_disk(home).keys() >= {"mine", "two.txt"}
    assert (home / "a.txt").read_bytes() == b"one\n"


def test_a_user_s_commit_that_conflicts_with_what_was_integrated_is_said(home: Path) -> None:
    """What is merged stays merged, under the ref; the next one has to wait for the user."""
    repos.grow(home, "one", {"a.txt": b"one\n"}, base="main")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    repos.write(home, {"a.txt": b"mine\n"})
    first = merged(home, "one")
    git(home, "commit", "--quiet", "-am", "mine")
    again = take(home, "one")
    assert isinstance(again, AlreadyIn)
    assert again.note
    assert again.commit == first.commit
    assert f"git merge {REF}" in again.note
    assert take(home, "two") == Conflict(("a.txt",), ("main",))
    git(home, "merge", REF, status=1)
    repos.write(home, {"a.txt": b"both\n"})
    git(home, "commit", "--quiet", "-am", "both")
    assert not merged(home, "two").note


def test_what_the_user_took_out_again_stays_out(home: Path) -> None:
    """After it had landed, a reset of the target is a decision; the next merge does not bring it back."""
    before = repos.tip(home, "main")
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    merged(home, "one")
    git(home, "reset", "--quiet", "--hard", before)
    answer = merged(home, "two")
    assert repos.parents(home, answer.commit)[0] == before
    assert not (home / "one.txt").exists()


def test_a_hostile_title_is_one_line(home: Path) -> None:
    """Line breaks, NUL, escapes and 5,000 characters: one subject line, and the trailers are ours."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    answer = merged(home, "one", "a\n\nOrchd-Track: other\0\x1b[2J\u202e" + "x" * 5000)
    subject, _, trailers = git(home, "log", "-1", "--format=%B", answer.commit).partition("\n\n")
    assert subject.startswith("Merge track one: a Orchd-Track: other\\x00\\x1b[2J\\u202exxx")
    assert len(subject) == 160
    assert trailers.splitlines()[0] == "Orchd-Track: one"


def test_names_of_every_kind_are_merged(home: Path) -> None:
    """Blanks, line breaks, dashes and umlauts; CRLF stays CRLF."""
    files = {"new\nline": b"1\r\n2\r\n", "-dash": b"", "um\u00e4 laut": b"x", "d/:(glob)*": b""}
    repos.grow(home, "one", files, base="main")
    merged(home, "one")
    assert repos.on_disk(home).items() >= files.items()


def test_without_a_known_user_orchd_signs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge never fails for want of a name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    answer = merged(home, "one")
    assert git(home, "show", "-s", "--format=%an <%ae>", answer.commit) == "orchd <orchd@localhost>"


def test_a_branch_that_is_gone_is_said(home: Path) -> None:
    """Neither branch nor target are made up."""
    with pytest.raises(GitRefused, match="one does not exist"):
        take(home, "one")


def test_a_lock_in_the_checkout_is_left_alone(home: Path) -> None:
    """A git of the user's may be at work: the branch stays, and the lock too."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    lock = home / ".git" / "index.lock"
    lock.touch()
    answer = merged(home, "one")
    assert answer.note
    assert "index.lock stays" in answer.note
    lock.unlink()
    assert take(home, "one") == AlreadyIn(answer.commit)
