"""What a server accepts; `hello` tells every client. Each limit has an error code of its own."""

from dataclasses import dataclass

from .fields import count

FRAME_BYTES = 4 * 1024 * 1024
"""A longer frame never reaches the server: the transport closes the connection."""

HEADER_BYTES = 4096
BODY_BYTES = 256 * 1024
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server.

    header_bytes, body_bytes, chunk_bytes: of the frames of one message.
    requests_in_flight: requests of one client that wait for their reply.
    clip_s, clip_bytes: length and size of one clip.
    upload_idle_s: an upload without a chunk for so long is dropped.
    """

    header_bytes: int = count(default=HEADER_BYTES)
    body_bytes: int = count(default=BODY_BYTES)
    chunk_bytes: int = count(default=CHUNK_BYTES)
    requests_in_flight: int = count(default=64)
    clients: int = count(default=128)
    uploads: int = count(default=128)
    upload_idle_s: int = count(default=60)
    clips: int = count(default=10_000)
    clip_s: int = count(default=6 * 3600)
    clip_bytes: int = count(default=32 * 1024**3)
    queued_jobs: int = count(default=2000)
