"""Clips that arrive in pieces: bit-exact, bounded, and nothing left when they do not arrive."""

import hashlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.captured_wav import CapturedWav
from bridge.errors import BridgeError
from bridge.protocol.limits import Limits
from bridge.protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    Upload,
    UploadReference,
)
from bridge.protocol.values import Clip, ClipOrigin
from bridge.stem_names import safe_name, stem_base

from .clips import clicks
from .desk_driver import Driver, driving

STEREO = Upload(content="float32", sample_rate=48_000, n_channels=2)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    limits = Limits(clip_s=2, clip_bytes=2_000_000, uploads=3)
    with driving(tmp_path_factory.mktemp("desk") / "store", limits=limits) as driver:
        yield driver


def begin(desk: Driver, upload: Upload = STEREO, name: str = "take") -> str:
    put = ClipPut(upload=upload, name=name, origin=ClipOrigin(host="Live", position_s=1.0))
    reply = desk.later(lambda each, answer: each.put_clip(put, False, answer))
    assert reply.window > 0
    return str(reply.upload_id)


def send(desk: Driver, upload_id: str, data: bytes, n_bytes: int = 80_000) -> None:
    for index, start in enumerate(range(0, len(data), n_bytes)):
        piece = data[start : start + n_bytes]
        progress = desk.ask(
            lambda each, i=index, p=piece: each.add_chunk(ClipChunk(upload_id, i), p)
        )
        assert progress.next_index == index + 1
        assert progress.received_bytes == start + len(piece)


def commit(desk: Driver, upload_id: str, sha256: str = "") -> Clip:
    request = ClipCommit(upload_id, sha256)
    reply = desk.later(lambda each, answer: each.commit_upload(request, answer))
    assert isinstance(reply.clip, Clip)
    return reply.clip


def code_of(work: object) -> str:
    with pytest.raises(BridgeError) as refused:
        work()  # type: ignore[operator]
    return refused.value.code


def test_captured_audio_arrives_bit_for_bit(desk: Driver) -> None:
    samples = clicks(1.5)
    samples[7, 1] = 3.5  # beyond full scale
    samples[8, 0] = np.float32(1e-42)  # denormal
    data = samples.astype("<f4").tobytes()
    upload_id = begin(desk)
    send(desk, upload_id, data)
    clip = commit(desk, upload_id, hashlib.sha256(data).hexdigest())
    read, rate = soundfile.read(clip.path, dtype="float32", always_2d=True)
    assert read.tobytes() == data
    assert (rate, clip.sample_rate, clip.n_channels, clip.n_samples) == (48_000, 48_000, 2, 72_000)
    assert (clip.kind, clip.name, clip.origin.host) == ("stored", "take", "Live")
    assert desk.result(desk.submit(clip)).state == "done"
    desk.ask(lambda each: each.remove_clip(clip.clip_id))
    assert not Path(clip.path).parent.exists()


def test_a_file_arrives_as_it_is(desk: Driver) -> None:
    content = io.BytesIO()
    soundfile.write(content, clicks(0.5), 48_000, "PCM_24", format="FLAC")
    upload_id = begin(desk, Upload(content="file"), "Trommel — Zoë.flac")
    send(desk, upload_id, content.getvalue())
    clip = commit(desk, upload_id)
    assert Path(clip.path).read_bytes() == content.getvalue()
    assert Path(clip.path).name == "Trommel — Zoë.flac"
    assert (clip.name, clip.n_samples) == ("Trommel — Zoë", 24_000)


def test_what_is_not_audio_is_refused_and_not_kept(desk: Driver) -> None:
    upload_id = begin(desk, Upload(content="file"), "../../../etc/passwd")
    send(desk, upload_id, b"root:x:0:0:root:/root:/bin/sh\n" * 100)
    assert code_of(lambda: commit(desk, upload_id)) == "audio_unreadable"
    assert not list((Path(desk.status().store.folder) / "incoming").iterdir())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_refused(desk: Driver, bad: float) -> None:
    samples = clicks(0.1)
    samples[99, 1] = bad
    upload_id = begin(desk)
    assert code_of(lambda: send(desk, upload_id, samples.tobytes())) == "audio_unreadable"
    assert code_of(lambda: commit(desk, upload_id)) == "upload_not_found"


