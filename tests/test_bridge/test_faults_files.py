"""Files that vanish, change, lie or are strange: a typed error or the right stems."""

import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import BridgeError
from bridge.protocol.values import WireSpan

from .clips import clicks, stem_sum, write_clip
from .desk_driver import BUILTIN, SPANS, Driver, driving

GIB = 1 << 30


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with driving(tmp_path_factory.mktemp("desk") / "store") as driver:
        yield driver


def refusal(desk: Driver, path: Path) -> str:
    with pytest.raises(BridgeError) as refused:
        desk.put(path)
    assert len(str(refused.value)) > 10
    return refused.value.code


def test_a_file_that_vanishes_before_its_job_runs(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "a.wav"))
    (tmp_path / "a.wav").unlink()
    failed = desk.result(desk.submit(clip))
    assert failed.error is not None
    assert failed.error.code == "clip_changed"


@pytest.mark.parametrize("how", ["longer", "other samples", "not audio"])
def test_a_file_that_changes_before_its_job_runs(desk: Driver, tmp_path: Path, how: str) -> None:
    path = write_clip(tmp_path / "b.wav")
    clip = desk.put(path)
    if how == "longer":
        write_clip(path, 2.0)
    elif how == "other samples":
        write_clip(path, seed=7)
    else:
        path.write_text("not audio", "utf-8")
    failed = desk.result(desk.submit(clip))
    assert failed.error is not None
    assert failed.error.code == "clip_changed"
    if how != "not audio":
        assert desk.result(desk.submit(desk.put(path))).state == "done"


def test_a_file_that_changes_while_its_job_runs(desk: Driver, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "c.wav", 20.0)
    job, worker = desk.meet(desk.put(path))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    worker.resume()
    failed = desk.result(job)
    assert failed.error is not None
    assert failed.error.code == "clip_changed"
    assert not (Path(desk.status().store.folder) / "jobs" / job.job_id).exists()


def cut_flac(path: Path) -> None:
    soundfile.write(path, clicks(2.0), 48_000, format="FLAC")
    path.write_bytes(path.read_bytes()[:-5000])


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 2)), 48_000, format="WAV")


def noise_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(100_000))


def wav_of_noise(path: Path) -> None:
    """A WAV header over a chunk table that makes no sense."""
    path.write_bytes(b"RIFF\xff\xff\xff\x7fWAVE" + np.random.default_rng(1).bytes(5000))


NOT_AUDIO: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no samples": no_samples,
    "text": lambda path: path.write_text("hello " * 1000, "utf-8"),
    "noise": noise_bytes,
    "wav of noise": wav_of_noise,
    "cut flac": cut_flac,
    "folder": lambda path: path.mkdir(),
    "program": lambda path: shutil.copy(sys.executable, path),
    "rate 7 kHz": lambda path: soundfile.write(path, clicks(0.1), 7_000, format="WAV"),
    "rate 384 kHz": lambda path: soundfile.write(path, clicks(0.1), 384_000, format="WAV"),
    "33 channels": lambda path: soundfile.write(
        path, np.zeros((100, 33)), 48_000, "FLOAT", format="RF64"
    ),
}


