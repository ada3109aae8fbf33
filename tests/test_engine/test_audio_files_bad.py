"""Files that cannot be used: each its own error with a message of one line, nothing left open."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pytest
import soundfile

from engine.audio_files import open_clip
from engine.errors import AudioNotFound, AudioUnreadable, EngineError

from .clips import noise

CONTAINERS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_24"),
    ("W64", "PCM_24"),
    ("AIFF", "PCM_24"),
    ("AIFF", "FLOAT"),
    ("CAF", "PCM_24"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
    ("WAV", "ULAW"),
    ("CAF", "ALAC_16"),
]


def sound_bytes(folder: Path, container: str = "WAV", subtype: str = "PCM_16") -> bytearray:
    path = folder / "good.audio"
    soundfile.write(path, noise(100_000, 2, peak=0.3), 48_000, subtype, format=container)
    data = bytearray(path.read_bytes())
    path.unlink()
    return data


def refusal(path: Path) -> EngineError:
    n_open = psutil.Process().num_fds() if psutil.POSIX else 0
    with pytest.raises(EngineError) as caught:
        open_clip(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert (psutil.Process().num_fds() if psutil.POSIX else 0) == n_open
    return caught.value


CUTS = [
    (container, subtype, share)
    for container, subtype in CONTAINERS
    for share in (0.4, 0.9, 0.999)
    # Many MP3 files lack a few of the frames that their header counts, so a small cut is no error.
    if container != "MP3" or share < 0.5
]


@pytest.mark.parametrize(("container", "subtype", "share"), CUTS)
def test_cut_files_are_refused(tmp_path: Path, container: str, subtype: str, share: float) -> None:
    data = sound_bytes(tmp_path, container, subtype)
    path = tmp_path / "cut.audio"
    path.write_bytes(data[: int(len(data) * share)])
    assert isinstance(refusal(path), AudioUnreadable)


@pytest.mark.parametrize(("container", "subtype"), CONTAINERS)
def test_files_of_nothing_but_a_header_are_refused(
    tmp_path: Path, container: str, subtype: str
) -> None:
    path = tmp_path / "none.audio"
    soundfile.write(path, np.zeros((0, 2)), 48_000, subtype, format=container)
    assert isinstance(refusal(path), AudioUnreadable)


def test_the_list_of_containers_is_not_empty() -> None:
    assert CONTAINERS
    assert CUTS


def set_u32(offset_after: bytes, shift: int, value: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        at = data.index(offset_after) + shift
        data[at : at + 4] = struct.pack("<I", value)

    return change


def set_u16(offset_after: bytes, shift: int, value: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        at = data.index(offset_after) + shift
        data[at : at + 2] = struct.pack("<H", value)

    return change


LIES = {
    "data of 4 GiB": set_u32(b"data", 4, 0xFFFF_FFFF),
    "data of 2 GiB": set_u32(b"data", 4, 0x7FFF_FFFF),
    "one byte too much": set_u32(b"data", 4, 400_001),
    "no data": set_u32(b"data", 4, 0),
    "rate of 4 GHz": set_u32(b"fmt ", 12, 0xFFFF_FFFF),
    "rate of 0": set_u32(b"fmt ", 12, 0),
    "rate of 7999": set_u32(b"fmt ", 12, 7_999),
    "rate of 192001": set_u32(b"fmt ", 12, 192_001),
    "no channels": set_u16(b"fmt ", 10, 0),
    "33 channels": set_u16(b"fmt ", 10, 33),
    "65535 channels": set_u16(b"fmt ", 10, 0xFFFF),
    "fmt chunk of 4 GiB": set_u32(b"fmt ", 4, 0xFFFF_FFFF),
    "another fmt": set_u32(b"fmt ", 0, 0),
    "another data": set_u32(b"data", 0, 0),
}


@pytest.mark.parametrize("lie", LIES)
def test_headers_that_lie_are_refused(tmp_path: Path, lie: str) -> None:
    data = sound_bytes(tmp_path)
    LIES[lie](data)
    path = tmp_path / "liar.wav"
    path.write_bytes(data)
    assert isinstance(refusal(path), AudioUnreadable)


def test_a_wrong_size_of_the_whole_does_no_harm(tmp_path: Path) -> None:
    data = sound_bytes(tmp_path)
    data[4:8] = struct.pack("<I", 0xFFFF_FFF0)
    path = tmp_path / "careless.wav"
    path.write_bytes(data)
    clip = open_clip(path)
    assert clip.n_samples == 100_000
    clip.source.close()


def test_gigabytes_of_empty_chunks_are_given_up_soon(tmp_path: Path) -> None:
    path = tmp_path / "sparse.wav"
    path.write_bytes(sound_bytes(tmp_path)[:36])
    os.truncate(path, 1 << 33)
    assert isinstance(refusal(path), AudioUnreadable)


@pytest.mark.parametrize(
    "suffix", ["wav", "txt", "flac", "ogg", "mp3", "aiff", "au", "vox", "raw", "m4a", ""]
)
@pytest.mark.parametrize(
    "content", [b"no sound at all\n" * 500, bytes(9_000), b"\xff" * 9_000, b"R", b"RIFF"]
)
def test_what_is_not_audio_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"odd.{suffix}"
    path.write_bytes(content)
    refusal(path)


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "random.bin"
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    refusal(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    error = refusal(path)
    assert isinstance(error, AudioUnreadable)
    assert "empty" in str(error)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    assert isinstance(refusal(tmp_path / "nowhere.wav"), AudioNotFound)


@pytest.mark.parametrize("name", ["nul\0byte.wav", "x" * 300 + ".wav"])
def test_impossible_names_are_not_found(tmp_path: Path, name: str) -> None:
    assert isinstance(refusal(tmp_path / name), AudioNotFound)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert isinstance(error, AudioUnreadable)
    assert "folder" in str(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert isinstance(refusal(tmp_path / "pipe"), AudioUnreadable)


@contextmanager
def folder_of_others() -> Iterator[Path]:
    """A folder where permissions hold even for root, by being somebody else meanwhile."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no POSIX permissions")
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        is_root = os.geteuid() == 0
        try:
            if is_root:
                os.seteuid(65_534)
            yield folder
        finally:
            if is_root:
                os.seteuid(0)


