"""An X server without a screen, and processes that are gone when a test is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

WAIT_S = 60.0
Found = TypeVar("Found")


@contextmanager
def x_server(width: int = 1280, height: int = 800) -> Iterator[str]:
    """A screen; gives its DISPLAY."""
    reader, writer = os.pipe()
    size = ("-screen", "0", f"{width}x{height}x24")
    command = ["Xvfb", "-displayfd", str(writer), *size, "-nolisten", "tcp", "-noreset"]
    with os.fdopen(reader) as numbers, process(command, dict(os.environ), pass_fds=(writer,)):
        os.close(writer)
        yield f":{numbers.readline().strip()}"


@contextmanager
def process(
    command: list[str], environ: dict[str, str], log=subprocess.DEVNULL, pass_fds=()
) -> Iterator[None]:
    """A process with all that it starts, ended together."""
    started = subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=pass_fds,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait(60)


def wait_for(look: Callable[[], Found], what: str, patience_s: float = WAIT_S) -> Found:
    """What `look` gives, once that is something."""
    deadline_s = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline_s, f"never came: {what}"
        time.sleep(0.1)
    return found
