"""Which SAM-Audio models this machine can run, told without loading torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.checkpoints.catalog import CATALOGUE, KnownModel, find
from engine.checkpoints.store import Store, default_root
from engine.errors import BackendUnavailable

_PACKAGES = ("torch", "tokenizers", "safetensors")
_INSTALL = '`pip install "stemlasso[model]"`'
_BEST_FIRST = ("large", "base", "small")


@dataclass(frozen=True, slots=True)
class Readiness:
    """A model by name. missing: what to do before it can be used; empty when it can."""

    name: str
    summary: str
    missing: str


def sam_audio_models(root: Path | None = None) -> tuple[Readiness, ...]:
    """Every known SAM-Audio model, best first.

    root: of the model store, when it is not the default one.
    """
    store = Store(root or default_root())
    models = sorted(
        (model for model in CATALOGUE if model.kind == "sam-audio"),
        key=lambda model: _BEST_FIRST.index(model.size),
    )
    return tuple(Readiness(m.name, _summary(m), ". ".join(_missing(m, store))) for m in models)


def require_ready(name: str, root: Path | None = None) -> None:
    """Raises BackendUnavailable or CheckpointNotFound when the model cannot be used yet."""
    model = find(name)[0]
    packages = _absent_packages()
    if packages:
        raise BackendUnavailable(f"{name} needs {', '.join(packages)}: {_INSTALL}")
    store = Store(root or default_root())
    for needed in (model, *(find(other)[0] for other in model.needs)):
        store.get(needed)


def _summary(model: KnownModel) -> str:
    suffix = ", the -tv variant" if model.name.endswith("-tv") else ""
    return f"SAM-Audio {model.size}{suffix}: any sound by description, spans or masked video"


def _missing(model: KnownModel, store: Store) -> Iterator[str]:
    packages = _absent_packages()
    if packages:
        yield f"no {', '.join(packages)}: {_INSTALL}"
    for needed in (model, *(find(name)[0] for name in model.needs)):
        if not store.has(needed):
            yield f"no weights: `stemlasso models download {needed.name}`"


def _absent_packages() -> list[str]:
    return [package for package in _PACKAGES if find_spec(package) is None]
