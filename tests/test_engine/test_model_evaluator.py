"""The fast evaluation against the plain one: the same velocity, whatever the shapes."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from engine.data import Span
from engine.errors import AudioError
from engine.model.anchors import anchors_from_spans
from engine.model.conditioning import Conditioning
from engine.model.config import TransformerConfig
from engine.model.evaluator import Evaluator
from engine.model.fusing import fuse
from engine.model.int8 import quantise
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import EncodedText
from engine.samplers import SAMPLERS, Sampling

from .tiny_model import randomise, tiny_config

TINY = tiny_config().transformer

CONFIGS = {
    "tiny": TINY,
    "three heads": replace(TINY, n_heads=3),
    "wide head": replace(TINY, n_heads=1, n_layers=1),
    "no rotation": replace(TINY, use_rope=False),
    "no norms": replace(TINY, qk_norm=False),
    "biases": replace(TINY, fc_bias=True),
    "no gate": replace(TINY, non_linearity="gelu", timestep_non_linearity="srelu"),
    "relu": replace(TINY, non_linearity="relu", context_norm=True, t_block_bias=False),
}

TIMES = (0.0, 0.3125, 0.96875)


def network_of(transformer: TransformerConfig) -> SAMAudioNetwork:
    network = SAMAudioNetwork(replace(tiny_config(), transformer=transformer))
    randomise(network)
    return network.eval().requires_grad_(False)


@pytest.fixture
def network() -> SAMAudioNetwork:
    return network_of(TINY)


class Request:
    """Random inputs of W windows with K candidates."""

    def __init__(self, n_windows: int = 1, n_candidates: int = 1, n: int = 7, n_tokens: int = 3):
        generator = torch.Generator().manual_seed(7 * n + n_tokens)

        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator)

        self.n_candidates = n_candidates
        self.x = random(n_windows * n_candidates, n, 256)
        self.audio = random(n_windows, n, 128)
        self.text = EncodedText(random(1, n_tokens, 16), None)
        self.anchors = anchors_from_spans([()] * n_windows, [n] * n_windows)
        self.video: Tensor | None = None
        self.seen = random(n_windows, 8, n)

    def plain_condition(self, network: SAMAudioNetwork) -> Conditioning:
        n_windows = len(self.audio)
        features = self.text.features.expand(n_windows, -1, -1)
        text = EncodedText(features, self.text.valid)
        condition = network.condition(self.audio, text, self.anchors, self.video)
        return condition.repeated(self.n_candidates)


def plain(network: SAMAudioNetwork, request: Request, t: float) -> Tensor:
    with torch.inference_mode():
        times = torch.full((len(request.x),), t)
        out: Tensor = network(request.x, times, request.plain_condition(network))
    return out


def fast(network: SAMAudioNetwork, request: Request, t: float) -> Tensor:
    evaluator = Evaluator(network, request.text, TIMES)
    condition = evaluator.condition(request.audio, request.anchors, request.video)
    return evaluator.velocity(request.x, t, condition)


def assert_same(actual: Tensor, expected: Tensor, within: float = 1e-5) -> None:
    """Within a share of the expected norm, and of its largest value."""
    assert actual.shape == expected.shape
    error = (actual - expected).float()
    assert float(error.norm() / expected.norm()) <= within
    assert float(error.abs().max() / expected.abs().max()) <= within


@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_gives_the_plain_velocity(name: str, t: float) -> None:
    network = network_of(CONFIGS[name])
    request = Request(n_windows=2, n_candidates=3)
    expected = plain(network, request, t)
    assert_same(fast(network, request, t), expected)


@pytest.mark.parametrize(
    ("n_windows", "n_candidates", "n", "n_tokens"),
    [(1, 1, 1, 1), (1, 1, 2, 1), (1, 3, 13, 1), (2, 1, 51, 9), (2, 3, 5, 2), (1, 2, 3, 30)],
)
def test_every_shape_gives_the_plain_velocity(
    network: SAMAudioNetwork, n_windows: int, n_candidates: int, n: int, n_tokens: int
) -> None:
    request = Request(n_windows, n_candidates, n, n_tokens)
    expected = plain(network, request, TIMES[1])
    assert_same(fast(network, request, TIMES[1]), expected)


@pytest.mark.parametrize("has_video", [False, True])
def test_spans_and_video_are_heard(network: SAMAudioNetwork, has_video: bool) -> None:
    request = Request(n_windows=2, n_candidates=2, n=11)
    without = fast(network, request, 0.5)
    spans = [(Span(0.0, 0.12), Span(0.2, 0.4, "-")), (Span(0.3, 0.44),)]
    request.anchors = anchors_from_spans(spans, [11, 11])
    request.video = request.seen if has_video else None
    expected = plain(network_of(TINY), request, 0.5)
    assert_same(fast(network, request, 0.5), expected)
    assert float((without - expected).abs().max()) > 1e-3


def test_padded_tokens_are_dropped_and_change_nothing(network: SAMAudioNetwork) -> None:
    request = Request(n_tokens=5)
    short = fast(network, request, 0.5)
    padding = torch.full((1, 4, 16), 100.0)
    valid = torch.arange(9)[None] < 5
    request.text = EncodedText(torch.cat((request.text.features, padding), dim=1), valid)
    assert torch.equal(fast(network, request, 0.5), short)
    assert_same(short, plain(network_of(TINY), request, 0.5))


class Masks(TorchFunctionMode):
    """The masks that attention was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor | None] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is functional.scaled_dot_product_attention:
            self.seen.append((kwargs or {}).get("attn_mask"))
        return func(*args, **(kwargs or {}))


