"""Stems as files in the user's format, at the source's rate and depth, and remixes of lanes."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from .files import SoundInfo, SoundReader, SoundUnreadable

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".aiff": "AIFF", ".aif": "AIFF"}
BLOCK = 1 << 16
_INTEGER_DEPTHS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def depth_for(info: SoundInfo, file_format: str) -> str:
    """How samples are stored in a format so that none is changed, as far as it can."""
    if info.subtype in _INTEGER_DEPTHS:
        depth = min(_INTEGER_DEPTHS[info.subtype], 24 if file_format == "FLAC" else 32)
        return f"PCM_{max(depth, 16)}"
    return "PCM_24" if file_format == "FLAC" else "FLOAT"


def save_copy(source: Path, to: Path) -> Path:
    """A stem in the format that the name of `to` asks for; gives `to`.

    Raises SoundUnreadable for an unknown format, samples beyond full scale, or a full disk.
    """
    return save_mix([source], [1.0], to)


def save_mix(sources: Sequence[Path], gains: Sequence[float], to: Path) -> Path:
    """The sum of lanes with factors, as a file: all of it or nothing. Raises SoundUnreadable."""
    file_format = FORMATS.get(to.suffix.lower())
    if file_format is None:
        allowed = ", ".join(FORMATS)
        raise SoundUnreadable(f"{to.name}: the name must end in one of {allowed}")
    readers = [SoundReader(path) for path in sources]
    part = to.with_name(f".stemlasso-{secrets.token_hex(6)}")
    try:
        _write(readers, gains, part, file_format)
        part.replace(to)
    except (soundfile.LibsndfileError, OSError) as error:
        raise SoundUnreadable(f"{to}: it cannot be written ({error})") from error
    finally:
        part.unlink(missing_ok=True)
        for reader in readers:
            reader.close()
    return to


def _write(
    readers: list[SoundReader], gains: Sequence[float], part: Path, file_format: str
) -> None:
    info = readers[0].info
    depth = depth_for(info, file_format)
    as_it_is = len(readers) == 1 and gains[0] == 1.0 and info.subtype in _INTEGER_DEPTHS
    with soundfile.SoundFile(
        part, "w", info.sample_rate, info.n_channels, depth, format=file_format
    ) as out:
        for start in range(0, info.n_samples, BLOCK):
            if as_it_is:
                out.write(readers[0].read(start, BLOCK, "int32"))
                continue
            total = np.zeros((min(BLOCK, info.n_samples - start), info.n_channels))
            for reader, gain in zip(readers, gains, strict=True):
                total += gain * reader.read(start, BLOCK, "float64")
            if depth != "FLOAT" and np.abs(total).max(initial=0.0) > 1.0:
                raise SoundUnreadable(
                    "the result goes beyond full scale, which this format cannot hold: "
                    "save it as WAV with 32-bit float, or lower the gains"
                )
            out.write(total)
