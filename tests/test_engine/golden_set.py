"""The reference's numbers: reading them, and holding ours against them.

The folder is named by STEMLASSO_GOLDEN; without it, the public set beside the repository is used
if it is there. Sizes and seeds are read from the files, so another set is a change of folder.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

DEFAULT_FOLDER = Path(__file__).parents[2].parent / "shared/golden/public"


class GoldenItem:
    """One file of the set. A `with` block that leaves a tensor of it unused fails.

    `item[key]` reads an input; `item.expect(key, actual)` compares an output within the item's
    bounds; tensors of integers and truth values have to be equal.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.info: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
        bounds = json.loads((folder / "tolerances.json").read_text("utf-8"))[name]
        self.atol: float = bounds["recommended_atol"]
        self.rtol: float = bounds["recommended_rtol"]
        self._tensors = load_file(folder / f"{name}.safetensors")
        self._unused = set(self._tensors)

    def __enter__(self) -> "GoldenItem":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        assert kind is not None or not self._unused, f"{self.name}: unused {sorted(self._unused)}"

    def __contains__(self, key: str) -> bool:
        return key in self._tensors

    def __getitem__(self, key: str) -> Tensor:
        self._unused.discard(key)
        return self._tensors[key]

    def flag(self, key: str) -> Tensor:
        """A truth value, stored as a number."""
        return self[key].bool()

    def keys(self, prefix: str) -> list[str]:
        """Names such as `wav_0`, `wav_1` in order."""
        found = [key for key in self._tensors if re.fullmatch(rf"{prefix}\d+", key)]
        return sorted(found, key=lambda key: int(key.removeprefix(prefix)))

    def expect(self, key: str, actual: Tensor) -> None:
        """Fail unless `actual` has the stored shape and values, within the item's bounds."""
        expected = self[key]
        assert actual.shape == expected.shape, f"{self.name}/{key}"
        if expected.dtype == torch.uint8:
            actual = actual.to(torch.uint8)
        if not expected.is_floating_point():
            assert torch.equal(actual, expected), f"{self.name}/{key}"
            return
        error = (actual.double() - expected.double()).abs()
        bound = self.atol + self.rtol * expected.double().abs()
        used = (error / bound).nan_to_num().max()
        print(f"{self.name}/{key}: error {error.max():.1e}, {used:.1%} of its bound")
        assert bool((error <= bound).all()), f"{self.name}/{key}: error {error.max():.3e}"


class GoldenSet:
    """A folder of golden files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def item(self, name: str) -> GoldenItem:
        """The item `name`; a file that is not there fails the test."""
        return GoldenItem(self.folder, name)

    def names(self) -> list[str]:
        """All items that the set promises."""
        return sorted(json.loads((self.folder / "tolerances.json").read_text("utf-8")))

    def json(self, name: str) -> Any:
        """A parsed JSON file of the set."""
        return json.loads((self.folder / name).read_text("utf-8"))

    def state(self, name: str, prefix: str = "") -> Mapping[str, Tensor]:
        """The tensors of a checkpoint under `prefix`, which is stripped."""
        tensors = load_file(self.folder / name)
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def golden_set() -> GoldenSet:
    """The set to compare with; skips when none was named and the default one is not there."""
    named = os.environ.get("STEMLASSO_GOLDEN")
    if named:
        folder = Path(named)
        assert (folder / "tolerances.json").is_file(), f"STEMLASSO_GOLDEN={named} holds no set"
        return GoldenSet(folder)
    if not (DEFAULT_FOLDER / "tolerances.json").is_file():
        pytest.skip("no golden files beside the repository; name a folder with STEMLASSO_GOLDEN")
    return GoldenSet(DEFAULT_FOLDER)
