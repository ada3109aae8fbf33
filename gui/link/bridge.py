"""The panel's way to the bridge: calls and events on threads of their own, results as Qt signals.

quick    requests that are answered at once, such as cancel
slow     requests that open files or start processes, so that they hold nobody up
events   what happens on the server, and whether it is still there
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.client import Client, connect
from bridge.errors import BridgeError, ServerUnavailable

from .background import Background, OnDone, OnError

log = logging.getLogger(__name__)

CONNECT_S = 30.0
POLL_S = 0.3
PING_S = 4.0
RETRY_S = 1.0
JOIN_S = 15.0

Ask = Callable[[Client], Any]


@dataclass(frozen=True, slots=True)
class Server:
    """Which one. home: the folder with everything, when it is not the usual one; name: elsewhere.

    start: whether one is started when none runs.
    """

    home: Path | None = None
    name: str = ""
    start: bool = True

    def connect(self) -> Client:
        """A client. Raises BridgeError."""
        return connect(
            self.home, server=self.name, start=self.start, name="panel", timeout_s=CONNECT_S
        )


class BridgeLink(QObject):
    """All traffic with the server. Signals arrive in the Qt thread."""

    opened = pyqtSignal(object)
    """The server's `Welcome`: connected, for the first time or again."""

    lost = pyqtSignal(str)
    """The server is gone or cannot be reached; the text says why."""

    happened = pyqtSignal(str, object)
    """Name and body of something that happened on the server."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._is_stopped = threading.Event()
        self._lanes = {False: _Lane("quick", server), True: _Lane("slow", server)}
        self._events = threading.Thread(target=self._listen, name="events", daemon=True)

    def start(self) -> None:
        """Start the threads; returns at once."""
        for lane in self._lanes.values():
            lane.work.start()
        self._events.start()

    def stop(self) -> None:
        """End them. The server and its jobs go on."""
        self._is_stopped.set()
        for lane in self._lanes.values():
            lane.stop()
        if self._events.is_alive():
            self._events.join(JOIN_S)

    def call(self, ask: Ask, on_done: OnDone, on_error: OnError, *, slow: bool = False) -> None:
        """Ask something of a client; one of the two is called in the Qt thread."""
        lane = self._lanes[slow]
        lane.work.run(lambda: lane.ask(ask), on_done, on_error)

    def _listen(self) -> None:
        while not self._is_stopped.is_set():
            try:
                with self._server.connect() as client:
                    self._pass_on(client)
            except BridgeError as error:
                log.info("events: %s", error)
                if not self._is_stopped.is_set():
                    self.lost.emit(str(error))
                    self._is_stopped.wait(RETRY_S)

    def _pass_on(self, client: Client) -> None:
        subscriber = client.subscribe()
        try:
            self.opened.emit(client.welcome)
            heard_s = time.monotonic()
            while not self._is_stopped.is_set():
                event = subscriber.next(POLL_S)
                if event is not None:
                    heard_s = time.monotonic()
                    self.happened.emit(event.header.event, event.body)
                    if event.header.event == "server.stopping":
                        raise ServerUnavailable("the engine process is stopping")
                elif client.is_server_gone:
                    raise ServerUnavailable("the engine process has ended")
                elif time.monotonic() - heard_s > PING_S:
                    server_id = client.welcome.server_id
                    client.ping()
                    if client.welcome.server_id != server_id:
                        raise ServerUnavailable("the engine process was started again")
                    heard_s = time.monotonic()
        finally:
            subscriber.close()


class _Lane:
    """A thread and the client that only it uses."""

    def __init__(self, name: str, server: Server) -> None:
        self.work = Background(name, (BridgeError, OSError))
        self._server = server
        self._client: Client | None = None

    def ask(self, ask: Ask) -> Any:
        if self._client is None:
            self._client = self._server.connect()
        try:
            return ask(self._client)
        except ServerUnavailable:
            # The next call looks for a server anew, and starts one.
            self._client.close()
            self._client = None
            raise

    def stop(self) -> None:
        client = self._client
        if client is not None:
            client.give_up()
        self.work.stop()
        if self._client is not None:
            self._client.close()
