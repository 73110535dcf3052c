"""The main job, end to end: a real repository, real workers, a scripted agent."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.orchd import Ended
from tests.projects import Site, git, names, roadmap, script, waits_for, writes

ONE, TWO, THREE = names(3)


def outcomes(said: Ended) -> Mapping[str, str]:
    """Return how each track ended, from the document of a run."""
    return {each["track"]: each["outcome"] for each in said.document["tracks"]}


def test_everything_is_merged_and_pushed_once(tmp_path: Path) -> None:
    """Each track is one commit on main, marked done; worktrees, branches and locks are gone; one push."""
    scripts = {track: script(writes(f"{track}.txt"), 'print = "worked"') for track in names(3)}
    site = Site(tmp_path, roadmap("One", "Two", "Three"), scripts)
    said = site("run", "ROADMAP.md")
    assert (said.status, said.err) == (0, "")
    assert sorted(site.subjects()) == [
        "Implement One - Group A, Track 1",
        "Implement Three - Group A, Track 3",
        "Implement Two - Group A, Track 2",
        "start",
    ]
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 4
    assert site.git("status", "--porcelain") == ""
    assert (site.root / f"{ONE}.txt").read_text() == "made\n"
    assert site.git("rev-parse", "main") == git(site.remote, "rev-parse", "main")
    assert site.pushes() == 1
    assert site.git("branch", "--format=%(refname:short)") == "main"
    assert list((site.root / "worktrees").iterdir()) == []
    assert site.locks() == []
    assert "### Successful Tasks" in site.run_file("summary.md").read_text()
    assert said.out.rstrip().endswith("summary.md")
    assert "main was pushed to origin, once" in said.out
    assert site("run", "ROADMAP.md").out == "NO WORK AVAILABLE\n"
    assert site("run", "ROADMAP.md", "--json").document["run"] is None


def test_a_track_that_fails_stops_no_other(tmp_path: Path) -> None:
    """The others are merged; the report names it with its reason; its work is kept; the exit code says how many."""
    scripts = {track: script(writes(f"{track}.txt")) for track in names(5)}
    scripts[TWO] = script(writes("half.txt"), "fail = 3")
    site = Site(tmp_path, roadmap("One", "Two", "Three", "Four", "Five"), scripts)
    said = site("run", "ROADMAP.md", "--json")
    assert said.status == 1
    assert said.document["exit"] == 1
    assert outcomes(said) == {track: "failed" if track == TWO else "merged" for track in names(5)}
    failed = next(each for each in said.document["tracks"] if each["track"] == TWO)
    assert "status 3" in failed["error"]
    assert failed["error"].split(":")[0] == "UNKNOWN"
    summary = site.run_file("summary.md").read_text()
    assert TWO in summary.partition("### Failed Tasks")[2]
    assert git(site.root, "show", f"refs/orchd/backup/roadmap/{TWO}/1:half.txt") == "made"
    assert (site.root / "worktrees" / "agent-2" / "half.txt").exists()
    assert "half.txt" not in site.git("ls-tree", "--name-only", "main")
    assert site.pushes() == 1


def test_what_depends_on_a_failure_is_not_started(tmp_path: Path) -> None:
    """It is in the report with the reason; below the threshold the exit code is 2."""
    text = roadmap("One", "Two (after Track 1)").replace("(after Track 1)**", "** (after Track 1)")
    site = Site(tmp_path, text, {ONE: script("fail = 1"), TWO: script(writes("two.txt"))})
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said)) == (2, {ONE: "failed", TWO: "failed"})
    assert f"it depends on {ONE}" in said.document["tracks"][1]["error"]
    assert site.log(TWO) == ""
    assert (said.document["publication"], site.pushes()) == ("none", 0)


def test_nothing_built_is_no_success(tmp_path: Path) -> None:
    """An agent that ends well and leaves nothing has failed."""
    site = Site(tmp_path, roadmap("One"), {ONE: script('print = "all done!"')})
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said)) == (2, {ONE: "failed"})
    assert site.subjects() == ["start"]


def test_the_work_of_another_is_no_success(tmp_path: Path) -> None:
    """An agent that only takes in what was merged before has failed, and so has one that only commits."""
    taken = 'run = ["git", "merge", "--quiet", "main"]'
    scripts = {
        ONE: script(writes("one.txt")),
        TWO: script('run = ["sh", "-c", "until git cat-file -e main:one.txt 2>&-; do sleep 0.02; done"]', taken),
        THREE: script('run = ["git", "commit", "--quiet", "--allow-empty", "-m", "done, promised"]'),
    }
    site = Site(tmp_path, roadmap("One", "Two", "Three"), scripts)
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said)) == (2, {ONE: "merged", TWO: "failed", THREE: "failed"})
    errors = [each["error"] for each in said.document["tracks"][1:]]
    assert all("nothing of its own" in each for each in errors), errors
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 1


def test_a_file_of_an_agent_is_no_report(tmp_path: Path) -> None:
    """Whatever it calls a file beside its status: the run goes on to its own end, with its own report."""
    beside = "cd $(dirname $STATUS_FILE) && tee metrics.json summary.md agent-2.metrics.json < /dev/null"
    scripts = {
        ONE: script(writes("one.txt"), f'run = ["sh", "-c", "{beside}"]'),
        TWO: script(writes("two.txt"), "sleep = 1"),
    }
    site = Site(tmp_path, roadmap("One", "Two"), scripts)
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said)) == (0, {ONE: "merged", TWO: "merged"})
    assert json.loads(site.run_file("metrics.json").read_text())["successful_agents"] == 2
    assert site.run_file("summary.md").read_text().startswith("## Parallel Orchestration Results")


def test_the_commit_is_made_by_us_alone(tmp_path: Path) -> None:
    """Where Python and the shell are told to look into the current folder, the agent's code is not taken for ours."""
    made = (writes("sitecustomize.py", "print('forged')\\n"), writes("git", "#!/bin/sh\\necho forged\\n"))
    site = Site(tmp_path, roadmap("One"), {ONE: script(*made, 'run = ["chmod", "+x", "git"]')})
    site.write(".git/hooks/pre-commit", "#!/bin/sh\necho looks in $PYTHONPATH\n").chmod(0o755)
    site.env |= {"PYTHONPATH": f":{site.env['PYTHONPATH']}", "PATH": f".:{os.environ['PATH']}"}
    said = site("run", "ROADMAP.md", "--json")
    assert outcomes(said) == {ONE: "merged"}
    assert "sitecustomize.py" in site.git("ls-tree", "--name-only", "main").splitlines()
    _, _, committing = site.log(ONE).partition("phase commit: ")
    assert "forged" not in committing
    assert f"looks in {site.env['PYTHONPATH']}\n" in committing