def test_attention_is_given_a_mask_only_where_frames_are_padding(network: SAMAudioNetwork) -> None:
    request = Request(n_windows=2)
    evaluator = Evaluator(network, request.text, TIMES)
    condition = evaluator.condition(request.audio, request.anchors)
    with Masks() as masks:
        evaluator.velocity(request.x, 0.3125, condition)
    assert masks.seen == [None] * TINY.n_layers
    valid = torch.arange(7)[None] < torch.tensor([[7], [5]])
    with Masks() as masks:
        evaluator.velocity(request.x, 0.3125, condition, valid)
    assert len(masks.seen) == TINY.n_layers
    assert all(mask is not None for mask in masks.seen)


def test_prompts_of_different_lengths_share_a_batch(network: SAMAudioNetwork) -> None:
    n_frames, n_tokens = torch.tensor([6, 9]), torch.tensor([4, 2])
    valid = torch.arange(9)[None] < n_frames[:, None]
    text = EncodedText(torch.randn(2, 5, 16), torch.arange(5)[None] < n_tokens[:, None])
    anchors = anchors_from_spans([(), ()], n_frames.tolist())
    audio, x = torch.randn(2, 9, 128), torch.randn(4, 9, 256)
    with torch.inference_mode():
        conditioning = network.condition(audio, text, anchors, None, valid).repeated(2)
        expected = network(x, torch.full((4,), 0.25), conditioning)

    evaluator = Evaluator(network, text, (0.25,))
    condition = evaluator.condition(audio, anchors)
    actual = evaluator.velocity(x, 0.25, condition, conditioning.valid)
    heard = conditioning.valid
    assert heard is not None
    assert_same(actual[heard], expected[heard])


def test_a_whole_solution_is_the_plain_one(network: SAMAudioNetwork) -> None:
    sampling = Sampling(n_steps=4)
    request = Request(n_candidates=2, n=10)
    twin = network_of(TINY)
    with torch.inference_mode():
        expected = sampling.solve(lambda x, t: _plain_at(twin, request, x, t), request.x)
        evaluator = Evaluator(network, request.text, sampling.times)
        condition = evaluator.condition(request.audio, request.anchors)
        actual = sampling.solve(lambda x, t: evaluator.velocity(x, t, condition), request.x)
    assert_same(actual, expected)


def _plain_at(network: SAMAudioNetwork, request: Request, x: Tensor, t: float) -> Tensor:
    out: Tensor = network(x, torch.full((len(x),), t), request.plain_condition(network))
    return out


