"""Loading a model takes little more memory than its weights do afterwards."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from engine.model.config import SAMAudioConfig, TransformerConfig
from engine.model.random_weights import fill_randomly
from engine.model.sam_audio import SAMAudioNetwork

LOAD = """
import sys, torch
# Loading imports this; with a CUDA build of torch it weighs 80 MB, which are no weights.
import torch._dynamo
from engine.model import SAMAudio

def status(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

before = status("VmRSS")
model = SAMAudio.from_pretrained(sys.argv[1], dtype=getattr(torch, sys.argv[2]))
kept = sum(p.numel() * p.element_size() for p in model.parameters())
print((status("VmHWM") - before) / kept)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of 600 MB, large beside what loading takes anyway."""
    folder = tmp_path_factory.mktemp("medium")
    config = SAMAudioConfig(
        transformer=TransformerConfig(dim=768, context_dim=768, n_heads=6, n_layers=4)
    )
    network = SAMAudioNetwork(config)
    fill_randomly(network)
    (folder / "config.json").write_text(json.dumps(asdict(config)), "utf-8")
    torch.save(network.state_dict(), folder / "checkpoint.pt")
    yield folder
    (folder / "checkpoint.pt").unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; elsewhere pages stay mapped")
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_peak_is_near_what_is_kept(folder: Path, precision: str, checkout: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(folder), precision]
    run = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    assert float(run.stdout) < 1.2
