"""How near the solvers come with how many evaluations, as Markdown tables. Run by hand:

    python tests/benchmarks/bench_quality.py [--only flows,continued,tiny,small] [--frames 25]

flows      distance from the true end in dB, and evaluations, on flows from noise to several narrow
           normal distributions per channel, whose ends are known (`known_flows`); the first row is
           the largest |dv/dx| on the way. `qualities` are those of `quality.py`
continued  how many new evaluations it takes after a draft to come as near as the original's 16
           midpoint steps, for each way to go on from it (`continuations`), and what is left of the
           32. More than 60 is a dash
tiny       the network with two layers and random weights, distance from 24 steps of `rk4`
small      the same in the published size `small`, with --frames latent frames, in float32 and in
           bfloat16, both against float32

Random weights make a smooth, gentle flow. Trained weights were never run with this: what a quality
is worth on them, in dB or to the ear, is not known.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.cost.footprint import WeightFormat  # noqa: E402
from engine.cost.stand_in import RandomModel  # noqa: E402
from engine.data import Quality  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from engine.model.anchors import anchors_from_spans  # noqa: E402
from engine.model.evaluator import Evaluator  # noqa: E402
from engine.model.sam_audio import SAMAudioNetwork  # noqa: E402
from engine.model.text_encoder import EncodedText  # noqa: E402
from engine.sam_audio.quality import sampling_for  # noqa: E402
from engine.samplers import SAMPLERS, Draw, Sampling, VectorField, latent_noise  # noqa: E402
from tests.benchmarks.continuations import (  # noqa: E402
    COARSE,
    DRAFT,
    Continuation,
    Drafted,
    corrected,
    picard,
    richardson,
    shared,
    sweeps,
)
from tests.test_engine.known_flows import FLOWS, KnownFlow, error_db  # noqa: E402
from tests.test_engine.tiny_model import tiny_network  # noqa: E402

QUALITIES: dict[Quality, Sampling] = {
    "draft": sampling_for(Sampling(), "draft"),
    "standard": sampling_for(Sampling(), "standard"),
    "best": sampling_for(Sampling(), "best"),
}
BUDGETS = (4, 8, 16, 32, 48)
SHIFTS = (1.0, 0.7, 0.5)
MOST_NEW = 60

CONTINUATIONS: dict[str, tuple[Sampling, Continuation]] = {
    "midpoint, uniform (as published)": (DRAFT, shared("midpoint", 1.0)),
    "midpoint, shift 0.7": (DRAFT, shared("midpoint", 0.7)),
    "Adams, shift 0.7": (DRAFT, shared("adams", 0.7)),
    "corrected midpoint, shift 0.7": (DRAFT, corrected),
    "Richardson with the draft": (COARSE, richardson),
    "sweeps over 4 nodes": (DRAFT, sweeps(4)),
    "sweeps over 8 nodes": (DRAFT, sweeps(8)),
    "Picard over 8 nodes": (DRAFT, picard(8)),
    "Picard over 16 nodes": (DRAFT, picard(16)),
}


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--frames", type=int, default=25)
    given = parser.parse_args()
    print(json.dumps({**hardware(), **versions(), "threads": torch.get_num_threads()}), flush=True)
    for part in given.only.split(","):
        start = time.perf_counter()
        print(f"\n### {part}\n\n{PARTS[part](given)}", flush=True)
        print(f"\n{time.perf_counter() - start:.0f} s", flush=True)
    return 0


def flows(_given: argparse.Namespace) -> str:
    """Every solver, schedule and budget on every known flow."""
    torch.set_num_threads(1)  # small arrays: threads cost more than they bring
    rows: list[tuple[str, Iterable[str]]] = [
        ("steepest", (f"{flow.steepest():.0f}" for flow in FLOWS.values()))
    ]
    for quality, sampling in QUALITIES.items():
        rows.append((f"**{quality}**: {_label(sampling)}", _errors(sampling)))
    for budget in BUDGETS:
        for name in SAMPLERS:
            rows += [(_label(each), _errors(each)) for each in _within(name, budget)]
    return _table("solver", FLOWS, rows)


def continued(_given: argparse.Namespace) -> str:
    """New evaluations after a draft for the error of `standard`."""
    torch.set_num_threads(1)
    goals = {
        name: error_db(QUALITIES["standard"].solve(flow.velocity, flow.noise), flow.end())
        for name, flow in FLOWS.items()
    }
    rows: list[tuple[str, Iterable[str]]] = [
        ("error of `standard`, dB", (f"{goal:.1f}" for goal in goals.values()))
    ]
    for name, (draft, continuation) in CONTINUATIONS.items():
        found = [_needed(flow, draft, continuation, goals[key]) for key, flow in FLOWS.items()]
        rows.append((name, found))
    return _table("way on", FLOWS, rows)


def tiny(_given: argparse.Namespace) -> str:
    """Two layers, three sets of random weights."""
    torch.set_num_threads(1)
    columns, fields = [], []
    for seed in range(3):
        network = tiny_network(seed)
        columns.append(f"weights {seed}")
        fields.append(_field(network, 100, seed))
    noise = latent_noise(Draw(0), 0, 100, 256)[None]
    return _against_rk4(columns, fields, fields, noise)


def small(given: argparse.Namespace) -> str:
    """The published size, float32 and bfloat16."""
    noise = latent_noise(Draw(0), 0, given.frames, 256)[None]
    columns, fields = ["float32", "bfloat16"], []
    for precision in ("float32", "bfloat16"):
        model = RandomModel("small", WeightFormat(precision)).make()  # type: ignore[arg-type]
        fields.append(_field(model, given.frames, 0))
    return _against_rk4(columns, fields, [fields[0]] * 2, noise)


def _field(network: SAMAudioNetwork, n_frames: int, seed: int) -> VectorField:
    """Its velocity with random text and mixture."""
    generator = torch.Generator().manual_seed(seed)
    config = network.config
    text = torch.randn(1, 6, config.text_encoder.dim, generator=generator)
    audio = 0.5 * torch.randn(1, n_frames, network.n_latent_channels // 2, generator=generator)
    evaluator = Evaluator(network, EncodedText(text, None))
    condition = evaluator.condition(audio, anchors_from_spans(((),), (n_frames,)))
    return lambda x, t: evaluator.velocity(x, t, condition)


def _against_rk4(
    columns: list[str], fields: list[VectorField], exact: list[VectorField], noise: Tensor
) -> str:
    reference = Sampling("rk4", 24)
    ends: dict[int, Tensor] = {}
    for field in exact:
        if id(field) not in ends:
            ends[id(field)] = reference.solve(field, noise)
    chosen = [
        *QUALITIES.values(),
        Sampling("midpoint", 2),
        Sampling("adams", 7, 0.7),
        Sampling("adams", 15, 0.7),
        Sampling("adams", 23, 0.7),
        Sampling("adams", 47, 0.7),
    ]
    rows = [
        (
            _label(sampling),
            [
                f"{error_db(sampling.solve(found, noise), ends[id(true)]):.1f}"
                for found, true in zip(fields, exact, strict=True)
            ],
        )
        for sampling in sorted(chosen, key=lambda each: each.n_evaluations)
    ]
    return _table("solver", columns, rows)


def _needed(flow: KnownFlow, draft: Sampling, go_on: Continuation, goal_db: float) -> str:
    """The fewest new evaluations from which on the goal is met, at this size and the next."""
    drafted, end = Drafted.of(flow.velocity, flow.noise, draft), flow.end()

    def tried(n: int) -> tuple[bool, int]:
        found, n_new = go_on(flow.velocity, drafted, n)
        return error_db(found, end) <= goal_db + 0.01, n_new

    before = False, 0
    for n in range(COARSE.n_steps + 1, 2 * MOST_NEW):
        met, n_new = tried(n)
        if met and before[0]:
            return str(before[1])
        if n_new > MOST_NEW:
            break
        before = met, n_new
    return "–"


def _errors(sampling: Sampling) -> Iterable[str]:
    for flow in FLOWS.values():
        yield f"{error_db(sampling.solve(flow.velocity, flow.noise), flow.end()):.1f}"


def _within(name: str, budget: int) -> list[Sampling]:
    """The solver with each schedule, if it can spend just that."""
    sampler = SAMPLERS[name]
    n_steps, rest = divmod(budget - sampler.n_extra, sampler.evaluations_per_step)
    return [] if rest or not n_steps else [Sampling(name, n_steps, shift) for shift in SHIFTS]


def _label(sampling: Sampling) -> str:
    return f"{sampling.n_evaluations}: {sampling.sampler} {sampling.n_steps}, {sampling.shift:g}"


def _table(first: str, columns: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    names = list(columns)
    lines = [f"| {first} | {' | '.join(names)} |", f"|---{'|---:' * len(names)}|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    return "\n".join(lines)


PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "flows": flows,
    "continued": continued,
    "tiny": tiny,
    "small": small,
}


if __name__ == "__main__":
    sys.exit(main())
