"""Weights written anew: other precisions, shards, other layouts."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.checkpoints.catalog import find
from engine.checkpoints.convert import PRECISIONS, convert_model
from engine.checkpoints.intake import import_model
from engine.checkpoints.load import read_state_dict
from engine.checkpoints.store import Store, require_whole
from engine.checkpoints.structure import read_weights
from engine.checkpoints.write import write_safetensors
from engine.data import Monitor, Progress
from engine.errors import (
    CheckpointError,
)

from .tiny_model import tiny_state, write_checkpoint

SMALL = find("sam-audio-small")[0]
T5 = find("t5-base")[0]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An official-layout folder of a tiny SAM-Audio."""
    return write_checkpoint(tmp_path / "published")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def dtypes_of(state: dict[str, Tensor]) -> dict[str, torch.dtype]:
    return {name: tensor.dtype for name, tensor in state.items()}


def ignore(n_bytes: int) -> None:
    """Progress that nobody wants to see."""


@pytest.mark.parametrize("precision", sorted(PRECISIONS))
def test_convert_keeps_names_and_changes_precision(
    source: Path, store: Store, precision: str
) -> None:
    unused = {"steps": torch.arange(4), "scale": torch.tensor(0.3)}
    state = tiny_state() | {f"vision_encoder.{name}": t for name, t in unused.items()}
    torch.save(state, source / "checkpoint.pt")
    import_model(store, source, "sam-audio-small")
    steps: list[Progress] = []
    done = convert_model(store, SMALL, precision, monitor=Monitor(steps.append))
    assert done.manifest.precision == precision
    assert steps[-1].fraction == 1.0
    stored = read_state_dict(done.folder)
    assert sorted(stored) == sorted(state)
    assert stored["vision_encoder.steps"].dtype == torch.int64
    for name, tensor in state.items():
        is_kept = name.startswith("audio_codec.") or not tensor.is_floating_point()
        dtype = tensor.dtype if is_kept else PRECISIONS[precision]
        assert torch.equal(stored[name], tensor.to(dtype))
    require_whole(store.verify(SMALL), done.folder)
    assert {f.name for f in done.manifest.files} == {
        "checkpoint.pt",
        "config.json",
        "model.safetensors",
    }


def test_converting_again_starts_from_the_original(source: Path, store: Store) -> None:
    import_model(store, source, "sam-audio-small")
    convert_model(store, SMALL, "bfloat16")
    done = convert_model(store, SMALL, "float32")
    assert torch.equal(
        read_state_dict(done.folder)["memory_proj.weight"], tiny_state()["memory_proj.weight"]
    )
    dropped = convert_model(store, SMALL, "float16", drop_original=True)
    assert [f.name for f in dropped.manifest.files] == ["config.json", "model.safetensors"]
    require_whole(store.verify(SMALL), dropped.folder)
    with pytest.raises(CheckpointError, match="float16 already"):
        convert_model(store, SMALL, "float16")
    assert store.get(SMALL).manifest == dropped.manifest


def test_conversions_that_make_no_sense_are_refused(
    tmp_path: Path, source: Path, store: Store
) -> None:
    judge, roberta = find("sam-audio-judge")[0], find("roberta-base")[0]
    for model in (judge, T5):
        with pytest.raises(CheckpointError, match="stays in float32"):
            convert_model(store, model, "bfloat16")
    with pytest.raises(CheckpointError, match="allowed are float32, bfloat16, float16"):
        convert_model(store, SMALL, "int3")
    with pytest.raises(CheckpointError, match="only a tokenizer"):
        convert_model(store, roberta, "float32")
    torch.save(
        tiny_state() | {"vision_encoder.huge": torch.tensor([1e6])}, source / "checkpoint.pt"
    )
    import_model(store, source, "sam-audio-small")
    with pytest.raises(CheckpointError, match=r"vision_encoder\.huge holds values beyond"):
        convert_model(store, SMALL, "float16")
    require_whole(store.verify(SMALL), store.folder(SMALL))


def test_large_models_become_shards(tmp_path: Path) -> None:
    state = {f"w{i}": torch.full((100,), float(i)) for i in range(7)}
    written = write_safetensors(state, tmp_path, dtypes_of(state), ignore, shard_bytes=1000)
    assert [w.name for w in written][-1] == "model.safetensors.index.json"
    assert len(written) == 5
    assert all((tmp_path / w.name).stat().st_size == w.size_bytes for w in written)
    stored = read_state_dict(tmp_path)
    assert all(torch.equal(stored[name], state[name]) for name in state)


def test_a_sharded_mirror_can_be_imported_and_converted(
    tmp_path: Path, source: Path, store: Store
) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    state = tiny_state()
    write_safetensors(state, folder, dtypes_of(state), ignore, shard_bytes=1_000_000)
    shutil.copy(source / "config.json", folder)
    names = {path.name for path in folder.iterdir()}
    assert len(names) > 3
    taken = import_model(store, folder, "sam-audio-small")
    assert {f.name for f in taken.installed.manifest.files} == names
    done = convert_model(store, SMALL, "bfloat16", drop_original=True)
    assert {f.name for f in done.manifest.files} == {"config.json", "model.safetensors"}
    assert len(read_state_dict(done.folder)) == len(tiny_state())


def test_clap_is_unwrapped_and_stays_readable_after_conversion(
    tmp_path: Path, store: Store
) -> None:
    names = ("audio_branch.patch_embed.proj.weight", "text_projection.0.weight")
    inner = {f"module.{name}": torch.randn(3) for name in names}
    torch.save({"epoch": 1, "state_dict": inner}, tmp_path / "630k-best.pt")
    taken = import_model(store, tmp_path / "630k-best.pt")
    clap = taken.installed.model
    assert clap.name == "clap"
    before = dict(read_weights(taken.installed.folder, "clap"))
    done = convert_model(store, clap, "float32", drop_original=True)
    after = read_weights(done.folder, "clap")
    assert sorted(after) == sorted(names)
    assert all(torch.equal(after[name], before[name]) for name in names)
