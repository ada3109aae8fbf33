"""Every operation, end to end: the real server, the real worker, the builtin separator, files."""

import hashlib
import json
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from bridge.client import Client, connect
from bridge.errors import (
    BridgeError,
    JobFailed,
    LimitReached,
    NotFound,
    RequestRefused,
)
from bridge.folders import Folders
from bridge.protocol.messages import (
    OPERATIONS,
    EstimateAsk,
    JobSubmit,
    ModelReference,
    StoreClean,
)
from bridge.protocol.searches import SpanAsk
from bridge.protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipRead,
    Upload,
    UploadReference,
)
from bridge.protocol.values import ClipOrigin, JobOptions, WirePrompt, WireSpan

from .conftest import RATE, make_samples

PROMPT = WirePrompt("burst", (WireSpan(0.5, 1.0), WireSpan(1.2, 1.8, "-")))
BUILTIN = JobOptions(separator="builtin", n_threads=1)


class Counting(Client):
    """A client that notes the operations it used."""

    used: set[str]

    def _ask_whole(
        self, op: str, body: object, timeout_s: float | None = None
    ) -> tuple[object, bytes]:
        self.used.add(op)
        return super()._ask_whole(op, body, timeout_s)


@pytest.fixture
def counting(client: Client) -> Iterator[Counting]:
    made = Counting(client._find, "test")
    made.used = set()
    with made:
        yield made


def test_every_operation_does_what_it_says(
    counting: Counting, mixture: Path, tmp_path: Path
) -> None:
    """One story that uses all of them; the last line proves that none was left out."""
    client = counting
    client.open()
    assert client.ping() > 0
    events = client.subscribe()
    origin = ClipOrigin("REAPER", "song.rpp", "Drums", 12.5, 600_000)

    clip = client.put_file(mixture, "take 1", origin)
    assert (clip.name, clip.path, clip.kind) == ("take 1", str(mixture), "file")
    assert (clip.sample_rate, clip.n_channels, clip.n_samples) == (RATE, 2, 2 * RATE)
    assert clip.origin == origin
    assert client.clips() == [clip]
    assert client.clip(clip.clip_id) == clip
    piece, data = client._ask_whole("clip.read", ClipRead(clip.clip_id, 100, 500))
    assert data == mixture.read_bytes()[100:600]
    assert piece.total_bytes == mixture.stat().st_size

    guess = client.estimate(EstimateAsk(clip.clip_id, options=BUILTIN))
    assert guess.seconds > 0
    assert guess.disk_bytes > 2 * RATE * 2 * 4
    search = client.predict_spans(SpanAsk(clip.clip_id, "drums"))
    assert search.clip_id == clip.clip_id
    deadline_s = time.monotonic() + 300
    while not (found := client.span_search(search.search_id)).is_final:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert (found.state, found.separator) == ("done", "builtin")
    assert client.cancel_search(search.search_id) == found
    job = client.submit(clip.clip_id, PROMPT, BUILTIN)
    assert (job.state, job.origin) == ("queued", origin)
    names = [event.name for event in client.watch(job.job_id, 300)]
    assert names[-1] == "job.done"
    assert names.count("job.done") == 1
    done = client.result(job.job_id)
    assert client.job(job.job_id) == done
    assert client.jobs(["done"]) == [done]
    _check_stems(client, mixture, tmp_path, done)
    assert client.cancel(job.job_id) == done
    offer = client.offer(job.job_id)
    assert (offer.host, offer.is_taken, offer.start_s) == ("REAPER", False, 12.5)
    with pytest.raises(RequestRefused):
        client.retry(job.job_id)

    other = client.put_samples(make_samples(0.5), RATE, "captured")
    upload = client._ask("clip.put", ClipPut("", Upload("float32", RATE, 1), "dropped"))
    client._ask("clip.abort", UploadReference(upload.upload_id))
    assert client.remove_clip(other.clip_id) == other
    with pytest.raises(NotFound) as caught:
        client.clip(other.clip_id)
    assert caught.value.code == "clip_not_found"

    models = {model.name: model for model in client.models()}
    assert not models["sam-audio-small"].installed
    with pytest.raises(NotFound):
        client.download_model("no-such-model")
    assert not client.cancel_download("sam-audio-small").installed
    with pytest.raises(BridgeError, match="no-such-model"):
        client._ask("models.remove", ModelReference("no-such-model"))
    status = client.status()
    assert status.store.n_jobs == 1 or status.store.n_clips >= 0
    assert client.clean(StoreClean(0, None, dry_run=True)).n_jobs == 1
    assert client.clean(StoreClean(0)).n_jobs == 1
    assert client.jobs() == []

    seen = [""]
    while seen[-1] != "clip.removed":
        event = events.next(60)
        assert event is not None
        seen.append(event.header.event)
    assert events.next(0.1) is None
    events.close()
    assert seen.count("clip.spans") >= 2
    assert [name for name in seen[1:] if name not in ("job.progress", "clip.spans")] == [
        "clip.added", "job.queued", "job.started", "job.done", "clip.added", "clip.removed",
    ]  # fmt: skip
    client.stop_server()
    uploads = {"clip.chunk", "clip.commit"}
    assert counting.used | uploads == set(OPERATIONS)


