"""Seconds and bytes of the pieces of a run, measured on a device, and what bounds them there.

product_rate, copy_rate    operations and bytes per second: what the machine can do at best
evaluating, encoding, ...  one piece of work, to be given to `timed`
peak_of                    the most memory that a piece of work has in hand
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model.anchors import anchors_from_spans
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import EncodedText
from engine.samplers import Draw, Sampling, latent_noise

from .stand_in import N_TOKENS

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call. median_s: of all calls.   least_s: of the fastest.   n_calls: timed."""

    median_s: float
    least_s: float
    n_calls: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something is measured.

    n_warm: calls before the clock starts.   least_calls: timed ones at least.   most_s: no new call
    after so many seconds of them.
    """

    n_warm: int = 1
    least_calls: int = 3
    most_s: float = 2.0


def timed(work: Work, device: torch.device, patience: Patience = Patience()) -> Timing:
    """How long a call of `work` takes, to the end of what it started on the device."""
    for _ in range(patience.n_warm):
        work()
    synchronise(device)
    took: list[float] = []
    while len(took) < patience.least_calls or sum(took) < patience.most_s:
        start = time.perf_counter()
        work()
        synchronise(device)
        took.append(time.perf_counter() - start)
    return Timing(statistics.median(took), min(took), len(took))


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@torch.inference_mode()
def product_rate(
    device: torch.device,
    dtype: torch.dtype,
    n: int | None = None,
    patience: Patience = Patience(most_s=1.0),
) -> float:
    """Operations per second of one large product of matrices [n, n], the fastest of several."""
    n = n or (2048 if device.type == "cpu" else 8192)
    a, b = (torch.full((n, n), 0.5, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(a)
    took = timed(lambda: torch.mm(a, b, out=out), device, patience)
    return 2.0 * n**3 / took.least_s


@torch.inference_mode()
def copy_rate(
    device: torch.device,
    n_bytes: int | None = None,
    patience: Patience = Patience(most_s=0.5),
) -> float:
    """Bytes per second that a large copy reads and writes, the fastest of several."""
    n_bytes = n_bytes or (256 << 20 if device.type == "cpu" else 1 << 30)
    a = torch.zeros(n_bytes // 4, device=device)
    b = torch.empty_like(a)
    took = timed(lambda: b.copy_(a), device, patience)
    return 2.0 * 4 * a.numel() / took.least_s


def evaluating(
    model: SAMAudioNetwork,
    n_frames: int,
    n_rows: int = 1,
    sampling: Sampling = Sampling(),  # noqa: B008, a frozen value
) -> Work:
    """One evaluation of `n_rows` rows of `n_frames` latent frames, its tables made already."""
    evaluator = model.evaluator(_description(model), sampling.times[:2])
    audio = _noise(model, n_rows, n_frames, model.config.audio_codec.codebook_dim)
    anchors = anchors_from_spans([()] * n_rows, [n_frames] * n_rows).to(model.device)
    condition = evaluator.condition(audio, anchors)
    x = _noise(model, n_rows, n_frames, model.n_latent_channels)
    return lambda: evaluator.velocity(x, sampling.times[1], condition)


def preparing(model: SAMAudioNetwork, sampling: Sampling = Sampling()) -> Work:  # noqa: B008, a frozen value
    """The tables of one description for all times of a schedule."""
    text = _description(model)
    return lambda: model.evaluator(text, sampling.times)


def encoding(model: SAMAudioNetwork, n_frames: int) -> Work:
    """The codec's encoder over `n_frames` latent frames."""
    n_samples = n_frames * model.config.audio_codec.hop_length
    wav = 0.1 * torch.randn(1, 1, n_samples, device=model.device)
    return _quietly(lambda: model.encode_audio(wav))


def decoding(model: SAMAudioNetwork, n_frames: int) -> Work:
    """The codec's decoder over `n_frames` latent frames of one stem, without watermark."""
    latents = _noise(model, 1, n_frames, model.config.audio_codec.codebook_dim).transpose(1, 2)
    latents = latents.to(model.codec_dtype).contiguous()
    return _quietly(lambda: model.audio_codec.decode_without_watermark(latents))


def peak_of(work: Work, device: torch.device) -> int:
    """The most bytes that a call of `work` has on a CUDA device beyond what is there before.

    0 elsewhere: a processor's memory is the process's, measured from outside.
    """
    if device.type != "cuda":
        return 0
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    synchronise(device)
    return torch.cuda.max_memory_allocated(device) - before


def _description(model: SAMAudioNetwork) -> EncodedText:
    """Of `N_TOKENS` tokens, whatever they are."""
    dim = model.config.text_encoder.dim
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, N_TOKENS, dim, generator=generator)
    return EncodedText(features.to(model.device), None)


def _noise(model: SAMAudioNetwork, n_rows: int, n_frames: int, n_channels: int) -> Tensor:
    rows = [latent_noise(Draw(0, row), 0, n_frames, n_channels) for row in range(n_rows)]
    return torch.stack(rows).to(model.device)


def _quietly(work: Work) -> Work:
    """`work` without what autograd would remember."""

    def in_inference() -> object:
        with torch.inference_mode():
            return work()

    return in_inference
