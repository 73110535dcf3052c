"""Addresses of remotes as git reads them: by which way, at which host."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCP: Final = re.compile(r"(?:([^/:\[\]]+)@)?(\[[^/\]]+\]|[^/:]+):(.*)", re.DOTALL)
_PLACE: Final = re.compile(r"(?:(.*)@)?(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?", re.DOTALL)
_HOST: Final = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,252}")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}")
_TOKEN: Final = re.compile(r"gh[a-z]_|github_pat_|glpat-|\S{32}")
"""What stands for the user where a token is one: its beginning, or its length."""
_SSH: Final = frozenset({"ssh", "git+ssh", "ssh+git"})
_WAYS: Final = frozenset({"https", "http", "git", "file"})

PAGES: Final[Mapping[str, str]] = {
    "github.com": "https://github.com/settings/ssh/new",
    "ssh.github.com": "https://github.com/settings/ssh/new",
    "gitlab.com": "https://gitlab.com/-/user_settings/ssh_keys",
    "bitbucket.org": "https://bitbucket.org/account/settings/ssh-keys/",
    "codeberg.org": "https://codeberg.org/user/settings/keys",
}
"""Where a person adds a public key, of hosts that many use."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a remote is.

    ``way`` is ``ssh``, ``https``, ``http``, ``git``, ``file``, or ``other`` for what only git itself understands.
    ``host``, ``user`` and ``port`` are empty where the address names none, and where they are not of the usual
    form. ``secret``: a password stands in it.
    """

    way: str
    host: str = ""
    user: str = ""
    port: str = ""
    secret: bool = False

    @property
    def login(self) -> str:
        """What ssh calls the other end: ``user@host``, or the host alone."""
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def site(self) -> str:
        """The part of an address of the web that a password belongs to, such as ``https://example.org:8443``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.way}://{host}{f':{self.port}' if self.port else ''}"


def parse(text: str) -> Address:
    """Return where ``text`` leads, which may be anything; never fails."""
    if url := _URL.fullmatch(text):
        return _of_url(url[1].lower(), url[2])
    if _HELPER.match(text):
        return Address("other")
    if scp := _SCP.fullmatch(text):
        return _of_scp(scp[1] or "", scp[2])
    return Address("file")


def _of_url(scheme: str, place: str) -> Address:
    way = "ssh" if scheme in _SSH else scheme if scheme in _WAYS else "other"
    parts = _PLACE.fullmatch(place)
    if way in {"other", "file"} or parts is None:
        return Address(way)
    user, _, password = (parts[1] or "").partition(":")
    secret = bool(password) or _TOKEN.match(user) is not None
    return Address(way, _usual(_HOST, parts[2].strip("[]")), _usual(_USER, user), parts[3] or "", secret)


def _of_scp(user: str, place: str) -> Address:
    host, port = place.strip("[]"), ""
    if place.startswith("[") and host.count(":") == 1:  # [host:port]:path, as git takes it
        host, _, port = host.partition(":")
    return Address("ssh", _usual(_HOST, host), _usual(_USER, user), port if port.isdecimal() else "")


def _usual(form: re.Pattern[str], text: str) -> str:
    """Return what may be given to a program as a name: nothing that it would take for an option."""
    return text if form.fullmatch(text) else ""


def key_place(host: str, login: str) -> str:
    """Return where a public key goes so that ``host`` knows it."""
    page = PAGES.get(host.lower())
    if page:
        return page
    return f"the SSH keys of your account at {host}, or ~/.ssh/authorized_keys of {login}"