def _check_stems(client: Client, mixture: Path, tmp_path: Path, done: object) -> None:
    """Target + residual = mixture, to the bit; the same bytes arrive as frames."""
    result = done.result  # type: ignore[attr-defined]
    assert [stem.role for stem in result.stems] == ["target", "residual"]
    target, residual = (sf.read(stem.path, dtype="float64")[0] for stem in result.stems)
    original = sf.read(mixture, dtype="float64")[0]
    if result.null_db is None:
        assert (target + residual == original).all()
    assert np.abs(target + residual - original).max() < 1e-6
    for stem in result.stems:
        fetched = client.fetch_stem(done.job_id, stem, tmp_path)  # type: ignore[attr-defined]
        content = Path(stem.path).read_bytes()
        assert fetched.read_bytes() == content
        assert hashlib.sha256(content).hexdigest() == stem.sha256
    manifest = json.loads(Path(result.manifest_path).read_text("utf-8"))
    assert "12.5" in json.dumps(manifest)
    assert json.loads(Path(result.receipt_path).read_text("utf-8"))


def test_a_clip_of_one_client_is_everybodys(client: Client, home: Path, mixture: Path) -> None:
    """The plug-in sends a clip, the panel asks for the job, both are told of its end."""
    with connect(home, start=False, name="panel") as panel:
        plugin_events, panel_events = client.subscribe(), panel.subscribe()
        clip = client.put_file(mixture)
        assert panel.clip(clip.clip_id) == clip
        job = panel.submit(clip.clip_id, PROMPT, BUILTIN)
        assert panel.result(job.job_id, 300).is_final
        for events in (plugin_events, panel_events):
            names = []
            while not names or names[-1] != "job.done":
                event = events.next(60)
                assert event is not None
                names.append(event.header.event)
            assert names[0] == "clip.added"
            events.close()
        assert client.job(job.job_id).result == panel.job(job.job_id).result


def test_sending_a_job_again_makes_no_second_one(client: Client, mixture: Path) -> None:
    clip = client.put_file(mixture)
    submit = JobSubmit(clip.clip_id, PROMPT, BUILTIN, "submission-1")
    first, second = (client._ask("job.submit", submit).job for _ in range(2))
    assert first.job_id == second.job_id
    assert len(client.jobs()) == 1


def test_uploads_are_kept_to_the_bit(client: Client) -> None:
    """Any float32, also what no sound card makes: denormals, minus zero, huge values."""
    rng = np.random.default_rng(5)
    samples = rng.standard_normal((70_001, 3)).astype(np.float32)
    samples[:4, 0] = (-0.0, 1e-42, 3e38, -1.5)
    clip = client.put_samples(samples, 44_100, "take")
    assert (clip.n_samples, clip.n_channels, clip.sample_rate) == (70_001, 3, 44_100)
    kept, rate = sf.read(clip.path, dtype="float32")
    assert rate == 44_100
    assert kept.astype(np.float32).tobytes() == samples.tobytes()


