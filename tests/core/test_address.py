"""Addresses of remotes, as git reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.address import Address, key_place, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("git@github.com:ann/x.git", Address("ssh", "github.com", "git")),
        ("github.com:ann/x.git", Address("ssh", "github.com")),
        ("[git.example.org:2222]:x.git", Address("ssh", "git.example.org", "", "2222")),
        ("ann@[::1]:x.git", Address("ssh", "::1", "ann")),
        ("ann@[h:x]:x.git", Address("ssh", "h", "ann")),
        ("ssh://ann@h:2222/x.git", Address("ssh", "h", "ann", "2222")),
        ("SSH://h/x", Address("ssh", "h")),
        ("git+ssh://ann@[::1]:22/x", Address("ssh", "::1", "ann", "22")),
        ("ssh://ann:secret@h/x", Address("ssh", "h", "ann", "", secret=True)),
        ("https://github.com/ann/x.git", Address("https", "github.com")),
        ("https://ann@h/x", Address("https", "h", "ann")),
        ("https://ann:secret@h:8443/x", Address("https", "h", "ann", "8443", secret=True)),
        ("https://ghp_abc@h/x", Address("https", "h", "ghp_abc", secret=True)),
        (f"https://{'a1' * 20}@h/x", Address("https", "h", "a1" * 20, secret=True)),
        ("http://h:80/x", Address("http", "h", "", "80")),
        ("git://h/x", Address("git", "h")),
        ("file:///srv/x.git", Address("file")),
        ("ftp://h/x", Address("other")),
        ("https://h:x/y", Address("https")),
        ("ext::sh -c id", Address("other")),
        ("/srv/x.git", Address("file")),
        ("./a:b", Address("file")),
        ("../x", Address("file")),
        ("", Address("file")),
    ],
)
def test_where_an_address_leads(text: str, address: Address) -> None:
    """The way, the host, the user and the port; and whether a secret stands in it."""
    assert parse(text) == address


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=id:x", "ssh://-oProxyCommand=id/x", "ssh://h\x1b[31m/x", "a b:x", "ssh://$(id)/x"]
)
def test_no_option_is_taken_for_a_host(text: str) -> None:
    """What a program would not read as a name is none."""
    assert (parse(text).way, parse(text).host) == ("ssh", "")


@given(st.text(max_size=60) | st.text("ab@:/[].-1", max_size=30))
def test_anything_is_read(text: str) -> None:
    """Whatever stands there: an address, whose parts can be given to a program."""
    found = parse(text)
    assert not found.host.startswith("-")
    assert not found.login.startswith("-")


def test_what_others_call_it() -> None:
    """The login of ssh, and the site of the web."""
    assert parse("git@h:x").login == "git@h"
    assert parse("h:x").login == "h"
    assert parse("https://a:b@h:8443/x").site == "https://h:8443"
    assert parse("http://[::1]/x").site == "http://[::1]"


def test_where_a_key_goes() -> None:
    """The page of a host that many use; else the account's own file."""
    assert key_place("GitHub.com", "git@github.com") == "https://github.com/settings/ssh/new"
    assert "~/.ssh/authorized_keys of ann@box" in key_place("box", "ann@box")
