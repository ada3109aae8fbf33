"""Bytes that are foreseen against those that a process really takes, with layers of full width."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cost.bytes import process_bytes
from engine.cost.footprint import WeightFormat, footprint
from engine.cost.shape import ModelShape
from engine.sam_audio.plan import RunPlan

CHILD = """
import json, sys
from pathlib import Path
import torch
from engine.cost.footprint import WeightFormat
from engine.cost.measure import decoding, evaluating
from engine.cost.stand_in import RandomModel

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def peak(work):
    Path("/proc/self/clear_refs").write_text("5")
    work()
    return status("VmHWM")

torch.set_num_threads(1)
n_layers, n_rows, n_frames, n_coded = map(int, sys.argv[2:])
model = RandomModel("small", WeightFormat(sys.argv[1]), n_layers).make()
evaluate = evaluating(model, n_frames, n_rows)
told = {"sampling": peak(evaluate), "coding": peak(decoding(model, n_coded))}
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's memory as Linux tells it")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_process_takes_what_is_foreseen(precision: str, checkout: Path) -> None:
    plan = RunPlan(250, 62, n_rows=4, codec_chunk_frames=34)  # and the context makes 50
    arguments = [precision, "2", str(plan.n_rows), str(plan.window_frames), "50"]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    took = json.loads(done.stdout)
    shape = replace(ModelShape.published("small"), n_layers=2, text_parameters=0)
    parts = footprint(shape, WeightFormat(precision), plan)
    there = process_bytes() + parts.weights
    for name, in_hand in (("sampling", parts.sampling), ("coding", parts.coding)):
        assert took[name] == pytest.approx(there + in_hand, rel=0.15), name
