"""`stemlasso status`: what the server has and does."""

import argparse
import time
from dataclasses import asdict

from bridge.client import Client
from bridge.protocol.messages import Status

from .output import OK, duration, parser, show_json, size, with_client

_PATIENCE_S = 10.0


def main(argv: list[str]) -> int:
    """Run `stemlasso status`; returns the exit status."""
    made = parser("status", "Show the server, its devices, models, queue and store.", starts=False)
    arguments = made.parse_args(argv)
    return with_client(arguments, lambda client: _show(client, arguments))


def _show(client: Client, arguments: argparse.Namespace) -> int:
    status = client.status()
    deadline_s = time.monotonic() + _PATIENCE_S
    while not status.devices and time.monotonic() < deadline_s:
        # The first question makes the server look; nothing waits for the answer but this command.
        time.sleep(0.1)
        status = client.status()
    if arguments.json:
        show_json({"protocol": client.welcome.protocol, **asdict(status)})
    else:
        print(_lines(client, status))
    return OK


def _lines(client: Client, status: Status) -> str:
    engine = status.engine
    free = "" if status.memory_free_bytes is None else f", {size(status.memory_free_bytes)} free"
    total = status.memory_total_bytes
    lines = [
        f"server     {status.server_version}, protocol {client.welcome.protocol}, "
        f"process {client.welcome.pid}, up {duration(status.uptime_s)}, "
        f"{size(status.server_memory_bytes)}, {status.n_clients} clients",
        f"memory     {'unknown' if total is None else size(total)}{free}",
        *(f"device     {device.name} ({device.kind})" for device in status.devices),
        f"engine     {engine.state}"
        + (f", process {engine.pid}, {size(engine.memory_bytes)}" if engine.pid else "")
        + (f", {engine.loaded} loaded" if engine.loaded else "")
        + (f", restarted {engine.restarts} times" if engine.restarts else ""),
        f"queue      {status.n_running} running, {status.n_queued} waiting",
        f"store      {status.store.n_clips} clips, {status.store.n_jobs} jobs, "
        f"{size(status.store.n_bytes)} in {status.store.folder or '(not shown)'}",
    ]
    for separator in status.separators:
        state = "ready" if separator.available else f"not ready: {separator.missing}"
        lines.append(f"separator  {separator.name}: {state}")
    return "\n".join(lines)
