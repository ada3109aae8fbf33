"""Models through the bridge: jobs with a real, tiny SAM-Audio, downloads, one model at a time."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import BridgeError
from bridge.protocol.values import JobOptions, ModelState, WirePrompt
from engine.checkpoints.intake import import_model
from engine.checkpoints.store import Store
from engine.model.config import TextEncoderConfig
from tests.test_engine.checkpoint_hub import LocalHub, serve
from tests.test_engine.tiny_model import write_checkpoint, write_t5

from .clips import clicks, stem_sum, write_clip
from .desk_driver import BUILTIN, Driver, driving

SMALL = "sam-audio-small"
DOG = WirePrompt("dog barking")
SAM = JobOptions(separator=SMALL, n_threads=1, quality="draft")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with a tiny model called sam-audio-small; its text encoder is not there yet."""
    folder = tmp_path_factory.mktemp("models")
    source = write_checkpoint(
        folder / "small", text_encoder=TextEncoderConfig(dim=16, name="t5-base")
    )
    import_model(Store(folder / "store"), source, SMALL)
    return folder / "store"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub with the text encoder."""
    folder = write_t5(tmp_path_factory.mktemp("hub") / "t5")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serve(LocalHub({"google-t5/t5-base": files})) as served:
        yield served


@pytest.fixture(scope="module")
def desk(models: Path, hub: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEMLASSO_MODELS", str(models))
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        with driving(tmp_path_factory.mktemp("desk") / "store") as driver:
            yield driver


def model(desk: Driver, name: str) -> ModelState:
    page = desk.later(lambda each, answer: each.list_models(answer))
    return next(each for each in page.models if each.name == name)


def test_a_model_is_fetched_with_progress_and_then_used(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "a.wav", 2.0))
    failed = desk.result(desk.submit(clip, DOG, SAM))
    assert failed.error is not None
    assert failed.error.code == "checkpoint_not_found"
    assert model(desk, SMALL).installed
    assert not model(desk, "t5-base").installed

    reply = desk.later(lambda each, answer: each.download_model("t5-base", answer))
    assert not reply.model.installed
    desk.wait_for(lambda: desk.bodies("models.progress")[-1].state in ("done", "failed"))
    last = desk.bodies("models.progress")[-1]
    assert (last.name, last.state, last.fraction) == ("t5-base", "done", 1.0), last.error
    assert model(desk, "t5-base").installed

    done = desk.result(desk.ask(lambda each: each.retry(failed.job_id)))
    assert done.state == "done", done.error
    assert done.result is not None
    assert done.result.separator == SMALL
    assert np.abs(stem_sum(done) - clicks(2.0)).max() < 1e-6
    desk.wait_for(lambda: desk.status().engine.loaded == SMALL)


def test_the_best_separator_that_is_there_is_chosen(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "b.wav", 1.0, seed=1))
    done = desk.result(desk.submit(clip, DOG, replace(SAM, separator="auto")))
    assert done.result is not None
    assert done.result.separator == SMALL
    again = desk.result(desk.submit(clip, DOG, SAM))
    assert again.result is not None
    assert again.result.from_store
    # how sure it is goes over the wire, the first time and from the store
    receipt = json.loads(Path(done.result.receipt_path).read_text("utf-8"))
    lane = done.result.presence
    assert lane is not None
    assert lane.percent == tuple(round(100 * each) for each in receipt["presence"]["values"])
    assert lane.end_s >= 1.0
    assert again.result.presence == lane


def test_another_separator_takes_the_place_of_the_model(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "c.wav", 1.0, seed=2))
    assert desk.result(desk.submit(clip, options=BUILTIN)).state == "done"
    desk.wait_for(lambda: desk.status().engine.loaded == "builtin")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL that tells of memory")
def test_a_model_that_ran_out_of_memory_is_tried_with_smaller_windows(
    desk: Driver, tmp_path: Path
) -> None:
    clip = desk.put(write_clip(tmp_path / "d.wav", 40.0, n_channels=1, seed=3))
    job, worker = desk.meet(clip, replace(SAM, quality="standard"), DOG)
    worker.kill()
    done = desk.result(job)
    assert done.state == "done", done.error
    assert done.attempt == 2
    assert done.result is not None
    assert "retried_smaller" in [notice.code for notice in done.result.notices]
    receipt = Path(done.result.receipt_path).read_text("utf-8")
    assert '"window_s": 8.0' in receipt


def test_a_download_that_fails_says_why(desk: Driver) -> None:
    desk.later(lambda each, answer: each.download_model("roberta-base", answer))
    desk.wait_for(lambda: desk.bodies("models.progress")[-1].state == "failed")
    problem = desk.bodies("models.progress")[-1].error
    assert problem is not None
    assert problem.code in ("checkpoint_not_found", "download_failed")
    with pytest.raises(BridgeError) as missing:
        desk.later(lambda each, answer: each.download_model("no-such-model", answer))
    assert missing.value.code == "model_not_found"


def test_a_model_is_removed(desk: Driver) -> None:
    reply = desk.later(lambda each, answer: each.remove_model("t5-base", answer))
    assert not reply.model.installed
    assert desk.bodies("models.progress")[-1].state == "removed"
    assert not model(desk, "t5-base").installed
    with pytest.raises(BridgeError) as missing:
        desk.later(lambda each, answer: each.remove_model("t5-base", answer))
    assert missing.value.code == "checkpoint_not_found"


def test_a_download_that_is_cancelled_stops_and_can_be_taken_up(
    desk: Driver, hub: LocalHub
) -> None:
    hub.requests.clear()
    hub.holds, hub.break_after = True, 10
    try:
        desk.later(lambda each, answer: each.download_model("t5-base", answer))
        desk.wait_for(lambda: any("resolve" in path for path, _ in hub.requests))
        reply = desk.later(lambda each, answer: each.cancel_download("t5-base", answer))
        assert not reply.model.installed
        desk.wait_for(lambda: desk.bodies("models.progress")[-1].state != "running")
    finally:
        hub.holds = False
    last = desk.bodies("models.progress")[-1]
    assert (last.name, last.state, last.error) == ("t5-base", "cancelled", None)
    assert not model(desk, "t5-base").installed

    desk.later(lambda each, answer: each.download_model("t5-base", answer))
    desk.wait_for(lambda: desk.bodies("models.progress")[-1].state in ("done", "failed"))
    assert model(desk, "t5-base").installed
    told = len(desk.bodies("models.progress"))
    again = desk.later(lambda each, answer: each.cancel_download("t5-base", answer))
    assert again.model.installed
    assert len(desk.bodies("models.progress")) == told
    with pytest.raises(BridgeError) as missing:
        desk.later(lambda each, answer: each.cancel_download("no-such-model", answer))
    assert missing.value.code == "model_not_found"
