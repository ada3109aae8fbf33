"""Reading checkpoints: what is accepted, what is refused, and what the user is told."""

import json
import os
import pickle
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.checkpoints.load import load_into, read_state_dict
from engine.errors import (
    CheckpointCorrupt,
    CheckpointError,
    CheckpointMismatch,
    CheckpointNotFound,
)


class Small(nn.Module):
    """Two layers and a frozen buffer, standing for any network."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.proj = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.register_buffer("steps", torch.zeros(3, dtype=torch.int64))


class Hostile:
    """Pickles into a call that would leave a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {name: t + 1 for name, t in Small().state_dict().items()}


@pytest.fixture
def meta() -> Small:
    with torch.device("meta"):
        return Small()


def test_both_formats_give_the_same_tensors(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "checkpoint.pt")
    save_file(weights, tmp_path / "other.safetensors")
    pickled = read_state_dict(tmp_path)
    stored = read_state_dict(tmp_path / "other.safetensors")
    assert sorted(pickled) == sorted(stored) == sorted(weights)
    assert all(
        torch.equal(pickled[n], weights[n]) and torch.equal(stored[n], weights[n]) for n in weights
    )


def test_a_folder_with_both_prefers_safetensors(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save({"old": torch.zeros(1)}, tmp_path / "checkpoint.pt")
    save_file(weights, tmp_path / "model.safetensors")
    assert sorted(read_state_dict(tmp_path)) == sorted(weights)


def test_shards_are_read_as_one(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    names = sorted(weights)
    weight_map = {}
    for part, some in enumerate((names[:2], names[2:])):
        save_file({n: weights[n] for n in some}, tmp_path / f"part-{part}.safetensors")
        weight_map |= dict.fromkeys(some, f"part-{part}.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    assert sorted(read_state_dict(tmp_path)) == names
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(CheckpointNotFound, match=r"part-1\.safetensors is missing"):
        read_state_dict(tmp_path)


def test_an_index_that_is_no_index_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(CheckpointCorrupt, match="not an index"):
        read_state_dict(tmp_path)


def test_non_ascii_and_long_paths(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    folder = tmp_path / "Gewichte für Þór 音声" / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)
    torch.save(weights, folder / "checkpoint.pt")
    save_file(weights, folder / "π.safetensors")
    assert len(read_state_dict(folder)) == len(weights)
    assert len(read_state_dict(folder / "π.safetensors")) == len(weights)


def test_old_torch_files_are_read(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    state = read_state_dict(tmp_path / "old.pt")
    assert torch.equal(state["proj.weight"], weights["proj.weight"])


def test_a_wrapped_checkpoint_is_explained_and_can_be_unwrapped(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    file = tmp_path / "630k-best.pt"
    inner = {f"module.{n}": t for n, t in weights.items()}
    torch.save({"epoch": 3, "best": np.float64(0.5), "state_dict": inner}, file)
    with pytest.raises(CheckpointMismatch, match="wraps its tensors in 'state_dict'"):
        read_state_dict(file)
    state = read_state_dict(file, wrapped_in="state_dict", prefix="module.")
    assert sorted(state) == sorted(weights)
    with pytest.raises(CheckpointMismatch, match="no entry 'ema'"):
        read_state_dict(file, wrapped_in="ema")


def test_values_that_are_no_tensors_are_named(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), "lr": 0.1}, tmp_path / "c.pt")
    with pytest.raises(CheckpointMismatch, match="'lr' is a float"):
        read_state_dict(tmp_path / "c.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(CheckpointMismatch, match="holds a list"):
        read_state_dict(tmp_path / "list.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_by_name_and_does_not_run(
    tmp_path: Path, zipped: bool
) -> None:
    marker, file = tmp_path / "ran", tmp_path / "checkpoint.pt"
    content = {"a": torch.zeros(2), "b": Hostile(marker)}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointCorrupt, match=r"names (posix|nt)\.mkdir.*refused") as caught:
        read_state_dict(file)
    assert caught.value.code == "checkpoint_corrupt"
    assert not marker.exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_bare_pickle_with_code_is_refused_by_name(tmp_path: Path, protocol: int) -> None:
    marker, file = tmp_path / "ran", tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"b": Hostile(marker)}, protocol=protocol))
    with pytest.raises(CheckpointCorrupt, match=r"names (posix|nt)\.mkdir"):
        read_state_dict(file)
    assert not marker.exists()