def test_an_upload_that_goes_wrong_leaves_nothing(client: Client, folders: Folders) -> None:
    def begin() -> str:
        put = ClipPut("", Upload("float32", RATE, 2, 100, 800), "take")
        upload_id: str = client._ask("clip.put", put).upload_id
        return upload_id

    assert client.welcome
    link = client._link
    assert link is not None

    def chunk(upload_id: str, index: int, data: bytes) -> object:
        link.send("clip.chunk", ClipChunk(upload_id, index), data)
        reply = link.receive(60)
        assert reply is not None
        return reply.body

    upload_id = begin()
    out_of_order = chunk(upload_id, 1, b"\0" * 8)
    assert getattr(out_of_order, "code", "") == "upload_out_of_order"
    assert getattr(chunk(begin(), 0, b"\0" * 7), "code", "") == "upload_mismatch"
    assert getattr(chunk(begin(), 0, struct.pack("<ff", 1, float("nan"))), "code", "")
    assert getattr(chunk("u0", 0, b"\0" * 8), "code", "") == "upload_not_found"
    with pytest.raises(RequestRefused) as caught:
        client._ask("clip.commit", ClipCommit(upload_id))
    assert caught.value.code == "upload_incomplete"
    assert not list(folders.store.glob("incoming/*"))
    assert client.clips() == []


@pytest.mark.parametrize(
    "name", ["../../evil", "a/b\\c", "..", "CON", "x" * 900, "name\u202egpj.wav"]
)
def test_a_clips_name_never_leads_out_of_the_store(
    client: Client, folders: Folders, tmp_path: Path, name: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if folders.store not in path.parents}
    clip = client.put_samples(make_samples(2.0), RATE, name)
    assert folders.store in Path(clip.path).resolve().parents
    job = client.result(client.submit(clip.clip_id, PROMPT, BUILTIN).job_id, 300)
    assert job.result is not None
    for stem in job.result.stems:
        assert folders.store in Path(stem.path).resolve().parents
    after = {path for path in tmp_path.rglob("*") if folders.store not in path.parents}
    assert after == before


def test_only_media_files_that_can_be_read_become_clips(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("root:x:0:0")
    for path in (secret, tmp_path, Path("/dev/zero"), tmp_path / "none.wav", Path("/etc/passwd")):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any of the bridge's errors
            client.put_file(path)
        assert getattr(caught.value, "code", ""), path
        assert "root:x" not in str(caught.value)
    assert client.clips() == []
    with pytest.raises(RequestRefused):
        client._ask("clip.put", ClipPut("relative.wav"))
    with pytest.raises(RequestRefused):
        client._ask("clip.put", ClipPut())


def test_a_job_that_fails_says_why(client: Client, mixture: Path) -> None:
    clip = client.put_file(mixture)
    job = client.submit(clip.clip_id, WirePrompt("the colour of jealousy"), BUILTIN)
    with pytest.raises(JobFailed) as caught:
        client.result(job.job_id, 300)
    assert caught.value.code == "prompt_needs_spans"
    again = client.retry(job.job_id)
    assert again.retry_of == job.job_id
    with pytest.raises(JobFailed):
        client.result(again.job_id, 300)


def test_limits_have_codes_of_their_own(client: Client) -> None:
    big = ClipPut("", Upload("file", n_bytes=client.welcome.limits.clip_bytes + 1), "big.wav")
    with pytest.raises(LimitReached) as caught:
        client._ask("clip.put", big)
    assert caught.value.code == "clip_too_large"


def test_video_over_the_wire_is_named_by_path(
    client: Client, mixture: Path, server: "subprocess.Popen[bytes]"
) -> None:
    clip = client.put_file(mixture)
    with pytest.raises(RequestRefused):
        client.submit(clip.clip_id, WirePrompt("x", (), "relative.mp4"))
    assert server.poll() is None
