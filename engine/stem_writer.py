"""Writing one stem: all of it under its name, or nothing at all.

    append ... append -> finish -> samples (read back) -> publish
                    \\-> discard, at any time

A stem grows under a temporary name in its folder and is renamed when it is complete and on disk.
One that meets a sample its format cannot hold is converted to a wider format and goes on.
"""

import errno
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from .audio_files import array_clip
from .audio_sources import SoundFileStorage, StoredSource
from .broadcast import read_broadcast, write_broadcast
from .data import AudioClip, AudioFormat, BroadcastInfo
from .errors import DiskFull, OutputError, OutputExists
from .stem_format import (
    full_scale,
    left_shift,
    native_dtype,
    sized_for,
    suffix_for,
    wider_format,
)

_COPY_SAMPLES = 1 << 16
_SET_ADD_PEAK_CHUNK = 0x1050
_FILE_TRUNCATE = 0x1080
_PROBE_BYTES = 1 << 16
_PROBE_WRITES = 16
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class StemSpec:
    """What a stem is to be. name: of the file, without suffix; folder: `None` for an array.

    on_grid: samples are integers over a power of two and have to stay exact when written wider.
    """

    name: str
    folder: Path | None
    format: AudioFormat
    sample_rate: int
    n_samples: int
    n_channels: int
    on_grid: bool
    overwrite: bool = False
    broadcast: BroadcastInfo | None = None
    mixture_path: Path | None = None

    def path(self, form: AudioFormat) -> Path:
        """Where the stem lies when written in `form`; only with a folder."""
        assert self.folder is not None
        return self.folder / f"{self.name}{suffix_for(form, self.mixture_path)}"

    def possible_paths(self) -> tuple[Path, ...]:
        """Where the stem may come to lie: written wider, FLAC becomes WAV and 4 GiB RF64."""
        container = "WAV" if self.format.container == "FLAC" else self.format.container
        wide = [
            sized_for(AudioFormat(container, subtype), self.n_samples, self.n_channels)
            for subtype in ("FLOAT", "DOUBLE")
        ]
        return tuple(dict.fromkeys(self.path(form) for form in (self.format, *wide)))


class _Store(Protocol):
    """Where the samples of a stem go, in one format."""

    def append(self, native: NDArray[Any]) -> None: ...
    def finish(self) -> None: ...
    def fetch(self, start: int, stop: int) -> NDArray[Any]: ...
    def publish(self) -> AudioClip: ...
    def settle(self) -> None: ...
    def discard(self) -> None: ...


class StemWriter:
    """One stem while it is made, on disk or in memory.

    Raises OutputError, OutputExists or DiskFull from any method; then `discard` it.
    """

    def __init__(self, spec: StemSpec) -> None:
        self.format = spec.format
        self._spec = spec
        self._store = _new_store(spec, spec.format)
        self._n_written = 0

    @property
    def spec(self) -> StemSpec:
        """What was asked for; `format` says what it became."""
        return self._spec

    def append(self, values: NDArray[np.float64]) -> None:
        """Write values [n, C], full scale 1.0, already rounded to the grid of the format."""
        wider = wider_format(self.format, values, self._spec.on_grid)
        if wider != self.format:
            self._widen(sized_for(wider, self._spec.n_samples, self._spec.n_channels))
        self._store.append(_native_from(values, self.format))
        self._n_written += len(values)

    def finish(self) -> None:
        """Complete the stem and see it to the disk."""
        assert self._n_written == self._spec.n_samples, (
            f"{self._spec.name}: {self._n_written} of {self._spec.n_samples} samples written"
        )
        self._store.finish()

    def values(self, start: int, stop: int) -> NDArray[np.float64]:
        """What a finished stem holds, read back: [stop - start, C], full scale 1.0."""
        return _values_from(self._store.fetch(start, stop), self.format)

    def publish(self) -> AudioClip:
        """Give the finished stem its name; a file that had it is kept until `settle`."""
        return self._store.publish()

    def settle(self) -> None:
        """Let go of the file that a published stem replaced."""
        self._store.settle()

    def discard(self) -> None:
        """Throw the stem away, unpublished or published; a file that it replaced comes back."""
        self._store.discard()

    def _widen(self, form: AudioFormat) -> None:
        narrow, narrow_format = self._store, self.format
        self._store, self.format = _new_store(self._spec, form), form
        try:
            if self._n_written:
                narrow.finish()
            for start in range(0, self._n_written, _COPY_SAMPLES):
                stop = min(start + _COPY_SAMPLES, self._n_written)
                values = _values_from(narrow.fetch(start, stop), narrow_format)
                self._store.append(_native_from(values, form))
        finally:
            narrow.discard()


