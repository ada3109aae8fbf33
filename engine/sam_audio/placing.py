"""The model's mono takes placed in the mixture's own channels: `engine.stereo` for one job.

    voices, session's rate [n, K] or [n, 2K] --.
    mixture, read beside them [n, C] ----------+--> stems [R, n, C]

Where the mixture lies is looked up; how a mono sound is placed, `engine.stereo` knows.
"""

import os
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, Monitor, Notice
from engine.resample import resample_blocks
from engine.stereo import Placement, heard_hz, needs_residual, place

from .job import Job
from .takes import Takes, voices

_READ_SAMPLES = 1 << 16

_MOST_THREADS = 8
"""Each has some tens of megabytes in hand, and a few keep up with any decoder."""


def placement_of(job: Job) -> Placement:
    """How the job's takes are placed."""
    rate = job.mixture.sample_rate
    return Placement(
        sample_rate=rate,
        weights=job.weights,
        mode=job.options.stereo,
        heard_hz=heard_hz(rate, job.codec.sample_rate),
        n_takes=job.n_takes,
        with_residual=job.options.residual == "generated",
    )


def placed_blocks(job: Job, takes: Takes, monitor: Monitor) -> Iterator[NDArray[Any]]:
    """Stems [R, n, C] in consecutive blocks that cover the job's stretch.

    R: K targets, best first, and the model's residual of the best where it was asked for.
    Raises Cancelled.
    """
    clip, codec = job.stretch.clip, job.codec
    mono = voices(job, takes, with_residual=needs_residual(job.options), monitor=monitor)
    heard = resample_blocks(mono, codec.sample_rate, clip.sample_rate, clip.n_samples)
    n_threads = min(job.options.n_threads or os.cpu_count() or 1, _MOST_THREADS)
    return place(_blocks_of(clip, monitor), heard, placement_of(job), n_threads)


def notices(job: Job) -> tuple[Notice, ...]:
    """What the placing does that may not be expected."""
    limit_hz = job.codec.sample_rate / 2
    if job.options.stereo == "project" or job.mixture.sample_rate <= job.codec.sample_rate:
        return ()
    return (
        Notice(
            "band_limited",
            f"stereo {job.options.stereo!r} is the model's own sound, which ends at "
            f"{limit_hz / 1000:g} kHz; what the mixture has above stays in the residual. "
            "`project` takes the target out of the mixture's own samples, up to the top.",
        ),
    )


def _blocks_of(clip: AudioClip, monitor: Monitor) -> Generator[NDArray[np.float32]]:
    for start in range(0, clip.n_samples, _READ_SAMPLES):
        monitor.check()
        yield clip.source.read(start, min(start + _READ_SAMPLES, clip.n_samples))
