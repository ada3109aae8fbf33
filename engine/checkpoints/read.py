"""Open a checkpoint file without running or believing it: safetensors and `torch.save` files.

What a file is, its first bytes say, not its name. Pickles are read with `weights_only`, which
builds tensors and plain containers and nothing else.
"""

import json
import logging
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from engine.errors import CheckpointCorrupt, CheckpointNotFound

log = logging.getLogger(__name__)

WEIGHT_FILES = (
    "model.safetensors.index.json",
    "model.safetensors",
    "checkpoint.pt",
    "pytorch_model.bin",
    "630k-best.pt",
    "imagebind_huge.pth",
)
"""Names of the weights in a folder, in the order in which they are looked for."""

_GLOBAL = re.compile(r"GLOBAL (\S+)")
_MAX_HEADER_BYTES = 100_000_000

# What torch's readers raise on damaged files, found by changing bytes at random (see the test).
_DAMAGE = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    OverflowError,
    struct.error,
)


def weight_file(path: Path) -> Path:
    """The file to read: `path` itself, or the weights in the folder `path`.

    Raises CheckpointNotFound.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointNotFound(f"{path} does not exist; give a checkpoint file or its folder")
    for name in WEIGHT_FILES:
        if (path / name).is_file():
            return path / name
    raise CheckpointNotFound(
        f"the folder {path} holds no weights; one of {', '.join(WEIGHT_FILES)} is expected"
    )


def is_flat(file: Path) -> bool:
    """Whether the format leaves no room for a wrapper around the tensors: safetensors."""
    return file.suffix in (".safetensors", ".json")


def index_shards(index: Path) -> tuple[Path, ...]:
    """The files that an index of safetensors lists; all of them are there.

    Raises CheckpointCorrupt (it is no index) or CheckpointNotFound.
    """
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointCorrupt(f"{index} is not an index of weights; fetch it again") from error
    shards = tuple(index.parent / Path(name).name for name in sorted(names))
    for shard in shards:
        if not shard.is_file():
            raise CheckpointNotFound(f"{shard} is missing, although {index.name} lists it")
    return shards


def read_tensors(path: Path) -> object:
    """What a checkpoint file holds, tensors mapped from it; normally a dict of tensors by name.

    Raises CheckpointNotFound or CheckpointCorrupt.
    """
    file = weight_file(path)
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise CheckpointNotFound(f"{file} cannot be read: {error.strerror}") from error
    if file.name.endswith(".index.json"):
        return _read_shards(file)
    if head.startswith(b"PK\x03\x04"):
        return _read_pickle(file, mapped=True)
    if head.startswith(b"\x80"):
        return _read_pickle(file, mapped=False)
    if _is_safetensors(head):
        return _read_safetensors(file)
    raise CheckpointCorrupt(_what_else(file, head))


def _is_safetensors(head: bytes) -> bool:
    header_bytes = int.from_bytes(head[:8], "little")
    return 2 <= header_bytes <= _MAX_HEADER_BYTES and head[8:9] == b"{"


def _read_safetensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(file, framework="pt") as stored:
            return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointCorrupt(
            f"{file} is truncated or damaged ({error}); fetch it again"
        ) from error


def _read_shards(index: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for shard in index_shards(index):
        tensors |= _read_safetensors(shard)
    return tensors


def _read_pickle(file: Path, *, mapped: bool) -> object:
    try:
        with torch.serialization.safe_globals(_number_globals()), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an old pickle protocol is no concern
            return torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        found = _GLOBAL.search(str(error))
        name = found.group(1) if found else _global_in(file)
        if name is None:
            raise CheckpointCorrupt(
                f"{file} is damaged or not a checkpoint; fetch it again"
            ) from error
        raise CheckpointCorrupt(
            f"{file} is a pickle that names {name}, which is code and not a tensor; "
            "it was refused and nothing of it ran. Official checkpoints hold tensors alone"
        ) from error
    except _DAMAGE as error:
        if "TorchScript" in str(error):
            raise CheckpointCorrupt(
                f"{file} is a TorchScript program, not weights; give the original checkpoint"
            ) from error
        raise CheckpointCorrupt(
            f"{file} is truncated or damaged ({_first_sentence(error)}); fetch it again"
        ) from error


def _global_in(file: Path) -> str | None:
    """The first thing that a newer pickle names, which torch's reader reports as bad bytes only."""
    texts: list[str] = []
    try:
        for opcode, value, _ in pickletools.genops(_pickle_bytes(file)):
            if opcode.name == "STACK_GLOBAL" and texts[-2:] != ["collections", "OrderedDict"]:
                return ".".join(texts[-2:])
            if isinstance(value, str):
                texts.append(value)
    except (ValueError, IndexError, KeyError, OSError, zipfile.BadZipFile):
        log.debug("the pickle of %s cannot be followed", file)
    return None


def _pickle_bytes(file: Path) -> bytes:
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            return stream.read(_MAX_HEADER_BYTES)
    with zipfile.ZipFile(file) as archive:
        name = next((n for n in archive.namelist() if n.endswith("/data.pkl")), "data.pkl")
        return archive.read(name)


def _number_globals() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """What a pickle may name beside tensors: numpy numbers, left there by training scripts."""
    scalar = np.float64(0).__reduce__()[0]
    assert callable(scalar)
    kinds = (np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType)
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    return [np.dtype, *kinds, *((scalar, f"{module}.scalar") for module in modules)]


def _what_else(file: Path, head: bytes) -> str:
    if not head:
        return f"{file} is empty; fetch it again"
    if head.startswith(b"version https://git-lfs"):
        return f"{file} is a Git LFS pointer, not the weights; fetch it with `git lfs pull`"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return f"{file} is a web page saved under this name; fetch the file itself"
    return f"{file} is not a checkpoint: neither safetensors nor a torch.save file"


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ", maxsplit=1)[0].splitlines()[0] if str(error) else "ended early"
