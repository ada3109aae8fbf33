"""From the model's mono takes to stems of the mixture's channels, with and without its residual."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import Prompt, Separation, separate
from engine.data import Rerun, ResidualMode, SeparationOptions, StereoMode
from engine.eval.metrics import si_sdr
from engine.model import SAMAudio
from engine.rerun import FADE_S
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.guidance import Guidance, Network
from engine.sam_audio.windows import Window, WindowVelocity
from engine.samplers import Sampling
from engine.stereo import MODES

from .stand_in_model import HOP_LENGTH, RATE, stand_in_separator

QUICK = SamAudioConfig(device="cpu", sampling=Sampling("euler", 2), codec_chunk_s=1.0)
N_SAMPLES = 4 * RATE


def voice(low_hz: float, high_hz: float, seed: int) -> NDArray[np.float64]:
    """Bursts of noise in a band [N]."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(N_SAMPLES))
    hz = np.fft.rfftfreq(N_SAMPLES, 1 / RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] *= 0.02
    swell = 1 + np.sin(2 * np.pi * 1.7 * np.arange(N_SAMPLES) / RATE + seed)
    return np.asarray(0.3 * swell * np.fft.irfft(spectrum, N_SAMPLES))


TARGET, REST = voice(200, 1500, 1), voice(900, 3500, 2)


def knows(target: NDArray[Any], residual: NDArray[Any]) -> Network:
    """Stands in for the network: every take ends at these mono stems [N]."""
    goal = torch.from_numpy(np.stack([target, residual], axis=-1).astype(np.float32))
    frames = goal.view(-1, HOP_LENGTH, 2).transpose(1, 2).flatten(1)

    def network(_model: SAMAudio, _guidance: Guidance, _times: Sequence[float]) -> WindowVelocity:
        def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            wanted = torch.stack([frames[each.start : each.stop] for each in windows])
            return (wanted[:, None] - x) / (1 - t)

        return velocity

    return network


def split(
    pans: tuple[tuple[float, ...], tuple[float, ...]],
    network: Network,
    output: Path | None = None,
    **options: Any,
) -> Separation:
    mixture = TARGET[:, None] * pans[0] + REST[:, None] * pans[1]
    return separate(
        mixture.astype(np.float32),
        Prompt("dog"),
        sample_rate=RATE,
        separator=stand_in_separator(QUICK, network),
        options=SeparationOptions(n_threads=1, **options),
        output=output,
    )


PANS = {
    "panned": ((1.0, 0.3), (0.4, 0.9)),
    "hard left": ((1.0, 0.0), (0.5, 0.5)),
    "hard left and right": ((1.0, 0.0), (0.0, 1.0)),
    "opposite": ((1.0, -1.0), (0.8, -0.8)),
    "mono": ((1.0,), (1.0,)),
    "five channels": ((1.0, 0.5, 0.0, 0.2, 0.0), (0.3, 0.3, 0.9, 0.0, 0.6)),
}


@pytest.mark.parametrize("name", PANS)
def test_targets_lie_where_they_lie_in_the_mixture(name: str) -> None:
    pans = PANS[name]
    signs = np.sign(pans[0]) if name == "opposite" else np.ones(len(pans[0]))
    shares = [(signs * np.array(pan)).mean() for pan in pans]
    # Which of two opposite channels is turned, nobody says.
    made = [
        split(pans, knows(sign * shares[0] * TARGET, sign * shares[1] * REST))
        for sign in ((1, -1) if name == "opposite" else (1,))
    ]
    wanted = TARGET[:, None] * pans[0]
    mixture = wanted + REST[:, None] * pans[1]
    gained = max(si_sdr(each.target.samples.astype(np.float64), wanted) for each in made)
    assert gained - si_sdr(mixture, wanted) > 20
    assert all(each.null_db < -140 for each in made)
    codes = [notice.code for notice in made[0].notices]
    assert codes == (["channels_turned"] if name == "opposite" else [])


@pytest.mark.parametrize("stereo", MODES)
def test_the_models_own_residual_comes_as_a_file_and_its_null_is_said(
    stereo: StereoMode, tmp_path: Path
) -> None:
    pans = PANS["panned"]
    network = knows(0.65 * TARGET, 0.5 * REST)
    result = split(pans, network, tmp_path, stereo=stereo, residual="generated", n_candidates=2)
    assert result.residual is not None
    assert len(result.candidates) == 2
    paths = [clip.path for clip in (result.target, result.residual)]
    target, residual = (soundfile.read(str(path), always_2d=True)[0] for path in paths)
    mixture = (TARGET[:, None] * pans[0] + REST[:, None] * pans[1]).astype(np.float32)
    peak_db = 20 * np.log10(np.abs(mixture - target - residual).max())
    assert result.null_db == pytest.approx(peak_db, abs=0.01)
    assert peak_db > -60
    notice = next(each for each in result.notices if each.code == "residual_generated")
    assert f"{result.null_db:.1f} dBFS" in notice.message
    # The model's residual is 0.15 REST too soft in mono, and that is what is missing in it.
    assert si_sdr(residual.mean(axis=1), REST) > 20
    settings, asked = result.receipt["settings"], result.receipt["options"]
    for told in (settings, asked):
        assert isinstance(told, dict)
        assert (told["stereo"], told["residual"]) == (stereo, "generated")


@pytest.mark.parametrize("residual", ["exact", "generated"])
def test_a_rerun_keeps_the_earlier_stems_around_it(residual: ResidualMode) -> None:
    pans = PANS["panned"]
    base = split(pans, knows(0.65 * TARGET, 0.65 * REST))
    rerun = Rerun(1.0, 2.0, base.target)
    again = split(pans, knows(0.3 * TARGET, 0.5 * REST), residual=residual, rerun=rerun)
    assert base.residual is not None
    assert again.residual is not None
    seconds = np.arange(N_SAMPLES) / RATE
    around = (seconds < 1.0 - FADE_S) | (seconds > 2.0 + FADE_S)
    for new, old in ((again.target, base.target), (again.residual, base.residual)):
        difference = np.abs(new.samples - old.samples)
        assert difference[around].max() < 1e-7
        assert difference[~around].max() > 0.01
    assert (again.null_db < -140) == (residual == "exact")
