"""Write safetensors tensor by tensor, so that a model larger than memory can be converted.

    u64 header length | JSON header, padded to 8 | tensors, widest type first

Only the tensor in hand is in memory. A model above `SHARD_BYTES` becomes several files and an
index, in the layout that Hugging Face libraries read.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .load import StateDict, convert, release_pages

SHARD_BYTES = 4_000_000_000

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


DTypes = Mapping[str, torch.dtype]
"""The type that every tensor is to have in the file, by name."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written. sha256: of all its bytes."""

    name: str
    size_bytes: int
    sha256: str


def stored_bytes(state: StateDict, dtypes: DTypes) -> int:
    """Size of all tensors of `state` once they are converted."""
    return sum(tensor.numel() * dtypes[name].itemsize for name, tensor in state.items())


def write_safetensors(
    state: StateDict,
    folder: Path,
    dtypes: DTypes,
    on_bytes: Callable[[int], None],
    shard_bytes: int = SHARD_BYTES,
) -> tuple[Written, ...]:
    """Write `state` into `folder` as `model.safetensors`, or as shards with an index.

    dtypes: the type of every tensor in the file; they are converted one by one.
    on_bytes: gets how many bytes of tensors are written so far.
    Raises CheckpointError when a value does not fit into float16, OSError from the system.
    """
    shards = _shards(state, dtypes, shard_bytes)
    names = ["model.safetensors"]
    if len(shards) > 1:
        names = [
            f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)
        ]
    written, done = [], 0
    for name, shard in zip(names, shards, strict=True):

        def on_shard(n: int, before: int = done) -> None:
            on_bytes(before + n)

        written.append(_write_shard(shard, folder / name, dtypes, on_shard))
        done += stored_bytes(shard, dtypes)
    if len(shards) > 1:
        written.append(_write_index(names, shards, folder, done))
    return tuple(written)


def _shards(state: StateDict, dtypes: DTypes, shard_bytes: int) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    n_bytes = 0
    for name, tensor in state.items():
        size = tensor.numel() * dtypes[name].itemsize
        if shards[-1] and n_bytes + size > shard_bytes:
            shards.append({})
            n_bytes = 0
        shards[-1][name] = tensor
        n_bytes += size
    return shards


def _write_shard(
    shard: StateDict, file: Path, dtypes: DTypes, on_bytes: Callable[[int], None]
) -> Written:
    # Widest types first keeps every tensor aligned without padding between them.
    names = sorted(shard, key=lambda n: (-dtypes[n].itemsize, n))
    digest, n_bytes = hashlib.sha256(), 0
    with file.open("wb") as stream:
        for piece in _pieces(shard, names, dtypes):
            digest.update(piece)
            stream.write(piece)
            n_bytes += len(piece)
            on_bytes(n_bytes)
        stream.flush()
        os.fsync(stream.fileno())
    return Written(file.name, n_bytes, digest.hexdigest())


def _pieces(shard: StateDict, names: list[str], dtypes: DTypes) -> Iterator[bytes | memoryview]:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name in names:
        end = start + shard[name].numel() * dtypes[name].itemsize
        header[name] = {
            "dtype": _NAMES[dtypes[name]],
            "shape": list(shard[name].shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        tensor = convert(shard[name], dtypes[name], name)
        yield tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
        release_pages(shard[name])


def _write_index(
    names: list[str], shards: list[dict[str, Tensor]], folder: Path, n_bytes: int
) -> Written:
    where = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
    content = json.dumps({"metadata": {"total_size": n_bytes}, "weight_map": where}, indent=2)
    file = folder / "model.safetensors.index.json"
    file.write_bytes(content.encode())
    return Written(file.name, len(content.encode()), hashlib.sha256(content.encode()).hexdigest())