def _new_store(spec: StemSpec, form: AudioFormat) -> _Store:
    return _ArrayStore(spec, form) if spec.folder is None else _FileStore(spec, form)


def _native_from(values: NDArray[np.float64], form: AudioFormat) -> NDArray[Any]:
    return (values * full_scale(form.subtype)).astype(native_dtype(form.subtype))


def _values_from(native: NDArray[Any], form: AudioFormat) -> NDArray[np.float64]:
    return np.asarray(native / full_scale(form.subtype), dtype=np.float64)


class _ArrayStore:
    """A stem in memory."""

    def __init__(self, spec: StemSpec, form: AudioFormat) -> None:
        shape = (spec.n_samples, spec.n_channels)
        self._samples = np.empty(shape, dtype=native_dtype(form.subtype))
        self._n_written = 0
        self._spec, self._format = spec, form

    def append(self, native: NDArray[Any]) -> None:
        self._samples[self._n_written : self._n_written + len(native)] = native
        self._n_written += len(native)

    def finish(self) -> None:
        return

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        return self._samples[start:stop]

    def publish(self) -> AudioClip:
        return array_clip(self._samples, self._format, self._spec.sample_rate, self._spec.name)

    def settle(self) -> None:
        return

    def discard(self) -> None:
        self._samples = self._samples[:0]


