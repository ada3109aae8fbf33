"""The front door: any mixture in, stems that add up out, or a typed error and nothing at all."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import Prompt, Separator, Span, find_separator, separate, separators
from engine.data import AudioClip, Estimate, Monitor, Progress, SeparationOptions
from engine.errors import AudioError, AudioUnreadable, BackendUnavailable, Cancelled, PromptError

RATE = 16_000
HERE = Prompt("thing", spans=[Span.present(0, 0.2)])


@dataclass(frozen=True)
class Scaling:
    """A separator that takes `share` of the mixture, in blocks; `n_candidates` takes of it."""

    share: float = 0.3
    block_samples: int = 1_000
    name: str = "scaling"

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        return Estimate(
            self._blocks(mixture, options.n_candidates, monitor),
            spans=tuple(prompt.spans),
            n_candidates=options.n_candidates,
            scores=tuple(1.0 / (1 + take) for take in range(options.n_candidates)),
        )

    def _blocks(
        self, mixture: AudioClip, n_candidates: int, monitor: Monitor
    ) -> Iterator[NDArray[Any]]:
        for start in range(0, mixture.n_samples, self.block_samples):
            stop = min(start + self.block_samples, mixture.n_samples)
            monitor.report("scale", start / mixture.n_samples)
            block = mixture.source.read(start, stop) * self.share
            yield np.stack([block * (1 + take) for take in range(n_candidates)])


def noise(n_samples: int, n_channels: int, dtype: str, seed: int = 0) -> NDArray[Any]:
    samples = np.random.default_rng(seed).uniform(-1, 1, (n_samples, n_channels))
    if dtype.startswith("int"):
        return (samples * np.iinfo(dtype).max).astype(dtype)
    return samples.astype(dtype)


@given(
    n_samples=st.integers(1, 5_000),
    n_channels=st.integers(1, 32),
    dtype=st.sampled_from(["int16", "int32", "float32", "float64"]),
    share=st.floats(-1.5, 2.5),
)
@settings(max_examples=60, deadline=None)
def test_stems_add_up_whatever_the_separator_says(
    n_samples: int, n_channels: int, dtype: str, share: float
) -> None:
    mixture = noise(n_samples, n_channels, dtype)
    prompt = Prompt("x", spans=[Span.present(0, n_samples / RATE)])
    result = separate(mixture, prompt, sample_rate=RATE, separator=Scaling(share))
    assert result.residual is not None
    target, residual = result.target.samples, result.residual.samples
    assert target.shape == residual.shape == mixture.shape
    if dtype.startswith("int"):
        scale = 1 if target.dtype.kind == "i" else np.iinfo(dtype).max + 1
        other = 1 if residual.dtype.kind == "i" else np.iinfo(dtype).max + 1
        again = target.astype(np.float64) * scale + residual.astype(np.float64) * other
        np.testing.assert_array_equal(again, mixture.astype(np.float64))
        assert result.null_db == -math.inf
    else:
        assert result.null_db < (-140 if dtype == "float32" else -300)
        assert target.dtype == mixture.dtype


@given(
    n_samples=st.integers(1, 4_000),
    n_channels=st.sampled_from([1, 2, 3, 32]),
    kind=st.sampled_from(["silence", "dc", "full scale", "tiny", "noise"]),
)
@settings(max_examples=25, deadline=None)
def test_the_builtin_separator_takes_any_signal(n_samples: int, n_channels: int, kind: str) -> None:
    level = {"silence": 0.0, "dc": 0.5, "full scale": 1.0, "tiny": 1e-30, "noise": 0.1}[kind]
    mixture = np.full((n_samples, n_channels), level, dtype=np.float32)
    if kind == "noise":
        mixture *= noise(n_samples, n_channels, "float32")
    if kind == "full scale":
        mixture[::2] = -1.0
    prompt = Prompt("x", spans=[Span.present(0, n_samples / RATE / 2)])
    result = separate(mixture, prompt, sample_rate=RATE)
    assert result.target.samples.shape == mixture.shape
    assert np.isfinite(result.target.samples).all()
    assert result.null_db < -140
    if kind == "silence":
        assert not result.target.samples.any()


def test_candidates_come_back_best_first_with_their_scores() -> None:
    mixture = noise(3_000, 2, "int16")
    result = separate(
        mixture,
        HERE,
        sample_rate=RATE,
        separator=Scaling(0.1),
        options=SeparationOptions(n_candidates=3),
    )
    assert [take.score for take in result.candidates] == [1.0, 0.5, pytest.approx(1 / 3)]
    assert result.candidates[0].target is result.target
    third = result.candidates[2].target.samples.astype(float)
    np.testing.assert_allclose(third, 0.3 * mixture, atol=1)


def test_progress_covers_the_whole_job_and_never_goes_back() -> None:
    seen: list[Progress] = []
    separate(
        noise(40_000, 1, "float32"),
        HERE,
        sample_rate=RATE,
        separator=Scaling(),
        on_progress=seen.append,
    )
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == pytest.approx(0)
    assert fractions[-1] == pytest.approx(1)
    assert {"scale"} < {progress.stage for progress in seen}


def test_cancelling_leaves_no_file(tmp_path: Path) -> None:
    calls = iter(range(1_000))
    with pytest.raises(Cancelled):
        separate(
            noise(40_000, 2, "int16"),
            HERE,
            sample_rate=RATE,
            separator=Scaling(),
            output=tmp_path / "stems",
            is_cancelled=lambda: next(calls) > 20,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_path_and_an_array_give_the_same_stems(tmp_path: Path) -> None:
    mixture = noise(30_000, 2, "int16") // 4
    soundfile.write(tmp_path / "mix.wav", mixture, RATE)
    prompt = Prompt("x", spans=[Span.present(0.2, 0.6), Span.absent(1, 1.5)])
    from_array = separate(mixture, prompt, sample_rate=RATE)
    from_path = separate(str(tmp_path / "mix.wav"), prompt, output=str(tmp_path / "stems"))
    written, _ = soundfile.read(tmp_path / "stems" / "target.wav", dtype="int16")
    np.testing.assert_array_equal(written, from_array.target.samples)
    np.testing.assert_array_equal(from_path.target.samples, from_array.target.samples)


def test_the_receipt_and_the_summary_say_what_was_done() -> None:
    result = separate(noise(8_000, 1, "float32"), HERE, sample_rate=RATE)
    receipt = result.receipt
    assert receipt["separator"] == "builtin"
    assert receipt["prompt"] == {
        "description": "thing",
        "spans": ["+0:0.2"],
        "masked_video": False,
    }
    summary = result.summary()
    assert summary["n_samples"] == 8_000
    assert summary["null_exact"] is (result.null_db == -math.inf)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"sample_rate": None}, AudioError, "sample_rate"),
        ({"sample_rate": 4_000}, AudioUnreadable, "8000"),
        ({"separator": "magic"}, BackendUnavailable, "builtin"),
        ({"prompt": Prompt("x", spans=[Span.present(3, 4)])}, PromptError, "outside"),
        ({"mixture": np.full((100, 1), np.nan, np.float32)}, AudioUnreadable, "nan"),
        ({"mixture": np.full((100, 1), np.inf, np.float32)}, AudioUnreadable, "inf"),
        ({"mixture": np.zeros((0, 2), np.float32)}, AudioUnreadable, "no samples"),
        ({"mixture": np.zeros((2, 9_000), np.float32)}, AudioError, "transpose"),
        ({"mixture": "no/such/file.wav"}, AudioError, "no such file"),
    ],
)
def test_bad_requests_say_what_is_wrong(
    change: dict[str, Any], error: type[Exception], said: str
) -> None:
    request = {"mixture": noise(8_000, 1, "float32"), "prompt": HERE, "sample_rate": RATE}
    request |= change
    if isinstance(request["mixture"], str):
        request["sample_rate"] = None
    mixture, prompt = request.pop("mixture"), request.pop("prompt")
    with pytest.raises(error, match=f"(?i){said}"):
        separate(mixture, prompt, **request)


def test_a_rate_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", noise(1_000, 1, "int16"), RATE)
    with pytest.raises(AudioError, match="16000"):
        separate(tmp_path / "mix.wav", HERE, sample_rate=48_000)


def test_every_separator_that_is_ready_can_be_found_by_its_name() -> None:
    ready = [info.name for info in separators() if info.available]
    assert "builtin" in ready
    for name in ready:
        separator: Separator = find_separator(name)
        assert separator.name == name
