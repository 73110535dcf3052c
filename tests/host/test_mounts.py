"""Which file system holds a folder."""

import os
from pathlib import Path

import pytest

from orchestrator.host.mounts import kind_in, network_kind

INFO = (
    rb"""21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
22 21 0:19 / /proc rw - proc proc rw
30 21 0:40 / /mnt/team rw,relatime shared:9 - nfs4 server:/team rw,vers=4.2
31 30 254:9 / /mnt/team/local rw - xfs /dev/vdb rw
32 21 0:41 / /mnt/with\040blank\134and\012more rw - cifs //server/share rw
33 21 0:42 / /home rw - btrfs /dev/vdc rw
34 21 0:43 / /auto rw - autofs systemd-1 rw
35 34 0:44 / /auto rw - nfs server:/auto rw
36 21 0:45 / /mnt/t"""
    + "ä漢".encode()
    + rb""" rw - fuse.sshfs me@there:/ rw
37 21 0:46 / /hidden/below rw - nfs server:/below rw
38 21 254:8 / /hidden rw - ext4 /dev/vdd rw
"""
)
NOWHERE = os.makedev(99, 99)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", b"ext4"),
        ("/mnt", b"ext4"),
        ("/mnt/team", b"nfs4"),
        ("/mnt/team/a/b", b"nfs4"),
        ("/mnt/team/local/x", b"xfs"),
        ("/mnt/teamwork", b"ext4"),
        ("/mnt/with blank\\and\nmore/x", b"cifs"),
        ("/auto/x", b"nfs"),
        ("/mnt/tä漢/x", b"fuse.sshfs"),
        ("/home/me", b"btrfs"),
    ],
)
def test_the_longest_mount_point_above_tells(path: str, kind: bytes) -> None:
    """Where no mount has the device of the file, its path decides; the last of equals wins."""
    assert kind_in(INFO, os.fsencode(path), NOWHERE) == kind


def test_the_device_tells_even_where_a_mount_is_hidden() -> None:
    """A mount below one that was made later is not the one that holds the file."""
    assert kind_in(INFO, b"/hidden/below/x", NOWHERE) == b"nfs"
    assert kind_in(INFO, b"/hidden/below/x", os.makedev(254, 8)) == b"ext4"


def test_a_local_folder_is_local(tmp_path: Path) -> None:
    """The folder of a test is on no network file system."""
    assert network_kind(str(tmp_path)) == ""


def test_a_folder_that_is_not_there_is_not_accused(tmp_path: Path) -> None:
    """Nothing is known of it, so nothing is said."""
    assert network_kind(str(tmp_path / "missing")) == ""
