"""What a socket's monitor tells: who connected, whose handshake failed.

pyzmq has a function for it in a module that loads asyncio, which costs every command and every
start of a server a good part of its time.
"""

import struct

import zmq

_EVENT = struct.Struct("=Hi")


def read_event(monitor: "zmq.Socket[bytes]") -> tuple[int, int]:
    """The next event and its value: a descriptor or an error number."""
    first, *_ = monitor.recv_multipart()
    event, value = _EVENT.unpack(first)
    return event, value
