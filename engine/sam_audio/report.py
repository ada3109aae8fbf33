"""What the user is told beside the stems: notices, and the settings that make the same again."""

import torch

from engine.data import JsonValue, Notice

from .device import dtype_name
from .job import Job
from .placing import notices as placing_notices
from .preparation import Prepared
from .quality import sampling_for
from .ranking import RankedTakes
from .windows import Window


def notices(job: Job, ready: Prepared, ranked: RankedTakes | None) -> tuple[Notice, ...]:
    """What may have gone otherwise than meant."""
    found = (*job.notices, *job.work.notices(), *job.model.kernels.notices())
    found += ready.heard.notices
    found += placing_notices(job)
    prompt, spans = job.prompt, ready.guidance.spans
    if not prompt.description and prompt.masked_video is None:
        found += (
            Notice(
                "no_description",
                "The prompt has spans alone; a description beside them helps, most of all "
                "for sounds that last.",
            ),
        )
    n_without = _n_without_spans(job)
    if spans and ready.spotted is None and n_without:
        found += (
            Notice(
                "windows_without_spans",
                f"{n_without} of the {len(job.windows)} windows of "
                f"{job.config.window_s:g} s at most hold none of the spans; there the rest "
                "of the prompt decides alone.",
            ),
        )
    return found if ranked is None else found + ranked.notices()


def settings(
    job: Job, name: str, weights_sha256: str, ready: Prepared, ranked: RankedTakes | None
) -> dict[str, JsonValue]:
    """For the receipt."""
    config = job.config
    sampling = sampling_for(config.sampling, job.options.quality)
    return {
        "model": name,
        "asked_for": job.prompt.description,
        "weights_sha256": weights_sha256 or None,
        "device": job.work.device.type,
        "precision": dtype_name(job.model.proj.weight.dtype),
        "int8": job.config.int8,
        "sampler": sampling.sampler,
        "n_steps": sampling.n_steps,
        "shift": sampling.shift,
        "seed": job.options.seed,
        "window_s": config.window_s,
        "overlap_s": config.overlap_s,
        "n_windows": len(job.windows),
        "window_batch": job.work.ladder.plan.n_windows_at_once(job.n_takes),
        "joining": config.joining,
        "compile": job.model.kernels.compiles,
        "codec_chunk_s": config.codec_chunk_s,
        "predicted_spans": (
            None if ready.spotted is None else [str(span) for span in ready.spotted.spans]
        ),
        "stereo": job.options.stereo,
        "residual": job.options.residual,
        "downmix": list(job.weights),
        "ranking": None if ranked is None else ranked.as_json(),
        "torch": torch.__version__,
    }


def _n_without_spans(job: Job) -> int:
    """Of several windows, how many hold none of the prompt's spans."""
    if len(job.windows) == 1:
        return 0
    frame_s = job.codec.hop_length / job.codec.sample_rate
    first = job.stretch.frames.start
    return sum(not _holds_any(job, window, first, frame_s) for window in job.windows)


def _holds_any(job: Job, window: Window, first: int, frame_s: float) -> bool:
    start_s, stop_s = (first + window.start) * frame_s, (first + window.stop) * frame_s
    return any(span.start_s < stop_s and span.end_s > start_s for span in job.spans)
