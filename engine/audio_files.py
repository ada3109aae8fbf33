"""Audio files and arrays as `AudioClip`: opening, and refusing what cannot be used."""

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from .audio_decode import Decoded, decode_with_libsndfile, decode_with_pyav
from .audio_headers import check_promised_size
from .audio_sources import ArrayStorage, SoundFileStorage, StoredSource, check_finite
from .broadcast import read_broadcast
from .data import AudioClip, AudioFormat, BroadcastInfo, Monitor
from .errors import AudioError, AudioNotFound, AudioUnreadable

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 192_000
MAX_CHANNELS = 32

_READ_IN_PLACE = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"})
_ARRAY_SUBTYPES = {"int16": "PCM_16", "int32": "PCM_32", "float32": "FLOAT", "float64": "DOUBLE"}
_UNKNOWN_LENGTH = 1 << 62


def open_clip(path: str | os.PathLike[str], monitor: Monitor | None = None) -> AudioClip:
    """The audio of a file, read when asked for, with every sample exactly as stored.

    PCM, float and FLAC files are read in place; everything else (OGG, MP3, films, ...) is decoded
    once into a temporary file that vanishes when the clip is closed or forgotten.
    Raises AudioNotFound, AudioUnreadable (empty, cut, damaged, no audio, a rate or channel count
    that is not supported; NaN and infinity when they are read), BackendUnavailable (PyAV is
    needed), DiskFull (no room to decode), Cancelled (by `monitor`, while decoding).
    """
    path = Path(path)
    _check_readable(path)
    check_promised_size(path)
    sound = _open_sound(path)
    if isinstance(sound, str):
        return _decoded_clip(path, decode_with_pyav(path, monitor or Monitor(), sound), None)
    try:
        _check_shape(str(path), sound.samplerate, sound.channels)
        broadcast = read_broadcast(sound)
        if sound.subtype not in _READ_IN_PLACE:
            with sound:
                decoded = decode_with_libsndfile(sound, path, monitor or Monitor())
            return _decoded_clip(path, decoded, broadcast)
        return _clip_in_place(path, sound, broadcast)
    except BaseException:
        sound.close()
        raise


def clip_from_array(samples: ArrayLike, sample_rate: float, name: str = "mixture") -> AudioClip:
    """The audio of an array [N] or [N, C] of int16, int32, float32 or float64; not copied.

    Integers have full scale at 2 ** 15 or 2 ** 31, floating point at 1.0.
    Raises AudioError for another shape or type, no samples, NaN or infinity, and for rates and
    channel counts that are not supported.
    """
    array = np.asarray(samples)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    subtype = _ARRAY_SUBTYPES.get(array.dtype.name)
    if subtype is None:
        raise AudioError(
            f"samples are {array.dtype}: convert them to int16, int32, float32 or float64"
        )
    if array.ndim not in (1, 2):
        raise AudioError(f"samples have shape {array.shape}: give [samples] or [samples, channels]")
    columns = array.reshape(len(array), -1) if array.size else array.reshape(0, 1)
    if columns.shape[1] > MAX_CHANNELS:
        raise AudioError(
            f"samples have shape {array.shape}, that is {columns.shape[1]} channels of at most "
            f"{MAX_CHANNELS}; rows are samples, so transpose the array"
        )
    if not len(columns):
        raise AudioUnreadable("the array holds no samples; give at least one")
    sample_rate = _whole_rate(sample_rate)
    _check_shape("the array", sample_rate, columns.shape[1])
    if columns.dtype.kind == "f":
        check_finite(columns, 0, sample_rate)
    form = AudioFormat("ARRAY", subtype)
    return AudioClip(_array_source(columns, form, sample_rate), name, form)


def array_clip(samples: NDArray[Any], form: AudioFormat, sample_rate: int, name: str) -> AudioClip:
    """A clip of our own samples [N, C], already in the native type of `form`."""
    return AudioClip(_array_source(samples, form, sample_rate), name, form)


def _array_source(samples: NDArray[Any], form: AudioFormat, sample_rate: int) -> StoredSource:
    n_samples, n_channels = samples.shape
    return StoredSource(ArrayStorage(samples), form, sample_rate, (n_samples, n_channels))


def _whole_rate(sample_rate: float) -> int:
    if not math.isfinite(sample_rate) or sample_rate != int(sample_rate):
        raise AudioError(f"the array: its rate is {sample_rate} Hz; give a whole number")
    return int(sample_rate)


def _check_readable(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioUnreadable(f"{path}: it is a folder; give a file")
        if not stat.S_ISREG(mode):
            raise AudioUnreadable(f"{path}: it is a pipe or a device; give a file")
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError as error:
        raise AudioNotFound(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise AudioNotFound(f"{path}: it may not be read; check its permissions") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioNotFound(f"{path!s}: it cannot be opened: {reason}") from error
    if is_empty:
        raise AudioUnreadable(f"{path}: the file is empty")


def _open_sound(path: Path) -> soundfile.SoundFile | str:
    """The open file, or what libsndfile has against it."""
    headerless = "it has no header that says what its samples are"
    if path.suffix.lower() == ".raw":
        # soundfile wants to be told the format of these before it opens them.
        return headerless
    try:
        sound = soundfile.SoundFile(str(path))
    except soundfile.LibsndfileError as error:
        return f"libsndfile: {error.error_string.rstrip('.')}"
    if sound.format == "RAW":
        # By its suffix alone (.au, .vox) libsndfile takes anything for telephone audio.
        sound.close()
        return headerless
    if sound.frames >= _UNKNOWN_LENGTH:
        sound.close()
        return "its header does not say how long it is"
    return sound


def _check_shape(what: str, sample_rate: int, n_channels: int) -> None:
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioUnreadable(
            f"{what}: its rate is {sample_rate} Hz; from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz "
            "is supported: convert it first"
        )
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise AudioUnreadable(
            f"{what}: it has {n_channels} channels; from 1 to {MAX_CHANNELS} are supported"
        )


def _check_not_empty(path: Path, n_samples: int) -> None:
    if not n_samples:
        raise AudioUnreadable(f"{path}: it is an audio file without any samples")


def _clip_in_place(
    path: Path, sound: soundfile.SoundFile, broadcast: BroadcastInfo | None
) -> AudioClip:
    _check_not_empty(path, sound.frames)
    form = AudioFormat(sound.format, sound.subtype)
    storage = SoundFileStorage(path, sound.subtype, sound)
    source = StoredSource(storage, form, sound.samplerate, (sound.frames, sound.channels))
    _check_last_sample(path, source)
    return AudioClip(source, path.stem, form, path, broadcast)


def _check_last_sample(path: Path, source: StoredSource) -> None:
    """A cut FLAC file shows when its end is read."""
    try:
        source.read_native(source.n_samples - 1, source.n_samples)
    except AudioUnreadable as error:
        raise AudioUnreadable(
            f"{path}: its end cannot be read, so it was cut off or is damaged; "
            f"copy or download it again ({error})"
        ) from error


def _decoded_clip(path: Path, decoded: Decoded, broadcast: BroadcastInfo | None) -> AudioClip:
    try:
        _check_not_empty(path, decoded.n_samples)
        _check_shape(str(path), decoded.sample_rate, decoded.n_channels)
    except AudioUnreadable:
        decoded.storage.close()
        raise
    shape = (decoded.n_samples, decoded.n_channels)
    source = StoredSource(decoded.storage, decoded.format, decoded.sample_rate, shape)
    return AudioClip(source, path.stem, decoded.format, path, broadcast)
