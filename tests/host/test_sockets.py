"""Unix sockets for their owner alone, and the word to a service manager."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from orchestrator.host.sockets import bind_private, notify
from tests.processes import ended, environment, python


def connects(path: Path, listener: socket.socket) -> bool:
    """Tell whether somebody who comes to ``path`` reaches the listener."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(f"/proc/self/fd/{folder}/{path.name}")
            listener.accept()[0].close()
            return True
    finally:
        os.close(folder)


@pytest.mark.parametrize("depth", [0, 3])
def test_private_from_its_first_moment(tmp_path: Path, depth: int) -> None:
    """Mode 0600 whatever the umask, which is as before; a path of any length serves."""
    folder = tmp_path.joinpath(*["d" * 80] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    before = os.umask(0)
    try:
        with bind_private(str(folder / "s")) as listener:
            assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o600
            assert not listener.get_inheritable()
            assert connects(folder / "s", listener)
    finally:
        assert os.umask(before) == 0


def test_what_is_in_the_way_stays(tmp_path: Path) -> None:
    """A file at the path, and a folder that is not there, are errors; the umask is as before."""
    (tmp_path / "s").write_text("mine")
    before = os.umask(0o022)
    try:
        with pytest.raises(OSError, match="in use") as refused:
            bind_private(str(tmp_path / "s"))
        assert refused.value.errno == errno.EADDRINUSE
        with pytest.raises(FileNotFoundError):
            bind_private(str(tmp_path / "gone" / "s"))
    finally:
        assert os.umask(before) == 0o022
    assert (tmp_path / "s").read_text() == "mine"


@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told(tmp_path: Path, abstract: bool) -> None:  # noqa: FBT001  # the two kinds
    """The state arrives at $NOTIFY_SOCKET, a path or an abstract name."""
    name = f"@orchd-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(10)
        code = f"import os; os.environ['NOTIFY_SOCKET'] = {name!r}\n"
        ended(python(code + "from orchestrator.host.sockets import notify; notify('READY=1')"))
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", ["", "/gone/notify", "x" * 300])
def test_nobody_to_tell(name: str) -> None:
    """No manager, or one that does not listen, is no trouble."""
    assert "NOTIFY_SOCKET" not in environment()
    code = f"import os; os.environ['NOTIFY_SOCKET'] = {name!r}\n"
    ended(python(code + "from orchestrator.host.sockets import notify; notify('READY=1')"))
    notify("READY=1")
