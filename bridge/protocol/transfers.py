"""A clip on its way to the server, in chunks or by its path, and bytes of clips and stems back."""

from dataclasses import dataclass

from .fields import choice, count, identifier, part, text
from .limits import CHUNK_BYTES
from .values import MAX_CHANNELS, MAX_SAMPLE_RATE, PATH_BYTES, Clip, ClipOrigin


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be uploaded.

    content: `float32`, raw little-endian samples, channels interleaved; or `file`, the bytes of an
        audio file, whose rate, channels and length are read from it.
    n_samples, n_bytes: what will come; 0 when that is not known yet (a running capture).
    """

    content: str = choice("float32", "file", default="float32")
    sample_rate: int = count(at_most=MAX_SAMPLE_RATE, default=0)
    n_channels: int = count(at_most=MAX_CHANNELS, default=0)
    n_samples: int = count(default=0)
    n_bytes: int = count(default=0)


@dataclass(frozen=True, slots=True)
class ClipPut:
    """Either `path` or `upload`. name: empty means the file's name."""

    path: str = text(max_bytes=PATH_BYTES, default="")
    upload: Upload | None = part(Upload, or_none=True, default=None)
    name: str = text(default="")
    origin: ClipOrigin = part(ClipOrigin, default=ClipOrigin())


@dataclass(frozen=True, slots=True)
class ClipPutReply:
    """clip: for a path. upload_id: for an upload, to go on with `clip.chunk`.

    window: chunks that may be under way before the first of them is answered.
    """

    clip: Clip | None = part(Clip, or_none=True, default=None)
    upload_id: str = identifier(default="")
    chunk_bytes: int = count(default=CHUNK_BYTES)
    window: int = count(default=0)


@dataclass(frozen=True, slots=True)
class ClipChunk:
    """Chunk number `index`, counted from 0; its bytes are the message's data frame."""

    upload_id: str = identifier()
    index: int = count()


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How much of an upload has arrived, and the chunk that is expected next."""

    received_bytes: int = count()
    next_index: int = count()


@dataclass(frozen=True, slots=True)
class ClipCommit:
    """sha256: of all bytes sent, in hex; empty when the client does not check."""

    upload_id: str = identifier()
    sha256: str = text(max_bytes=64, default="")


@dataclass(frozen=True, slots=True)
class UploadReference:
    """One upload under way."""

    upload_id: str = identifier()


@dataclass(frozen=True, slots=True)
class ClipRead:
    """Bytes of a clip's file, from `offset`; the reply's data frame."""

    clip_id: str = identifier()
    offset: int = count(default=0)
    n_bytes: int = count(at_least=1, at_most=CHUNK_BYTES, default=CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class StemRead:
    """Bytes of a stem's file, from `offset`; the reply's data frame."""

    job_id: str = identifier()
    role: str = choice("target", "residual", "candidate", default="target")
    index: int = count(default=0)
    offset: int = count(default=0)
    n_bytes: int = count(at_least=1, at_most=CHUNK_BYTES, default=CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class FileBytes:
    """total_bytes: of the whole file. name: how to call it, without a folder."""

    name: str = text()
    total_bytes: int = count()
