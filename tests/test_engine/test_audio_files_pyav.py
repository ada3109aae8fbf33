"""Files that libsndfile does not know: decoded by PyAV, or a message that says to install it."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.audio_files import open_clip
from engine.data import AudioFormat
from engine.errors import AudioUnreadable

from .clips import integers, names_in

av = pytest.importorskip("av", reason="PyAV is not installed (extra: video)")

N_SAMPLES = 100_000
LOSSLESS = [
    ("m4a", "alac", "s16p", "PCM_16"),
    ("m4a", "alac", "s32p", "PCM_24"),
    ("wv", "wavpack", "s32p", "PCM_24"),
    ("tta", "tta", "s16", "PCM_16"),
    ("mov", "pcm_s24le", "s32", "PCM_24"),
    ("mov", "pcm_s32le", "s32", "PCM_32"),
]


def encode(path: Path, codec: str, sample_format: str, samples: NDArray[np.generic]) -> None:
    """A file with one track of samples [C, N] in the packed type of `sample_format`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        stream.codec_context.format = sample_format
        n_frame = stream.codec_context.frame_size or 4_096
        for start in range(0, samples.shape[1], n_frame):
            part = samples[:, start : start + n_frame]
            if not sample_format.endswith("p"):
                part = part.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(part), format=sample_format, layout="stereo"
            )
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def aac(path: Path) -> Path:
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (2, N_SAMPLES)).astype(np.float32)
    encode(path, "aac", "fltp", samples)
    return path


@pytest.mark.parametrize(("suffix", "codec", "sample_format", "subtype"), LOSSLESS)
def test_lossless_codecs_give_the_stored_integers(
    tmp_path: Path, suffix: str, codec: str, sample_format: str, subtype: str
) -> None:
    bits = int(subtype[-2:])
    numbers = integers(N_SAMPLES, 2, bits)
    if sample_format.startswith("s32"):
        stored: NDArray[np.generic] = (numbers << (32 - bits)).astype(np.int32)
    else:
        stored = numbers.astype(np.int16)
    path = tmp_path / f"mix.{suffix}"
    encode(path, codec, sample_format, stored.T)

    clip = open_clip(path)

    assert clip.format.subtype == subtype
    assert (clip.sample_rate, clip.n_channels) == (48_000, 2)
    np.testing.assert_array_equal(clip.samples, numbers)
    clip.source.close()


def test_the_list_of_codecs_is_not_empty() -> None:
    assert LOSSLESS


def test_lossy_codecs_give_float(tmp_path: Path) -> None:
    clip = open_clip(aac(tmp_path / "mix.m4a"))
    assert clip.format == AudioFormat("MOV", "AAC")
    assert clip.source.native_dtype == np.float32
    assert N_SAMPLES <= clip.n_samples < N_SAMPLES + 2_048
    whole = clip.source.read(0, clip.n_samples)
    assert 0.05 < float(np.sqrt((whole**2).mean())) < 0.3
    np.testing.assert_array_equal(clip.source.read(50_000, 60_000), whole[50_000:60_000])
    clip.source.close()


def test_a_flac_file_that_does_not_state_its_length_is_decoded_to_its_end(tmp_path: Path) -> None:
    numbers = integers(N_SAMPLES, 2, 16)
    buffer = io.BytesIO()
    soundfile.write(buffer, numbers.astype(np.int16), 48_000, "PCM_16", format="FLAC")
    data = bytearray(buffer.getvalue())
    # STREAMINFO: the lower 4 bits of byte 21 and bytes 22 to 25 count the samples; 0 is unknown.
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "live.flac").write_bytes(data)

    clip = open_clip(tmp_path / "live.flac")

    np.testing.assert_array_equal(clip.samples, numbers)
    clip.source.close()


@pytest.mark.parametrize("suffix", ["m4a", "mka", "mov"])
def test_cut_files_are_refused(tmp_path: Path, suffix: str) -> None:
    whole = aac(tmp_path / f"whole.{suffix}").read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(AudioUnreadable, match=str(cut)):
        open_clip(cut)


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioUnreadable, match="no audio"):
        open_clip(path)


def test_a_playlist_leads_nowhere(tmp_path: Path) -> None:
    aac(tmp_path / "real.m4a")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(AudioUnreadable):
        open_clip(playlist)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("film.mp4", "BackendUnavailable", "PyAV"),
        ("notes.txt", "AudioUnreadable", "not an audio file"),
    ],
)
def test_without_pyav_the_message_says_what_to_install(
    tmp_path: Path, name: str, error: str, words: str
) -> None:
    (tmp_path / name).write_bytes(b"neither film nor sound")
    # None in sys.modules is how Python itself marks a module that cannot be had.
    script = (
        "import sys; sys.modules['av'] = None\n"
        "from engine.audio_files import open_clip\n"
        "from engine.errors import EngineError\n"
        "try:\n    open_clip(sys.argv[1])\n"
        "except EngineError as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"{error} ")
    assert words in done.stdout
    assert "stemlasso[video]" in done.stdout
    assert names_in(tmp_path) == [name]
