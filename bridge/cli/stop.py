"""`stemlasso stop`: stop this user's server."""

import time

from bridge.client import Client
from bridge.connection import is_alive
from bridge.errors import RequestTimeout

from .output import OK, parser, show_json, with_client

_PATIENCE_S = 20.0


def main(argv: list[str]) -> int:
    """Run `stemlasso stop`; returns the exit status."""
    made = parser(
        "stop", "Stop the server. Jobs that wait or run are taken up by the next one.", starts=False
    )
    arguments = made.parse_args(argv)

    def stop(client: Client) -> int:
        pid = client.welcome.pid
        client.stop_server()
        if not arguments.server:
            _wait_for_end(pid)
        if arguments.json:
            show_json({"status": "stopped", "pid": pid})
        else:
            print(f"stopped (process {pid})")
        return OK

    return with_client(arguments, stop)


def _wait_for_end(pid: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while is_alive(pid):
        if time.monotonic() > deadline_s:
            raise RequestTimeout(f"process {pid} still runs {_PATIENCE_S:g} s after it was stopped")
        time.sleep(0.02)
