"""The `bext` chunk: from the mixture into every stem, read from the bytes without our reader."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import Prompt, Span, separate
from engine.audio_files import open_clip
from engine.broadcast import write_broadcast
from engine.data import BroadcastInfo, Monitor
from engine.render import RenderPlan, render

from .clips import close_all, estimate_of, noise, read_back

INFO = BroadcastInfo(
    time_reference_samples=(5 << 32) + 123_456_789,
    description="Scene 12, take 3: dog – café",
    originator="Recorder",
    originator_reference="USREC0000000001",
    origination_date="2024-02-29",
    origination_time="23:59:58",
    umid=bytes(range(64)),
    coding_history="A=PCM,F=48000,W=24,M=stereo,T=Field\r\n",
)
CONTAINERS = ["WAV", "WAVEX", "RF64"]


def write_mixture(path: Path, container: str, info: BroadcastInfo, peak: float = 0.5) -> None:
    with soundfile.SoundFile(path, "w", 48_000, 2, "PCM_24", format=container) as sound:
        write_broadcast(sound, info)
        sound.write(noise(24_000, 2, peak=peak))


def bext_chunk(path: Path) -> bytes | None:
    """The chunk as EBU Tech 3285 lays it out, found by walking the file."""
    data = path.read_bytes()
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"bext":
            return data[position + 8 : position + 8 + size]
        if name == b"data":
            return None
        position += 8 + size + size % 2
    return None


def assert_same_chunk(path: Path | None) -> None:
    assert path is not None
    chunk = bext_chunk(path)
    assert chunk is not None
    assert chunk[:256].rstrip(b"\0").decode() == INFO.description
    assert chunk[256:288].rstrip(b"\0") == b"Recorder"
    assert chunk[288:320].rstrip(b"\0") == b"USREC0000000001"
    assert chunk[320:338] == b"2024-02-2923:59:58"
    assert struct.unpack_from("<Q", chunk, 338)[0] == INFO.time_reference_samples
    assert chunk[348:412] == INFO.umid
    assert chunk[602:].startswith(INFO.coding_history.encode())


@pytest.mark.parametrize("container", CONTAINERS)
def test_separate_keeps_the_broadcast_information(tmp_path: Path, container: str) -> None:
    path = tmp_path / "mix.wav"
    write_mixture(path, container, INFO)
    made = separate(path, Prompt(spans=[Span.present(0.1, 0.3)]), output=tmp_path / "out")
    assert made.residual is not None
    for stem in (made.target, made.residual):
        assert_same_chunk(stem.path)
        assert soundfile.info(str(stem.path)).format == container
        assert stem.broadcast is not None
        assert stem.broadcast.time_reference_samples == INFO.time_reference_samples
    close_all(made.target, made.residual)


def test_the_list_of_containers_is_not_empty() -> None:
    assert CONTAINERS


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write_mixture(tmp_path / "mix.wav", "WAV", INFO)
    mixture = open_clip(tmp_path / "mix.wav")
    read = mixture.broadcast
    assert read is not None
    assert read.coding_history.startswith(INFO.coding_history)
    for name in ("time_reference_samples", "description", "originator_reference", "umid"):
        assert getattr(read, name) == getattr(INFO, name)
    mixture.source.close()


def test_it_stays_when_a_stem_is_written_wider(tmp_path: Path) -> None:
    write_mixture(tmp_path / "mix.wav", "WAV", INFO, peak=0.9)
    mixture = open_clip(tmp_path / "mix.wav")
    plan = RenderPlan(folder=tmp_path / "out")
    made = render(mixture, estimate_of(-read_back(mixture)), plan, Monitor())
    assert made.residual is not None
    assert made.residual.format.subtype == "FLOAT"
    assert_same_chunk(made.residual.path)
    close_all(mixture, made.target, made.residual)


def test_a_plan_may_bring_its_own(tmp_path: Path) -> None:
    write_mixture(tmp_path / "mix.wav", "WAV", BroadcastInfo(time_reference_samples=7))
    mixture = open_clip(tmp_path / "mix.wav")
    plan = RenderPlan(folder=tmp_path / "out", broadcast=INFO)
    made = render(mixture, estimate_of(0.5 * read_back(mixture)), plan, Monitor())
    assert_same_chunk(made.target.path)
    close_all(mixture, made.target, made.residual)


def test_none_is_made_up(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", noise(900, 2), 48_000, "PCM_24")
    mixture = open_clip(tmp_path / "mix.wav")
    plan = RenderPlan(folder=tmp_path / "out")
    made = render(mixture, estimate_of(np.zeros((900, 2))), plan, Monitor())
    assert mixture.broadcast is None
    assert made.target.path is not None
    assert bext_chunk(made.target.path) is None
    close_all(mixture, made.target, made.residual)


def test_texts_that_are_too_long_are_cut_between_characters(tmp_path: Path) -> None:
    write_mixture(tmp_path / "mix.wav", "WAV", BroadcastInfo(description="é" * 300, umid=b"x" * 99))
    mixture = open_clip(tmp_path / "mix.wav")
    assert mixture.broadcast is not None
    assert mixture.broadcast.description == "é" * 128
    assert mixture.broadcast.umid == b"x" * 64
    mixture.source.close()