def test_evaluating_leaves_what_it_was_given_alone(network: SAMAudioNetwork) -> None:
    request = Request(n_windows=2, n_candidates=2)
    evaluator = Evaluator(network, request.text, TIMES)
    condition = evaluator.condition(request.audio, request.anchors)
    x, kept = request.x.clone(), condition.clone()
    first = evaluator.velocity(x, TIMES[1], condition)
    evaluator.velocity(x, TIMES[0], condition)
    assert torch.equal(x, request.x)
    assert torch.equal(condition, kept)
    assert torch.equal(evaluator.velocity(x, TIMES[1], condition), first)


def test_a_time_that_was_not_announced_is_prepared(network: SAMAudioNetwork) -> None:
    request = Request()
    evaluator = Evaluator(network, request.text)
    assert evaluator.n_bytes == 0
    condition = evaluator.condition(request.audio, request.anchors)
    actual = evaluator.velocity(request.x, 0.7, condition)
    assert_same(actual, plain(network_of(TINY), request, 0.7))
    assert evaluator.n_bytes > 0


def test_more_frames_than_positions_are_refused() -> None:
    network = network_of(replace(TINY, max_positions=6))
    with pytest.raises(AudioError, match="7 frames"):
        fast(network, Request(), 0.5)


@pytest.mark.parametrize("name", CONFIGS)
def test_fusing_moves_weights_and_keeps_the_plain_path(name: str) -> None:
    network, request = network_of(CONFIGS[name]), Request()
    expected, n_bytes = plain(network, request, 0.5), weight_bytes(network)
    fused = fuse(network.transformer)
    assert fuse(network.transformer) is fused
    assert weight_bytes(network) == n_bytes
    assert_same(plain(network, request, 0.5), expected)


def test_a_fused_network_moves_and_converts_as_one(network: SAMAudioNetwork) -> None:
    request = Request()
    expected = plain(network, request, 0.5)
    fuse(network.transformer)
    network.to(torch.float64).to(torch.float32)
    assert_same(plain(network, request, 0.5), expected)
    assert_same(fast(network, request, 0.5), expected)

    network.bfloat16()
    assert_same(plain(network, request, 0.5), expected, 0.05)
    assert_same(fast(network, request, 0.5), expected, 0.05)
    assert fast(network, request, 0.5).dtype == torch.float32


@pytest.mark.parametrize("name", ["tiny", "biases", "no gate"])
def test_layers_in_8_bits_give_the_velocity_of_their_plain_forward(name: str) -> None:
    network, request = network_of(CONFIGS[name]), Request(n_windows=2, n_candidates=2)
    exact = plain(network, request, 0.5)
    quantise(network.transformer.layers)
    expected, n_bytes = plain(network, request, 0.5), int8_bytes(network)
    assert_same(fast(network, request, 0.5), expected)
    assert_same(plain(network, request, 0.5), expected)
    assert int8_bytes(network) == n_bytes
    assert not torch.equal(expected, exact)


def int8_bytes(network: SAMAudioNetwork) -> int:
    """Of all weights in 8 bits, storage by storage."""
    buffers = [each for each in network.buffers() if each.dtype == torch.int8]
    return sum({each.data_ptr(): each.nbytes for each in buffers}.values())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_times_are_those_of_the_solver(sampler: str) -> None:
    sampling = Sampling(sampler, 5, 0.7)
    asked = []

    def velocity(x: Tensor, t: float) -> Tensor:
        asked.append(t)
        return torch.ones_like(x)

    sampling.solve(velocity, torch.zeros(2, 3))
    assert sampling.times == tuple(asked)
    assert len(asked) == sampling.n_evaluations


def weight_bytes(module: nn.Module) -> int:
    """Of all parameters, storage by storage."""
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage() for p in module.parameters()}
    return sum(storage.nbytes() for storage in storages.values())


def test_the_configurations_differ() -> None:
    assert len({repr(config) for config in CONFIGS.values()}) == len(CONFIGS) > 5