@pytest.mark.parametrize("kind", NOT_AUDIO)
def test_what_cannot_be_separated_is_refused_when_it_is_put(
    desk: Driver, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "mixture.wav"
    NOT_AUDIO[kind](path)
    assert refusal(desk, path) == "audio_unreadable"


def test_missing_files_pipes_and_relative_paths_are_refused(desk: Driver, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert refusal(desk, tmp_path / "pipe.wav") == "audio_unreadable"
    assert refusal(desk, tmp_path / "missing.wav") == "audio_not_found"
    assert refusal(desk, Path("relative.wav")) == "path_refused"
    assert refusal(desk, Path("/dev/zero")) == "audio_unreadable"
    assert refusal(desk, Path("/" + "x" * 5000)) == "audio_not_found"
    assert refusal(desk, Path("/" + "/".join(["deep"] * 2000))) == "audio_not_found"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_numbers_fail_the_job(
    desk: Driver, tmp_path: Path, bad: float
) -> None:
    samples = clicks(1.0)
    samples[30_000] = bad
    soundfile.write(tmp_path / "d.wav", samples, 48_000, "FLOAT")
    failed = desk.result(desk.submit(desk.put(tmp_path / "d.wav")))
    assert failed.error is not None
    assert failed.error.code == "audio_unreadable"


@pytest.mark.parametrize(
    ("seconds", "n_channels", "rate"),
    [(0.5, 1, 8_000), (0.5, 2, 192_000), (0.3, 32, 48_000), (1 / 48_000, 2, 48_000)],
)
def test_strange_but_good_files_are_separated_exactly(
    desk: Driver, tmp_path: Path, seconds: float, n_channels: int, rate: int
) -> None:
    clip = desk.put(write_clip(tmp_path / "e.wav", seconds, n_channels, rate))
    prompt = replace(SPANS, spans=(WireSpan(0.0, min(0.1, clip.duration_s / 2)),))
    done = desk.result(desk.submit(clip, prompt))
    assert done.state == "done", done.error
    mixture = soundfile.read(tmp_path / "e.wav", always_2d=True)[0]
    assert stem_sum(done).shape == mixture.shape
    assert np.abs(stem_sum(done) - mixture).max() < 1e-6


@pytest.mark.parametrize("container", ["RF64", "W64"])
def test_a_file_beyond_4_gib_is_taken_and_its_job_can_be_cancelled(
    desk: Driver, tmp_path: Path, container: str
) -> None:
    path = sparse_file(tmp_path / "long.wav", container)
    clip = desk.put(path)
    assert clip.n_bytes > 4 * GIB
    assert clip.n_samples == (4 * GIB + 4096) // 4
    job = desk.submit(clip)
    desk.cancel(job)
    assert desk.result(job).state == "cancelled"


def test_paths_in_any_script_and_of_any_length(desk: Driver, tmp_path: Path) -> None:
    folder = tmp_path
    for name in ("Großes Projekt №7", "歌曲 ファイル", "🎛" * 40, "d" * 200, "e" * 200, "f" * 200):
        folder = folder / name
    folder.mkdir(parents=True)
    path = folder / f"{'Schlagzeug ' * 20} final (2).wav"
    shutil.copy(write_clip(tmp_path / "i.wav"), path)
    assert len(str(path).encode()) > 1024  # libsndfile opens none of these by name
    options = replace(BUILTIN, output_folder=str(folder / "Stems für Zoë"))
    done = desk.result(desk.submit(desk.put(path), options=options))
    assert done.state == "done", done.error
    assert len(list((folder / "Stems für Zoë").iterdir())) == 2


def test_names_do_not_lead_out_of_the_folder(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "f.wav"), name="../../../../etc/cron.d/x")
    prompt = replace(SPANS, description="../..\\..\x01/etc/passwd")
    folder = tmp_path / "out"
    done = desk.result(desk.submit(clip, prompt, replace(BUILTIN, output_folder=str(folder))))
    assert done.state == "done", done.error
    assert done.result is not None
    assert {Path(stem.path).parent for stem in done.result.stems} == {folder}
    assert len(list(folder.iterdir())) == 2


def test_folders_that_cannot_be_written_are_said_before_the_work(
    desk: Driver, tmp_path: Path
) -> None:
    clip = desk.put(write_clip(tmp_path / "g.wav"))
    (tmp_path / "file").write_bytes(b"")
    read_only = tmp_path / "read-only"
    read_only.mkdir(mode=0o500)
    folders = [Path("/proc/stems"), tmp_path / "file" / "stems"]
    if not os.access(read_only, os.W_OK):  # not so for root
        folders.append(read_only)
    for folder in folders:
        failed = desk.result(desk.submit(clip, options=replace(BUILTIN, output_folder=str(folder))))
        assert failed.error is not None
        assert failed.error.code == "output_not_writable", folder
        assert failed.attempt == 0


def test_a_mixture_in_a_read_only_folder_is_fine(desk: Driver, tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    path = write_clip(folder / "h.wav", seed=3)
    path.chmod(0o400)
    folder.chmod(0o500)
    try:
        assert desk.result(desk.submit(desk.put(path))).state == "done"
    finally:
        folder.chmod(0o700)


def sparse_file(path: Path, container: str) -> Path:
    """16-bit stereo at 192 kHz with 4 GiB and a little of silence, of which nothing is stored."""
    n_data = 4 * GIB + 4096
    soundfile.write(path, np.zeros((1024, 2)), 192_000, "PCM_16", format=container)
    content = bytearray(path.read_bytes())
    if container == "W64":
        riff, data = 16, content.index(b"data")
        struct.pack_into("<Q", content, riff, len(content) - 4096 + n_data)
        struct.pack_into("<Q", content, data + 16, 24 + n_data)
    else:
        ds64 = content.index(b"ds64") + 8
        n_file = len(content) - 4096 + n_data
        struct.pack_into("<QQQ", content, ds64, n_file - 8, n_data, n_data // 4)
        struct.pack_into("<I", content, content.index(b"data") + 4, 0xFFFFFFFF)
    with path.open("wb") as file:
        file.write(content[:-4096])
        file.truncate(len(content) - 4096 + n_data)
    return path
