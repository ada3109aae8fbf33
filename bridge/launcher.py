"""Finds the server for a client, and starts one in the background when none runs."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .connection import Connection
from .errors import AuthenticationError, NotFound, ServerUnavailable
from .folders import HOME_VARIABLE, Folders, make_private
from .security import Keys

if TYPE_CHECKING:
    from .client import Client

log = logging.getLogger(__name__)

ANOTHER_RUNS = 23
"""Exit status of `stemlasso serve` when there is a server already."""

_LOOK_S = 0.02
_LOG_BYTES = 2 * 1024 * 1024
if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0

_HELLO_S = 3.0
"""How long a server that is said to run may take to answer before another one is tried."""


def find_or_start(client: "Client", folders: Folders, timeout_s: float) -> None:
    """Open `client`, on a server that is started when none answers. Raises BridgeError."""
    deadline_s = time.monotonic() + timeout_s
    try:
        client.open(min(_HELLO_S, timeout_s))
    except (ServerUnavailable, AuthenticationError) as error:
        # Keys that are not accepted: the file is another, dead server's whose port was reused.
        log.info("no server yet: %s", error)
    else:
        return
    process = start_server(folders)
    while True:
        try:
            client.open(max(deadline_s - time.monotonic(), 0.1))
        except (ServerUnavailable, AuthenticationError) as error:
            # One that ended because another server was quicker is waited for as well.
            has_failed = process.poll() not in (None, ANOTHER_RUNS)
            if has_failed or time.monotonic() >= deadline_s:
                raise ServerUnavailable(_why(folders, process, error)) from error
            time.sleep(_LOOK_S)
        else:
            return


def start_server(folders: Folders) -> "subprocess.Popen[bytes]":
    """Start a server of its own session, which outlives this process. Raises BridgeError."""
    make_private(folders.runtime)
    package_root = Path(__file__).resolve().parent.parent
    paths = [str(package_root), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **({HOME_VARIABLE: str(folders.home)} if folders.home else {}),
    }
    mode = "ab" if _size(folders.log) < _LOG_BYTES else "wb"
    with folders.log.open(mode) as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folders.runtime,
            creationflags=_CREATION_FLAGS,
            start_new_session=True,
        )
    # Without somebody who waits for it, a dead server would be a zombie for as long as this process
    # lives, and look alive to everybody.
    threading.Thread(target=process.wait, name="server-end", daemon=True).start()
    return process


def find_remote(folders: Folders, name: str) -> Connection:
    """The connection to a server elsewhere. Raises NotFound."""
    keys = Keys(folders.keys)
    servers = keys.servers()
    if name not in servers:
        known = ", ".join(servers) or "none"
        raise NotFound(f"no server is called {name!r}; known are: {known} (`stemlasso keys trust`)")
    own = keys.client()
    return Connection(
        endpoint=f"tcp://{servers[name].address}",
        server_public_key=servers[name].public,
        client_public_key=own.public,
        client_secret_key=own.secret,
    )


def _why(folders: Folders, process: "subprocess.Popen[bytes]", error: Exception) -> str:
    status = process.poll()
    ended = "it runs, but does not answer" if status is None else f"it ended with status {status}"
    return f"a server was started, but {ended}: {_last_line(folders.log) or error} ({folders.log})"


def _last_line(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(_size(path) - 2000, 0))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "").strip()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
