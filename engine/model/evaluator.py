"""The velocity, fast: everything that does not change between evaluations is computed once.

    evaluator = Evaluator(network, text, times)             once per prompt and schedule
    condition = evaluator.condition(audio, anchors, video)  once per window
    velocity = evaluator.velocity(x, t, condition)          at every evaluation

The same function as `SAMAudioNetwork.forward`, up to the order of sums; that one stays the plain
statement of it, and the tests compare the two. What is different:

    per checkpoint  q, k and v in one product, w1 and w3 in one; heads in the usual order; the
                    convolution as one product per frame
    per prompt      keys and values of the text at every time; shift, scale and gate of every time
    per window      mixture, video and anchors summed
    per evaluation  no mask where nothing is padded. Attention to the text multiplies its few
                    values by wo, not the many frames' sums: (P V) Wo = P (V Wo). Blocks compiled
                    and evaluations launched as one, where the network's `kernels` say so
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .anchors import Anchors
from .fused import FusedBlock, Surroundings, modulated
from .fusing import fuse
from .graphs import Graphs
from .rope import rotary_table
from .sam_audio import SAMAudioNetwork
from .text_encoder import EncodedText
from .time_tables import TimeTable, time_tables, without_padding


class Evaluator:
    """Evaluations of one network for B prompts at known times.

    text: of the prompts, [B, L, 768].
    times: where the solver will evaluate; another time is prepared when it is asked for.
    Fuses the network's weights at the first use; see `fused`.
    """

    def __init__(
        self, network: SAMAudioNetwork, text: EncodedText, times: Sequence[float] = ()
    ) -> None:
        self._network = network
        self._fused = fuse(network.transformer)
        self._text = without_padding(text)
        self._tables: dict[float, TimeTable] = {}
        self._rotary: dict[int, tuple[Tensor, Tensor]] = {}
        self._graphs = Graphs(network.kernels)
        self._prepare(tuple(dict.fromkeys(times)))

    @property
    def n_bytes(self) -> int:
        """Memory of the tables."""
        return sum(table.n_bytes for table in self._tables.values())

    @torch.inference_mode()
    def condition(self, audio: Tensor, anchors: Anchors, video: Tensor | None = None) -> Tensor:
        """What is added to every frame, [W, n, D], in the network's type.

        audio: features [W, n, C] of windows.   video: [W, V, n], or `None`.
        """
        network = self._network
        weight = network.proj.weight[:, -network.n_latent_channels :]
        target, residual = weight.chunk(2, dim=1)  # both are given the mixture
        frames = functional.linear(audio.to(weight), target + residual, network.proj.bias)
        aligned: Tensor = network.align_masked_video(video) + network.embed_anchors(anchors)
        return frames + aligned

    @torch.inference_mode()
    def velocity(
        self, x: Tensor, t: float, condition: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Velocity [R, n, 2C] of the noisy latent x [R, n, 2C] at time t, in x's type.

        condition: [R, n, D], or [W, n, D] where R = W * K and the K rows of a window follow each
            other. The rows of a prompt follow each other as well; there are R / B of each.
        valid: [R, n], what is not padding; `None` when nothing is.
        Raises AudioError when there are more frames than the model has positions for.
        """
        if t not in self._tables:
            self._prepare((t,))
        self._network.transformer.check_length(x.shape[1])
        table = self._tables[t]
        if valid is None:
            parts = (table.modulation, table.final, table.keys, table.values)
            return self._graphs.launch(self._unmasked, x, condition, *parts)
        return self._computed(x, condition, table, valid)

    def _unmasked(self, x: Tensor, condition: Tensor, *table: Tensor) -> Tensor:
        """A function of tensors alone, which can be recorded."""
        return self._computed(x, condition, TimeTable(*table), None)

    def _computed(
        self, x: Tensor, condition: Tensor, table: TimeTable, valid: Tensor | None
    ) -> Tensor:
        transformer = self._network.transformer
        around = Surroundings(self._rotary_of(x.shape[1]), valid, self._text.valid)
        run_block = self._network.kernels.built(FusedBlock.forward)

        h = self._fused(self._aligned(x, condition), table, around, run_block)
        scale, shift = table.final
        velocity: Tensor = transformer.output(modulated(h, scale, shift, transformer.norm.eps))
        return velocity.to(x.dtype)

    def _aligned(self, x: Tensor, condition: Tensor) -> Tensor:
        """Noisy latent and condition summed, [R, n, D]."""
        weight = self._network.proj.weight[:, : self._network.n_latent_channels]
        h = functional.linear(x.to(weight.dtype), weight)
        n_windows = condition.shape[0]
        torch.unflatten(h, 0, (n_windows, -1)).add_(condition[:, None])
        return h

    def _prepare(self, times: Sequence[float]) -> None:
        if times:
            with torch.inference_mode():
                tables = time_tables(self._network, self._text, times)
            self._tables.update(zip(times, tables, strict=True))

    def _rotary_of(self, n_frames: int) -> tuple[Tensor, Tensor] | None:
        """(cos, sin) of every position, [n, 1, 1, head_dim / 2] float32, or `None` without."""
        config = self._network.transformer.config
        if not config.use_rope:
            return None
        if n_frames not in self._rotary:
            device = self._network.device
            table = rotary_table(n_frames, config.head_dim, config.rope_theta, device)
            cos, sin = table[:, None, None].unbind(-1)
            self._rotary[n_frames] = (cos.contiguous(), sin.contiguous())
        return self._rotary[n_frames]
