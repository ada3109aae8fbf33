"""The speed of one model on one device, piece by piece, with the least time that each could take.

least time = operations over the rate of one large matrix product, or bytes over the rate of a copy,
whichever is longer. The share says how near a piece comes to it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch

from engine.data import JsonValue, Prompt, Quality, SeparationOptions
from engine.model.separation import SAMAudio
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.quality import sampling_for
from engine.sam_audio.separator import SamAudioSeparator
from engine.separator import separate

from .footprint import WeightFormat, network_bytes
from .measure import (
    Patience,
    copy_rate,
    decoding,
    encoding,
    evaluating,
    preparing,
    product_rate,
    timed,
)
from .shape import ModelShape

RATE = 48_000
_PATIENCE = Patience(most_s=1.0)


@dataclass(frozen=True, slots=True)
class Machine:
    """What bounds everything. product, codec_product: operations per second of the network's
    precision and of float32, in which the codec computes.   copy: bytes per second."""

    product: float
    codec_product: float
    copy: float

    @classmethod
    def measured(cls, device: torch.device, precision: str) -> "Machine":
        """Of this device."""
        own, codec = _product_rate(device, precision), _product_rate(device, "float32")
        return cls(own, codec, _copy_rate(device))


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. what: the piece of work.   per: what the seconds are for.   floor_s: the least
    that it could take here.   peak_bytes: on a CUDA device, weights included; 0 elsewhere.
    """

    what: str
    seconds: float
    per: str
    floor_s: float
    peak_bytes: int = 0

    @property
    def share(self) -> float:
        """How near it is to the floor; 1 is all that this machine can do."""
        return self.floor_s / self.seconds

    def as_json(self) -> dict[str, JsonValue]:
        """For `--json`."""
        return {**asdict(self), "share": self.share}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured. model: on its device.   weights: how it is kept.   name: for the table.

    duration_s: of the sound.   n_rows: windows or takes in one evaluation.
    """

    name: str
    model: SAMAudio
    shape: ModelShape
    weights: WeightFormat
    machine: Machine
    duration_s: float = 10.0
    n_rows: int = 1

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.model.device

    @property
    def n_frames(self) -> int:
        """Latent frames of the sound."""
        return self.shape.n_frames(round(self.duration_s * RATE), RATE)


def pieces(subject: Subject) -> Iterator[Line]:
    """An evaluation, a prompt's tables, and a second of sound through both halves of the codec."""
    shape, machine, n_frames = subject.shape, subject.machine, subject.n_frames
    codec, codec_bytes = shape.codec, 4 * shape.codec.n_weights
    weights = network_bytes(shape, subject.weights)
    flops = subject.n_rows * shape.evaluation_flops(n_frames)
    rows = f"{subject.n_rows} x {n_frames} frames"
    yield _line(
        subject,
        "evaluation",
        rows,
        evaluating(subject.model, n_frames, subject.n_rows),
        max(flops / machine.product, weights / machine.copy),
    )
    sampling = sampling_for(SamAudioConfig().sampling, "standard")
    n_times = len(set(sampling.times))
    yield _line(
        subject,
        "prompt's tables",
        f"{n_times} times",
        preparing(subject.model, sampling),
        n_times * shape.text_flops(6) / machine.product,
    )
    n_coded = min(n_frames, 250)
    for what, work, per_frame in (
        ("codec encode", encoding(subject.model, n_coded), codec.encode_flops),
        ("codec decode", decoding(subject.model, n_coded), codec.decode_flops),
    ):
        floor_s = max(n_coded * per_frame / machine.codec_product, codec_bytes / 2 / machine.copy)
        yield _line(subject, what, "s of sound", work, floor_s, n_coded * shape.frame_s)


def whole_run(subject: Subject, quality: Quality) -> Line:
    """A whole run from samples to stems in memory, model loaded and warm, its clip unknown."""
    device = subject.device
    config = SamAudioConfig(
        device=str(device),
        precision=subject.weights.precision,  # type: ignore[arg-type]
        int8=subject.weights.int8,
        predict_spans="off",
    )
    separator = SamAudioSeparator(subject.name, lambda: subject.model, config)
    options = SeparationOptions(quality=quality, presence_gate=0.0)

    def run(seed: int, duration_s: float) -> float:
        noise = np.random.default_rng(seed).standard_normal((round(duration_s * RATE), 1))
        start_s = time.perf_counter()
        separate(
            (0.1 * noise).astype(np.float32),
            Prompt("dog"),
            sample_rate=RATE,
            separator=separator,
            options=options,
        )
        return time.perf_counter() - start_s

    run(0, 1.0)
    with _peak(device) as peak:
        seconds = run(1, subject.duration_s)
    n_evaluations = sampling_for(config.sampling, quality).n_evaluations
    floor_s = _run_floor_s(subject, n_evaluations, has_residual=quality != "draft")
    per = f"{subject.duration_s:g} s, {n_evaluations} evaluations"
    return Line(f"run, {quality}", seconds, per, floor_s, peak())


def _run_floor_s(subject: Subject, n_evaluations: int, has_residual: bool) -> float:
    shape, machine, n_frames = subject.shape, subject.machine, subject.n_frames
    weights = network_bytes(shape, subject.weights)
    evaluation_s = max(shape.evaluation_flops(n_frames) / machine.product, weights / machine.copy)
    n_streams = 2 if has_residual else 1
    codec = shape.codec.encode_flops + n_streams * shape.codec.decode_flops
    return n_evaluations * evaluation_s + n_frames * codec / machine.codec_product


def _line(
    subject: Subject,
    what: str,
    per: str,
    work: Callable[[], object],
    floor_s: float,
    per_unit: float = 1.0,
) -> Line:
    with _peak(subject.device) as peak:
        timing = timed(work, subject.device, _PATIENCE)
    return Line(what, timing.median_s / per_unit, per, floor_s / per_unit, peak())


@contextlib.contextmanager
def _peak(device: torch.device) -> Iterator[Callable[[], int]]:
    """Most bytes on a CUDA device since the start; 0 elsewhere."""
    if device.type != "cuda":
        yield lambda: 0
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    yield lambda: torch.cuda.max_memory_allocated(device)


@cache
def _product_rate(device: torch.device, precision: str) -> float:
    """Asked once: it does not change, and takes a second."""
    return product_rate(device, getattr(torch, precision))


@cache
def _copy_rate(device: torch.device) -> float:
    return copy_rate(device)


def table(title: str, lines: list[Line]) -> str:
    """Markdown."""
    rows = [
        f"**{title}**\n",
        "| work | seconds | per | floor s | share | device MB |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for line in lines:
        device = f"{line.peak_bytes / 1e6:.0f}" if line.peak_bytes else "-"
        rows.append(
            f"| {line.what} | {line.seconds:.3g} | {line.per} | {line.floor_s:.3g} | "
            f"{100 * line.share:.0f} % | {device} |"
        )
    return "\n".join(rows)