def test_a_file_without_permission_is_not_found() -> None:
    with TemporaryDirectory() as outer:
        path = Path(outer) / "secret.wav"
        path.write_bytes(b"RIFF")
        path.chmod(0)
        Path(outer).chmod(0o755)
        with folder_of_others():
            error = refusal(path)
    assert isinstance(error, AudioNotFound)
    assert "permissions" in str(error)


def test_damage_in_the_middle_is_noticed(tmp_path: Path) -> None:
    # Only FLAC carries checksums that libsndfile heeds; OGG and MP3 decoders play on regardless.
    data = sound_bytes(tmp_path, "FLAC", "PCM_24")
    middle = len(data) // 2
    data[middle : middle + 3_000] = np.random.default_rng(0).bytes(3_000)
    path = tmp_path / "damaged.audio"
    path.write_bytes(data)

    def read_all() -> None:
        clip = open_clip(path)
        try:
            for start in range(0, clip.n_samples, 4_096):
                clip.source.read(start, min(start + 4_096, clip.n_samples))
        finally:
            clip.source.close()

    with pytest.raises(AudioUnreadable):
        read_all()


def test_a_file_that_shrinks_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "mix.wav"
    path.write_bytes(sound_bytes(tmp_path))
    clip = open_clip(path)
    os.truncate(path, 100_000)
    with pytest.raises(AudioUnreadable, match="truncated"):
        clip.source.read(0, clip.n_samples)
    clip.source.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file-size limits")
def test_no_room_to_decode_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mix.ogg"
    soundfile.write(path, noise(200_000, 2, peak=0.3), 48_000, "VORBIS", format="OGG")
    script = (
        "import resource, sys\n"
        "from engine.audio_files import open_clip\n"
        "from engine.errors import DiskFull\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try:\n    open_clip(sys.argv[1])\n"
        "except DiskFull as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no room to decode" in done.stdout
    assert done.stderr == ""
