"""A worker in whose process everything prints where it should not."""

import os
import sys
import threading

from bridge.engine_host import EngineHost, store_root
from bridge.worker_calls import CallServer, private_pipe


def shout() -> None:
    while True:
        os.write(1, b"\x00\x00\x00\x05spurious bytes on the standard output\n")
        print("and from Python", flush=True)
        sys.stderr.write("and on the error stream\n" * 100)


if __name__ == "__main__":
    reader, writer = private_pipe()
    threading.Thread(target=shout, daemon=True).start()
    CallServer(reader, writer, EngineHost(store_root())).run()
