"""What comes out of a separation: the stems, how sure it is, and how they were made."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .data import AudioClip, JsonValue, Notice, Presence, Span


@dataclass(frozen=True)
class Candidate:
    """One take of the target. score: larger is better, `None` when nothing ranked it."""

    target: AudioClip
    score: float | None = None


@dataclass(frozen=True)
class Separation:
    """The result: stems that add up to the mixture, unless a residual of its own was asked for.

    target, residual: files when an output folder was given, otherwise arrays.
    candidates: every take, best first; the first one is `target`.
    null_db: highest level of mixture - target - residual, measured on what was written, in dBFS;
        `-inf` when it is exactly zero.
    receipt: prompt, separator, settings, versions and timings, as JSON values.
    presence: confidence over time, `None` from a separator that does not estimate it.
    """

    target: AudioClip
    residual: AudioClip | None
    candidates: tuple[Candidate, ...]
    spans: tuple[Span, ...]
    confidence: float
    notices: tuple[Notice, ...]
    null_db: float
    receipt: Mapping[str, JsonValue]
    presence: Presence | None = None

    def summary(self) -> dict[str, JsonValue]:
        """The result as JSON values, with paths instead of samples; what `--json` prints.

        `null_db` is `None` when the null is exact: JSON has no infinity.
        """
        return {
            "target": _stem_json(self.target),
            "residual": None if self.residual is None else _stem_json(self.residual),
            "candidates": [
                {**_stem_json(take.target), "score": take.score} for take in self.candidates
            ],
            "duration_s": self.target.duration_s,
            "sample_rate": self.target.sample_rate,
            "n_channels": self.target.n_channels,
            "n_samples": self.target.n_samples,
            "null_db": None if self.null_db == -math.inf else self.null_db,
            "null_exact": self.null_db == -math.inf,
            "spans": [str(span) for span in self.spans],
            "confidence": self.confidence,
            "presence": None if self.presence is None else self.presence.as_json(),
            "notices": [
                {"code": notice.code, "message": notice.message} for notice in self.notices
            ],
            "receipt": dict(self.receipt),
        }


def _stem_json(stem: AudioClip) -> dict[str, JsonValue]:
    return {
        "path": None if stem.path is None else str(stem.path),
        "format": f"{stem.format.container} {stem.format.subtype}",
    }
