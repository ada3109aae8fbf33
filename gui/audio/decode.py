"""Sound of files that libsndfile cannot read, such as films: decoded once, by PyAV."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from .files import SoundInfo, SoundReader, SoundUnreadable, sound_info


def readable(path: Path, cache_folder: Path) -> SoundInfo:
    """A file that can be read in place: `path` itself, or its sound in the cache.

    Raises SoundUnreadable. Takes as long as decoding takes: call it off the Qt thread.
    """
    if not path.is_file():
        raise SoundUnreadable(f"{path.name}: there is no such file; open it where it is now")
    try:
        return sound_info(path)
    except SoundUnreadable as error:
        if importlib.util.find_spec("av") is None:
            raise SoundUnreadable(
                f"{error}. Films and other formats need PyAV: pip install 'stemlasso[video]'"
            ) from error
        return _decoded(path, cache_folder)


def _decoded(path: Path, cache_folder: Path) -> SoundInfo:
    key = SoundInfo(path, 1, 1, 1).key
    wav = cache_folder / f"{key}.wav"
    if not wav.is_file():
        cache_folder.mkdir(parents=True, exist_ok=True)
        part = wav.with_suffix(".part")
        try:
            _write(path, part)
            part.replace(wav)
        finally:
            part.unlink(missing_ok=True)
    with SoundReader(wav) as reader:
        return reader.info


def _write(path: Path, part: Path) -> None:
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise SoundUnreadable(f"{path.name}: there is no sound in it")
            stream = container.streams.audio[0]
            rate, n_channels = stream.codec_context.sample_rate, stream.codec_context.channels
            with soundfile.SoundFile(
                part, "w", rate, n_channels, subtype="FLOAT", format="WAV"
            ) as out:
                for block in _blocks(container, stream, n_channels):
                    out.write(block)
    except (av.error.FFmpegError, soundfile.LibsndfileError) as error:
        raise SoundUnreadable(f"{path.name}: its sound cannot be decoded ({error})") from error


def _blocks(container: Any, stream: Any, n_channels: int) -> Iterator[NDArray[np.float32]]:
    import av

    resampler = av.AudioResampler(format="flt")
    for frame in container.decode(stream):
        for plain in resampler.resample(frame):
            yield plain.to_ndarray().reshape(-1, n_channels).astype(np.float32, copy=False)
