"""Which of the models that are ready `auto` takes here, and why no larger one.

A larger model with all its precision is better than a smaller one, and a smaller one with all its
precision better than a larger one in 8 bits. Told without loading torch where the processor is all
there is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.checkpoints.catalog import find
from engine.checkpoints.space import gigabytes
from engine.checkpoints.store import Store, default_root
from engine.cost.footprint import network_bytes
from engine.cost.shape import ModelShape
from engine.errors import EngineError, OutOfMemory

from .budget import Loading, plan_loading
from .place import Place, place_of
from .settings import ModelSettings, Precision

_HOST_BYTES = 1_500_000_000
"""What a run on an accelerator takes of the host's memory beside weights, generously."""

_PRECISIONS: tuple[Precision, Precision] = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Fit:
    """A model on this machine. fits: as it was asked for, without 8 bits unless asked.

    in_8_bits: whether it fits with them.   why: when it does not fit, how much is missing.
    """

    name: str
    fits: bool
    in_8_bits: bool
    why: str = ""


def fits_of(names: Sequence[str], root: Path | None, settings: ModelSettings) -> tuple[Fit, ...]:
    """Whether each of these models, which are in the store, has room; none where nothing is asked.

    Raises BackendUnavailable when the device is not on this machine.
    """
    if not names:
        return ()
    place = place_of(settings.device)
    return tuple(fit_of(name, root, settings, place) for name in names)


def fit_of(name: str, root: Path | None, settings: ModelSettings, place: Place) -> Fit:
    """Whether there is room for a model in the store."""
    try:
        folder = Store(root or default_root()).folder(find(name)[0])
        return fit_of_shape(name, ModelShape.read(folder / "config.json"), settings, place)
    except EngineError as error:
        return Fit(name, fits=False, in_8_bits=False, why=str(error))


def fit_of_shape(name: str, shape: ModelShape, settings: ModelSettings, place: Place) -> Fit:
    """Whether there is room for a model of this shape."""
    whys = []
    for loading in _loadings(shape, settings, place):
        if isinstance(loading, OutOfMemory):
            whys.append(str(loading).partition(";")[0])
        elif (lacking := _lacks_on_host(shape, loading, place)) is not None:
            whys.append(lacking)
        else:
            small = loading.weights.int8 and not settings.int8
            return Fit(name, fits=not small, in_8_bits=loading.weights.int8, why="".join(whys[:1]))
    return Fit(name, fits=False, in_8_bits=False, why=whys[0])


def best_of(fits: Sequence[Fit]) -> Fit | None:
    """The first that fits, or else the last, smallest one that fits in 8 bits; best come first."""
    whole = next((fit for fit in fits if fit.fits), None)
    return whole or next((fit for fit in reversed(fits) if fit.in_8_bits), None)


def _loadings(
    shape: ModelShape, settings: ModelSettings, place: Place
) -> Iterator[Loading | OutOfMemory]:
    """Without 8 bits, unless they are asked for, and with them."""
    wanted = [settings]
    if settings.precision == "auto" and not settings.int8:
        full, short = (replace(settings, precision=each) for each in _PRECISIONS)
        without = [full, short] if place.best.precision == "float32" else [short]
        wanted = [*without, replace(settings, int8=True)]
    for each in wanted:
        try:
            yield plan_loading(
                shape, each, place.best, place.free_bytes, can_offload=place.kind != "cpu"
            )
        except OutOfMemory as error:
            yield error


def _lacks_on_host(shape: ModelShape, loading: Loading, place: Place) -> str | None:
    """What the host lacks beside a device with memory of its own; `None` when nothing."""
    if place.kind == "cpu":
        return None
    needed = _HOST_BYTES
    if loading.offload:
        needed += network_bytes(shape, loading.weights)
    if needed <= place.host_bytes:
        return None
    return (
        f"this needs {gigabytes(needed)} of the computer's own memory beside the device's, and "
        f"{gigabytes(place.host_bytes)} are free"
    )