class _FileStore:
    """A stem in a file, through libsndfile.

    Our own handle of the same file creates it, so that an existing one is never touched, sees it
    to the disk, and finds out why a write failed: libsndfile only says that it did. (Its virtual
    files would tell, but swallow Ctrl-C in their callbacks.)
    """

    def __init__(self, spec: StemSpec, form: AudioFormat) -> None:
        self._spec, self._format = spec, form
        self._final = spec.path(form)
        self._temporary = self._final.with_name(f".stemlasso-{secrets.token_hex(6)}.part")
        self._shift = left_shift(form.subtype)
        self._n_written = 0
        self._is_published = False
        self._replaced: Path | None = None
        self._broadcast: BroadcastInfo | None = None
        self._read_back: SoundFileStorage | None = None
        self._sound: soundfile.SoundFile | None = None
        try:
            self._file = self._temporary.open("x+b", buffering=0)
        except OSError as error:
            raise output_failure(error, self._final) from error
        try:
            self._sound = self._opened()
        except BaseException:
            self.discard()
            raise

    def _opened(self) -> soundfile.SoundFile:
        spec, form = self._spec, self._format
        try:
            sound = soundfile.SoundFile(
                *(str(self._temporary), "w", spec.sample_rate, spec.n_channels, form.subtype),
                format=form.container,
            )
        except soundfile.LibsndfileError as error:
            raise self._failure(error) from error
        # The PEAK chunk holds the time of day: the same stems would be other bytes each time.
        soundfile._snd.sf_command(sound._file, _SET_ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)
        if spec.broadcast is not None:
            write_broadcast(sound, spec.broadcast)
        return sound

    def append(self, native: NDArray[Any]) -> None:
        assert self._sound is not None, "append after finish"
        try:
            self._sound.write(np.left_shift(native, self._shift) if self._shift else native)
        except (soundfile.LibsndfileError, AssertionError) as error:
            # soundfile asserts that everything was written.
            raise self._failure(error) from error
        self._n_written += len(native)

    def finish(self) -> None:
        assert self._sound is not None, "finished twice"
        sound, self._sound = self._sound, None
        try:
            self._cut_after_samples(sound)
            sound.close()
            os.fsync(self._file.fileno())
            written = soundfile.SoundFile(str(self._temporary))
        except OSError as error:
            raise output_failure(error, self._final) from error
        except soundfile.LibsndfileError as error:
            raise self._failure(error) from error
        self._read_back = SoundFileStorage(self._temporary, self._format.subtype, written)
        self._broadcast = read_broadcast(written)
        if written.frames != self._n_written:
            raise self._failure(f"{written.frames} of {self._n_written} samples arrived")

    def _cut_after_samples(self, sound: soundfile.SoundFile) -> None:
        # The header lost its PEAK chunk after it was first written; of a stem shorter than that
        # chunk, libsndfile would take what is left of it for samples.
        if self._format.container == "AIFF":
            count = soundfile._ffi.new("sf_count_t *", self._n_written)
            size_bytes = soundfile._ffi.sizeof("sf_count_t")
            soundfile._snd.sf_command(sound._file, _FILE_TRUNCATE, count, size_bytes)

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        assert self._read_back is not None, "read back before finish"
        return self._read_back.fetch(start, stop)

    def publish(self) -> AudioClip:
        assert self._read_back is not None, "published before finish"
        self._read_back.close()
        self._file.close()
        try:
            if self._spec.overwrite:
                self._replaced = _set_aside(self._final)
            _move(self._temporary, self._final, self._spec.overwrite)
        except OSError as error:
            raise output_failure(error, self._final) from error
        self._is_published = True
        spec, form = self._spec, self._format
        storage = SoundFileStorage(self._final, form.subtype)
        source = StoredSource(storage, form, spec.sample_rate, (self._n_written, spec.n_channels))
        return AudioClip(source, self._final.stem, form, self._final, self._broadcast)

    def settle(self) -> None:
        if self._replaced is not None:
            self._replaced.unlink(missing_ok=True)
            self._replaced = None

    def discard(self) -> None:
        with suppress(soundfile.LibsndfileError):
            # Closing writes the header, which may fail for the reason that brought us here.
            if self._sound is not None:
                self._sound.close()
        if self._read_back is not None:
            self._read_back.close()
        self._file.close()
        if self._replaced is not None:
            _bring_back(self._replaced, self._final)
        elif self._is_published:
            self._final.unlink(missing_ok=True)
        if not self._is_published:
            self._temporary.unlink(missing_ok=True)

    def _failure(self, error: object) -> OutputError:
        """Why libsndfile could not write: what the system says when we try it ourselves."""
        try:
            self._file.seek(0, os.SEEK_END)
            for _ in range(_PROBE_WRITES):
                self._file.write(bytes(_PROBE_BYTES))
            os.fsync(self._file.fileno())
        except OSError as system_error:
            return output_failure(system_error, self._final)
        return OutputError(f"{self._final}: it cannot be written: {error}; nothing was kept")


def output_failure(error: OSError, path: Path) -> OutputError:
    """The typed error for a system error met while writing `path`."""
    if error.errno in _DISK_FULL:
        return DiskFull(
            f"{path}: no room to write it ({error.strerror}); nothing was kept: "
            "free some space or choose another folder"
        )
    if error.errno == errno.EEXIST:
        return OutputExists(f"{path}: it exists already; allow overwriting or choose another name")
    return OutputError(f"{path}: it cannot be written: {error.strerror}; choose another folder")


def _set_aside(final: Path) -> Path | None:
    """A second name for the file at `final`, which stays there where the file system allows it."""
    aside = final.with_name(f".stemlasso-{secrets.token_hex(6)}.old")
    try:
        os.link(final, aside)
    except FileNotFoundError:
        return None
    except OSError:
        if final.is_dir():
            raise
        # No hard links here (FAT, some network drives).
        final.replace(aside)
    return aside


def _bring_back(aside: Path, final: Path) -> None:
    # A rename does nothing where both names mean the same file.
    if final.exists() and final.samefile(aside):
        aside.unlink()
    else:
        aside.replace(final)


def _move(temporary: Path, final: Path, overwrite: bool) -> None:
    """Rename, in one step; without `overwrite` FileExistsError if another took the name."""
    if overwrite:
        temporary.replace(final)
        return
    try:
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (FAT, some network drives): take the name, then replace our own file.
        final.open("xb").close()
        try:
            temporary.replace(final)
        except OSError:
            final.unlink(missing_ok=True)
            raise
    else:
        temporary.unlink()
