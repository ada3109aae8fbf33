"""Files beyond the 4 GiB that RIFF can count; sparse, so that they take up no room."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio_files import open_clip
from engine.errors import AudioUnreadable

GIB = 1 << 30


def grow(path: Path, container: str, n_samples: int) -> int:
    """A file of `n_samples` stereo 16-bit samples, nearly all unwritten; their start in bytes."""
    soundfile.write(path, np.ones((1, 2)) / 2, 48_000, "PCM_16", format=container)
    data = bytearray(path.read_bytes())
    at, size = data.index(b"data"), 4 * n_samples
    if container == "RF64":
        ds64 = data.index(b"ds64") + 8
        struct.pack_into("<QQQ", data, ds64, at + size, size, n_samples)
        start = at + 8
    else:
        struct.pack_into("<Q", data, at + 16, size + 24)
        struct.pack_into("<Q", data, 16, at + 24 + size)
        start = at + 24
    path.write_bytes(data[: start + 4])
    os.truncate(path, start + size)
    return start


@pytest.mark.parametrize("container", ["RF64", "W64"])
def test_files_over_4_gib_are_read_to_their_end(tmp_path: Path, container: str) -> None:
    n_samples = 5 * GIB // 4
    path = tmp_path / "long.audio"
    start = grow(path, container, n_samples)
    with path.open("r+b") as file:
        file.seek(start + 4 * (n_samples - 1))
        file.write(struct.pack("<hh", -7, 32_767))

    clip = open_clip(path)

    assert clip.n_samples == n_samples
    assert clip.source.read_native(0, 2).tolist() == [[16_384, 16_384], [0, 0]]
    ends = clip.source.read_native(n_samples - 2, n_samples)
    assert ends.tolist() == [[0, 0], [-7, 32_767]]
    clip.source.close()


def test_a_size_that_has_wrapped_around_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.wav"
    soundfile.write(path, np.zeros((1_000, 2)), 48_000, "PCM_16")
    os.truncate(path, 4 * GIB + 44 + 4_000)
    with pytest.raises(AudioUnreadable, match="wrapped around"):
        open_clip(path)
