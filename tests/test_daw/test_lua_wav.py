"""The Lua scripts' own handling of WAV files, against libsndfile."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from .reaper_host import lua_runtime, module, write_ramp

RATE = 48_000


@pytest.fixture(params=["lua53", "lua54"])
def lua(request: pytest.FixtureRequest) -> Any:
    return lua_runtime(request.param)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_channels_in_files_of_their_own_are_joined_bit_for_bit(
    tmp_path: Path, lua: Any, subtype: str
) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (20_000, 3))
    files = []
    for channel in range(3):
        file = tmp_path / f"{channel}.wav"
        soundfile.write(file, noise[:, channel], RATE, subtype)
        files.append(file)
    target = tmp_path / "joined.wav"
    assert module(lua, "wav").join(
        lua.table_from([str(file) for file in files]), 1001, 15_002, str(target)
    )
    joined = soundfile.read(target)[0]
    for channel, file in enumerate(files):
        np.testing.assert_array_equal(joined[:, channel], soundfile.read(file)[0][1001:15_002])
    assert soundfile.info(target).subtype == subtype


def test_files_that_are_not_alike_are_refused(tmp_path: Path, lua: Any) -> None:
    one, other, target = tmp_path / "1.wav", tmp_path / "2.wav", tmp_path / "3.wav"
    write_ramp(one, 1000, 1)
    write_ramp(other, 1000, 1, rate=44_100)
    files = lua.table_from([str(one), str(other)])
    answer = module(lua, "wav").join(files, 0, 1000, str(target))
    assert answer[0] is None
    assert "not like" in answer[1]
    assert not target.exists()
    too_long = module(lua, "wav").join(lua.table_from([str(one), str(one)]), 0, 1001, str(target))
    assert too_long[0] is None


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
def test_kinds_of_wav_are_read(tmp_path: Path, lua: Any, container: str) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, np.zeros((100, 2)), RATE, "PCM_24", format=container)
    found = module(lua, "wav").read(str(file))
    assert (found.sample_rate, found.n_channels, found.n_samples) == (RATE, 2, 100)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"fLaC" * 20])
def test_what_is_no_wav_is_nothing(tmp_path: Path, lua: Any, content: bytes) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(content)
    assert module(lua, "wav").read(str(file)) is None
    soundfile.write(tmp_path / "b.wav", np.zeros(100), RATE, "MS_ADPCM")
    assert module(lua, "wav").read(str(tmp_path / "b.wav")) is None
