"""The device, what is on it, and how much is done at once: every call of a network goes by here.

    encode, decode    in pieces of the plan's codec chunk, with the context that makes them exact
    fitting           evaluations in groups of the plan's rows
    beside            the models beside the network: see `beside`
    on_device         the networks in use

When memory runs out in one of them, the ladder's next plan is tried with what was in hand. Only
shorter windows need a start from the noise again; that is up to who made the windows.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.data import Notice
from engine.model.config import CodecConfig
from engine.model.sam_audio import SAMAudioNetwork

from .beside import BesidePlan, beside_notice, beside_rungs
from .device import rounding_products
from .ladder import MemoryLadder
from .plan import RunPlan, rungs
from .residency import Residency, free_device_memory
from .windows import Window, WindowVelocity

ENCODER_CONTEXT_FRAMES = 6
"""A latent frame depends on 9953 samples before it and 9952 after it."""
DECODER_CONTEXT_FRAMES = 8
"""How far a latent frame reaches through the decoder's trunk and head."""

R = TypeVar("R")


class Workplace:
    """Of one run. plan: what to begin with.   residency: of the loaded model, for all its runs."""

    def __init__(self, model: SAMAudioNetwork, residency: Residency, plan: RunPlan) -> None:
        self._model = model
        self._residency = residency
        codec = model.config.audio_codec
        self._ladder = MemoryLadder(
            rungs(plan), residency.leave, codec.hop_length / codec.sample_rate
        )
        self._notices: list[Notice] = []

    @property
    def device(self) -> torch.device:
        """Where networks compute. Some may be elsewhere while they do not."""
        return self._residency.device

    @property
    def codec(self) -> CodecConfig:
        """Rate and hop length of the latents."""
        return self._model.config.audio_codec

    @property
    def ladder(self) -> MemoryLadder[RunPlan]:
        """The plan that fits, as far as it is known."""
        return self._ladder

    def notices(self) -> tuple[Notice, ...]:
        """What was done about a lack of memory; empty when there was none."""
        return (*self._ladder.notices(), *self._notices)

    def note(self, notice: Notice) -> None:
        """Tell something more about a lack of memory."""
        self._notices.append(notice)

    def beside(self, what: str, work: Callable[[BesidePlan], R], n_at_once: int = 1) -> R:
        """What `work` gives with a model beside the network, under the first plan that it fits in.

        what: the model, for messages.   work: may be called several times, each time anew.
        Raises OutOfMemory when it fits under none.
        """
        wanted = BesidePlan(what, self.device, n_at_once, offload=self._residency.offload)
        ladder = MemoryLadder(beside_rungs(wanted), self._residency.leave)

        def planned(plan: BesidePlan) -> R:
            if plan.offload:
                self._offload()
            return work(plan)

        result = ladder.run(planned)
        if ladder.plan != wanted:
            self._notices.append(beside_notice(wanted, ladder.plan))
        return result

    def trying(self, work: Callable[[], R]) -> R:
        """What `work` gives, tried again with the networks that are idle away."""
        return self._run(lambda _plan: work(), lambda plan: plan.window_frames)

    def on_device(self, *networks: nn.Module) -> AbstractContextManager[None]:
        """The networks on the device as long as this lasts."""
        return self._residency.on_device(*networks)

    def separating(self) -> AbstractContextManager[None]:
        """Everything of the model but its codec on the device as long as this lasts."""
        codec = self._model.audio_codec
        parts = [child for child in self._model.children() if child is not codec]
        return self.on_device(*parts)

    def give_back(self) -> None:
        """Between two kinds of work: memory cut for the one seldom fits the other."""
        if self.device.type != "cpu":
            free_device_memory(self.device, collect=False)

    @torch.inference_mode()
    def encode(self, wav: Tensor) -> Tensor:
        """Latents [1, T, C] on the host of a waveform [1, 1, N]."""
        hop_length = self._model.config.audio_codec.hop_length
        n_frames = -(-wav.shape[-1] // hop_length)

        def piece(start: int, stop: int) -> Tensor:
            samples = wav[..., start * hop_length : stop * hop_length]
            return self._model.encode_audio(samples.to(self.device)).cpu()

        return self._in_pieces(piece, n_frames, ENCODER_CONTEXT_FRAMES, 1)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Waveforms [K, N] on the host, without watermark, of latents [K, T, C], row by row."""
        codec, dtype = self._model.audio_codec, self._model.codec_dtype

        def decoded(row: Tensor) -> Tensor:
            def piece(start: int, stop: int) -> Tensor:
                on_device = row[..., start:stop].to(self.device, dtype)
                return codec.decode_without_watermark(on_device)[0].float().cpu()

            n_frames = row.shape[-1]
            return self._in_pieces(piece, n_frames, DECODER_CONTEXT_FRAMES, codec.hop_length)

        rows = torch.split(latents.transpose(1, 2), 1)
        return torch.cat([decoded(row) for row in rows])

    def fitting(self, velocity: WindowVelocity) -> WindowVelocity:
        """`velocity` with as many rows at once as the plan has; the same to rounding.

        Raises OutOfMemory when shorter windows are all that is left to try.
        """

        def in_groups(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            def work(plan: RunPlan) -> Tensor:
                return _by_rows(velocity, windows, x, t, plan.n_rows)

            return self._run(work, lambda plan: plan.window_frames)

        return in_groups

    def _in_pieces(
        self, piece: Callable[[int, int], Tensor], n_frames: int, n_context: int, n_each: int
    ) -> Tensor:
        """What `piece` makes of the frames [0, n_frames), along dimension 1, `n_each` per frame."""

        def work(plan: RunPlan) -> Tensor:
            if n_frames <= plan.codec_chunk_frames + 2 * n_context:
                return piece(0, n_frames)
            return torch.cat(list(_pieces(piece, n_frames, plan, n_context, n_each)), dim=1)

        # In 16 bits the network's own error is many times that of TF32.
        is_short = self._model.proj.weight.dtype != torch.float32
        with self.on_device(self._model.audio_codec), rounding_products(self.device, is_short):
            return self._run(work)

    def _run(
        self, work: Callable[[RunPlan], R], alike: Callable[[RunPlan], object] = lambda _: None
    ) -> R:
        def planned(plan: RunPlan) -> R:
            if plan.offload:
                self._offload()
            return work(plan)

        return self._ladder.run(planned, alike)

    def _offload(self) -> None:
        if not self._residency.offload:
            self._residency.begin_offloading(*self._model.children())


def _pieces(
    piece: Callable[[int, int], Tensor],
    n_frames: int,
    plan: RunPlan,
    n_context: int,
    n_each: int,
) -> Iterator[Tensor]:
    for first in range(0, n_frames, plan.codec_chunk_frames):
        last = min(first + plan.codec_chunk_frames, n_frames)
        lead, stop = max(first - n_context, 0), min(last + n_context, n_frames)
        yield piece(lead, stop)[:, (first - lead) * n_each : (last - lead) * n_each]


def _by_rows(
    velocity: WindowVelocity, windows: tuple[Window, ...], x: Tensor, t: float, n_rows: int
) -> Tensor:
    """[W, K, n, 2C]: whole windows together while there is room for all takes of one."""
    n_takes = x.shape[1]
    if n_rows >= len(windows) * n_takes:
        return velocity(windows, x, t)
    if n_rows < n_takes:
        takes = [
            torch.cat([velocity((window,), part, t) for part in row[None].split(n_rows, dim=1)], 1)
            for window, row in zip(windows, x, strict=True)
        ]
        return torch.cat(takes)
    step = n_rows // n_takes
    groups = range(0, len(windows), step)
    return torch.cat([velocity(windows[i : i + step], x[i : i + step], t) for i in groups])