def test_a_saved_module_is_refused(tmp_path: Path) -> None:
    torch.save(Small(), tmp_path / "module.pt")
    with pytest.raises(CheckpointCorrupt, match=r"names .*Small"):
        read_state_dict(tmp_path / "module.pt")


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_truncated_file_is_refused_wherever_it_ends(
    tmp_path: Path, weights: dict[str, Tensor], suffix: str
) -> None:
    file = tmp_path / f"c.{suffix}"
    torch.save(weights, file) if suffix == "pt" else save_file(weights, file)
    content = file.read_bytes()
    for n_bytes in range(0, len(content), 7):
        file.write_bytes(content[:n_bytes])
        with pytest.raises(CheckpointCorrupt, match=r"fetch it again|not a checkpoint"):
            read_state_dict(file)


def test_damaged_bytes_are_refused(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "c.pt")
    content = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(content[:90] + b"\xff" * 40 + content[130:])
    with pytest.raises(CheckpointCorrupt, match="damaged"):
        read_state_dict(tmp_path / "c.pt")
    save_file(weights, tmp_path / "c.safetensors")
    content = (tmp_path / "c.safetensors").read_bytes()
    (tmp_path / "c.safetensors").write_bytes(content[:20] + b"\xff" * 40 + content[60:])
    with pytest.raises(CheckpointCorrupt, match="damaged"):
        read_state_dict(tmp_path / "c.safetensors")


@pytest.mark.parametrize("layout", ["zip", "old", "safetensors"])
def test_bytes_changed_at_random_end_in_our_errors_only(
    tmp_path: Path, weights: dict[str, Tensor], layout: str
) -> None:
    file = tmp_path / "c"
    if layout == "safetensors":
        save_file(weights, file)
    else:
        torch.save(weights, file, _use_new_zipfile_serialization=layout == "zip")
    content, dice, n_refused = file.read_bytes(), random.Random(7), 0
    for _ in range(250):
        changed = bytearray(content)
        for _ in range(dice.choice([1, 1, 2, 5])):
            changed[dice.randrange(min(len(changed), 1800))] = dice.randrange(256)
        file.write_bytes(changed)
        try:
            read_state_dict(file)
        except (CheckpointCorrupt, CheckpointMismatch):
            n_refused += 1
    assert n_refused > 50


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>Access denied", "web page"),
        (b"RIFF....WAVEfmt ", "not a checkpoint"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(CheckpointCorrupt, match=says):
        read_state_dict(tmp_path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_refused(tmp_path: Path) -> None:
    traced = torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2))
    torch.jit.save(traced, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointCorrupt, match="TorchScript"):
        read_state_dict(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="does not exist"):
        read_state_dict(tmp_path / "nowhere")
    with pytest.raises(CheckpointNotFound, match="holds no weights"):
        read_state_dict(tmp_path)


def test_a_meta_module_gets_the_tensors_themselves(
    tmp_path: Path, weights: dict[str, Tensor], meta: Small
) -> None:
    torch.save(weights, tmp_path / "checkpoint.pt")
    state = read_state_dict(tmp_path)
    load_into(meta, state, where="checkpoint.pt")
    assert all(torch.equal(t, weights[n]) for n, t in meta.state_dict().items())
    assert meta.proj.weight.data_ptr() == state["proj.weight"].data_ptr()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_conversion_touches_floats_alone_and_leaves_the_source(
    weights: dict[str, Tensor], meta: Small, dtype: torch.dtype
) -> None:
    before = {n: t.clone() for n, t in weights.items()}
    load_into(meta, weights, where="memory", dtype=dtype)
    assert meta.proj.weight.dtype == dtype
    assert meta.steps.dtype == torch.int64
    assert torch.equal(meta.proj.weight, before["proj.weight"].to(dtype))
    assert all(torch.equal(weights[n], before[n]) for n in weights)


def test_values_beyond_half_precision_are_refused(weights: dict[str, Tensor], meta: Small) -> None:
    weights["norm.weight"][3] = 1e5
    with pytest.raises(CheckpointError, match=r"norm\.weight holds values beyond"):
        load_into(meta, weights, where="memory", dtype=torch.float16)
    assert meta.proj.weight.is_meta


def test_a_mismatch_is_reported_shortly_and_changes_nothing(
    weights: dict[str, Tensor], meta: Small
) -> None:
    del weights["norm.weight"]
    weights["proj.weight"] = torch.zeros(8, 9)
    weights |= {f"extra.{i}": torch.zeros(1) for i in range(30)}
    with pytest.raises(CheckpointMismatch) as caught:
        load_into(meta, weights, where="my.pt")
    report = str(caught.value)
    assert "missing (1): norm.weight" in report
    assert "unexpected (30): extra.0, extra.1, extra.2, extra.3 and 26 more" in report
    assert "another shape (1): proj.weight (8, 9), needs (8, 8)" in report
    assert len(report) < 400
    assert meta.proj.weight.is_meta