def test_what_an_agent_has_ignored_hides_no_work_of_another(tmp_path: Path) -> None:
    """Its patterns are those of every worktree; what they keep from the commit is backed up, and the report says so."""
    hides = 'run = ["sh", "-c", "echo notes/ >> $(git rev-parse --git-path info/exclude)"]'
    waits = 'run = ["sh", "-c", "until grep -q notes/ $(git rev-parse --git-path info/exclude); do sleep 0.02; done"]'
    scripts = {
        ONE: script(writes("one.txt"), hides),
        TWO: script(writes("notes/two.md"), writes("two.txt"), waits),
    }
    site = Site(tmp_path, roadmap("One", "Two"), scripts)
    said = site("run", "ROADMAP.md", "--json")
    assert outcomes(said) == {ONE: "merged", TWO: "merged"}
    note = said.document["tracks"][1]["note"]
    assert "not merged: notes/" in note
    _, _, command = note.rpartition("`orchd ")
    assert site(*command.removesuffix("`").split(" "), "--into", str(tmp_path / "back")).status == 0
    assert (tmp_path / "back" / "notes" / "two.md").read_text() == "made\n"
    assert list((site.root / "worktrees").iterdir()) == []


@pytest.mark.parametrize("setting", ["remote.origin.pushurl", "remote.origin.url", "branch.main.pushRemote"])
def test_no_agent_says_where_to_push(tmp_path: Path, setting: str) -> None:
    """The settings are those of all worktrees; a push that would go elsewhere than before is a person's to make."""
    elsewhere = tmp_path / "elsewhere.git"
    git(tmp_path, "init", "--quiet", "--bare", str(elsewhere))
    change = f'run = ["git", "config", "{setting}", "{elsewhere}"]'
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("one.txt"), change)})
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said), said.document["publication"]) == (1, {ONE: "merged"}, "failed")
    assert (git(elsewhere, "for-each-ref"), site.pushes()) == ("", 0)
    assert "is not what it was when the run began" in site.run_file("summary.md").read_text()


def test_a_worktree_that_its_agent_removed(tmp_path: Path) -> None:
    """What was committed in it is on the branch, and the report says so."""
    gone = 'run = ["sh", "-c", "git add --all && git commit --quiet -m mine && rm -r $PWD"]'
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("one.txt"), gone)})
    (track,) = site("run", "ROADMAP.md", "--json").document["tracks"]
    assert track["outcome"] == "failed"
    branch = track["kept"].removeprefix("branch ").partition(";")[0]
    assert site.git("show", f"{branch}:one.txt") == "made"


