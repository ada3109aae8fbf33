"""CURVE keys of this installation, who may connect (ZAP), and files that only the owner reads.

    keys/server.json     {"public", "secret"}: the server's, made once per installation
    keys/client.json     the same of this user's own clients
    keys/allowed/NAME    public key of somebody else's client, for a server that listens
    keys/servers/NAME    {"address", "public"} of a server elsewhere that this user trusts

All keys are the 40 characters of ZeroMQ's Z85 form.
"""

import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.utils import z85

from .errors import AuthenticationError, NotFound
from .folders import check_private, make_private
from .lock import FileLock

log = logging.getLogger(__name__)

LOCAL_DOMAIN = "stemlasso.local"
NETWORK_DOMAIN = "stemlasso.network"
_KEY = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair. The secret is never shown."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server elsewhere. address: `HOST:PORT` of its requests."""

    address: str
    public: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys below one folder."""

    folder: Path

    def server(self) -> KeyPair:
        """This installation's server keys, made when they are not there."""
        return self._own("server")

    def client(self) -> KeyPair:
        """The keys of this user's clients, made when they are not there."""
        return self._own("client")

    def allowed(self) -> Mapping[str, str]:
        """Public keys of other clients that may reach a listening server, by name."""
        found = _files(self.folder / "allowed")
        return {path.name: check_key(path.read_text("ascii").strip()) for path in found}

    def allow(self, name: str, public: str) -> None:
        """Let the client with the key `public` reach a listening server."""
        check_key(public)
        self._write("allowed", name, public + "\n")

    def revoke(self, name: str) -> None:
        """Let that client in no more. Raises NotFound."""
        self._remove("allowed", name)

    def servers(self) -> Mapping[str, RemoteServer]:
        """Servers elsewhere, by name."""
        found = {path.name: _load(path) for path in _files(self.folder / "servers")}
        return {
            name: RemoteServer(str(one.get("address")), check_key(one["public"]))
            for name, one in found.items()
        }

    def trust(self, name: str, server: RemoteServer) -> None:
        """Remember a server elsewhere and its key."""
        check_key(server.public)
        content = {"address": server.address, "public": server.public}
        self._write("servers", name, json.dumps(content) + "\n")

    def forget(self, name: str) -> None:
        """Forget a server elsewhere. Raises NotFound."""
        self._remove("servers", name)

    def _own(self, name: str) -> KeyPair:
        make_private(self.folder)
        path = self.folder / f"{name}.json"
        lock = FileLock(self.folder / ".lock")
        while not path.exists():
            if not lock.acquire():
                continue  # another process is writing this very file
            try:
                if not path.exists():
                    public, secret = (key.decode() for key in zmq.curve_keypair())
                    write_private(path, json.dumps({"public": public, "secret": secret}))
            finally:
                lock.release()
        content = _load(path)
        return KeyPair(check_key(content["public"]), check_key(content.get("secret")))

    def _write(self, kind: str, name: str, content: str) -> None:
        if not _NAME.fullmatch(name):
            raise AuthenticationError(
                f"name {name!r}: up to 64 letters, digits, '_', '.' and '-' are allowed"
            )
        make_private(self.folder)
        make_private(self.folder / kind)
        write_private(self.folder / kind / name, content)

    def _remove(self, kind: str, name: str) -> None:
        names = [path.name for path in _files(self.folder / kind)]
        if name not in names:
            raise NotFound(f"no key is called {name!r}; there are: {', '.join(names) or 'none'}")
        (self.folder / kind / name).unlink()


def check_key(key: object) -> str:
    """`key` when it is one. Raises AuthenticationError."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        shown = f"{len(key)} characters" if isinstance(key, str) else type(key).__name__
        raise AuthenticationError(f"a key of 40 Z85 characters was expected, not {shown}")
    return key


def write_private(path: Path, content: str) -> None:
    """Put `content` at `path`, whole or not at all, readable by the owner from its first moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class Doorkeeper:
    """Answers the transport's question (ZAP) whether a peer may come in, by its public key.

    may_enter: (domain of the socket, public key) -> whether. One owner thread.
    """

    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", may_enter: Callable[[str, str], bool]
    ) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind("inproc://zeromq.zap.01")
        self._may_enter = may_enter

    def answer_all(self) -> None:
        """Answer every question that waits."""
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            version, question = frames[0], frames[1]
            may = len(frames) == 7 and self._known(frames)
            status = (b"200", b"OK") if may else (b"400", b"not authorised")
            self.socket.send_multipart([version, question, *status, b"", b""])

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _known(self, frames: list[bytes]) -> bool:
        _, _, domain, address, _, mechanism, credentials = frames
        if mechanism != b"CURVE" or len(credentials) != 32:
            return False
        key = z85.encode(credentials).decode("ascii")
        may = self._may_enter(domain.decode("ascii", "replace"), key)
        if not may:
            log.warning(
                "refused a peer at %s: its key is not allowed", address.decode("ascii", "replace")
            )
        return may


def _load(path: Path) -> dict[str, object]:
    check_private(path)
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AuthenticationError(f"{path}: it cannot be read ({error}); remove it") from error
    if not isinstance(content, dict) or "public" not in content:
        raise AuthenticationError(f"{path}: it holds no keys; remove it")
    return content


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
