"""`stemlasso bench`: how fast and how large the models are here, and against what floor."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, get_args

from engine.checkpoints.catalog import find
from engine.checkpoints.store import Store
from engine.data import JsonValue, Quality
from engine.errors import BackendUnavailable, EngineError, PromptError
from engine.eval.machine import hardware, versions
from engine.sam_audio.installed import sam_audio_models

from . import exits
from .store_root import store_root

if TYPE_CHECKING:
    import torch

    from engine.cost.footprint import WeightFormat
    from engine.cost.shape import ModelShape
    from engine.cost.speed import Line, Subject
    from engine.model.config import SAMAudioConfig
    from engine.model.separation import SAMAudio

_SIZES = ("small", "base", "large")
_PRECISIONS = ("auto", "float32", "bfloat16", "float16")

_EPILOG = f"""\
examples:
  stemlasso bench                                   every model that is installed
  stemlasso bench --random small --precision float32,bfloat16
  stemlasso bench sam-audio-large --device cuda --int8 --rows 4
  stemlasso bench --calibrate                       measure this machine for the estimates

The floor is what this machine needs at least: operations over the measured rate of one large
matrix product, or bytes over the measured rate of a copy. Random weights of a published size are as
fast and as large as the real ones.

{exits.EXIT_STATUS_HELP}"""


@dataclass(frozen=True)
class _Wanted:
    """A model to measure, in one format. random: whether its weights are."""

    name: str
    size: str
    is_random: bool
    precision: str
    int8: bool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso bench",
        description="Measure seconds and memory of the models on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("models", nargs="*", metavar="NAME", help="installed models (default: all of them)")
    add("--random", metavar="SIZES", help="random weights instead: small, base, large, or several")
    add("--layers", type=int, metavar="N", help="with --random: only so many layers, to be quick")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, mps, cuda, cuda:1, ...")
    add("--precision", default="auto", metavar="KINDS", help="auto, float32, bfloat16, float16")
    add("--int8", action="store_true", help="with 8-bit matrices as well, and what they cost")
    add("--seconds", type=float, default=10.0, metavar="S", help="of sound (default: 10)")
    add("--rows", default="1", metavar="N,...", help="windows or takes at once (default: 1)")
    add(
        "--quality",
        default="draft,standard",
        metavar="KINDS",
        help="whole runs: draft, standard, best, or none (default: draft,standard)",
    )
    add("--threads", type=int, metavar="N", help="cores to use (default: all)")
    add("--calibrate", action="store_true", help="only measure this machine for the estimates")
    add("--json", action="store_true", help="print one JSON object per model and format")
    return parser


def main(argv: list[str]) -> int:
    """Run `stemlasso bench`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        _check(arguments)
        wanted = tuple(_wanted(arguments))
        return _bench(arguments, wanted)
    except EngineError as error:
        return exits.fail(error)


def _check(arguments: argparse.Namespace) -> None:
    """Raises PromptError, which names the option at fault, or BackendUnavailable without torch."""
    if find_spec("torch") is None:
        raise BackendUnavailable('no torch: `pip install "stemlasso[model]"`')
    for option, text, allowed in (
        ("--random", arguments.random or "", _SIZES),
        ("--precision", arguments.precision, _PRECISIONS),
        ("--quality", arguments.quality, (*get_args(Quality), "none")),
    ):
        for word in _words(text):
            if word not in allowed:
                raise PromptError(f"{option} {word}: allowed are {', '.join(allowed)}")
    rows = _words(arguments.rows)
    if not rows or not all(word.isdigit() and int(word) > 0 for word in rows):
        raise PromptError(f"--rows {arguments.rows}: whole numbers of 1 or more, as in 1,4,16")
    for option in ("threads", "layers"):
        value = getattr(arguments, option)
        if value is not None and value < 1:
            raise PromptError(f"--{option} {value}: it must be 1 or more")
    if not 0.5 <= arguments.seconds <= 60:
        raise PromptError(f"--seconds {arguments.seconds:g}: allowed are 0.5 to 60")


def _wanted(arguments: argparse.Namespace) -> Iterator[_Wanted]:
    """Every model in every format that was asked for."""
    names = [(name, True) for name in _words(arguments.random or "")]
    if not names:
        ready = [model.name for model in sam_audio_models(store_root()) if not model.missing]
        missing = [name for name in arguments.models if name not in ready]
        if missing:
            raise BackendUnavailable(
                f"{', '.join(missing)}: not installed; there are {', '.join(ready) or 'none'}. "
                "`--random small` measures a published size without its weights"
            )
        names = [(name, False) for name in arguments.models or ready]
    if not names:
        print("no model is installed: random weights of size small", file=sys.stderr)
        names = [("small", True)]
    for name, is_random in names:
        size = name if is_random else next(each for each in _SIZES if each in name)
        for precision in _words(arguments.precision):
            yield _Wanted(name, size, is_random, precision, int8=False)
            if arguments.int8:
                yield _Wanted(name, size, is_random, precision, int8=True)


def _bench(arguments: argparse.Namespace, wanted: Sequence[_Wanted]) -> int:
    import torch

    from engine.sam_audio.device import chosen_device

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = chosen_device(arguments.device)
    about = {**hardware(), **versions(), "n_threads": torch.get_num_threads(), **_told(device)}
    if not arguments.json:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
    for each in wanted:
        found = _calibrated(each, device, arguments) if arguments.calibrate else None
        if found is None:
            found = _measured(each, device, arguments)
        if arguments.json:
            print(json.dumps({**about, **found}, ensure_ascii=False), flush=True)
    return exits.OK


