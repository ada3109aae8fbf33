"""The standard streams: who reads them may lack letters of ours, or may have gone, such as `head`.

A command whose output nobody reads any more ends quietly, with the status that a shell shows for
programs that the signal SIGPIPE ends. The signal itself stays ignored, as Python has it: in the
engine process a broken pipe is one peer's end, not everybody's.
"""

import io
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

CLOSED = 141
"""128 and the number of SIGPIPE."""


def quiet_when_closed(run: Callable[[], int]) -> int:
    """What `run` returns; CLOSED when a standard stream lost its reader before all was written.

    Letters that a stream's encoding lacks are shown by their numbers.
    """
    for stream in _streams():
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return run()
        finally:
            # Here, where it can still be caught: what is buffered is written at the latest now.
            _flush()
    except BrokenPipeError:
        if not drop_closed():
            raise  # another pipe or socket: an error like any other
        return CLOSED


def drop_closed() -> bool:
    """Let what is still to come on streams without a reader vanish; whether there are any."""
    closed = [stream for stream in _streams() if _is_closed(stream)]
    for stream in closed:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(closed)


def _streams() -> list[TextIO]:
    """Python has none of them in a program without a console."""
    streams: tuple[TextIO | None, ...] = (sys.stdout, sys.stderr)
    return [stream for stream in streams if stream is not None and not stream.closed]


def _flush() -> None:
    for stream in _streams():
        stream.flush()


def _is_closed(stream: TextIO) -> bool:
    with suppress(OSError, ValueError):  # in memory, as in tests
        if not hasattr(select, "poll"):  # Windows
            return True
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return False