def test_time_runs_out(tmp_path: Path) -> None:
    """A phase over its limit is ended, and counted as timed out."""
    site = Site(tmp_path, roadmap("One"), {ONE: script("hang = true")})
    said = site("run", "ROADMAP.md", "--json", "--timeout", "0.5s")
    assert said.status == 2
    assert said.document["tracks"][0]["error"].startswith("TIMEOUT: ")
    assert json.loads(site.run_file("metrics.json").read_text())["timeout_agents"] == 1


def test_a_conflict_is_kept_and_reported(tmp_path: Path) -> None:
    """The first to finish is merged; the other's branch stays as it is, and the report says what to do."""
    go = tmp_path / "go"
    scripts = {
        ONE: script(writes("shared.txt", "one\\n")),
        TWO: script(waits_for(go), writes("shared.txt", "two\\n")),
    }
    site = Site(tmp_path, roadmap("One", "Two"), scripts)
    with site.running("run", "ROADMAP.md", "--json") as child:
        site.wait_for_merge("One")
        go.touch()
        out, _ = child.communicate(timeout=60)
    said = Ended(child.returncode, out, "")
    assert (said.status, outcomes(said)) == (2, {ONE: "merged", TWO: "conflict"})
    assert "shared.txt" in said.document["tracks"][1]["error"]
    assert (site.root / "shared.txt").read_text() == "one\n"
    branch = f"feat/{TWO.replace('_', '-').lower()}-two"
    assert site.git("show", f"{branch}:shared.txt") == "two"
    assert f"git merge {branch}" in site.run_file("summary.md").read_text()
    assert site.pushes() == 1


def test_a_group_alone(tmp_path: Path) -> None:
    """``--group`` narrows; the rest is for the next run."""
    text = roadmap("One") + "\n" + roadmap("Other", group="B")
    other = names(1, "B")[0]
    site = Site(tmp_path, text, {ONE: script(writes("a.txt")), other: script(writes("b.txt"))})
    assert outcomes(site("run", "ROADMAP.md", "--json", "--group", "B")) == {other: "merged"}
    said = site("run", "ROADMAP.md", "--json", "--tracks", ONE)
    assert (said.document["run"], outcomes(said)) == ("roadmap-2", {ONE: "merged"})


@pytest.mark.parametrize("words", [["--no-push"], []], ids=["not asked for", "nowhere"])
def test_without_a_push(tmp_path: Path, words: list[str]) -> None:
    """Not asked for, or nowhere to push to: everything is merged, the exit code is 0, and it is said."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("a.txt"))}, remote=bool(words))
    said = site("run", "ROADMAP.md", *words)
    assert said.status == 0
    why = "not asked for (--no-push)" if words else "the repository has no remote"
    assert f"nothing was pushed: {why}\n" in said.out
    assert not words or site.pushes() == 0


def test_a_push_that_fails(tmp_path: Path) -> None:
    """What was merged stays merged; the exit code is not 0; the report has the command."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("a.txt"))})
    site.remote.rename(tmp_path / "elsewhere.git")
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, said.document["publication"], outcomes(said)) == (1, "failed", {ONE: "merged"})
    assert "git push origin" in site.run_file("summary.md").read_text()


def test_hostile_titles(tmp_path: Path) -> None:
    """They are titles: no path, option, escape or shell word comes of them."""
    titles = ("../../../etc/passwd", "--upload-pack=touch x;", "\x1b[2J\u202e$(touch x)", "-rf *", "日本 🔥", "x" * 500)
    scripts = {track: script(writes(f"{track}.txt")) for track in names(len(titles))}
    site = Site(tmp_path, roadmap(*titles), scripts)
    before = {path.name for path in tmp_path.iterdir()}
    said = site("run", "ROADMAP.md")
    assert (said.status, said.err, said.tame) == (0, "", True)
    assert {path.name for path in tmp_path.iterdir()} == before
    assert not (site.root / "x").exists()
    assert len(site.subjects()) == len(titles) + 1
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == len(titles) + 1


@pytest.mark.parametrize(
    ("settings", "words", "scripts"),
    [
        ("", [], {}),
        ('[agent]\nkind = "scripted"\n', [], {}),
        ('[agent]\nkind = "scripted"\n', ["--agent", "psychic"], {ONE: script()}),
        ('[agent]\nkind = "command"\n', [], {}),
        ('[agent]\nkind = "command"\n[agent.command]\nargv = ["no-such-agent"]\n', [], {}),
        ('[agent]\nkind = "command"\n[agent.command]\nargv = ["./ROADMAP.md"]\n', [], {}),
    ],
)
def test_an_agent_that_is_not_there(
    tmp_path: Path, settings: str, words: list[str], scripts: Mapping[str, str]
) -> None:
    """Exit 8 with the next step, before anything is made."""
    site = Site(tmp_path, roadmap("One"), scripts, settings=settings)
    before = site.files()
    said = site("run", "ROADMAP.md", *words)
    assert (said.status, said.out, said.err.count("\n"), said.tame) == (8, "", 2, True)
    assert site.files() == before


