"""A hub on 127.0.0.1 that speaks as much of the real one's language as a download needs."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40
GOOD_TOKEN = "hf_good"
OUTSIDER_TOKEN = "hf_outsider"


@dataclass
class LocalHub:
    """What the server has, how it misbehaves, and what it was asked.

    files: by repository, then by name.   gated: repositories for GOOD_TOKEN only.
    breaks: how many more times a body ends after `break_after` bytes.
    holds: every body stops after `break_after` bytes for as long as this is True.
    claims: sizes or digests to announce instead of the true ones.
    """

    files: dict[str, dict[str, bytes]]
    gated: set[str] = field(default_factory=set)
    breaks: int = 0
    break_after: int = 0
    holds: bool = False
    ignores_ranges: bool = False
    status: int = 0
    claimed_sizes: dict[str, int] = field(default_factory=dict)
    claimed_sha256: dict[str, str] = field(default_factory=dict)
    commit: str = COMMIT
    revisions: set[str] = field(default_factory=lambda: {"main"})
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    endpoint: str = ""

    def info(self, repository: str) -> dict[str, object]:
        siblings = []
        for name, content in self.files[repository].items():
            size = self.claimed_sizes.get(name, len(content))
            sha256 = self.claimed_sha256.get(name, hashlib.sha256(content).hexdigest())
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            large = {"lfs": {"sha256": sha256, "size": size, "pointerSize": 134}}
            siblings.append(
                {"rfilename": name, "size": size, "blobId": blob}
                | ({} if name.endswith(".json") else large)
            )
        return {"id": repository, "modelId": repository, "sha": self.commit, "siblings": siblings}

    def ranges(self) -> list[str]:
        """The Range headers that were sent."""
        return [value for _, value in self.requests if value]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def _answer(self, *, with_body: bool) -> None:
        hub = self.hub
        path = self.path.split("?")[0]
        hub.requests.append((path, self.headers.get("Range", "")))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        hub.tokens |= {token} if token else set()
        parts = path.strip("/").split("/")
        if hub.status:
            self._refuse(hub.status, "")
        elif parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main", token)
        elif parts[0] == "plain":
            self._send(hub.files["plain"][parts[1]], with_body)
        elif parts[2:3] == ["resolve"]:
            repository = "/".join(parts[:2])
            if repository in hub.gated and token != GOOD_TOKEN:
                self._refuse(403 if token else 401, "GatedRepo")
            else:
                self._send(hub.files[repository]["/".join(parts[4:])], with_body)
        else:
            self._refuse(404, "EntryNotFound")

    def _describe(self, repository: str, revision: str, token: str) -> None:
        if repository not in self.hub.files:
            self._refuse(404 if token else 401, "RepoNotFound")
        elif revision not in self.hub.revisions | {self.hub.commit}:
            self._refuse(404, "RevisionNotFound")
        else:
            body = json.dumps(self.hub.info(repository)).encode()
            self._head(200, len(body))
            self.wfile.write(body)

    def _send(self, content: bytes, with_body: bool) -> None:
        asked = self.headers.get("Range", "")
        start = 0
        if asked and not self.hub.ignores_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self._refuse(416, "")
                return
        body = content[start:]
        self._head(206 if start else 200, len(body))
        if not with_body:
            return
        if self.hub.breaks and len(body) > self.hub.break_after:
            self.hub.breaks -= 1
            body = body[: self.hub.break_after]
            self.close_connection = True
        if self.hub.holds:
            self._hold(body)
        else:
            self.wfile.write(body)

    def _hold(self, body: bytes) -> None:
        self.close_connection = True
        with suppress(ConnectionError):  # whoever waited may have left
            self.wfile.write(body[: self.hub.break_after])
            while self.hub.holds:
                time.sleep(0.01)
            self.wfile.write(body[self.hub.break_after :])

    def _head(self, status: int, n_bytes: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(n_bytes))
        self.send_header("ETag", '"first"')
        self.send_header("X-Repo-Commit", self.hub.commit)
        self.end_headers()

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()


@contextmanager
def serve(hub: LocalHub) -> Iterator[LocalHub]:
    """Run `hub` on a free port; its `endpoint` is then its address."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.socket.close()
