"""Folders of mixtures with true stems, one item in memory at a time.

A folder holds `manifest.json` and 16-bit stems. The manifest is an object whose `items` each have

    id            a name, unique in the manifest
    class_group   what kind of sound the target is; means are taken per group
    active_spans  [[start, end], ...] seconds where the target truly sounds
    prompts       {"text": P, "plus": P, "plusminus": P} with
                  P = {"description": str, "anchors": [["+" or "-", start, end], ...]}
    files         {"target": path, "rest": path} relative to the manifest

The mixture is not stored: it is target + rest, exact in 16 bits. Other keys are ignored.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.data import Prompt, Span
from engine.errors import DatasetError, PromptError

MODES = {"text": "text", "spans": "plus", "spans-neg": "plusminus"}
"""Mode on the command line -> key of the prompt in the manifest."""

_JSON_NAMES: Mapping[type, str] = {list: "a list", dict: "an object", str: "a string"}


@dataclass(frozen=True, slots=True)
class Item:
    """One mixture of a manifest: where its stems lie and how it is prompted.

    prompts: by mode (`text`, `spans`, `spans-neg`); a mode that the manifest lacks is missing.
    active_spans_s: (start, end) in seconds where the target truly sounds.
    """

    item_id: str
    class_group: str
    prompts: Mapping[str, Prompt]
    active_spans_s: tuple[tuple[float, float], ...]
    target_path: Path
    rest_path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Stems:
    """The true stems of one item, [N, C] each, and their exact sum."""

    target: NDArray[np.int16]
    rest: NDArray[np.int16]
    mixture: NDArray[np.int16]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.mixture) / self.sample_rate


def load_manifest(manifest: Path) -> tuple[Item, ...]:
    """The items of a manifest, given as its folder or as the JSON file itself.

    Raises DatasetError when it is missing, broken or empty.
    """
    path = manifest / "manifest.json" if manifest.is_dir() else manifest
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(
            f"{path}: there is no such manifest; give the folder that holds manifest.json"
        ) from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DatasetError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(document, dict):
        raise DatasetError(f"{path}: the manifest must be a JSON object with a list 'items'")
    entries = _get(document, "items", list, str(path))
    if not entries:
        raise DatasetError(f"{path}: 'items' is empty; there is nothing to measure")
    items = tuple(
        _item(entry, path.parent, f"{path}: item {number}") for number, entry in enumerate(entries)
    )
    _refuse_duplicates(items, path)
    return items


def select(items: Sequence[Item], item_ids: Sequence[str], limit: int | None) -> tuple[Item, ...]:
    """The items named in `item_ids` (all when empty), in the manifest's order, `limit` at most.

    Raises DatasetError for an id that the manifest lacks.
    """
    known = {item.item_id for item in items}
    unknown = [item_id for item_id in item_ids if item_id not in known]
    if unknown:
        raise DatasetError(
            f"no item {', '.join(unknown)} in the manifest; it has {', '.join(sorted(known))}"
        )
    chosen = [item for item in items if not item_ids or item.item_id in item_ids]
    return tuple(chosen[:limit])


def read_stems(item: Item) -> Stems:
    """The stems of `item`, checked against each other.

    Raises DatasetError when one is missing, damaged or not 16-bit, when rates, channels or
    lengths differ, or when the sum does not fit 16 bits.
    """
    target, rate = _read_16_bit(item, item.target_path)
    rest, rest_rate = _read_16_bit(item, item.rest_path)
    where = f"item {item.item_id}: {item.target_path.name} and {item.rest_path.name}"
    if rate != rest_rate:
        raise DatasetError(f"{where} differ in sample rate: {rate} and {rest_rate} Hz")
    if target.shape != rest.shape:
        raise DatasetError(
            f"{where} differ in samples and channels: {target.shape} and {rest.shape}"
        )
    if not len(target):
        raise DatasetError(f"{where} hold no samples")
    mixture = target.astype(np.int32) + rest
    if mixture.max() > np.iinfo(np.int16).max or mixture.min() < np.iinfo(np.int16).min:
        raise DatasetError(f"{where} do not add up within 16 bits; lower both")
    return Stems(target, rest, mixture.astype(np.int16), rate)


def _read_16_bit(item: Item, path: Path) -> tuple[NDArray[np.int16], int]:
    if not path.is_file():
        raise DatasetError(f"item {item.item_id}: the stem {path} is missing")
    try:
        with soundfile.SoundFile(path) as file:
            if file.subtype != "PCM_16":
                raise DatasetError(
                    f"item {item.item_id}: {path.name} is {file.subtype}; stems must be PCM_16"
                )
            samples = file.read(dtype="int16", always_2d=True)
            if len(samples) != file.frames:
                raise DatasetError(
                    f"item {item.item_id}: {path.name} ends after {len(samples)} "
                    f"of {file.frames} samples"
                )
            return samples, file.samplerate
    except (soundfile.SoundFileError, OSError) as error:
        raise DatasetError(f"item {item.item_id}: {path.name} cannot be read ({error})") from error


def _item(entry: Any, folder: Path, where: str) -> Item:
    if not isinstance(entry, dict):
        raise DatasetError(f"{where}: must be a JSON object, not {entry!r}")
    item_id = _get(entry, "id", str, where)
    where = f"{where} ({item_id})"
    files = _get(entry, "files", dict, where)
    prompts = _get(entry, "prompts", dict, where)
    return Item(
        item_id=item_id,
        class_group=_get(entry, "class_group", str, where),
        prompts={
            mode: _prompt(_get(prompts, key, dict, where), f"{where}, prompt {key}")
            for mode, key in MODES.items()
            if key in prompts
        },
        active_spans_s=_active_spans(_get(entry, "active_spans", list, where), where),
        target_path=folder / _get(files, "target", str, f"{where}, files"),
        rest_path=folder / _get(files, "rest", str, f"{where}, files"),
    )


def _prompt(entry: dict[str, Any], where: str) -> Prompt:
    anchors = _get(entry, "anchors", list, where)
    try:
        spans = [Span(float(start), float(end), sign) for sign, start, end in anchors]
        return Prompt(_get(entry, "description", str, where), tuple(spans))
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f'{where}: each anchor must be ["+" or "-", start, end], got {anchors!r}'
        ) from error
    except PromptError as error:
        raise DatasetError(f"{where}: {error}") from error


def _active_spans(pairs: list[Any], where: str) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((float(start), float(end)) for start, end in pairs)
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"{where}: 'active_spans' must be [[start, end], ...] in seconds, got {pairs!r}"
        ) from error


def _get(entry: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in entry:
        raise DatasetError(f"{where}: {key!r} is missing")
    if not isinstance(entry[key], kind):
        raise DatasetError(f"{where}: {key!r} must be {_JSON_NAMES[kind]}, not {entry[key]!r}")
    return entry[key]


def _refuse_duplicates(items: Sequence[Item], path: Path) -> None:
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise DatasetError(f"{path}: the id {item.item_id!r} is used twice")
        seen.add(item.item_id)
