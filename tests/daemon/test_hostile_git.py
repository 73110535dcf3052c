"""The main job in repositories, and with settings of git, that are not as one would like them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.cli.orchd import Ended
from tests.projects import Site, git, names, roadmap, script, writes

ONE, TWO = names(2)

SIGNS: Final = """\
#!/bin/sh
cat > /dev/null
echo "[GNUPG:] SIG_CREATED " >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'
"""

HOOK: Final = """\
#!/bin/sh
echo "$0" >> "{log}"
cat > /dev/null
"""

USUAL: Final = """\
[user]
    name = Somebody
    email = somebody@example.org
[init]
    defaultBranch = elsewhere
[core]
    quotePath = true
    abbrev = 4
    editor = false
    pager = false
    logAllRefUpdates = false
    untrackedCache = true
    splitIndex = true
    commentChar = "I"
    warnAmbiguousRefs = true
    bigFileThreshold = 1
[commit]
    template = {folder}/none
    cleanup = scissors
    status = false
    verbose = true
[merge]
    ff = {ff}
    conflictStyle = diff3
    renames = false
    autoStash = true
[pull]
    rebase = true
[rebase]
    autoStash = true
    updateRefs = true
[alias]
    commit = !false
    add = !false
    merge-tree = !false
    worktree = !rm -rf
    st = status
[color]
    ui = always
[column]
    ui = always
[status]
    showUntrackedFiles = no
    relativePaths = false
    short = true
[diff]
    external = false
    noprefix = true
    renames = copies
    ignoreSubmodules = all
    orderFile = {folder}/order
[log]
    showSignature = true
    date = relative
    follow = true
    mailmap = true
[format]
    pretty = oneline
[i18n]
    commitEncoding = ISO-8859-1
    logOutputEncoding = UTF-16
[trailer]
    separators = "="
    ifexists = doNothing
[push]
    default = nothing
    followTags = true
[fetch]
    prune = true
[branch]
    autoSetupMerge = always
    autoSetupRebase = always
    sort = -committerdate
[tag]
    gpgSign = true
[index]
    version = 4
[feature]
    manyFiles = true
[submodule]
    recurse = true
[checkout]
    defaultRemote = nobody
    guess = false
[advice]
    detachedHead = true
"""


def run(site: Site, text: str, folder: Path, **env: str) -> Ended:
    """Let a run of the roadmap come to its end, with these settings of git."""
    settings = folder / "gitconfig"
    (folder / "order").write_text("*.zzz\n")
    settings.write_text(text, encoding="utf-8")
    site.env |= {"GIT_CONFIG_GLOBAL": str(settings), "HOME": str(folder), **env}
    return site("run", "ROADMAP.md", "--json")


def is_done(site: Site, said: Ended, files: Mapping[str, bytes]) -> None:
    """Check that both tracks are on main, here and there, with these files, and nothing is left."""
    assert said.status == 0, (said.out, said.err)
    assert [(each["outcome"], each.get("note")) for each in said.document["tracks"]] == [("merged", None)] * 2
    for name, data in files.items():
        assert (site.root / name).read_bytes() == data
    assert site.git("rev-parse", "main") == git(site.remote, "rev-parse", "main")
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 3
    assert site.git("for-each-ref", "--format=%(refname)", "refs/orchd/backup") == ""
    assert list((site.root / "worktrees").iterdir()) == []
    assert git(site.root, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
    assert [each for each in (site.root / ".git").rglob("*.lock") if each.is_file()] == []


def test_an_odd_place_and_odd_names(tmp_path: Path) -> None:
    """Blanks, quotes, a line break, no text at all, in the path and in names; branches of the tracks' names exist."""
    odd = tmp_path / os.fsdecode(b"a \"b\"\n'c' $(d) \xc3\xa9 \xff;")
    shell = "printf 'odd\\r\\n' > \"$(printf 'o\\377d\\nn\"ame')\"; mkdir -p ' x '; : > ' x /-e'"
    scripts = {ONE: script(f"run = ['''sh''', '''-c''', '''{shell}''']"), TWO: script(writes("two \u00e4.txt"))}
    site = Site(odd, roadmap("One", "Two"), scripts)
    for name in ("feat/group-a-track-1-one", "FEAT/Group-A-Track-2-Two"):
        site.git("branch", name)
    before = site.git("for-each-ref", "refs/heads")
    said = run(site, USUAL.format(folder=tmp_path, ff="false"), tmp_path)
    made = {os.fsdecode(b'o\xffd\nn"ame'): b"odd\r\n", " x /-e": b"", "two \u00e4.txt": b"made\n"}
    is_done(site, said, made)
    assert site.git("status", "--porcelain", "--untracked-files=no") == ""
    assert [each for each in before.split("\n") if "main" not in each] == [
        each for each in site.git("for-each-ref", "refs/heads").split("\n") if "main" not in each
    ]


