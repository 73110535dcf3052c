"""The file of a wake: what it may say, and one line for what it may not."""

from pathlib import Path

import pytest

from orchestrator.core.wake import Policy
from orchestrator.errors import BadSettings, NotFound
from orchestrator.state import wake_file
from orchestrator.state.wake_file import Order, Outputs, Prompt

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
    assert wake_file.seconds_of("verify", Order(("x",), "90s")) == 90.0
    assert wake_file.seconds_of("cleanup", Order(("x",))) == 3600.0


def test_the_least_that_it_must_say(tmp_path: Path) -> None:
    """Who is at work; the name is the file's, the intervals are those of complex work."""
    told = read(tmp_path, 'tracks = ["t"]')
    assert told.name == "my-wake"
    assert told.policy == Policy(300.0, 600.0)
    assert read(tmp_path, 'every = "4m"\ntracks = ["t"]').policy == Policy(240.0, 240.0)
    assert read(tmp_path, '[alive]\nargv = ["x"]').tracks == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither tracks nor"),
        ("tracks = [1\ntracks = 2", "line 2"),
        (b"\xff", "invalid start byte"),
        ('track = ["t"]', "no such key track; known: name, run"),
        ('tracks = ["t"]\n[verify]\nargs = ["x"]', "no such key verify.args; known: argv, timeout"),
        ('tracks = ["t"]\n[outputs]\nfile = ["x"]', "no such key outputs.file"),
        ('tracks = ["t"]\n[verify]\nargv = "./verify"', "field verify.argv is not a list"),
        ('tracks = ["t"]\n[verify]\nargv = []', "verify.argv names no program"),
        ('tracks = ["t"]\n[verify]\nargv = [""]', "verify.argv names no program"),
        ('tracks = ["t"]\n[verify]\nargv = ["a\\u0000b"]', "verify.argv names no program"),
        ('tracks = ["t"]\n[verify]\nargv = ["x"]\ntimeout = "soon"', "verify.timeout: 'soon' is not a duration"),
        ('tracks = ["t"]\n[verify]\nargv = ["x"]\ntimeout = "0"', "verify.timeout must be more than 0"),
        ('tracks = ["t"]\nverify = "x"', "field verify is not an object"),
        ('tracks = ["t"]\nevery = "0s"', "every must be more than 0"),
        ('tracks = ["t"]\nevery = 4', "field every is not a text"),
        ('tracks = ["t"]\nevery = 2026-11-20', "field every is not a text"),
        ('tracks = ["t"]\nevery = "4m"\nsize = "long"', "size and every exclude each other"),
        ('tracks = ["t"]\nsize = "huge"', "one of simple, complex, long"),
        ('tracks = ["t"]\nstuck_after = 0', "stuck_after is 0, out of bounds"),
        ('tracks = ["../t"]', "neither the name of a track nor a pattern"),
        ('tracks = ["t\\u001b[31m"]', "neither the name"),
        ('name = "a/b"\ntracks = ["t"]', "wake name 'a/b' is not allowed"),
        ('run = ".."\ntracks = ["t"]', "run name '..' is not allowed"),
        ('tracks = ["t"]\n[outputs]\nexpected = 3', "belong together"),
        ('tracks = ["t"]\n[outputs]\nglobs = ["*"]', "belong together"),
        ('tracks = ["t"]\n[outputs]\nglobs = ["*"]\nexpected = 0', "out of bounds"),
        ('tracks = ["t"]\n[outputs]\nfiles = [""]', "a path is empty"),
        ('tracks = ["t"]\n[prompt]\nargv = ["x"]', "field prompt.text is missing"),
        ('tracks = ["t"]\n[prompt]\nargv = ["x"]\ntext = ""\nat = "noon"', "one of wake, stuck"),
    ],
)
def test_what_it_may_not_say(tmp_path: Path, text: str | bytes, why: str) -> None:
    """One line with the file, the key and the reason."""
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, text)
    assert why in refused.value.message
    assert refused.value.message.startswith("My Wake.toml: ")
    assert refused.value.message.isprintable()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """And what is no file."""
    with pytest.raises(NotFound, match=r"no file 'x\.toml'"):
        wake_file.read(str(tmp_path / "x.toml"))
    with pytest.raises(BadSettings, match="a folder, not a file"):
        wake_file.read(str(tmp_path))
