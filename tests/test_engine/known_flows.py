"""Flows from noise to sound whose end is known exactly, to measure solvers against.

Every channel goes from a standard normal distribution to a few narrow ones, along straight paths
(1 - t) noise + t sound, as the model is trained. The velocity has a closed form. In one dimension
a flow keeps quantiles, so where a noise value ends is a quantile as well, whatever the solver.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

N_CHANNELS, N_ROWS = 64, 12
_QUANTILE_HALVINGS = 80


@dataclass(frozen=True)
class KnownFlow:
    """Channels of three normal distributions each, in float64.

    spread: mean width of a distribution; noise has 1. It is what the mixture leaves open about
        the sound's detail, and makes the flow stiff: velocities change by 1 / spread over x.
    gap: how far distributions lie apart; what the mixture leaves open about what the sound is.
    """

    spread: float
    gap: float
    seed: int = 0

    @cached_property
    def noise(self) -> Tensor:
        """[12, 64]."""
        generator = torch.Generator().manual_seed(self.seed + 1)
        return torch.randn(N_ROWS, N_CHANNELS, generator=generator, dtype=torch.float64)

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """The mean of sound - noise over all paths that are at x at time t."""
        means, shares, widths = self._distributions
        variance = (1 - t) ** 2 + (t * widths) ** 2
        away = x[..., None] - t * means
        likely = shares.log() - variance.log() / 2 - away**2 / (2 * variance)
        speed = means + (t * widths**2 - (1 - t)) / variance * away
        return (likely.softmax(dim=-1) * speed).sum(dim=-1)

    def end(self) -> Tensor:
        """Where the noise is at time 1, by halving: its quantile among the sounds."""
        means, shares, widths = self._distributions
        quantile = torch.special.ndtr(self.noise)
        low, high = torch.full_like(quantile, -20.0), torch.full_like(quantile, 20.0)
        for _ in range(_QUANTILE_HALVINGS):
            middle = (low + high) / 2
            below = (shares * torch.special.ndtr((middle[..., None] - means) / widths)).sum(-1)
            low = torch.where(below < quantile, middle, low)
            high = torch.where(below < quantile, high, middle)
        return (low + high) / 2

    def steepest(self) -> float:
        """The largest |dv/dx| that the noise meets on its way."""
        x, steps = self.noise, 100
        most = 0.0
        for step in range(steps):
            t = step / steps
            slope = (self.velocity(x + 1e-6, t) - self.velocity(x - 1e-6, t)) / 2e-6
            most = max(most, float(slope.abs().max()))
            middle = x + self.velocity(x, t) / (2 * steps)
            x = x + self.velocity(middle, t + 0.5 / steps) / steps
        return most

    @cached_property
    def _distributions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Means, shares and widths, [64, 3] each."""
        generator = torch.Generator().manual_seed(self.seed)
        shape = (N_CHANNELS, 3)
        means = self.gap * torch.randn(shape, generator=generator, dtype=torch.float64)
        shares = 0.2 + torch.rand(shape, generator=generator, dtype=torch.float64)
        widths = 0.5 + torch.rand(shape, generator=generator, dtype=torch.float64)
        return means, shares / shares.sum(dim=-1, keepdim=True), self.spread * widths


FLOWS = {
    "gentle": KnownFlow(0.4, 1.0),
    "open": KnownFlow(0.2, 1.0),
    "stiff": KnownFlow(0.1, 1.0),
    "stiffest": KnownFlow(0.05, 1.0),
    "certain": KnownFlow(0.2, 0.3),
    "certain and stiff": KnownFlow(0.05, 0.3),
}


def error_db(found: Tensor, true: Tensor) -> float:
    """Level of the difference relative to `true`."""
    return float(20 * torch.log10((found - true).norm() / true.norm()))
