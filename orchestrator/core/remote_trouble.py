"""What kept git from a remote, told from what git and ssh printed; and what a person does about it. Pure.

Both speak English here (``LC_ALL=C``). A remote may print anything too, so what is told is one of the kinds of this
table, and its cure never does more than the user would be asked for anyway.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.core.address import Address, key_place
from orchestrator.core.text import first_line

HOST_CHANGED: Final = "host_changed"
HOST_UNKNOWN: Final = "host_unknown"
KEY_EXPOSED: Final = "key_exposed"
DENIED: Final = "denied"
NO_LOGIN: Final = "no_login"
WRONG_LOGIN: Final = "wrong_login"
FORBIDDEN: Final = "forbidden"
ABSENT: Final = "absent"
UNRESOLVED: Final = "unresolved"
UNREACHABLE: Final = "unreachable"
TOO_LATE: Final = "too_late"
CERTIFICATE: Final = "certificate"
NO_PROGRAM: Final = "no_program"
FOREIGN_OWNER: Final = "foreign_owner"
OTHER: Final = "other"

MARKS: Final[Sequence[tuple[str, str]]] = (
    (HOST_CHANGED, r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for \S+ has changed|REVOKED HOST KEY"),
    (HOST_UNKNOWN, r"Host key verification failed|host key is known for \S+ and you have requested strict"),
    (KEY_EXPOSED, r"UNPROTECTED PRIVATE KEY FILE|Bad owner or permissions on"),
    (UNRESOLVED, r"Could not resolve host"),
    (TOO_LATE, r"did not end within|[Cc]onnection timed out|Operation timed out|Timeout was reached"),
    (DENIED, r"Permission denied \((?:publickey|password|keyboard|gssapi|hostbased)|Too many authentication failures"),
    (NO_LOGIN, r"could not read (?:Username|Password) for|terminal prompts disabled"),
    (WRONG_LOGIN, r"Authentication failed for|HTTP Basic: Access denied|Invalid username or (?:password|token)"),
    (FORBIDDEN, r"returned error: 403|Permission to \S+ denied|Write access to repository not granted|deploy key"),
    (CERTIFICATE, r"SSL certificate|certificate verif|server certificate"),
    (ABSENT, r"[Rr]epository (?:'[^']*' )?not found|returned error: 404|does not appear to be a git repository"),
    (FOREIGN_OWNER, r"detected dubious ownership"),
    (
        NO_PROGRAM,
        r"cannot run \S+|[Uu]nable to find remote helper|ssh: not found|is not a git command|command not found",
    ),
    (
        UNREACHABLE,
        r"Connection refused|[Ff]ailed to connect to|Couldn't connect|No route to host|Network is unreachable",
    ),
    (UNREACHABLE, r"[Cc]onnection (?:closed|reset)|kex_exchange_identification|Empty reply|hung up unexpectedly"),
)
_KINDS: Final = tuple((kind, re.compile(mark)) for kind, mark in MARKS)

_WHAT: Final[Mapping[str, str]] = {
    HOST_CHANGED: "the key of {host} is another than the one that you know",
    HOST_UNKNOWN: "the key of {host} is not known here",
    KEY_EXPOSED: "ssh does not use a key or a file that others may read or write",
    DENIED: "{host} takes none of your keys",
    NO_LOGIN: "git has no user name and password, or token, for {host}",
    WRONG_LOGIN: "{host} does not take the user name and password, or token, that git has for it",
    FORBIDDEN: "{host} knows you and does not let you",
    ABSENT: "there is no such repository at {host}, or you may not see it",
    UNRESOLVED: "the name {host} leads nowhere",
    UNREACHABLE: "{host} cannot be reached",
    TOO_LATE: "{host} does not answer in time",
    CERTIFICATE: "the certificate of {host} is not trusted here",
    NO_PROGRAM: "a program that git needs for this address is missing",
    FOREIGN_OWNER: "the remote's folder belongs to another user",
    OTHER: "git cannot reach the remote",
}

_CURE: Final[Mapping[str, str]] = {
    HOST_CHANGED: "ask whoever runs {host}; only if it is true: `ssh-keygen -R {known}`, then as for a new host",
    HOST_UNKNOWN: "`{ssh}`, compare the fingerprint with the one that {host} publishes, and say yes only then",
    KEY_EXPOSED: "`chmod 600` for a key and for ~/.ssh/config, `chmod 700` for ~/.ssh",
    NO_LOGIN: "`git credential approve` puts one where a helper keeps it",
    WRONG_LOGIN: "make a new token at {host}; `git credential reject` forgets the old one",
    FORBIDDEN: "ask for the right to push, or see what the token or deploy key may do",
    ABSENT: "see `git remote get-url --push {remote}`; a private repository does not show to strangers",
    UNRESOLVED: "see `git remote get-url --push {remote}`, and whether this machine has a network",
    UNREACHABLE: "see whether {host} is up, and whether a proxy or firewall stands before it",
    TOO_LATE: "try again, longer with `--timeout 2m`; a proxy or firewall may stand before it",
    CERTIFICATE: "`git config http.sslCAInfo FILE` names the certificate to trust",
    NO_PROGRAM: "install it: openssh-client for ssh, git's own package for https",
    FOREIGN_OWNER: "if you trust it: `git config --global --add safe.directory FOLDER`",
    OTHER: "see what it says: `git ls-remote {remote}`",
}


def read(said: str) -> tuple[str, str]:
    """Return which trouble ``said`` tells of, the first of the table that it has a mark of, and the line with it."""
    for kind, mark in _KINDS:
        if found := mark.search(said):
            start = said.rfind("\n", 0, found.start()) + 1
            return kind, first_line(said[start:].strip("@ \r\n")).strip("@ ")
    return OTHER, ""


def what(kind: str, address: Address) -> str:
    """Return in a few words what is wrong."""
    return _WHAT[kind].format(host=address.host or "the remote")


def cure(kind: str, address: Address, remote: str) -> str:
    """Return the next step. ``remote`` is the remote's name as a shell takes it."""
    host = address.host or "the remote"
    if kind == DENIED:
        return f"add a public key to {key_place(host, address.login or host)}; `orchd auth --generate` makes one"
    port = f" -p {address.port}" if address.port else ""
    known = f"'[{host}]:{address.port}'" if address.port else host
    return _CURE[kind].format(host=host, known=known, ssh=f"ssh -T{port} {address.login or host}", remote=remote)
