"""Who makes commits and who signs them: the user as git is set, unless the run says otherwise."""

from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.errors import GitRefused, Unreadable
from orchestrator.git import backup, commit, integrate, repository
from orchestrator.git.author import given
from orchestrator.git.command import Git
from orchestrator.git.commit import Spec
from orchestrator.git.integrate import Integration, Merged
from tests.git import repos
from tests.git.repos import git

SIGNS = """\
#!/bin/sh
cat > /dev/null
[ -e "$0.broken" ] && { echo "no key" >&2; exit 1; }
echo "[GNUPG:] SIG_CREATED " >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'
"""


@pytest.fixture
def gpg(home: Path, tmp_path: Path) -> Path:
    """A program that signs, set up as the user's; signing is switched on."""
    program = tmp_path / "gpg"
    program.write_text(SIGNS, encoding="ascii")
    program.chmod(0o755)
    git(home, "config", "gpg.program", str(program))
    git(home, "config", "commit.gpgsign", "true")
    return program


def is_signed(home: Path, name: str) -> bool:
    """Tell whether a commit has a signature."""
    return "\ngpgsig " in git(home, "cat-file", "commit", name)


def merged(home: Path, branch: str, options: GitOptions) -> str:
    """Integrate a branch and return the commit."""
    request = Integration("demo", branch, "A title", branch, "main", options=options)
    answer = integrate.integrate(repository.survey(str(home), "main"), request)
    assert isinstance(answer, Merged)
    return answer.commit


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
@pytest.mark.parametrize(("sign", "signed"), [(None, True), (True, True), (False, False)])
def test_what_comes_in_is_signed_as_the_user_s_git_is_set(
    home: Path, gpg: Path, strategy: str, *, sign: bool | None, signed: bool
) -> None:
    """Or as the run says."""
    assert gpg.exists()
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    options = GitOptions(strategy=strategy, sign=sign)  # type: ignore[arg-type]  # the parameters are strategies
    assert is_signed(home, merged(home, "one", options)) == signed
    git(home, "config", "--unset", "commit.gpgsign")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="main")
    assert is_signed(home, merged(home, "two", options)) == (sign is True)


def test_a_signature_that_fails_merges_nothing(home: Path, gpg: Path) -> None:
    """It is refused, and everything is as it was."""
    gpg.with_name("gpg.broken").touch()
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    before = git(home, "for-each-ref")
    with pytest.raises(GitRefused, match="sign"):
        merged(home, "one", GitOptions())
    assert git(home, "for-each-ref") == before


def test_a_signature_that_fails_loses_nothing(home: Path, gpg: Path) -> None:
    """The commit of a track is refused in git's words; its work is kept without a signature, and the log is read."""
    git(home, "config", "log.showSignature", "true")
    repos.write(home, {"new.txt": b"new\n"})
    git(home, "commit", "--quiet", "--allow-empty", "-m", "signed")
    gpg.with_name("gpg.broken").touch()
    with pytest.raises(GitRefused, match="gpg failed to sign"):
        commit.make(Git(str(home)), Spec("main", "main", "Do it", (), {}))
    kept = backup.keep(str(home), "refs/orchd/backup/run/track/1")
    assert kept is not None
    assert not is_signed(home, kept)
    assert repos.show(home, kept, "new.txt") == b"new\n"


@pytest.mark.parametrize(("sign", "signed"), [(None, True), (True, True), (False, False)])
def test_the_commit_of_a_track(home: Path, gpg: Path, *, sign: bool | None, signed: bool) -> None:
    """It is signed likewise, and by the author that the run names; the committer is the user."""
    assert gpg.exists()
    repos.write(home, {"new.txt": b"new\n"})
    spec = Spec("main", "main", "Do it", (), {}, author="Cleo C <cleo@example.org>", sign=sign)
    made = commit.make(Git(str(home)), spec)
    assert is_signed(home, made) == signed
    assert git(home, "show", "-s", "--format=%an %ae %cn", made) == "Cleo C cleo@example.org Ann"


@pytest.mark.parametrize("hooks", [True, False])
def test_hooks_of_the_user_s_are_run_unless_the_run_says_no(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, hooks: bool
) -> None:
    """One that fails is reported with what it said."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    hook = folder / "pre-commit"
    hook.write_text("#!/bin/sh\necho looked; echo the style is wrong >&2; exit 1\n", encoding="ascii")
    hook.chmod(0o755)
    git(home, "config", "core.hooksPath", str(folder))
    repos.write(home, {"new.txt": b"new\n"})
    spec = tmp_path / "spec.json"
    said = "true" if hooks else "false"
    fields = f'"branch": "main", "base": "{repos.tip(home, "main")}", "subject": "x", "hooks": {said}'
    spec.write_text(f'{{"v": 1, {fields}}}', encoding="ascii")
    monkeypatch.chdir(home)
    status = commit.main([str(spec)])
    out, err = capfd.readouterr()
    assert (status, "the style is wrong" in out + err) == ((1, True) if hooks else (0, False))
    assert ("looked" in out + err) == hooks


def test_an_author() -> None:
    """As git writes it; without one there is nothing to say."""
    assert given("Cleo C <cleo@example.org>") == {"GIT_AUTHOR_NAME": "Cleo C", "GIT_AUTHOR_EMAIL": "cleo@example.org"}
    assert given("") == {}


@pytest.mark.parametrize("field", ['"author": 1', '"sign": 1', '"hooks": null'])
def test_a_specification_that_says_it_wrongly(field: str) -> None:
    """It is refused."""
    with pytest.raises(Unreadable):
        commit.decode(f'{{"v": 1, "branch": "b", "base": "c", "subject": "s", {field}}}'.encode())
