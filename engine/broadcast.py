"""Reading and writing the `bext` chunk of Broadcast Wave files.

libsndfile parses and writes the chunk itself (`SFC_GET_BROADCAST_INFO`, `SFC_SET_BROADCAST_INFO`),
in WAV, WAVEX and RF64 alike, and reserves its place in the header before the samples. An own
reader would be as short, but an own writer would need the whole header writer; so this file only
packs the C structure and passes it through soundfile's handle of the library.
"""

import struct

import soundfile

from .data import BroadcastInfo

_GET_BROADCAST_INFO = 0x10F0
_SET_BROADCAST_INFO = 0x10F1

# SF_BROADCAST_INFO of sndfile.h, in native byte order with the compiler's two bytes of padding
# before the time reference: description, originator, originator reference, date, time,
# time reference low and high, version, UMID, loudness and reserved, size of the coding history.
_FIXED = struct.Struct("=256s32s32s10s8s2xIIh64s190sI")
_MAX_HISTORY_BYTES = 8192
_CONTAINERS = ("WAV", "WAVEX", "RF64")


def read_broadcast(sound: soundfile.SoundFile) -> BroadcastInfo | None:
    """The broadcast information of an open file, `None` when it has none."""
    if sound.format not in _CONTAINERS:
        return None
    buffer = bytearray(_FIXED.size + _MAX_HISTORY_BYTES)
    if not _command(sound, _GET_BROADCAST_INFO, buffer):
        return None
    return _unpack(bytes(buffer))


def write_broadcast(sound: soundfile.SoundFile, broadcast: BroadcastInfo) -> None:
    """Put the broadcast information into a file just opened for writing, before any sample.

    Files of other kinds than WAV and RF64 have no place for it and are left alone. Texts that are
    too long for their field are cut. libsndfile adds a line of its own to the coding history.
    """
    if sound.format in _CONTAINERS:
        done = _command(sound, _SET_BROADCAST_INFO, bytearray(_pack(broadcast)))
        assert done, f"libsndfile refused the bext chunk in {sound.format}"


def _command(sound: soundfile.SoundFile, command: int, buffer: bytearray) -> bool:
    library, ffi = soundfile._snd, soundfile._ffi
    pointer = ffi.from_buffer(buffer)
    return bool(library.sf_command(sound._file, command, pointer, len(buffer)))


def _unpack(chunk: bytes) -> BroadcastInfo:
    fields = _FIXED.unpack_from(chunk)
    description, originator, reference, date, time, low, high, _, umid, _, n_history = fields
    history = chunk[_FIXED.size :][: min(n_history, _MAX_HISTORY_BYTES)]
    return BroadcastInfo(
        time_reference_samples=(high << 32) | low,
        description=_text(description),
        originator=_text(originator),
        originator_reference=_text(reference),
        origination_date=_text(date),
        origination_time=_text(time),
        umid=umid if any(umid) else b"",
        coding_history=_text(history),
    )


def _pack(broadcast: BroadcastInfo) -> bytes:
    history = _bytes(broadcast.coding_history, _MAX_HISTORY_BYTES)
    reference = broadcast.time_reference_samples
    fixed = _FIXED.pack(
        _bytes(broadcast.description, 256),
        _bytes(broadcast.originator, 32),
        _bytes(broadcast.originator_reference, 32),
        _bytes(broadcast.origination_date, 10),
        _bytes(broadcast.origination_time, 8),
        reference & 0xFFFFFFFF,
        reference >> 32,
        1,
        broadcast.umid[:64],
        b"",
        len(history),
    )
    return fixed + history.ljust(256, b"\0")


def _text(field: bytes) -> str:
    # The standard says ASCII; recorders write UTF-8 or their system's code page.
    text = field.split(b"\0", 1)[0]
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _bytes(text: str, n_bytes: int) -> bytes:
    encoded = text.encode("utf-8", "replace")
    return encoded[:n_bytes].decode("utf-8", "ignore").encode("utf-8")
