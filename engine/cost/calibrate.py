"""A quick measurement of this machine: a few seconds, with two layers of random weights.

Other programs only ever make a measurement slower, so the fastest of a few calls counts.

    two lengths of input           --> seconds per layer and per operation
    a second of sound              --> seconds per operation of the codec's halves
    a tiny model, start to end     --> seconds per channel second of everything around the networks
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from engine.data import Prompt, SeparationOptions
from engine.model.config import CodecConfig, SAMAudioConfig, TransformerConfig
from engine.samplers import Sampling

from .footprint import WeightFormat
from .measure import Patience, copy_rate, decoding, encoding, evaluating, product_rate, timed
from .rates import Rates, guessed_rates
from .shape import ModelShape
from .stand_in import filled

_N_LAYERS = 2
_QUICK = Patience(n_warm=1, least_calls=3, most_s=0.3)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and for what is measured. config: of the model whose widths count."""

    config: SAMAudioConfig
    device: torch.device
    weights: WeightFormat


def calibrated(bench: Bench) -> Rates:
    """Rates of this machine for models of these widths, in these weights, with torch's threads."""
    device = bench.device
    dtype = getattr(torch, bench.weights.precision)
    guess = guessed_rates(device.type, bench.weights)
    layer_s, evaluate_s, encode_s, decode_s = _networks(bench)
    return replace(
        guess,
        layer_s=layer_s,
        evaluate_s=evaluate_s,
        encode_s=encode_s,
        decode_s=decode_s,
        product_s=1 / product_rate(device, dtype, patience=_QUICK),
        host_s=_host_s(),
        copy_s=1 / copy_rate(device, patience=_QUICK),
    )


def _networks(bench: Bench) -> tuple[float, float, float, float]:
    transformer = replace(bench.config.transformer, n_layers=_N_LAYERS)
    config = replace(bench.config, transformer=transformer)
    shape = replace(_shape(config), n_layers=_N_LAYERS)
    model = filled(config, bench.weights, bench.device)
    on_host = bench.device.type == "cpu"

    few, many = (64, 250) if on_host else (250, 3000)
    few_s, many_s = (
        timed(evaluating(model, n_frames), bench.device, _QUICK).least_s for n_frames in (few, many)
    )
    few_flops, many_flops = shape.evaluation_flops(few), shape.evaluation_flops(many)
    evaluate_s = max(many_s - few_s, 0.2 * many_s) / (many_flops - few_flops)
    layer_s = max(0.0, few_s - few_flops * evaluate_s) / _N_LAYERS

    n_frames = 25 if on_host else 250
    encode = timed(encoding(model, n_frames), bench.device, _QUICK).least_s
    decode = timed(decoding(model, n_frames), bench.device, _QUICK).least_s
    codec = shape.codec
    return (
        layer_s,
        evaluate_s,
        encode / n_frames / codec.encode_flops,
        decode / n_frames / codec.decode_flops,
    )


def _host_s() -> float:
    """Seconds per second of one channel for all but the networks: a tiny model, start to end."""
    from engine.sam_audio.config import SamAudioConfig
    from engine.sam_audio.separator import SamAudioSeparator
    from engine.separator import separate

    model = filled(_tiny(), WeightFormat("float32"))
    config = SamAudioConfig(device="cpu", sampling=Sampling("euler", 1), predict_spans="off")
    separator = SamAudioSeparator("tiny", lambda: model, config)
    noise = np.random.default_rng(0).standard_normal((10 * 48_000, 2)).astype(np.float32)

    def seconds(n_samples: int) -> float:
        mixture = 0.1 * noise[:n_samples]
        options = SeparationOptions(presence_gate=0.0)

        def work() -> None:
            separate(
                mixture, Prompt("dog"), sample_rate=48_000, separator=separator, options=options
            )

        return timed(work, torch.device("cpu"), Patience(1, 2, 0.0)).least_s

    short, long = 2 * 48_000, len(noise)
    return max(seconds(long) - seconds(short), 1e-4) / (2 * (long - short) / 48_000)


def _tiny() -> SAMAudioConfig:
    return SAMAudioConfig(
        audio_codec=CodecConfig(encoder_dim=2, latent_dim=16, decoder_dim=96),
        transformer=TransformerConfig(dim=24, context_dim=24, n_heads=2, n_layers=2),
        anchor_embedding_dim=4,
    )


def _shape(config: SAMAudioConfig) -> ModelShape:
    return ModelShape.of(asdict(config))