def test_any_command_is_an_agent(tmp_path: Path) -> None:
    """It gets the prompt on its standard input and the contract in its environment."""
    argv = ["sh", "-c", 'cat > prompt.$ORCHD_PHASE; echo "$AGENT_ID $SUB_ISSUE $BRANCH_NAME" > who']
    settings = f'[agent]\nkind = "command"\n[agent.command]\nargv = {json.dumps(argv)}\n'
    site = Site(tmp_path, roadmap("One"), {}, settings=settings)
    assert site("run", "ROADMAP.md").status == 0
    assert (site.root / "who").read_text() == f"agent-1 {ONE} feat/group-a-track-1-one\n"
    assert (site.root / "prompt.work").read_text().startswith("# Work: One\n")
    assert (site.root / "prompt.review").read_text().startswith("# Review: One\n")


def test_a_dirty_checkout(tmp_path: Path) -> None:
    """What a person changed and did not commit is neither lost nor committed."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("a.txt"))})
    site.write("shared.txt", "mine\n")
    site.write("new.txt", "mine too\n")
    said = site("run", "ROADMAP.md", "--json")
    assert (said.status, outcomes(said)) == (0, {ONE: "merged"})
    assert (site.root / "shared.txt").read_text() == "mine\n"
    assert site.git("status", "--porcelain") == " M shared.txt\n?? new.txt"
    assert git(site.remote, "show", "main:shared.txt") == "first"


def test_something_is_in_the_way(tmp_path: Path) -> None:
    """A file of the person's is not written over: the branch stays behind, it is said, and nothing is done again."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("a.txt"))})
    mine = site.write("a.txt", "mine\n")
    said = site("run", "ROADMAP.md")
    assert said.status == 0
    assert "note: main stays behind" in said.out
    assert mine.read_text() == "mine\n"
    assert (site.subjects(), site.pushes()) == (["start"], 1)
    said = site("run", "ROADMAP.md")
    assert (said.status, said.out) == (9, "")
    assert "git merge refs/orchd/runs/roadmap/integrated" in said.err
    mine.unlink()
    site.git("merge", "--quiet", "refs/orchd/runs/roadmap/integrated")
    assert site("run", "ROADMAP.md").out == "NO WORK AVAILABLE\n"


def test_a_track_that_a_shell_script_holds(tmp_path: Path) -> None:
    """It is not touched, and reported; once it is given back the next run takes it."""
    site = Site(tmp_path, roadmap("One", "Two"), {ONE: script(writes("a.txt")), TWO: script(writes("b.txt"))})
    with subprocess.Popen(["sleep", "60"]) as holder:
        lock = site.write(f".orchestrator_locks/{TWO}.lock", f"{holder.pid}\n")
        said = site("run", "ROADMAP.md", "--json")
        holder.kill()
    assert outcomes(said) == {ONE: "merged", TWO: "failed"}
    assert f"process {holder.pid}" in said.document["tracks"][1]["error"]
    assert lock.exists()
    assert outcomes(site("run", "ROADMAP.md", "--json")) == {TWO: "merged"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda site: site.git("switch", "--quiet", "--detach"), "detached"),
        (lambda site: (site.root / ".git" / "MERGE_HEAD").write_text(site.git("rev-parse", "HEAD") + "\n"), "merge"),
        (lambda site: os.rename(site.root / ".git", site.root / "git"), "git"),
    ],
)
def test_a_repository_that_no_run_can_start_on(tmp_path: Path, make: object, words: str) -> None:
    """One line, the next step, and nothing made."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("a.txt"))})
    assert callable(make)
    make(site)
    said = site("run", "ROADMAP.md")
    assert (said.status, said.out) == (9, "")
    assert words in said.err
    assert not (site.root / "runtime").exists()


def test_a_dry_run(tmp_path: Path) -> None:
    """Names, branches and worktrees are shown; nothing is made."""
    site = Site(tmp_path, roadmap("One", "Two"), {ONE: script(), TWO: script()})
    before = site.files()
    document = site("run", "ROADMAP.md", "--dry-run", "--json").document
    assert document["run"] == "roadmap"
    assert [each["branch"] for each in document["tracks"]] == ["feat/group-a-track-1-one", "feat/group-a-track-2-two"]
    assert "nothing was made" in site("run", "ROADMAP.md", "--dry-run").out
    assert site.files() == before
