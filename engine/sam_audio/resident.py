"""`diffused` windows with the state in one piece on the device where the velocity is computed.

Nothing is copied back and forth between evaluations, and the host need not wait for the device. The
device's memory grows with the file, so this is for files up to a bound; longer ones have their
state in files of the host, and every number is the same.
"""

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from engine.samplers import Sampling

from .windows import Window, WindowVelocity, joined, window_weights

RESIDENT_BYTES = 1 << 27
"""What all vectors of a state may take: those of about 16 minutes of one take."""

_BATCHES_AHEAD = 2
"""Batches that wait on a CUDA device: it is never idle, and a cancellation is felt at once."""


def solved_on_device(
    velocity: WindowVelocity,
    noise: Tensor,
    sampling: Sampling,
    windows: tuple[Window, ...],
    n_at_once: int,
    on_share: Callable[[float], None],
    first: Callable[[Callable[[], Tensor]], Tensor],
) -> Tensor:
    """The latents [K, T, 2C] that `noise` of this shape becomes, both on the device.

    on_share, first: see `sampled_latents`; `first` is asked for a tensor.
    """
    n_groups = -(-len(windows) // n_at_once)
    n_batches = sampling.n_evaluations * n_groups
    weights = [each.to(noise.device) for each in window_weights(windows)]
    queue = _Queue(noise.device)
    n_begun = 0  # evaluations

    def field(x: Tensor, t: float) -> Tensor:
        nonlocal n_begun
        n_begun += 1
        return first(lambda: evaluated(x, t)) if n_begun == 1 else evaluated(x, t)

    def evaluated(x: Tensor, t: float) -> Tensor:
        n_done = (n_begun - 1) * n_groups

        def compute(group: tuple[Window, ...]) -> Tensor:
            nonlocal n_done
            on_share(n_done / n_batches)
            n_done += 1
            cut = torch.stack([x[:, window.start : window.stop] for window in group])
            computed = velocity(group, cut, t)
            queue.wait()
            return computed

        return torch.cat(list(joined(windows, n_at_once, compute, weights)), dim=1)

    return sampling.solve(field, noise)


class _Queue:
    """Keeps the host a few batches ahead of a CUDA device, and no more."""

    def __init__(self, device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        self._events: deque[torch.cuda.Event] = deque()

    def wait(self) -> None:
        """After every batch."""
        if not self._is_cuda:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._events.append(event)
        if len(self._events) > _BATCHES_AHEAD:
            self._events.popleft().synchronize()