def test_allowed_prefixes(weights: dict[str, Tensor], meta: Small) -> None:
    del weights["norm.weight"], weights["norm.bias"]
    weights["decoder.weight"] = torch.zeros(1)
    load_into(
        meta, weights, where="x", allowed_missing=("norm.",), allowed_unexpected=("decoder.",)
    )
    assert meta.norm.weight.is_meta
    assert not meta.proj.weight.is_meta


def _shapes(kind: str) -> dict[str, tuple[int, ...]]:
    width, n_layers = {"small": (1536, 12), "base": (2048, 16), "large": (2816, 22)}.get(
        kind, (64, 2)
    )
    if kind in ("small", "base", "large", "tiny"):
        layers = {f"transformer.layers.{i}.attention.wq.weight": (1,) for i in range(n_layers)}
        return {
            "embed_anchors.embed.weight": (4, 128),
            "memory_proj.weight": (width, 768),
            **layers,
        }
    return {
        "judge": {"cat_audio_proj.weight": (1,), "audio_codec.quantizer.in_proj.bias": (1,)},
        "judge-hf": {"encoder.block.0.res_unit1.conv1.weight": (1,)},
        "span": {"text_head.proj.weight": (1,), "logit_bias": (1,)},
        "clap": {
            "module.audio_branch.patch_embed.proj.weight": (1,),
            "module.text_projection.0.weight": (1,),
        },
    }[kind]


def _module(kind: str) -> nn.Module:
    """A module with exactly these parameters, on meta."""
    root = nn.Module()
    for name, shape in _shapes(kind).items():
        *path, leaf = name.split(".")
        parent = root
        for part in path:
            if part not in dict(parent.named_children()):
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.register_parameter(leaf, nn.Parameter(torch.empty(shape, device="meta")))
    return root


@pytest.mark.parametrize(
    ("given", "wanted", "says"),
    [
        ("judge", "large", "holds the SAM-Audio judge; SAM-Audio large is expected"),
        ("span", "base", "holds the span predictor PE-A-Frame; SAM-Audio base is expected"),
        ("judge-hf", "judge", "take the files of the revision `sam_audio` instead"),
        ("small", "large", "holds SAM-Audio small; SAM-Audio large is expected"),
        ("tiny", "small", r"SAM-Audio \(width 64, 2 layers\); SAM-Audio small is expected"),
        ("clap", "judge", "holds CLAP; the SAM-Audio judge is expected"),
    ],
)
def test_another_model_is_recognised(given: str, wanted: str, says: str) -> None:
    state = {n: torch.empty(shape, device="meta") for n, shape in _shapes(given).items()}
    with pytest.raises(CheckpointMismatch, match=says):
        load_into(_module(wanted), state, where="checkpoint.pt")


_MEASURE = """
    import sys
    from pathlib import Path
    import torch
    from engine.checkpoints.load import load_into, read_state_dict

    def status(name):
        text = Path("/proc/self/status").read_text()
        return int(text.split(name + ":")[1].split()[0]) * 1024

    file, precision = Path(sys.argv[1]), sys.argv[2]
    dtype = {"file": None, "bfloat16": torch.bfloat16}[precision]
    with torch.device("meta"):
        net = torch.nn.ModuleList([torch.nn.Linear(1024, 1024, bias=False) for _ in range(48)])
    torch.zeros(4).to(torch.bfloat16).sum().item()
    before = status("VmRSS")
    state = read_state_dict(file)
    load_into(net, state, where="test", dtype=dtype)
    del state
    total = sum(float(p.float().sum()) for p in net.parameters())
    kept = sum(p.nbytes for p in net.parameters())
    print(kept, status("VmHWM") - before, total)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc/self/status")
@pytest.mark.parametrize("precision", ["file", "bfloat16"])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_peak_memory_stays_near_the_weights_kept(
    tmp_path: Path, precision: str, suffix: str
) -> None:
    """Peak resident memory, pages mapped from the file included, of a fresh process.

    `VmHWM` counts private memory and mapped file pages alike, so it is an upper bound: the system
    can take clean file pages away at any time. Every weight is read, so none stays unmapped.
    """
    file = tmp_path / f"weights.{suffix}"
    state = {f"{i}.weight": torch.ones(1024, 1024) for i in range(48)}  # 201 MB
    torch.save(state, file) if suffix == "pt" else save_file(state, file)
    code = textwrap.dedent(_MEASURE)
    answer = subprocess.run(
        [sys.executable, "-c", code, str(file), precision],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    kept_bytes, peak_bytes, total = answer.stdout.split()
    assert float(total) == 48 * 1024 * 1024
    assert int(kept_bytes) == 48 * 1024 * 1024 * (4 if precision == "file" else 2)
    assert int(peak_bytes) < 1.2 * int(kept_bytes)
