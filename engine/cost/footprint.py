"""Bytes that a model takes: weights, tables, and what is in hand while it works.

The factors of what is in hand were measured (`tests/benchmarks/bench_estimates.py`), rounded up.
"""

from dataclasses import dataclass

from engine.sam_audio.plan import RunPlan

from .shape import ModelShape

BYTES_OF = {"float32": 4, "bfloat16": 2, "float16": 2}

_N_TIMES, _N_TOKENS = 33, 16
_CONTEXT_FRAMES = 16
_TEXT_BYTES_IN_HAND = 64_000_000

# How many copies of the widest values there are at once.
_DIM_COPIES, _HIDDEN_COPIES = 8, 4
_CODEC_COPIES = 5
_CODEC_REST = 1.16
"""All of the codec's weights over those of its convolutions: snakes, and the watermark."""


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """precision: `float32`, `bfloat16` or `float16`.   int8: of the layers' matrices."""

    precision: str
    int8: bool = False

    @property
    def value_bytes(self) -> int:
        """Bytes of one value of the rest of the network, and of what passes through it."""
        return BYTES_OF[self.precision]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the parts. text: the text encoder's.   tables: of a prompt, for all times.

    sampling, coding: in hand while the transformer or the codec works.
    """

    network: int
    codec: int
    text: int
    tables: int
    sampling: int
    coding: int

    @property
    def weights(self) -> int:
        """Of everything that a description needs."""
        return self.network + self.codec + self.text

    def peak(self, *, offload: bool) -> int:
        """The most at any time, together or with only what is in use."""
        if not offload:
            return self.weights + self.tables + max(self.sampling, self.coding)
        return max(
            self.network + self.tables + self.sampling,
            self.codec + self.coding,
            self.text + _TEXT_BYTES_IN_HAND,
        )


def network_bytes(shape: ModelShape, weights: WeightFormat) -> int:
    """Of the transformer and its inputs."""
    size = weights.value_bytes
    per_layer_weight = 1 if weights.int8 else size
    scales = 4 * shape.n_layers * (9 * shape.dim + 2 * shape.ffn_hidden) if weights.int8 else 0
    return shape.layer_weights * per_layer_weight + shape.other_weights * size + scales


def footprint(shape: ModelShape, weights: WeightFormat, plan: RunPlan) -> Footprint:
    """What a run by this plan takes, for a description."""
    size, dim = weights.value_bytes, shape.dim
    modulation = _N_TIMES * (6 * shape.n_layers + 2) * dim
    keys_values = _N_TIMES * _N_TOKENS * 2 * dim * shape.n_layers
    in_hand = plan.n_rows * plan.window_frames
    per_frame = _DIM_COPIES * dim + _HIDDEN_COPIES * shape.ffn_hidden
    one_matrix = 2 * dim * shape.ffn_hidden * size if weights.int8 else 0
    n_coded = plan.codec_chunk_frames + _CONTEXT_FRAMES
    return Footprint(
        network=network_bytes(shape, weights),
        codec=int(4 * _CODEC_REST * shape.codec.n_weights),
        text=4 * shape.text_parameters,
        tables=(modulation + keys_values) * size,
        sampling=in_hand * per_frame * size + one_matrix,
        coding=n_coded * shape.codec.widest_per_frame * 4 * _CODEC_COPIES,
    )
