"""Whether files that somebody gives us are the model that they are said to be."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CheckpointMismatch

from .catalog import CATALOGUE, KnownModel
from .fit import require_fit
from .identify import Identity, identify
from .load import OTHER_LAYOUT, StateDict, read_state_dict

_WRAPPED = {"clap": ("state_dict", "module.")}


@dataclass(frozen=True, slots=True)
class Structure:
    """What a weights file turned out to hold.

    precision: type of most of its values, the codec's aside, which keeps its own.
    """

    identity: Identity
    precision: str
    n_tensors: int


def read_weights(file: Path, kind: str) -> StateDict:
    """The tensors of a model of this kind, out of the wrapper that its official file has."""
    wrapper, prefix = _WRAPPED.get(kind, (None, ""))
    return read_state_dict(file, wrapped_in=wrapper, prefix=prefix)


def look_at(state: StateDict) -> Structure:
    """The structure of a state dict; only names, shapes and types are looked at."""
    identity = identify({name: tuple(tensor.shape) for name, tensor in state.items()})
    amounts: Counter[str] = Counter()
    for name, tensor in state.items():
        if tensor.is_floating_point() and not name.startswith("audio_codec."):
            amounts[str(tensor.dtype).removeprefix("torch.")] += tensor.numel()
    precision = amounts.most_common(1)[0][0] if amounts else "none"
    return Structure(identity, precision, len(state))


def check(model: KnownModel, file: Path, config_file: Path) -> Structure:
    """The structure of `file`, when it is that of `model` and fits its configuration.

    A size that was never published (a tuned or a test model) is accepted.
    Raises CheckpointMismatch, which says what the file holds instead or where it does not fit.
    """
    state = read_weights(file, model.kind)
    found = look_at(state)
    given = found.identity
    if given.kind != model.kind or (model.size and given.size and given.size != model.size):
        advice = f"; {OTHER_LAYOUT}" if given.kind == "judge-hf" else ""
        raise CheckpointMismatch(
            f"{file} holds {given.label}, not {model.name} ({model.purpose}){advice}"
        )
    require_fit(model.kind, state, config_file, str(file))
    return found


def guess(file: Path, hint: str) -> KnownModel:
    """The known model that `file` holds. hint: a name or folder that may tell the variant.

    Raises CheckpointMismatch when nothing known fits, or more than one model does.
    """
    found = look_at(_read_any(file)).identity
    fitting = [m for m in CATALOGUE if m.kind == found.kind and m.size == found.size]
    if len(fitting) > 1:
        tuned = "-tv" in hint.lower()
        fitting = [m for m in fitting if m.name.endswith("-tv") == tuned]
    if len(fitting) != 1:
        raise CheckpointMismatch(
            f"{file} holds {found.label}; say which model it is with `--as NAME`"
        )
    return fitting[0]


def _read_any(file: Path) -> StateDict:
    try:
        return read_state_dict(file)
    except CheckpointMismatch:
        return read_weights(file, "clap")
