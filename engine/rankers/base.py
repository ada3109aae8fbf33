"""What every ranker gets and gives: candidates of a prompt in, one score per candidate out.

    RankingRequest -> Ranker.score -> [B, K], larger is better

Letters in shapes: B prompts, K candidates per prompt, N samples, T video frames.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from engine.data import Monitor, Span

SILENT = Monitor()
"""Reports to nobody and is never cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class RankingRequest:
    """Everything that some ranker may want to know about B prompts and their K candidates.

    mixtures: per prompt [N], float, full scale 1.0; lengths may differ between prompts.
    candidates: per prompt [K, N'], the targets to compare; N' may be longer than the mixture by
        less than a latent frame. K is the same for every prompt.
    descriptions: per prompt, as the model read it; may be empty.
    spans: per prompt, given by the user or predicted.
    masked_videos: per prompt [T, 3, H, W] uint8, one frame per latent frame with everything but
        the object blacked out, or `None` without a video.
    sample_rate: of mixtures and candidates, in Hz.
    """

    mixtures: tuple[Tensor, ...]
    candidates: tuple[Tensor, ...]
    descriptions: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    masked_videos: tuple[Tensor | None, ...]
    sample_rate: int

    def __post_init__(self) -> None:
        n_prompts = len(self.mixtures)
        assert n_prompts > 0
        assert all(
            len(values) == n_prompts
            for values in (self.candidates, self.descriptions, self.spans, self.masked_videos)
        )
        assert all(mixture.ndim == 1 for mixture in self.mixtures)
        assert all(candidates.ndim == 2 for candidates in self.candidates)
        assert len({candidates.shape[0] for candidates in self.candidates}) == 1

    @property
    def n_prompts(self) -> int:
        """B."""
        return len(self.mixtures)

    @property
    def n_candidates(self) -> int:
        """K."""
        return self.candidates[0].shape[0]


def no_description(request: RankingRequest) -> str | None:
    """Why nothing that reads descriptions can rank the request; `None` if it can."""
    return None if all(request.descriptions) else "the prompt has no description"


def no_video(request: RankingRequest) -> str | None:
    """Why nothing that looks at the video can rank the request; `None` if it can."""
    if any(video is None or len(video) == 0 for video in request.masked_videos):
        return "the prompt has no video"
    return None


class Ranker(Protocol):
    """Anything that can tell better candidates from worse ones; larger scores are better."""

    @property
    def name(self) -> str:
        """Name in reports, such as `clap`."""

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the request lacks what this ranker listens to, as a sentence; `None` if it can."""

    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K], float32 on the CPU. The same request always gives the same scores.

        Computes in float32 whatever the precision of the separation model and of the request.
        Not to be called when `unusable_because` gives a reason.
        Raises Cancelled when the monitor's caller asks to stop.
        """
