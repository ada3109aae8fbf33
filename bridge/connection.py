"""The connection file: how clients on this computer find the server, and notice that it is gone."""

import json
import logging
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ProtocolError, ServerUnavailable, VersionMismatch
from .folders import check_private
from .protocol.fields import FieldError, count, from_wire, identifier, number, text
from .protocol.version import MAJOR, PROTOCOL_VERSION
from .security import KeyPair, check_key, write_private

log = logging.getLogger(__name__)

_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a server is and the keys to talk to it.

    endpoint: of requests. server_public_key: the server's; the client keys are this user's own.
    pid: the server's process, 0 for one on another computer. started_s: seconds since 1970.
    protocol: that of a file which does not say it is the first one.
    """

    endpoint: str = text()
    server_public_key: str = text(max_bytes=40)
    client_public_key: str = text(max_bytes=40)
    client_secret_key: str = text(max_bytes=40)
    protocol: str = text(max_bytes=16, default="1.0")
    server_version: str = text(max_bytes=64, default="")
    server_id: str = identifier(default="")
    pid: int = count(default=0)
    started_s: float = number(default=0.0)

    def __repr__(self) -> str:
        return f"Connection({self.endpoint}, pid {self.pid}, server {self.server_id})"

    @property
    def client_keys(self) -> KeyPair:
        """The keys that the client shows."""
        return KeyPair(self.client_public_key, self.client_secret_key)


def write_connection(path: Path, connection: Connection) -> None:
    """Put the file at `path`, readable by its owner only, whole or not at all."""
    write_private(path, json.dumps(asdict(connection), indent=2) + "\n")


def read_connection(path: Path) -> Connection:
    """The connection that the file holds, when its server is alive.

    Raises ServerUnavailable when there is no file or the server is gone, AuthenticationError when
    others could have written the file, VersionMismatch when the server speaks another major.
    """
    connection = _parse(path)
    major = connection.protocol.partition(".")[0]
    if major != str(MAJOR):
        raise VersionMismatch(
            f"the server speaks protocol {connection.protocol}, this client {PROTOCOL_VERSION}; "
            "stop it and start it again after updating"
        )
    if not is_alive(connection.pid):
        raise ServerUnavailable(
            f"{path}: left behind by process {connection.pid}, which is no more; start a server"
        )
    return connection


def remove_connection(path: Path, server_id: str) -> None:
    """Remove the file when it is that server's own; another server's stays."""
    try:
        if _parse(path).server_id == server_id:
            path.unlink()
    except (ServerUnavailable, ProtocolError, OSError) as error:
        log.info("connection file not removed: %s", error)


def _parse(path: Path) -> Connection:
    try:
        check_private(path)
        with path.open("rb") as stream:
            content = json.loads(stream.read(_FILE_BYTES).decode("utf-8"))
        connection = from_wire(Connection, content)
    except FileNotFoundError as error:
        raise ServerUnavailable(f"{path}: there is none, so no server runs") from error
    except (OSError, ValueError, FieldError) as error:
        raise ServerUnavailable(f"{path}: it cannot be used ({error}); start a server") from error
    for key in (connection.server_public_key, connection.client_public_key):
        check_key(key)
    check_key(connection.client_secret_key)
    return connection


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs. (It may be another one; `hello` tells for sure.)"""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if sys.platform == "win32":
    import ctypes

    _QUERY, _STILL_ACTIVE = 0x1000, 259

    def _is_alive_on_windows(pid: int) -> bool:
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return bool(known) and code.value == _STILL_ACTIVE