def test_pieces_come_in_order_and_whole(desk: Driver) -> None:
    upload_id = begin(desk)
    out_of_order = ClipChunk(upload_id, 1)
    refused = code_of(lambda: desk.ask(lambda each: each.add_chunk(out_of_order, b"")))
    assert refused == "upload_out_of_order"
    send(desk, upload_id, clicks(0.1).tobytes())  # it goes on all the same
    commit(desk, upload_id)
    upload_id = begin(desk)
    assert code_of(lambda: send(desk, upload_id, b"12345")) == "upload_mismatch"


def test_an_upload_that_is_not_what_was_announced_is_dropped(desk: Driver) -> None:
    announced = Upload(content="float32", sample_rate=48_000, n_channels=2, n_samples=4800)
    upload_id = begin(desk, announced)
    send(desk, upload_id, clicks(0.05).tobytes())
    assert code_of(lambda: commit(desk, upload_id)) == "upload_incomplete"
    upload_id = begin(desk)
    send(desk, upload_id, clicks(0.05).tobytes())
    assert code_of(lambda: commit(desk, upload_id, "0" * 64)) == "upload_mismatch"
    upload_id = begin(desk)
    assert code_of(lambda: commit(desk, upload_id)) == "audio_unreadable"


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (Upload(sample_rate=7999, n_channels=2), "audio_unreadable"),
        (Upload(sample_rate=192_001, n_channels=2), "audio_unreadable"),
        (Upload(sample_rate=48_000, n_channels=0), "audio_unreadable"),
        (Upload(sample_rate=48_000, n_channels=2, n_samples=96_001), "clip_too_long"),
        (Upload(content="file", n_bytes=2_000_001), "clip_too_large"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    desk: Driver, upload: Upload, code: str
) -> None:
    assert code_of(lambda: begin(desk, upload)) == code


def test_an_upload_that_grows_too_long_is_dropped(desk: Driver) -> None:
    upload_id = begin(desk)
    assert code_of(lambda: send(desk, upload_id, clicks(2.1).tobytes())) == "clip_too_long"


def test_uploads_are_bounded_and_can_be_aborted(desk: Driver) -> None:
    ids = [begin(desk) for _ in range(3)]
    assert code_of(lambda: begin(desk)) == "too_many_uploads"
    for upload_id in ids:
        desk.ask(lambda each, i=upload_id: each.abort_upload(UploadReference(i)))
    gone = UploadReference(ids[0])
    assert code_of(lambda: desk.ask(lambda each: each.abort_upload(gone))) == "upload_not_found"


def test_an_upload_whose_client_vanished_is_dropped(tmp_path: Path) -> None:
    with driving(tmp_path / "store", limits=Limits(upload_idle_s=0)) as desk:
        upload_id = begin(desk)
        incoming = tmp_path / "store" / "incoming"
        desk.wait_for(lambda: not list(incoming.iterdir()))
        assert code_of(lambda: commit(desk, upload_id)) == "upload_not_found"


def test_a_long_captured_file_becomes_rf64(tmp_path: Path) -> None:
    short, path = tmp_path / "short.wav", tmp_path / "long.wav"
    CapturedWav(short, 48_000, 2).finish()
    wav = CapturedWav(path, 48_000, 2)
    # as if more than 4 GiB had been written, without the bytes
    n_bytes = (1 << 32) + 8 * 1000
    wav._n_data_bytes = n_bytes
    wav.finish()
    with path.open("r+b") as file:
        file.truncate(short.stat().st_size + n_bytes)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.frames) == ("RF64", "FLOAT", n_bytes // 8)
    with soundfile.SoundFile(path) as sound:
        sound.seek(info.frames - 10)
        assert sound.read().shape == (10, 2)


def test_a_short_captured_file_is_a_plain_wav(tmp_path: Path) -> None:
    wav = CapturedWav(tmp_path / "a.wav", 8000, 1)
    wav.append(struct.pack("<f", 0.5))
    wav.finish()
    read, rate = soundfile.read(tmp_path / "a.wav")
    assert (list(read), rate) == ([0.5], 8000)
    assert soundfile.info(tmp_path / "a.wav").format == "WAV"


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_names_of_stems_are_names_everywhere(clip: str, description: str) -> None:
    for name in (stem_base(clip, description), safe_name(clip)):
        assert not set(name) & set('<>:"/\\|?*\0\n')
        assert not name.endswith((".", " "))
        assert name not in (".", "..")
        assert len(f"{name} - residual.wav".encode()) < 255
        assert name.split(".")[0].lower() not in ("con", "nul", "aux", "prn", "com1", "lpt1")
    assert stem_base(clip, description)
