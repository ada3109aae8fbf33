"""Rankers against the numbers of the reference implementation."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from engine.model.config import SoundActivityRankerConfig
from engine.rankers.sound_activity import SoundActivityRanker, overlap_of

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("STEMLASSO_GOLDEN", ROOT / "../shared/golden/public"))

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(),
    reason=f"no golden files in {GOLDEN}; name their folder in STEMLASSO_GOLDEN",
)


def item(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    return tensors, json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def test_sound_activity() -> None:
    tensors, values = item("sound_activity")
    wav = tensors["pcm16"].float() / 32_768
    absolute = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-30.0)
    wanted = [(start, end) for start, end in values["ref_spans"]]

    relative_found = SoundActivityRanker().active_stretches(wav, values["sample_rate"])
    absolute_found = SoundActivityRanker(absolute).active_stretches(wav, values["sample_rate"])
    overlap = overlap_of(relative_found, wanted)

    assert relative_found == [(start, end) for start, end in values["rel_to_max_m40"]]
    assert absolute_found == [(start, end) for start, end in values["abs_m30"]]
    assert overlap.iou == values["scores"]["iou"]
    assert overlap.recall == values["scores"]["recall"]
    assert overlap.precision == values["scores"]["precision"]