def _told(device: "torch.device") -> dict[str, JsonValue]:
    from engine.sam_audio.device import device_name

    return {"device": str(device) if device.type == "cpu" else f"{device} {device_name(device)}"}


def _calibrated(
    each: _Wanted, device: "torch.device", arguments: argparse.Namespace
) -> dict[str, JsonValue]:
    """Measure for the estimates, and remember it."""
    from engine.cost.calibrate import Bench, calibrated
    from engine.cost.ledger import Ledger
    from engine.sam_audio.place import place_of

    config, shape = _config(each), _shape(each, arguments)
    weights = _weights(each, device)
    ledger = Ledger.of_user(store_root())
    key = place_of(str(device)).key(weights, f"{shape.dim} x {shape.n_layers}", arguments.threads)
    rates = calibrated(Bench(config, device, weights))
    ledger.measured(key, rates)
    if not arguments.json:
        print(f"\n{key}\n  kept in {ledger.path}")
        for name, value in rates.as_json().items():
            print(f"  {name:<12}{value:.3g}")
    return {"key": key, "rates": rates.as_json(), "path": str(ledger.path)}


def _measured(
    each: _Wanted, device: "torch.device", arguments: argparse.Namespace
) -> dict[str, JsonValue]:
    """All figures of one model in one format."""
    from engine.cost.speed import table

    subject, said = _subject(each, device, arguments)
    title = f"{each.name}{', random weights' if each.is_random else ''}, {_label(subject.weights)}"
    lines = list(_lines(subject, arguments))
    if not arguments.json:
        print(f"\n{table(title, lines)}\n\n{said}", flush=True)
    return {
        "model": each.name,
        "random_weights": each.is_random,
        "precision": subject.weights.precision,
        "int8": subject.weights.int8,
        "product_rate": subject.machine.product,
        "copy_rate": subject.machine.copy,
        "note": said,
        "lines": [line.as_json() for line in lines],
    }


def _lines(subject: "Subject", arguments: argparse.Namespace) -> Iterator["Line"]:
    from engine.cost.speed import pieces, whole_run

    for index, n_rows in enumerate(map(int, _words(arguments.rows))):
        for line in pieces(replace(subject, n_rows=n_rows)):
            if index == 0 or line.what == "evaluation":
                yield line
    for quality in _words(arguments.quality):
        if quality != "none":
            yield whole_run(subject, quality)  # type: ignore[arg-type]


def _subject(
    each: _Wanted, device: "torch.device", arguments: argparse.Namespace
) -> tuple["Subject", str]:
    """The model on the device, and a sentence about its size and what 8 bits cost."""
    from engine.checkpoints.space import gigabytes
    from engine.cost.speed import Machine, Subject
    from engine.model.int8 import weight_bytes

    weights = _weights(each, device)
    machine = Machine.measured(device, weights.precision)
    model = _model(each, weights, device, arguments)
    said = (
        f"matrix product {machine.product / 1e9:.0f} GFLOP/s ({weights.precision}), "
        f"{machine.codec_product / 1e9:.0f} (float32), copy {machine.copy / 1e9:.0f} GB/s; "
        f"weights {gigabytes(weight_bytes(model))}"
    )
    if model.int8_cost is not None:
        said += f"; {model.int8_cost}"
    subject = Subject(
        each.name, model, _shape(each, arguments), weights, machine, arguments.seconds
    )
    return subject, said


def _model(
    each: _Wanted, weights: "WeightFormat", device: "torch.device", arguments: argparse.Namespace
) -> "SAMAudio":
    from engine.cost.stand_in import RandomModel
    from engine.sam_audio.config import SamAudioConfig
    from engine.sam_audio.loading import load_installed

    if each.is_random:
        return RandomModel(each.size, weights, arguments.layers).make(device)
    config = SamAudioConfig(
        device=str(device),
        precision=weights.precision,  # type: ignore[arg-type]
        int8=weights.int8,
        offload="off",
    )
    root = store_root()
    return load_installed(Store(root).folder(find(each.name)[0]), root, config).model


def _weights(each: _Wanted, device: "torch.device") -> "WeightFormat":
    from engine.cost.footprint import WeightFormat
    from engine.sam_audio.device import best_format

    best = best_format(device).precision
    return WeightFormat(best if each.precision == "auto" else each.precision, each.int8)


def _shape(each: _Wanted, arguments: argparse.Namespace) -> "ModelShape":
    from engine.cost.shape import ModelShape

    if not each.is_random:
        return ModelShape.read(Store(store_root()).folder(find(each.name)[0]) / "config.json")
    shape = ModelShape.published(each.size)
    return replace(shape, n_layers=arguments.layers or shape.n_layers)


def _config(each: _Wanted) -> "SAMAudioConfig":
    """The configuration whose widths are measured."""
    from engine.model.config import SAMAudioConfig, from_dict, read_json

    if each.is_random:
        return SAMAudioConfig.published(each.size)
    path = Store(store_root()).folder(find(each.name)[0]) / "config.json"
    return from_dict(SAMAudioConfig, read_json(path), str(path))


def _label(weights: "WeightFormat") -> str:
    return f"{weights.precision}{', 8-bit matrices' if weights.int8 else ''}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
