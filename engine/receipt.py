"""The receipt of a separation: everything that is needed to make the same stems again."""

import importlib.metadata
import platform
from collections.abc import Mapping

import numpy as np

from .data import AudioClip, Estimate, JsonValue, Prompt, Rerun, SeparationOptions


def make_receipt(
    clip: AudioClip,
    prompt: Prompt,
    separator: str,
    options: SeparationOptions,
    estimate: Estimate,
    mixture_digest: str,
    took_s: float,
) -> Mapping[str, JsonValue]:
    """JSON values that say what was asked, of what, with what, and how long it took (seconds).

    mixture_digest: of its samples.
    """
    return {
        "mixture": mixture_json(clip, mixture_digest),
        "prompt": {
            "description": prompt.description,
            "spans": [str(span) for span in prompt.spans],
            "masked_video": prompt.masked_video is not None,
        },
        "separator": separator,
        "options": {
            "seed": options.seed,
            "n_candidates": options.n_candidates,
            "n_threads": options.n_threads,
            "quality": options.quality,
            "stereo": options.stereo,
            "residual": options.residual,
            "presence_gate": options.presence_gate,
            "rerun": _rerun(options.rerun),
        },
        "settings": dict(estimate.settings),
        "versions": versions_json(),
        "took_s": round(took_s, 3),
    }


def mixture_json(clip: AudioClip, digest: str) -> dict[str, JsonValue]:
    """Which mixture it was. digest: of its samples, to tell whether they were changed."""
    return {
        "name": clip.name,
        "path": None if clip.path is None else str(clip.path),
        "sample_rate": clip.sample_rate,
        "n_channels": clip.n_channels,
        "n_samples": clip.n_samples,
        "format": f"{clip.format.container} {clip.format.subtype}",
        "digest": digest,
    }


def versions_json() -> dict[str, JsonValue]:
    """Versions of what decides the samples."""
    return {
        "stemlasso": _version("stemlasso"),
        "numpy": np.__version__,
        "scipy": _version("scipy"),
        "python": platform.python_version(),
    }


def _rerun(rerun: Rerun | None) -> JsonValue:
    if rerun is None:
        return None
    path = rerun.base_target.path
    return {
        "start_s": rerun.start_s,
        "end_s": rerun.end_s,
        "base_target": rerun.base_target.name if path is None else str(path),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
