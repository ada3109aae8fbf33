"""The weight-free separator behind the `Separator` protocol."""

import os
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.cost.cost import Cost
from engine.cost.ledger import Ledger
from engine.cost.task import Sound
from engine.data import (
    AudioClip,
    Estimate,
    JsonValue,
    Monitor,
    Notice,
    Prompt,
    SeparationOptions,
    clip_spans,
)
from engine.finding import Finding
from engine.rerun import checked_rerun, spliced_blocks

from .bands import BandMap
from .config import BuiltinConfig
from .costing import builtin_cost
from .evidence import soft_step
from .finding import find_in
from .front_end import FrontEnd
from .judgement import confidence_of, notices_for
from .labels import label_frames
from .learning import gather, learn
from .routing import Plan, plan_for
from .stft import FrameGrid
from .streaming import decode_blocks, make_decoder


@dataclass(frozen=True, slots=True)
class BuiltinSeparator:
    """Takes a sound out of a mixture by spans, or by text for some classes; needs no weights.

    ledger: learns how long runs take here.   notices: about why this separator, for every result.
    """

    config: BuiltinConfig = BuiltinConfig()  # noqa: RUF009 - frozen
    ledger: Ledger = field(default_factory=Ledger, repr=False, compare=False)
    notices: tuple[Notice, ...] = ()

    @property
    def name(self) -> str:
        """Name in `stemlasso separators`."""
        return "builtin"

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        """Learn from the mixture, then hand out the target block by block, one candidate.

        Pass 1 over the mixture happens here, pass 2 while the blocks are consumed. A rerun goes
        over all of it as well, for the sound is learned from all of it.
        Raises PromptNeedsSpans, PromptError, AudioUnreadable or Cancelled.
        """
        spans = clip_spans(prompt.spans, mixture.duration_s)
        rerun = None if options.rerun is None else checked_rerun(options.rerun, mixture)
        grid = FrameGrid.over(mixture.sample_rate, mixture.n_samples)
        plan = plan_for(prompt, label_frames(spans, grid))
        bands = BandMap.over(grid)
        front = FrontEnd(
            grid,
            bands,
            mixture.n_channels,
            # dictionaries of the span route are learned without evidence
            evident=None if plan.route == "spans" else plan.evident,
            with_beams=plan.route == "spans",
            with_features=plan.looks_for_undrawn,
            with_support=plan.is_text_only,
        )
        with threadpool_limits(1, user_api="blas"):
            learning = gather(mixture, front, plan.labels, self.config, options.seed, monitor)
            model = learn(learning, plan, self.config, options.seed)
        front = replace(front, evident=plan.evident, with_features=False, with_support=False)
        decoder = make_decoder(front, model, plan.labels, _band_gains(plan, bands), self.config)
        n_threads = options.n_threads or os.cpu_count() or 1
        blocks = decode_blocks(mixture, decoder, n_threads, monitor)
        return Estimate(
            blocks=blocks if rerun is None else spliced_blocks(rerun, 0, blocks),
            spans=spans,
            confidence=confidence_of(plan, grid, is_absent=model is None),
            notices=(
                *self.notices,
                *notices_for(plan, grid, prompt, options, is_absent=model is None),
            ),
            settings=self._settings(plan, options),
        )

    def find_spans(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Finding:
        """Where the sound that the description names is, roughly.

        Raises PromptNeedsSpans, AudioUnreadable or Cancelled.
        """
        with threadpool_limits(options.n_threads or 1, user_api="blas"):
            return find_in(mixture, prompt, self.config, monitor)

    def estimate_cost(
        self, mixture: AudioClip | Sound, _prompt: Prompt, options: SeparationOptions
    ) -> Cost:
        """Seconds and bytes of a run with these arguments."""
        sound = Sound.of(mixture) if isinstance(mixture, AudioClip) else mixture
        return builtin_cost(sound, options, self.ledger)

    def _settings(self, plan: Plan, options: SeparationOptions) -> dict[str, JsonValue]:
        """What makes the same again, for the receipt."""
        return {
            "seed": options.seed,
            "sound": plan.sound.kind if plan.sound else None,
            "route": plan.route,
            **asdict(self.config),
        }


def _band_gains(plan: Plan, bands: BandMap) -> NDArray[np.float32]:
    """Soft frequency range of the sound [B]; all ones where the evidence knows the range."""
    if plan.sound is None or plan.route != "spans":
        return np.ones(bands.n_bands, np.float32)
    gains = np.ones(bands.n_bands, np.float32)
    if plan.sound.low_hz > 0:
        gains *= soft_step(bands.centres_hz, plan.sound.low_hz / 1.2, 0.15)
    return gains
