"""Convert a stored model once: to safetensors, in the precision it will be used in.

    checkpoint.pt --tensor by tensor--> model.safetensors in .incoming --> rename

The converted file is preferred from then on. The original stays beside it unless it is dropped.
"""

import gc
import os
import shutil
from pathlib import Path

import torch

from engine.data import Monitor
from engine.errors import CheckpointError

from .catalog import KnownModel
from .intake import describe
from .load import StateDict
from .lock import hold
from .manifest import StoredFile
from .read import index_shards, weight_file
from .space import require_space, writing
from .store import Installed, Store
from .structure import look_at, read_weights
from .write import stored_bytes, write_safetensors

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Precisions to choose from, by the names that the command line has."""

_KEPT_IN_FLOAT32 = ("audio_codec.",)
"""Prefixes of what keeps its precision: in 16 bits the codec's own noise would be heard."""


def convert_model(
    store: Store,
    model: KnownModel,
    precision: str,
    *,
    drop_original: bool = False,
    monitor: Monitor | None = None,
) -> Installed:
    """Write a stored model's weights anew as safetensors in `precision`, a key of `PRECISIONS`.

    The codec of SAM-Audio keeps float32, as it does when the original is loaded in 16 bits.
    drop_original: remove the official file afterwards. It is kept otherwise, except where it is a
        `model.safetensors` itself (t5-base): that one is replaced.
    Raises CheckpointNotFound, CheckpointCorrupt, CheckpointError (nothing to convert, 16 bits
    for a model that is used in float32, or float16 cannot hold the values), DiskFull, Cancelled.
    """
    monitor = monitor or Monitor()
    _require_sense(model, precision)
    with hold(store.lock_file(model), model.name, monitor):
        found = store.get(model)
        original = _original(found)
        staged = store.converting(model)
        shutil.rmtree(staged, ignore_errors=True)
        with writing(store.root):
            staged.mkdir(parents=True)
            written = _convert(original, staged, model, precision, monitor)
            kept = _kept(found, original, written, drop_original)
            for file in kept:
                _bring_along(found.folder / file.name, staged / file.name)
            manifest = describe(
                model,
                (*kept, *written),
                source="converted",
                origin=found.manifest.origin,
                structure=look_at(read_weights(weight_file(staged), model.kind)),
                commit=found.manifest.commit,
                accepted=found.manifest.licence_accepted,
            )
            manifest.write(staged)
            gc.collect()  # a file that is still mapped cannot be moved everywhere
            folder = store.put(model, staged)
    return Installed(model, folder, manifest)


def _require_sense(model: KnownModel, precision: str) -> None:
    if not model.weights:
        raise CheckpointError(f"{model.name} has no weights, only a tokenizer: nothing to convert")
    if precision not in PRECISIONS:
        raise CheckpointError(
            f"precision {precision!r}: allowed are {', '.join(PRECISIONS)}; nothing was converted"
        )
    if precision != "float32" and model.kind != "sam-audio":
        raise CheckpointError(
            f"{model.name} stays in float32, in which it is used whatever the precision of the "
            "separation model; convert it to float32 or leave it as it is"
        )


def _original(found: Installed) -> Path:
    """The official weights, also where a conversion lies beside them."""
    official = found.folder / found.model.weights[0].name
    return official if official.is_file() else weight_file(found.folder)


def _convert(
    original: Path, staged: Path, model: KnownModel, precision: str, monitor: Monitor
) -> tuple[StoredFile, ...]:
    state = read_weights(original, model.kind)
    if original.suffix == ".safetensors" and look_at(state).precision == precision:
        raise CheckpointError(
            f"{original} is safetensors in {precision} already: nothing to convert"
        )
    dtypes = _dtypes(state, PRECISIONS[precision])
    total = max(stored_bytes(state, dtypes), 1)
    require_space(staged, total, f"{model.name} in {precision}")
    written = write_safetensors(
        state, staged, dtypes, lambda n: monitor.report("convert", n / total)
    )
    return tuple(StoredFile(file.name, file.size_bytes, file.sha256) for file in written)


def _dtypes(state: StateDict, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """The type of every tensor after conversion; integers and the codec are left as they are."""
    return {
        name: dtype
        if tensor.is_floating_point() and not name.startswith(_KEPT_IN_FLOAT32)
        else tensor.dtype
        for name, tensor in state.items()
    }


def _kept(
    found: Installed, original: Path, written: tuple[StoredFile, ...], drop_original: bool
) -> list[StoredFile]:
    """Files that go along: configuration, tokenizer, and the original unless it is dropped.

    An earlier conversion does not, nor does an original of the same name as the new file.
    """
    names = {file.name for file in found.model.files if not file.weights}
    if not drop_original:
        names.add(original.name)
        if original.name.endswith(".index.json"):
            names |= {shard.name for shard in index_shards(original)}
    names -= {file.name for file in written}
    return [file for file in found.manifest.files if file.name in names]


def _bring_along(source: Path, target: Path) -> None:
    """The same file in the new folder, without copying gigabytes where the system allows it."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