SETTINGS: Final[Mapping[str, str]] = {
    "hooks at an absolute path, a signature": """\
[core]
    hooksPath = {folder}/hooks
    autocrlf = true
    fsmonitor = {folder}/monitor
[commit]
    gpgSign = true
[gpg]
    program = {folder}/gpg
""",
    "hooks at a relative path, a signature by ssh": """\
[core]
    hooksPath = hooks
    autocrlf = input
    safecrlf = true
    fsmonitor = true
[commit]
    gpgSign = true
[gpg]
    format = ssh
[user]
    signingKey = {folder}/key.pub
""",
}


ASTRAY: Final = {
    "GIT_DIR": "{folder}/elsewhere/.git",
    "GIT_WORK_TREE": "{folder}/elsewhere",
    "GIT_INDEX_FILE": "{folder}/index",
    "GIT_OBJECT_DIRECTORY": "{folder}/objects",
    "GIT_NAMESPACE": "n",
    "GIT_EDITOR": "false",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
    "GIT_TRACE": "1",
}
"""What may stand in the environment of whoever starts a run."""


def prepared(site: Site, folder: Path) -> Path:
    """Put hooks at both places, a program that signs, one that watches, and a key; return what they write to."""
    log = folder / "log"
    for place in (folder / "hooks", site.root / "hooks"):
        place.mkdir()
        for name in ("pre-commit", "post-checkout", "reference-transaction", "pre-push"):
            (place / name).write_text(HOOK.format(log=log))
    site.write("../gpg", SIGNS)
    site.write("../monitor", f"#!/bin/sh\necho monitor >> {log}\nexit 1\n")
    for each in (*folder.glob("hooks/*"), *site.root.glob("hooks/*"), folder / "gpg", folder / "monitor"):
        each.chmod(0o755)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")]
    subprocess.run(words, check=True, timeout=60)
    site.git("add", "hooks")
    site.git("commit", "--quiet", "--message=hooks")
    return log


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_of_the_user_s(tmp_path: Path, kind: str) -> None:
    """Hooks and signatures are as they are set, aliases and formats mean nothing, and no variable leads astray."""
    inside = "git rev-parse --show-toplevel > top.txt; env | grep -c ^GIT_DIR= > env.txt; true"
    scripts = {ONE: script(writes("one.txt"), f'run = ["sh", "-c", "{inside}"]'), TWO: script(writes("two.txt"))}
    site = Site(tmp_path, roadmap("One", "Two"), scripts)
    log = prepared(site, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "init", "--quiet", str(elsewhere))
    astray = {name: value.format(folder=tmp_path) for name, value in ASTRAY.items()}
    text = USUAL.format(folder=tmp_path, ff="only") + SETTINGS[kind].format(folder=tmp_path)
    said = run(site, text, tmp_path, **astray)
    is_done(site, said, {"two.txt": b"made\r\n" if "absolute" in kind else b"made\n"})
    assert site.git("show", "main:top.txt").startswith(str(site.root / "worktrees"))
    assert site.git("show", "main:env.txt") == "0"
    made = site.git("log", "-4", "--format=%H", "main").split()
    assert all("\ngpgsig " in site.git("cat-file", "commit", each) for each in made)
    called = log.read_text().split("\n")
    assert {os.path.basename(each) for each in called if each} >= {"pre-commit", "pre-push"}
    assert "monitor" not in called
    assert list(elsewhere.iterdir()) == [elsewhere / ".git"]
