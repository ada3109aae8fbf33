"""Decoding files that cannot be read in place, once, into a temporary file.

A compressed file seeks slowly and not always to the sample. Every pass over the mixture has to see
the same samples, so they are decoded once; memory stays small however long the file is.
"""

import errno
import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from .audio_sources import DecodedStorage
from .data import AudioFormat, Monitor
from .errors import AudioUnreadable, BackendUnavailable, DiskFull, OutputError
from .stem_format import left_shift, native_dtype

_BLOCK_SAMPLES = 1 << 16
_PYAV_SUFFIXES = (
    *(".3gp", ".aac", ".ac3", ".amr", ".ape", ".avi", ".dff", ".dsf", ".eac3", ".flv", ".m4a"),
    *(".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp4", ".mpc", ".mpeg", ".mpg", ".mts", ".mxf"),
    *(".ts", ".tta", ".webm", ".wma", ".wmv", ".wv"),
)
_MP3_TOLERANCE_S = 0.25  # many encoders and taggers are a few frames off
_READ_FUNCTIONS = {
    "int16": ("sf_readf_short", "short*"),
    "int32": ("sf_readf_int", "int*"),
    "float32": ("sf_readf_float", "float*"),
    "float64": ("sf_readf_double", "double*"),
}
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Decoded:
    """Samples of a whole file in temporary storage, and what they are."""

    storage: DecodedStorage
    format: AudioFormat
    sample_rate: int
    n_samples: int
    n_channels: int


def decode_with_libsndfile(sound: soundfile.SoundFile, path: Path, monitor: Monitor) -> Decoded:
    """Decode an open OGG, MP3, ALAC, ... file to its end.

    Raises AudioUnreadable if it is damaged or shorter than it says, DiskFull, Cancelled.
    """
    dtype = native_dtype(sound.subtype)
    file, n_samples = _spool(_libsndfile_blocks(sound, path, dtype), dtype, monitor)
    storage = DecodedStorage(file, dtype, sound.channels, left_shift(sound.subtype))
    tolerance = round(_MP3_TOLERANCE_S * sound.samplerate) if sound.format == "MP3" else 0
    if n_samples + tolerance < sound.frames:
        storage.close()
        raise AudioUnreadable(
            f"{path}: it says {sound.frames} samples and holds {n_samples}: "
            "it was cut off or is damaged; copy or download it again"
        )
    form = AudioFormat(sound.format, sound.subtype)
    return Decoded(storage, form, sound.samplerate, n_samples, sound.channels)


def decode_with_pyav(path: Path, monitor: Monitor, why: str) -> Decoded:
    """Decode the best audio track of any file that PyAV knows.

    why: what libsndfile had against the file; goes into the message if PyAV cannot read it either.
    Raises AudioUnreadable if there is none, BackendUnavailable without PyAV, DiskFull, Cancelled.
    """
    if importlib.util.find_spec("av") is None:
        if path.suffix.lower() in _PYAV_SUFFIXES:
            raise BackendUnavailable(
                f"{path}: {path.suffix} files need PyAV, which is not installed: "
                "pip install 'stemlasso[video]', or convert the file to WAV"
            )
        raise AudioUnreadable(
            f"{path}: it is not an audio file ({why}), or of a kind that needs PyAV "
            "(pip install 'stemlasso[video]'); WAV, AIFF, FLAC, OGG and MP3 work without"
        )
    try:
        from .av_track import open_track
    except ImportError as error:
        raise BackendUnavailable(
            f"{path}: it needs PyAV, which is installed but does not load ({error}): "
            "pip install --force-reinstall 'stemlasso[video]', or convert the file to WAV"
        ) from error

    with open_track(path, why) as track:
        file, n_samples = _spool(track.blocks(), track.dtype, monitor)
        storage = DecodedStorage(file, track.dtype, track.n_channels, track.shift)
        form = AudioFormat(track.container, track.subtype)
        return Decoded(storage, form, track.sample_rate, n_samples, track.n_channels)


def _libsndfile_blocks(
    sound: soundfile.SoundFile, path: Path, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    # soundfile seeks after every read to where it is. In a damaged OGG file that lands elsewhere
    # and hides what is missing, so the library is asked directly, straight through the file.
    library, ffi = soundfile._snd, soundfile._ffi
    read_function, c_type = _READ_FUNCTIONS[dtype.name]
    read = getattr(library, read_function)
    while True:
        block = np.empty((_BLOCK_SAMPLES, sound.channels), dtype=dtype)
        n_read = read(sound._file, ffi.cast(c_type, block.ctypes.data), _BLOCK_SAMPLES)
        error = library.sf_error(sound._file)
        if error:
            reason = soundfile.LibsndfileError(error).error_string
            raise AudioUnreadable(f"{path}: it is damaged: {reason}")
        if not n_read:
            return
        yield block[:n_read]


def _spool(
    blocks: Iterator[NDArray[Any]], dtype: np.dtype[Any], monitor: Monitor
) -> tuple[IO[bytes], int]:
    """Blocks [n, C] written one after another to a temporary file; the file and the sum of n."""
    folder = _scratch_folder()
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by its new owner)
    except OSError as error:
        raise OutputError(f"{folder}: no temporary file can be made: {error.strerror}") from error
    n_samples = 0
    try:
        for block in blocks:
            monitor.check()
            file.write(np.ascontiguousarray(block, dtype=dtype).data)
            n_samples += len(block)
        file.flush()
    except OSError as error:
        _close_quietly(file)
        raise _no_room(folder, error) from error
    except BaseException:
        _close_quietly(file)
        raise
    return file, n_samples


def _close_quietly(file: IO[bytes]) -> None:
    try:
        file.close()
    except OSError:
        # Closing flushes; what does not fit any more is thrown away anyhow.
        return


def _scratch_folder() -> Path:
    # The usual folder lives in memory on many systems, and three decoded hours are 4 GB; the one
    # in /var is on a disk. Whoever has set TMPDIR has chosen.
    chosen, on_disk = Path(tempfile.gettempdir()), Path("/var", "tmp")
    return on_disk if chosen == Path("/", "tmp") and on_disk.is_dir() else chosen


def _no_room(folder: Path, error: OSError) -> OutputError:
    if error.errno in _DISK_FULL:
        return DiskFull(
            f"{folder}: no room to decode the mixture ({error.strerror}): "
            "free some space, or point TMPDIR at another disk"
        )
    return OutputError(f"{folder}: the decoded mixture cannot be written: {error.strerror}")
