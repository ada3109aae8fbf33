"""Whether the described sound is there: over time, and altogether.

    own share of the mixture (evidence)   ---.
    agreement of several takes            ---+--> a sound of the mixture? --.
    span predictor, judge, where they are -------> the one described? ------+--> both: log-odds
    spans of the user: they know ----------------------------------------------> instead of it

    log-odds per frame --> lane, confidence, gate

The weights were set on sounds whose truth is known and on leaks of known level; those of the span
predictor and the judge are set so that either alone can close a gate, and were not measured.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from engine.data import Monitor, Notice, Presence, Span
from engine.gate import Gate, gate_for

from .evidence import Evidence, gathered
from .hearing import Downmix, mono_blocks
from .job import Job
from .spotting import Spotted
from .takes import Takes

_PERIOD_S = 0.2
_MOST_VALUES = 18_000
"""A lane of an hour; that of a longer file has longer periods."""

_SPOTTER_NATS = 3.0
_SPOTTER_SMOOTH_FRAMES = 11
_JUDGE_EVEN, _JUDGE_NATS = 2.5, 1.5
"""The judge's overall score that says neither yes nor no, of about 1 to 5."""

_UNSPOTTED_NATS = 1.5
"""Without a span predictor a sound of the mixture is rather taken for the one described."""

_SAID_NATS = 5.0
"""What a user drew outweighs everything that is estimated."""

_SUREST_S = 0.4
"""About the shortest sound that the smoothed evidence can hold."""

LOW_CONFIDENCE = 0.5
"""Below it the result says that the sound may not be there."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """lane: of the best take.   confidence: the mean of its surest 0.4 s.

    gates: one a take, in the time of the stretch; `None` where nothing is to be held back.
    """

    lane: Presence
    confidence: float
    gates: tuple[Gate, ...] | None

    def notices(self) -> tuple[Notice, ...]:
        """A word when the sound may not be there, and about a target that is silence."""
        found: tuple[Notice, ...] = ()
        if self.confidence < LOW_CONFIDENCE:
            found += (
                Notice(
                    "low_confidence",
                    f"The sound does not seem to be in the mixture (confidence "
                    f"{self.confidence:.2f}): listen before using the stem, try other words, a "
                    "span where it is, or more candidates.",
                ),
            )
        if self.gates is not None and self.gates[0].is_closed:
            found += (
                Notice(
                    "target_silent",
                    "The sound was found nowhere, so the target is silence; a lower presence "
                    "gate lets more through, 0 everything.",
                ),
            )
        return found


def presence_of(job: Job, takes: Takes, spotted: Spotted | None, monitor: Monitor) -> Found:
    """Where the sound is in every take. Raises Cancelled."""
    codec = job.codec
    mono = mono_blocks(Downmix(job.stretch.clip, job.weights), codec.sample_rate)
    evidence = gathered(mono, takes.waves, codec.sample_rate, codec.hop_length, monitor)
    frame_s = codec.hop_length / codec.sample_rate
    start_s = job.stretch.frames.start * frame_s
    probability = None if spotted is None else spotted.probability
    nats = log_odds(evidence, probability, _judged(takes))
    nats = as_drawn(nats, job.spans, frame_s, start_s)
    strictness = job.options.presence_gate
    return Found(
        lane=lane_of(nats[0], frame_s, start_s),
        confidence=confidence_of(nats[0], frame_s),
        gates=None
        if strictness == 0
        else tuple(gate_for(take, frame_s, strictness) for take in nats),
    )


def log_odds(
    evidence: Evidence, probability: NDArray[np.float32] | None, judged: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """[K, T]: that the take is a sound of the mixture, and the one described.

    probability: [T] by the span predictor.   judged: [K] overall scores of the judge.
    """
    real = evidence.own + evidence.agreement
    if probability is None and judged is None:
        return np.asarray(real, np.float32)
    right = np.full_like(real, _UNSPOTTED_NATS)
    if probability is not None:
        sure = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
        spotted = np.clip(np.log(sure / (1 - sure)), -_SPOTTER_NATS, _SPOTTER_NATS)
        smooth = uniform_filter1d(spotted, _SPOTTER_SMOOTH_FRAMES, mode="nearest")
        right[:] = smooth[: right.shape[1]]
    if judged is not None:
        right += np.clip(judged - _JUDGE_EVEN, -_JUDGE_NATS, _JUDGE_NATS)[:, None]
    both = np.clip(_probability(real) * _probability(right), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(both / (1 - both)), np.float32)


def as_drawn(
    nats: NDArray[np.float32], spans: tuple[Span, ...], frame_s: float, start_s: float
) -> NDArray[np.float32]:
    """The log-odds with what the user's spans say in their frames; later ones win.

    start_s: of the first frame, in the time of the spans.
    """
    drawn = nats.copy()
    for span in spans:
        first, last = (
            max(round((time_s - start_s) / frame_s), 0) for time_s in (span.start_s, span.end_s)
        )
        drawn[:, first:last] = _SAID_NATS if span.sign == "+" else -_SAID_NATS
    return drawn


def lane_of(nats: NDArray[np.float32], frame_s: float, start_s: float) -> Presence:
    """Probabilities in periods of whole frames, at most `_MOST_VALUES` of them."""
    n_each = max(round(_PERIOD_S / frame_s), -(-len(nats) // _MOST_VALUES), 1)
    starts = np.arange(0, len(nats), n_each)
    counts = np.diff(np.append(starts, len(nats)))
    means = np.add.reduceat(_probability(nats), starts) / counts
    values = tuple(round(float(value), 2) for value in means)
    return Presence(round(n_each * frame_s, 9), values, start_s)


def confidence_of(nats: NDArray[np.float32], frame_s: float) -> float:
    """The mean probability of the surest 0.4 s, of however many pieces they are."""
    n_surest = min(max(round(_SUREST_S / frame_s), 1), len(nats))
    surest = np.sort(_probability(nats))[-n_surest:]
    return round(float(surest.mean()), 3)


def _probability(nats: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-nats.astype(np.float64))))


def _judged(takes: Takes) -> NDArray[np.float32] | None:
    """The judge's scores in the order of the takes, where it took part and judged all of them."""
    scores = None if takes.ranked is None else takes.ranked.parts.get("judge")
    if scores is None or not all(math.isfinite(score) for score in scores):
        return None
    return np.array(scores, np.float32)
