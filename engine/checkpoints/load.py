"""Read official weights and put them into a network, key for key.

    file or folder --read_state_dict--> mapped tensors --load_into--> module built on `meta`

Tensors stay mapped to the file until something reads them: without a conversion, loading copies
nothing, and with one only the tensor in hand is in memory twice. Code in a pickle never runs.
"""

import ctypes
import logging
import mmap
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.errors import CheckpointError, CheckpointMismatch

from .identify import UNKNOWN, Identity, identify
from .read import is_flat, read_tensors, weight_file

log = logging.getLogger(__name__)

StateDict = Mapping[str, Tensor]

_MADV_PAGEOUT = 21  # Linux 5.4; the mmap module has no name for it

N_SHOWN = 4
"""Names of each kind that a report lists before it only counts."""

OTHER_LAYOUT = (
    "that is the layout of the repository's default branch; "
    "take the files of the revision `sam_audio` instead"
)
"""What to do about the judge in its other layout."""


def read_state_dict(path: Path, *, wrapped_in: str | None = None, prefix: str = "") -> StateDict:
    """The tensors of a checkpoint by name, mapped from the file and not yet read.

    path: a `.safetensors` file, a `torch.save` file, or a folder that holds one of them.
    wrapped_in: take the dict under this key of a `torch.save` file (CLAP: `state_dict`); otherwise
        it must be a flat state dict.   prefix: what to strip from every name (CLAP: `module.`).
    Raises CheckpointNotFound, CheckpointCorrupt (truncated, damaged, or a pickle with code) or
    CheckpointMismatch (it holds something else than a flat state dict).
    """
    content = read_tensors(path)
    if wrapped_in is not None and not is_flat(weight_file(path)):
        content = _unwrapped(content, wrapped_in, path)
    if not isinstance(content, Mapping) or not content:
        raise CheckpointMismatch(
            f"{path} holds a {type(content).__name__} where tensors by name are expected; "
            "give the checkpoint file of the model itself"
        )
    state = {}
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise CheckpointMismatch(_not_flat(path, content, name))
        state[str(name).removeprefix(prefix)] = value
    return state


def load_into(
    module: nn.Module,
    state: StateDict,
    *,
    where: str,
    dtype: torch.dtype | None = None,
    allowed_missing: Sequence[str] = (),
    allowed_unexpected: Sequence[str] = (),
) -> None:
    """Give `module` the tensors of `state`; nothing is renamed, nothing is left to chance.

    module: best built under `torch.device("meta")`; parameters are assigned, not copied into.
    where: what the report calls the checkpoint, usually its path.
    dtype: convert floating-point tensors to this type one by one; None keeps the file's own.
    allowed_missing, allowed_unexpected: prefixes of names that may lack or be left over.
    Raises CheckpointMismatch with a report of what differs; `module` is then unchanged.
    """
    expected = {name: tuple(t.shape) for name, t in module.state_dict(keep_vars=True).items()}
    given = {name: tuple(t.shape) for name, t in state.items()}
    missing = [n for n in expected if n not in given and not n.startswith(tuple(allowed_missing))]
    unexpected = [
        n for n in given if n not in expected and not n.startswith(tuple(allowed_unexpected))
    ]
    differing = [n for n in expected if n in given and expected[n] != given[n]]
    if missing or unexpected or differing:
        shapes = [f"{n} {given[n]}, needs {expected[n]}" for n in differing]
        raise CheckpointMismatch(
            _report(where, identify(given), identify(expected), missing, unexpected, shapes)
        )
    chosen = {n: convert(t, dtype, n) for n, t in state.items() if n in expected}
    module.load_state_dict(chosen, strict=False, assign=True)
    log.info("%d tensors given to %s", len(chosen), type(module).__name__)


def convert(tensor: Tensor, dtype: torch.dtype | None, name: str) -> Tensor:
    """`tensor` in another floating-point type; its own mapped pages are given back to the system.

    Integer tensors and `dtype=None` are passed through untouched.
    Raises CheckpointError when a value does not fit into float16.
    """
    if dtype is None or not tensor.is_floating_point() or tensor.dtype == dtype:
        return tensor
    converted = tensor.to(dtype)
    if dtype == torch.float16 and not bool(converted.isfinite().all()):
        raise CheckpointError(
            f"{name} holds values beyond ±65504, the range of float16; use bfloat16 or float32"
        )
    release_pages(tensor)
    return converted


def release_pages(tensor: Tensor) -> None:
    """Let the system take the resident pages of a mapped tensor; reading it maps them again.

    Nothing is lost, whatever the tensor's memory is. Linux only; elsewhere the pages stay until
    memory runs short.
    """
    if sys.platform != "linux":
        return
    page = mmap.PAGESIZE
    start = -(-tensor.data_ptr() // page) * page
    end = (tensor.data_ptr() + tensor.nbytes) // page * page
    if end > start:
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_PAGEOUT)


def _unwrapped(content: object, key: str, path: Path) -> object:
    if not isinstance(content, Mapping) or key not in content:
        raise CheckpointMismatch(
            f"{path} has no entry {key!r}, which should hold the tensors; "
            "it is not the original checkpoint of this model"
        )
    return content[key]


def _not_flat(path: Path, content: Mapping[object, object], name: object) -> str:
    inner = [key for key, value in content.items() if isinstance(value, Mapping)]
    if inner:
        return (
            f"{path} wraps its tensors in {inner[0]!r} (training checkpoint?) where the official "
            "file is one flat dict of tensors; save that entry alone and load it again"
        )
    kind = type(content[name]).__name__
    return f"{path}: {name!r} is a {kind}, not a tensor; the official files hold tensors alone"


def _report(
    where: str,
    given: Identity,
    expected: Identity,
    missing: list[str],
    unexpected: list[str],
    shapes: list[str],
) -> str:
    lines = [f"{where} does not fit the network:"]
    if given != expected and UNKNOWN not in (given, expected):
        lines[0] = f"{where} holds {given.label}; {expected.label} is expected"
        if given.kind == "judge-hf":
            lines[0] += f"; {OTHER_LAYOUT}"
    for title, names in (
        ("missing", missing),
        ("unexpected", unexpected),
        ("another shape", shapes),
    ):
        if names:
            more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
            lines.append(f"  {title} ({len(names)}): {', '.join(names[:N_SHOWN])}{more}")
    return "\n".join(lines)
