"""How fast one machine does each kind of work, as seconds per unit; torch is not needed.

Measured by `calibrate`, kept by `Ledger`, and guessed from a matrix product where nothing is known.
"""

import os
import time
from dataclasses import asdict, dataclass, fields, replace
from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from engine.data import JsonValue

from .footprint import WeightFormat

_CODEC_SHARE, _TRANSFORMER_SHARE = 0.6, 0.75
_CUDA_GUESS = {"float32": 30e12, "bfloat16": 150e12, "float16": 150e12}
_MPS_GUESS = 4e12


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds per unit of work.

    start_s: a process until a model can be loaded.   load_s: per byte of weights, from the disk.
    layer_s: per evaluation and layer, whatever it holds.   evaluate_s, encode_s, decode_s: per
    operation of the transformer and of the codec's halves.   product_s: per operation of one large
    product.   host_s: per second of one channel, reading to writing.   copy_s: per byte of memory.
    """

    start_s: float
    load_s: float
    layer_s: float
    evaluate_s: float
    encode_s: float
    decode_s: float
    product_s: float
    host_s: float
    copy_s: float

    def as_json(self) -> dict[str, JsonValue]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Rates | None":
        """From a file; `None` for anything that is not nine numbers above 0, or 0 for a layer."""
        names = [item.name for item in fields(cls)]
        if not isinstance(value, dict) or set(value) != set(names):
            return None
        numbers = [value[name] for name in names]
        if not all(isinstance(number, int | float) and 0 <= number < 1e6 for number in numbers):
            return None
        return cls(*map(float, numbers))


def guessed_rates(device: str, weights: WeightFormat) -> Rates:
    """Rates before anything is measured with torch. device: `cpu`, `cuda` or `mps`."""
    if device == "cuda":
        product = _CUDA_GUESS[weights.precision]
        codec, copy_s = _CUDA_GUESS["float32"], 1 / 1e12
    elif device == "mps":
        product, codec, copy_s = _MPS_GUESS, _MPS_GUESS, 1 / 100e9
    else:
        product = codec = processor_product_rate()
        copy_s = 1 / 15e9
    rates = Rates(
        start_s=4.0,
        load_s=1 / 1e9,
        layer_s=3e-4,
        evaluate_s=1 / (_TRANSFORMER_SHARE * product),
        encode_s=1 / (_CODEC_SHARE * codec),
        decode_s=1 / (_CODEC_SHARE * codec),
        product_s=1 / product,
        host_s=0.03,
        copy_s=copy_s,
    )
    return replace(rates, layer_s=3e-5) if device == "cuda" else rates


@cache
def processor_product_rate() -> float:
    """Float32 operations per second of NumPy's matrix product on all cores, asked once.

    Of one core, the fastest of some tries: other programs disturb that least.
    """
    n = 512
    a = np.full((n, n), 0.5, np.float32)
    out = np.empty_like(a)
    took = []
    with threadpool_limits(1, user_api="blas"):
        for _ in range(12):
            start = time.perf_counter()
            np.matmul(a, a, out=out)
            took.append(time.perf_counter() - start)
    return n_cores() * 2.0 * n**3 / min(took)


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
