"""The bundled example: small, real, and a fair show of what the program does."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine import Prompt, Span, separate


@dataclass(frozen=True)
class Example:
    folder: Path
    prompt: Prompt
    sample_rate: int
    mixture: NDArray[np.int16]
    target: NDArray[np.int16]


@pytest.fixture(scope="module")
def example(checkout: Path) -> Example:
    folder = checkout / "installer" / "example"
    stated = json.loads((folder / "prompt.json").read_text("utf-8"))
    mixture, rate = soundfile.read(folder / stated["mixture"], dtype="int16")
    target, target_rate = soundfile.read(folder / stated["true_target"], dtype="int16")
    assert rate == target_rate
    spans = tuple(Span.parse(text) for text in stated["spans"])
    return Example(folder, Prompt(stated["description"], spans), rate, mixture, target)


def test_it_is_a_short_stereo_mixture_under_two_megabytes(example: Example) -> None:
    assert example.mixture.shape == example.target.shape
    assert example.mixture.shape[1] == 2
    assert 5 < len(example.mixture) / example.sample_rate < 20
    assert sum(file.stat().st_size for file in example.folder.iterdir()) < 2_000_000


def test_it_does_not_clip(example: Example) -> None:
    assert np.abs(example.mixture.astype(int)).max() < 0.9 * 32767


def test_its_spans_tell_the_truth(example: Example) -> None:
    heard = np.abs(example.target).max(axis=1) > 0
    present = np.zeros(len(heard), bool)
    for span in example.prompt.spans:
        part = slice(int(span.start_s * example.sample_rate), int(span.end_s * example.sample_rate))
        if span.sign == "+":
            present[part] = True
            assert heard[part].mean() > 0.5
        else:
            assert not heard[part].any()
    assert not heard[~present].any()
    assert {span.sign for span in example.prompt.spans} == {"+", "-"}


def test_the_dog_comes_out_far_clearer_than_it_was(example: Example, tmp_path: Path) -> None:
    found = separate(
        example.folder / "mixture.flac", example.prompt, separator="builtin", output=tmp_path
    )
    said = subprocess.run(
        [sys.executable, example.folder / "measure.py", str(found.target.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    before_db, after_db = map(float, said.stdout.split())
    assert before_db < 0
    assert after_db - before_db > 9


def test_the_example_adds_up_to_the_last_bit(example: Example, tmp_path: Path) -> None:
    found = separate(
        example.folder / "mixture.flac", example.prompt, separator="builtin", output=tmp_path
    )
    assert found.residual is not None
    assert found.target.path is not None
    assert found.residual.path is not None
    stems = [
        soundfile.read(stem.path, dtype="int16")[0].astype(int)
        for stem in (found.target, found.residual)
    ]
    assert np.array_equal(sum(stems), example.mixture)
