"""What kept git from a remote, from the words of git and ssh."""

import pytest

from orchestrator.core import remote_trouble
from orchestrator.core.address import parse
from orchestrator.core.remote_trouble import OTHER, cure, read, what

HERE = parse("ssh://git@example.org:2222/x")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            "@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "host_changed",
        ),
        ("No ED25519 host key is known for h and you have requested strict checking.", "host_unknown"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "host_unknown"),
        ("@  WARNING: UNPROTECTED PRIVATE KEY FILE!  @\ngit@h: Permission denied (publickey).", "key_exposed"),
        ("ssh: Could not resolve hostname h: Name or service not known", "unresolved"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "unresolved"),
        ("git ls-remote: git did not end within 20 s and was ended", "too_late"),
        ("ssh: connect to host h port 22: Connection timed out", "too_late"),
        ("git@h: Permission denied (publickey).", "denied"),
        ("Received disconnect from ::1 port 22:2: Too many authentication failures", "denied"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "no_login"),
        ("fatal: Authentication failed for 'https://h/x/'", "wrong_login"),
        ("remote: Permission to a/b.git denied to ann.\nfatal: ... The requested URL returned error: 403", "forbidden"),
        ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed", "certificate"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "absent"),
        ("fatal: repository 'https://h/x/' not found", "absent"),
        ("fatal: '/x' does not appear to be a git repository", "absent"),
        ("fatal: detected dubious ownership in repository at '/x'", "foreign_owner"),
        ("error: cannot run ssh: No such file or directory", "no_program"),
        ("ssh: connect to host h port 22: Connection refused", "unreachable"),
        ("kex_exchange_identification: read: Connection reset by peer", "unreachable"),
        ("something else", "other"),
    ],
)
def test_which_trouble(said: str, kind: str) -> None:
    """The one that the words tell of, with the line that has them."""
    found, line = read(said)
    assert found == kind
    assert line in said
    assert ("@" in line) == (kind == "denied" and "git@" in said)
    assert (line == "") == (kind == OTHER)


def test_each_trouble_has_words_and_a_cure() -> None:
    """Whatever it is, and wherever: no field of them stays open."""
    kinds = {kind for kind, _ in remote_trouble.MARKS} | {OTHER}
    for where in (HERE, parse("h:x"), parse("/srv/x")):
        for kind in kinds:
            told = what(kind, where) + cure(kind, where, "origin")
            assert "{" not in told.replace("{host}", "{")
            assert "None" not in told


def test_the_commands_of_a_cure_name_the_port() -> None:
    """What a person copies reaches the same host."""
    assert "`ssh -T -p 2222 git@example.org`" in cure("host_unknown", HERE, "origin")
    assert "`ssh-keygen -R '[example.org]:2222'`" in cure("host_changed", HERE, "origin")
    assert "`ssh -T git@h`" in cure("host_unknown", parse("git@h:x"), "origin")


def test_what_a_remote_prints_is_made_visible() -> None:
    """No terminal acts on it."""
    assert read("\x1b[31mPermission denied (publickey)\x07")[1] == "\\x1b[31mPermission denied (publickey)\\x07"
