"""Numbers of the reference implementation, compared within their own bounds."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("STEMLASSO_GOLDEN", ROOT / "../shared/golden/public"))

needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(),
    reason=f"no golden files in {GOLDEN}; name their folder in STEMLASSO_GOLDEN",
)


def item(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and other values of one golden item."""
    return load_file(GOLDEN / f"{name}.safetensors"), values(name)


def values(name: str) -> dict[str, Any]:
    """The JSON file `name` of the golden folder."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return content


def assert_within(name: str, actual: Tensor, expected: Tensor) -> None:
    """`actual` equals `expected` within the bounds that the golden item `name` comes with."""
    bounds = values("tolerances")[name]
    assert actual.shape == expected.shape
    error = (actual.double() - expected.double()).abs().max().item()
    print(f"{name}: largest difference {error:.3g}, bound {bounds['recommended_atol']:g}")
    torch.testing.assert_close(
        actual,
        expected,
        atol=bounds["recommended_atol"],
        rtol=bounds["recommended_rtol"],
        check_dtype=False,
    )
