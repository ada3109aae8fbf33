"""Any length: the same length out, no seam, no more memory, whatever the windows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Prompt, separate
from engine.data import SeparationOptions
from engine.sam_audio.config import Joining, SamAudioConfig
from engine.samplers import Sampling

from .stand_in_model import RATE, gives_the_mixture, stand_in_separator

DOG = Prompt("dog")


@given(
    n_samples=st.one_of(st.integers(1, 2000), st.integers(2000, 20_000)),
    window_s=st.floats(0.08, 6.0),
    share=st.floats(0.05, 0.5),
    window_batch=st.integers(1, 4),
    joining=st.sampled_from(["diffused", "crossfade"]),
)
@settings(max_examples=20, deadline=None)
def test_a_model_that_gives_its_input_gives_the_mixture_back(
    n_samples: int, window_s: float, share: float, window_batch: int, joining: Joining
) -> None:
    config = SamAudioConfig(
        device="cpu",
        sampling=Sampling("midpoint", 3),
        window_s=window_s,
        overlap_s=window_s * share,
        window_batch=window_batch,
        joining=joining,
    )
    mixture = 0.3 * np.random.default_rng(n_samples).standard_normal((n_samples, 2))
    separator = stand_in_separator(config, gives_the_mixture)
    options = SeparationOptions(n_threads=1)
    result = separate(mixture, DOG, sample_rate=RATE, separator=separator, options=options)
    assert result.target.samples.shape == mixture.shape
    assert np.abs(result.target.samples - mixture).max() < 1e-6 * np.abs(mixture).max()


MEMORY = """
import json, sys
from pathlib import Path
import numpy as np, soundfile, torch
from engine import Prompt, SeparationOptions, separate
from engine.sam_audio.config import SamAudioConfig
from engine.samplers import Sampling
from tests.benchmarks.with_peak import peak_bytes
from tests.test_engine.stand_in_model import RATE, gives_the_mixture, stand_in_separator

folder, minutes = Path(sys.argv[1]), float(sys.argv[2])
random = np.random.default_rng(0)
with soundfile.SoundFile(folder / "mix.wav", "w", RATE, 1, "PCM_16") as sound:
    for _ in range(round(minutes * 6)):
        sound.write(0.1 * random.standard_normal(10 * RATE))
config = SamAudioConfig(device="cpu", sampling=Sampling("midpoint", 1), codec_chunk_s=5.0)
separator = stand_in_separator(config, gives_the_mixture)
options = SeparationOptions(n_candidates=2, n_threads=1)
result = separate(
    folder / "mix.wav", Prompt("dog"), separator=separator, options=options, output=folder / "out"
)
assert result.null_db == float("-inf")
print(json.dumps({"peak": peak_bytes(), "samples": result.target.n_samples}))
"""


def peak_of(minutes: float, folder: Path, checkout: Path) -> int:
    folder.mkdir()
    # Else the allocator keeps what was freed, more or less of it by chance.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(folder), str(minutes)],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["samples"] == minutes * 60 * RATE
    return int(told["peak"])


def test_half_an_hour_takes_no_more_memory_than_two_minutes(tmp_path: Path, checkout: Path) -> None:
    short = peak_of(2, tmp_path / "short", checkout)
    long = peak_of(30, tmp_path / "long", checkout)
    assert long < 1.05 * short
