"""The scripted agent, as a program: what each action does, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_for

PACKAGE = Path(__file__).parents[2]
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class Site:
    """A working directory with a script beside it."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "script.toml"
        self.tree = folder / "tree"
        self.tree.mkdir()
        strangers = [name for name in os.environ if name.startswith(("GIT_", "ORCHD_"))]
        self.env = {name: value for name, value in os.environ.items() if name not in strangers}
        self.env |= {"PYTHONPATH": str(PACKAGE), **GIT}

    def argv(self, phase: str = "work") -> list[str]:
        """Return the command of the agent."""
        return [sys.executable, "-P", "-m", "orchestrator.agents.scripted", str(self.script), "--phase", phase]

    @contextmanager
    def running(self, script: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the work phase of a script; begin once it printed a line, and leave nothing behind."""
        self.script.write_text(script)
        with subprocess.Popen(
            self.argv(), cwd=self.tree, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as child:
            try:
                assert child.stdout
                assert child.stdout.readline() == b"ready\n"
                yield child
            finally:
                child.kill()

    def run(self, script: str, *, prompt: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the work phase of a script to its end."""
        self.script.write_text(script)
        return self.finish(self.argv(), prompt=prompt)

    def finish(self, argv: list[str], *, prompt: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command in the working directory to its end."""
        return subprocess.run(
            argv, cwd=self.tree, env=self.env, input=prompt, capture_output=True, timeout=60, check=False
        )

    def git(self, *words: str) -> str:
        """Run git in the working directory and return what it printed."""
        return subprocess.run(
            ["git", *words], cwd=self.tree, env=self.env, capture_output=True, text=True, timeout=60, check=True
        ).stdout


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty working directory."""
    return Site(tmp_path)


def test_write_and_append_make_files_and_their_folders(site: Site) -> None:
    """Files get exactly the text, in folders that did not exist."""
    done = site.run(
        '[[work]]\nwrite = "a/b/c.txt"\ntext = "one\\n"\n'
        '[[work]]\nappend = "a/b/c.txt"\ntext = "zwö\\n"\n'
        '[[work]]\nappend = "new.txt"\ntext = "x"\n'
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (site.tree / "a/b/c.txt").read_bytes() == "one\nzwö\n".encode()
    assert (site.tree / "new.txt").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/tmp/orchd-x", "out/x", "."])
@pytest.mark.parametrize("action", ["write", "append"])
def test_a_path_that_leads_out_is_refused(site: Site, action: str, path: str) -> None:
    """Neither dots nor slashes nor a link lead out of the directory, and nothing is written."""
    (site.tree / "out").symlink_to(site.tree.parent)
    before = sorted(site.tree.parent.rglob("*"))
    done = site.run(f'[[work]]\n{action} = "{path}"\ntext = "x"\n')
    assert done.returncode == (1 if path == "." else 2)
    assert done.stderr.count(b"\n") == 1
    assert sorted(site.tree.parent.rglob("*")) == sorted([*before, site.script])


def test_a_link_that_stays_inside_is_followed(site: Site) -> None:
    """A link within the directory is as good as what it names."""
    (site.tree / "real").mkdir()
    (site.tree / "link").symlink_to("real")
    assert site.run('[[work]]\nwrite = "link/x"\ntext = "y"\n').returncode == 0
    assert (site.tree / "real/x").read_text() == "y"


def test_run_starts_a_program_without_a_shell(site: Site) -> None:
    """Arguments arrive as they are written; {python} is the interpreter of the agent."""
    done = site.run('[[work]]\nrun = ["{python}", "-c", "import sys; print(sys.argv)", "$HOME; {python} *"]\n')
    assert (done.returncode, done.stdout) == (0, b"['-c', '$HOME; {python} *']\n")


@pytest.mark.parametrize(
    ("argv", "status"),
    [('["sh", "-c", "exit 9"]', 9), ('["sh", "-c", "kill -KILL $$"]', 137), ('["no-such-program"]', 127)],
)
def test_a_program_that_fails_ends_the_agent(site: Site, argv: str, status: int) -> None:
    """The status of the program becomes that of the agent, in one line, and no later step is done."""
    done = site.run(f'[[work]]\nrun = {argv}\n[[work]]\nwrite = "late"\ntext = ""\n')
    assert done.returncode == status
    assert done.stderr.count(b"\n") == 1
    assert not (site.tree / "late").exists()


def test_programs_are_ended_by_a_broken_pipe(site: Site) -> None:
    """What Python ignores for itself it does not hand on."""
    done = site.run('[[work]]\nrun = ["sh", "-c", "yes | head -n 1"]\n')
    assert (done.stdout, done.stderr) == (b"y\n", b"")


def test_commit_takes_everything_and_may_find_nothing(site: Site) -> None:
    """A commit holds new, changed and removed files; with nothing to commit the work goes on."""
    site.git("init", "-q")
    (site.tree / "old").write_text("x")
    site.git("add", ".")
    site.git("commit", "-qm", "first")
    (site.tree / "old").unlink()
    message = "--amend: not an option\\n\\nbody"
    done = site.run(
        f'[[work]]\nwrite = "new"\ntext = "y"\n[[work]]\ncommit = "{message}"\n[[work]]\ncommit = "again"\n'
    )
    assert done.returncode == 0
    assert b"nothing to commit\n" in done.stdout
    assert site.git("log", "--format=%s").splitlines() == ["--amend: not an option", "first"]
    assert site.git("show", "--format=", "--name-status").split() == ["A", "new", "D", "old"]


def test_print_is_raw_and_prompt_comes_back(site: Site) -> None:
    """What is printed is not touched, the prompt neither; order is kept between both and programs."""
    script = '[[work]]\nprint = "a\\u001b[2J"\n[[work]]\nrun = ["echo", "b"]\n[[work]]\nprompt = true\n'
    assert site.run(script, prompt=b"\xff\0p").stdout == b"a\x1b[2J\nb\n\xff\0p"


def test_a_large_prompt_is_read_to_its_end(site: Site) -> None:
    """Whoever writes the prompt is never left with a full pipe, even by a phase without steps."""
    assert site.run("", prompt=b"p" * 4_000_000).returncode == 0


def test_a_report_without_a_track_says_so(site: Site) -> None:
    """Run by hand there is nobody to report to; the work goes on."""
    done = site.run('[[work]]\nreport = {percent = 40, stage = "half"}\n[[work]]\nprint = "on"\n')
    assert (done.returncode, done.stdout) == (0, b"nobody to report to: ORCHD_TRACK is not set\non\n")


def test_a_report_that_is_not_taken_does_not_end_the_work(site: Site) -> None:
    """Work matters more than the word about it."""
    site.env |= {"ORCHD_TRACK": "unit_x", "ORCHD_ROOT": str(site.tree / "nowhere")}
    done = site.run('[[work]]\nreport = {percent = 40}\n[[work]]\nprint = "on"\n')
    assert (done.returncode, done.stdout) == (0, b"on\n")
    assert b"scripted: work step 1: the report was not taken (status " in done.stderr


def test_fail_ends_with_its_status(site: Site) -> None:
    """A told failure has the told status, after a told pause."""
    done = site.run("[[work]]\nsleep = 0.01\n[[work]]\nfail = 3\n")
    assert (done.returncode, done.stderr) == (3, b"scripted: work step 2: told to fail with 3\n")


def test_hang_waits_until_it_is_told_to_end(site: Site) -> None:
    """SIGTERM ends an agent that hangs."""
    with site.running('[[work]]\nprint = "ready"\n[[work]]\nhang = true\n') as child:
        assert child.poll() is None
        child.terminate()
        assert child.wait(10) == -signal.SIGTERM


def test_ignore_term_survives_a_term(site: Site) -> None:
    """After it, SIGTERM ends neither the agent nor what it starts."""
    wait = "until [ -e go ]; do sleep 0.02; done"
    script = (
        '[[work]]\nignore_term = true\n[[work]]\nprint = "ready"\n'
        f'[[work]]\nrun = ["sh", "-c", "{wait}"]\n[[work]]\nfail = 7\n'
    )
    with site.running(script) as child:
        for process in [psutil.Process(child.pid), *wait_for(psutil.Process(child.pid).children)]:
            process.terminate()
        (site.tree / "go").touch()
        assert child.wait(10) == 7


@pytest.mark.parametrize(("name", "status"), [("SIGSEGV", -11), ("SIGKILL", -9), ("TERM", -15), ("SIGCHLD", 1)])
def test_crash_ends_by_the_signal(site: Site, name: str, status: int) -> None:
    """The parent sees the signal; one that ends nothing is said to have ended nothing."""
    assert site.run(f'[[work]]\ncrash = "{name}"\n').returncode == status


def test_escape_outlives_the_agent(site: Site) -> None:
    """The descendant is not of the family or session of the agent, and lives on when that is killed."""
    script = '[[work]]\nescape = ["sleep", "60"]\npid_file = "pid"\n[[work]]\nprint = "ready"\n[[work]]\nhang = true\n'
    with site.running(script) as child:
        escaped = psutil.Process(int((site.tree / "pid").read_text()))
        assert psutil.Process(child.pid).children(recursive=True) == []
        assert os.getsid(escaped.pid) != os.getsid(child.pid)
    try:
        assert escaped.is_running()
    finally:
        escaped.kill()


def test_an_escape_that_cannot_start_is_a_failure(site: Site) -> None:
    """No program, no descendant, no number."""
    done = site.run('[[work]]\nescape = ["no-such-program"]\npid_file = "pid"\n')
    assert (done.returncode, done.stderr) == (127, b"scripted: cannot start 'no-such-program'\n")
    assert not (site.tree / "pid").exists()


def test_eat_memory_is_really_held(site: Site) -> None:
    """The memory is resident, not only promised."""
    with site.running('[[work]]\neat_memory = 64\n[[work]]\nprint = "ready"\n[[work]]\nhang = true\n') as child:
        assert psutil.Process(child.pid).memory_info().rss > 64 * 1024 * 1024


def test_refused_memory_is_one_line(site: Site) -> None:
    """Under a limit the agent says what was refused."""
    site.script.write_text("[[work]]\neat_memory = 4096\n")
    done = site.finish(["sh", "-c", 'ulimit -v 1000000 && exec "$@"', "sh", *site.argv()])
    assert (done.returncode, done.stderr) == (1, b"scripted: work step 1: 4096 MiB of memory were refused\n")


@pytest.mark.parametrize(
    "wrong",
    [
        '[[review]]\nwirte = "x"\n',
        '[[work]]\ncrash = "SIGNOT"\n',
        "[[work]]\nfail = 0\n",
        '[[work]]\nwrite = "x"\n',
        "a[",
    ],
)
def test_a_wrong_script_is_refused_before_its_first_step(site: Site, wrong: str) -> None:
    """Whatever is wrong, in whatever phase: status 64, one line, nothing done."""
    done = site.run(f'[[work]]\nwrite = "early"\ntext = ""\n{wrong}')
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (64, b"", 1)
    assert list(site.tree.iterdir()) == []


def test_a_phase_without_steps_succeeds(site: Site) -> None:
    """A phase that the script does not know is a phase with nothing to do."""
    site.script.write_text("[[work]]\nfail = 1\n")
    assert site.finish(site.argv("review")).returncode == 0


@pytest.mark.parametrize(
    "words", [[], ["x.toml"], ["x.toml", "--phase"], ["x.toml", "--pharse", "work"], ["no\x1b.toml", "--phase", "work"]]
)
def test_wrong_words_are_one_line(site: Site, words: list[str]) -> None:
    """Words that are off, or a script that is not there: status 64 and one line, escaped."""
    done = site.finish([*site.argv()[:4], *words])
    assert (done.returncode, done.stderr.count(b"\n"), b"\x1b" in done.stderr) == (64, 1, False)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("examples/*/agents/*.toml")), ids=lambda path: path.stem)
def test_the_scripts_of_the_examples_are_right(site: Site, path: Path) -> None:
    """Every step of a script that we publish is one that the agent knows."""
    site.script = path
    done = site.finish(site.argv("none"))
    assert (done.returncode, done.stderr) == (0, b"")
