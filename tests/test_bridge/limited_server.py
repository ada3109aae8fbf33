"""A server with limits of its own: `python limited_server.py HOME '{"upload_idle_s": 1}'`."""

import json
import signal
import sys
from pathlib import Path

from bridge.desk import DeskSettings
from bridge.folders import Folders, make_private
from bridge.protocol.limits import Limits
from bridge.server import Server, ServerConfig, run_server


def ready(server: Server) -> None:
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    print("ready", flush=True)


if __name__ == "__main__":
    folders, limits = Folders.below(Path(sys.argv[1])), Limits(**json.loads(sys.argv[2]))
    make_private(folders.runtime)
    desk = DeskSettings(folders.store, limits)
    run_server(ServerConfig(folders, desk, "test", limits), ready)
