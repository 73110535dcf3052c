"""The file of a wake: what it may say, and one line for what it may not."""

from pathlib import Path

import pytest

from orchestrator.core.wake import Policy
from orchestrator.errors import BadSettings, NotFound
from orchestrator.settings import wake_file
from orchestrator.settings.wake_file import Order, Outputs, Prompt

FULL = """\
name = "condense"
run = "docs"
tracks = ["unit_a", "unit_*"]
signs = ["work/**"]
size = "simple"
stuck_after = 4

[outputs]
files = ["out/a.md"]
globs = ["out/*.md"]
expected = 7

[alive]
argv = ["tmux", "has-session"]

[verify]
argv = ["./verify"]
timeout = "90s"

[prompt]
argv = ["./send"]
text = "go on"
at = "stuck"
"""


def read(tmp_path: Path, text: str | bytes, name: str = "My Wake.toml") -> wake_file.WakeFile:
    """Read a file that says this."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return wake_file.read(str(path))


def test_everything_that_it_may_say(tmp_path: Path) -> None:
    """Each key arrives, and the policy is made of them."""
    told = read(tmp_path, FULL)
    assert (told.name, told.run, told.tracks, told.signs) == ("condense", "docs", ("unit_a", "unit_*"), ("work/**",))
    assert told.outputs == Outputs(("out/a.md",), ("out/*.md",), 7)
    assert told.alive == Order(("tmux", "has-session"))
    assert told.prompt == Prompt(("./send",), "go on", at="stuck")
    assert told.policy == Policy(180.0, 300.0, 4, can_verify=True, prompt_at="stuck")
    assert wake_file.seconds_of("verify", Order(("x",), 90.0)) == 90.0
    assert wake_file.seconds_of("cleanup", Order(("x",))) == 3600.0


def test_the_least_that_it_must_say(tmp_path: Path) -> None:
    """Who is at work; the name is the file's, the intervals are those of complex work."""
    told = read(tmp_path, 'tracks = ["t"]')
    assert told.name == "my-wake"
    assert told.policy == Policy(300.0, 600.0)
    assert read(tmp_path, 'every = "4m"\ntracks = ["t"]').policy == Policy(240.0, 240.0)
    assert read(tmp_path, 'every = 240\ntracks = ["t"]').policy == Policy(240.0, 240.0)
    assert read(tmp_path, '[alive]\nargv = ["x"]').tracks == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither tracks nor"),
        ("tracks = [1\ntracks = 2", "line 2"),
        (b"\xff", "invalid start byte"),
        ('track = ["t"]', ":1: track: no such key; known: name, run"),
        ('tracks = ["t"]\n[verify]\nargv = ["x"]\nargs = ["x"]', ":4: verify.args: no such key; known: argv, timeout"),
        ('tracks = ["t"]\n[outputs]\nfile = ["x"]', ":3: outputs.file: no such key; known: files, globs, expected"),
        ('tracks = ["t"]\n[verify]\nargv = "./verify"', ":3: verify.argv: should be a valid list"),
        ('tracks = ["t"]\n[verify]\nargv = []', ":3: verify.argv: names no program"),
        ('tracks = ["t"]\n[verify]\nargv = [""]', ":3: verify.argv: names no program"),
        ('tracks = ["t"]\n[verify]\nargv = ["a\\u0000b"]', "verify.argv.0: has a character that cannot be there"),
        ('tracks = ["t"]\n[verify]\nargv = ["x"]\ntimeout = "soon"', "verify.timeout: 'soon' is not a duration"),
        ('tracks = ["t"]\n[verify]\nargv = ["x"]\ntimeout = "0"', ":4: verify.timeout: should be greater than 0"),
        ('tracks = ["t"]\nverify = "x"', ":2: verify: should be a table"),
        ('tracks = ["t"]\nevery = "0s"', ":2: every: should be greater than 0"),
        ('tracks = ["t"]\nevery = true', ":2: every: should be a valid number"),
        ('tracks = ["t"]\nevery = 2026-11-20', ":2: every: should be a valid number"),
        ('tracks = ["t"]\nevery = "4m"\nsize = "long"', "size and every exclude each other"),
        ('tracks = ["t"]\nsize = "huge"', "size: should be 'simple', 'complex' or 'long'"),
        ('tracks = ["t"]\nstuck_after = 0', ":2: stuck_after: should be greater than or equal to 1"),
        ('tracks = ["../t"]', "neither the name of a track nor a pattern"),
        ('tracks = ["t\\u001b[31m"]', "neither the name"),
        ('name = "a/b"\ntracks = ["t"]', ":1: name: this name 'a/b' is not allowed"),
        ('run = ".."\ntracks = ["t"]', ":1: run: this name '..' is not allowed"),
        ('tracks = ["t"]\n[outputs]\nexpected = 3', "belong together"),
        ('tracks = ["t"]\n[outputs]\nglobs = ["*"]', "belong together"),
        (
            'tracks = ["t"]\n[outputs]\nglobs = ["*"]\nexpected = 0',
            "expected: should be greater than or equal to 1",
        ),
        ('tracks = ["t"]\n[outputs]\nfiles = [""]', ":3: outputs.files.0: string should have at least 1 character"),
        ('tracks = ["t"]\n[prompt]\nargv = ["x"]', ":2: prompt.text: is not there, and has to be"),
        (
            'tracks = ["t"]\n[prompt]\nargv = ["x"]\ntext = ""\nat = "noon"',
            "prompt.at: should be 'wake' or 'stuck'",
        ),
    ],
)
def test_what_it_may_not_say(tmp_path: Path, text: str | bytes, why: str) -> None:
    """One line with the file, the key and the reason."""
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, text)
    assert why in refused.value.message
    assert refused.value.message.startswith("My Wake.toml:")
    assert refused.value.hint.startswith("docs/running.md")
    assert refused.value.message.isprintable()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """And what is no file."""
    with pytest.raises(NotFound, match=r"no file 'x\.toml'"):
        wake_file.read(str(tmp_path / "x.toml"))
    with pytest.raises(BadSettings, match="a folder, not a file"):
        wake_file.read(str(tmp_path))
