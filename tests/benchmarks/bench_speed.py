"""How fast a separation is beside the original's way, and how far from what the machine can do.

    python tests/benchmarks/bench_speed.py                         this CPU, `small`, 10 s
    python tests/benchmarks/bench_speed.py --device cuda           the table of a GPU
    python tests/benchmarks/bench_speed.py --threads 1 --processor     a CPU that others use too
    python tests/benchmarks/bench_speed.py --sizes tiny --seconds 1 --steps 2       a trial

Random weights, real shapes. `plain` is `plain_path`: the original's way, in float32 and in
bfloat16. The rest is the engine's own way, with the launches of `Kernels`: one by one, as CUDA
graphs, compiled. Behind every figure stands the floor: operations over the rate of a large matrix
product, or bytes over the rate of a large copy, whichever takes longer, both measured first.

evaluations   one of the network, rows of 10 s on a CPU and 30 s on a GPU; error against float32
codec         encode and decode, per second of one stream
runs          mixture to sound: encode, all evaluations, decode of target and residual; what is
              left out are reading and writing files, text, and placing into the mixture's channels
"""

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.cost.footprint import network_bytes  # noqa: E402
from engine.data import Monitor  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from engine.model.fusing import fuse  # noqa: E402
from engine.model.sam_audio import SAMAudioNetwork  # noqa: E402
from engine.model.text_encoder import EncodedText  # noqa: E402
from engine.sam_audio.frames import Frames  # noqa: E402
from engine.sam_audio.guidance import Guidance, window_velocity  # noqa: E402
from engine.sam_audio.plan import RunPlan  # noqa: E402
from engine.sam_audio.quality import sampling_for  # noqa: E402
from engine.sam_audio.residency import Residency  # noqa: E402
from engine.sam_audio.sampling import Course, sampled_latents  # noqa: E402
from engine.sam_audio.scratch import Scratch  # noqa: E402
from engine.sam_audio.voicing import voiced_blocks  # noqa: E402
from engine.sam_audio.windows import noise_field, plan_windows  # noqa: E402
from engine.sam_audio.workplace import Workplace  # noqa: E402
from engine.samplers import Draw, Sampling  # noqa: E402
from tests.benchmarks.plain_path import (  # noqa: E402
    plain_decode,
    plain_encode,
    plain_run,
    plain_velocity,
)
from tests.benchmarks.random_cases import (  # noqa: E402
    FORMATS,
    HOP,
    N_TOKENS,
    RATE,
    network_of,
    noise_rows,
    random_latent,
    random_request,
    random_wav,
    shape_of,
)
from tests.benchmarks.speed_arguments import Given, kernels, read_arguments  # noqa: E402
from tests.benchmarks.timing import Machine, Rates, best_s  # noqa: E402

TIME = 0.5


def main() -> int:
    """Measure what was asked for and print it, row by row."""
    given = read_arguments(__doc__.splitlines()[0])
    told = {**hardware(), **versions(), **given.machine.as_json()}
    print(json.dumps(told), flush=True)
    rates = Rates.measured(given.machine, given.precisions)
    print(f"\n{rates.table()}", flush=True)
    for part in given.parts:
        lines = {"evaluations": evaluations, "codec": codec, "runs": runs}[part](given, rates)
        print(f"\n### {part}\n", flush=True)
        for line in lines:
            print(line, flush=True)
            if given.is_late:
                print("time is up; the rest is left out", flush=True)
                return 0
    return 0


def evaluations(given: Given, rates: Rates) -> Iterator[str]:
    """A row per size, way, format, launch and number of rows."""
    yield "| size | way | weights | launches | rows | ms | of the rate | floor ms | error |"
    yield "|---|---|---|---|---:|---:|---:|---:|---:|"
    n_frames = round(given.evaluation_s * RATE / HOP)
    torch.backends.cudnn.allow_tf32 = False
    for size in given.sizes:
        shape = shape_of(size)
        exact: dict[int, Tensor] = {}
        for name in given.formats:
            network = network_of(size, name, given.machine.device)
            for way, launch, n_rows, call in ways(given, network, name, n_frames):
                took_s = best_s(given.machine, call)
                velocity = call().float().cpu()
                error = _error(velocity, exact.setdefault(n_rows, velocity))
                flops = n_rows * shape.evaluation_flops(n_frames)
                if way == "plain":
                    flops += shape.text_flops(N_TOKENS) * n_rows
                precision = FORMATS[name].precision
                floor_s = rates.floor_s(precision, flops, network_bytes(shape, FORMATS[name]))
                yield (
                    f"| {size} | {way} | {name} | {launch} | {n_rows} | {1e3 * took_s:.2f} | "
                    f"{100 * flops / took_s / rates.products[precision]:.0f} % | "
                    f"{1e3 * floor_s:.2f} | {error} |"
                )
                del call
            del network
            free(given.machine)
    torch.backends.cudnn.allow_tf32 = True


def ways(given: Given, network: SAMAudioNetwork, name: str, n_frames: int) -> Iterator[tuple]:
    """(way, launches, rows, call) of one network. Plain comes first: fusing takes it apart."""
    device, dtype = network.device, network.proj.weight.dtype
    for n_rows in given.rows:
        if name != "int8":
            request = random_request(network, n_rows, n_frames).on(device, dtype)
            x = noise_rows(network, n_rows, n_frames).to(device)
            yield (
                "plain",
                "one by one",
                n_rows,
                lambda x=x, r=request: plain_velocity(network, x, TIME, r),
            )
    fuse(network.transformer)
    for launch in given.launches:
        network.kernels = kernels(launch)
        for n_rows in given.rows:
            request = random_request(network, n_rows, n_frames).on(device, dtype)
            x = noise_rows(network, n_rows, n_frames).to(device)
            evaluator = network.evaluator(EncodedText(request.text[:1], None), (TIME,))
            condition = evaluator.condition(request.audio, request.anchors)
            yield (
                "ours",
                launch,
                n_rows,
                lambda x=x, e=evaluator, c=condition: e.velocity(x, TIME, c),
            )
            for notice in network.kernels.notices():
                print(f"({notice.text})", flush=True)


def codec(given: Given, rates: Rates) -> Iterator[str]:
    """Encode and decode of one stream of 10 s, plain, fused, and in TF32 where there is."""
    yield "| codec | way | ms per s | of the rate | floor ms | error |"
    yield "|---|---|---:|---:|---:|---:|"
    machine, seconds = given.machine, min(10.0, *given.seconds)
    size = given.sizes[0]
    network, shape = network_of(size, "float32", machine.device, only_codec=True), shape_of(size)
    calm(network)
    wav = random_wav(seconds).to(machine.device)
    n_frames = wav.shape[-1] // HOP
    latent = random_latent(n_frames).to(machine.device)
    halves = {
        "encode": (shape.codec.encode_flops, lambda: network.encode_audio(wav)),
        "decode": (
            shape.codec.decode_flops,
            lambda: network.audio_codec.decode_without_watermark(latent),
        ),
    }
    exact: dict[str, Tensor] = {}
    plain = {
        "encode": lambda: plain_encode(network, wav),
        "decode": lambda: plain_decode(network, latent.mT.repeat(1, 1, 2))[0],
    }
    for way, cudnn_tf32, product_tf32 in codec_ways(machine):
        if way == "fused":
            network.audio_codec.fuse()
        torch.backends.cudnn.allow_tf32 = cudnn_tf32
        torch.backends.cuda.matmul.allow_tf32 = product_tf32
        for half, (flops, call) in halves.items():
            n_streams = 2 if (way, half) == ("plain", "decode") else 1
            with torch.inference_mode():
                chosen = plain[half] if way == "plain" else call
                took_s = best_s(machine, chosen) / n_streams
                result = call().float().cpu()
            error = _error(result, exact.setdefault(half, result))
            share = flops * n_frames / took_s / rates.products["float32"]
            floor_ms = 1e3 * flops * 25 / rates.products["float32"]
            yield (
                f"| {half} | {way} | {1e3 * took_s / seconds:.2f} | {100 * share:.0f} % | "
                f"{floor_ms:.2f} | {error} |"
            )
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = True, False
    free(machine)


@torch.no_grad()
def calm(network: SAMAudioNetwork) -> None:
    """Kernels a third as long. Those of `fill_randomly` blow rounding up a thousandfold, and no
    error would say anything."""
    for name, parameter in network.audio_codec.named_parameters():
        if name.endswith("weight_g"):
            parameter.mul_(1 / 3)


def codec_ways(machine: Machine) -> list[tuple[str, bool, bool]]:
    """(way, TF32 in convolutions, TF32 in products)."""
    if machine.device.type != "cuda":
        return [("plain", False, False), ("fused", False, False)]
    return [
        ("plain", False, False),
        ("fused", False, False),
        ("fused, TF32 convolutions", True, False),
        ("fused, TF32", True, True),
    ]


def runs(given: Given, rates: Rates) -> Iterator[str]:
    """A row per size, way, format and length, with the peak of the device's memory."""
    yield "| size | way | weights | launches | audio s | encode | sample | decode | s | RTF | MB |"
    yield "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for size in given.sizes:
        for name in given.formats:
            for seconds in given.seconds:
                if name in ("float32", "bfloat16") and seconds <= given.plain_up_to_s:
                    yield plain_row(given, size, name, seconds)
            network = network_of(size, name, given.machine.device)
            network.audio_codec.fuse()
            launch = given.launches[-1]
            network.kernels = kernels(launch)
            for seconds in given.seconds:
                yield our_row(given, network, (size, name, launch), seconds, given.sampling)
            if given.machine.device.type == "cpu":
                draft = sampling_for(given.sampling, "draft")
                how = (size, f"{name}, draft", launch)
                yield our_row(given, network, how, given.seconds[0], draft)
            del network
            free(given.machine)


def plain_row(given: Given, size: str, name: str, seconds: float) -> str:
    """The original's way, all in one window."""
    machine = given.machine
    network = network_of(size, name, machine.device)
    n_frames = round(seconds * RATE / HOP)
    request = random_request(network, 1, n_frames).on(machine.device, network.proj.weight.dtype)
    noise = noise_rows(network, 1, n_frames).to(machine.device)
    inputs = (network, random_wav(seconds).to(machine.device), noise, request)
    if machine.device.type == "cuda":
        plain_run(*inputs, Sampling("midpoint", 1), machine.now)
    machine.forget_peak()
    encode_s, sample_s, decode_s = plain_run(*inputs, given.sampling, machine.now)
    took_s, peak = encode_s + sample_s + decode_s, machine.peak()
    del network, noise, request, inputs
    free(machine)
    return (
        f"| {size} | plain | {name} | one by one | {seconds:g} | {encode_s:.3f} | "
        f"{sample_s:.3f} | {decode_s:.3f} | {took_s:.3f} | "
        f"{took_s / seconds:.4f} | {peak} |"
    )


def our_row(
    given: Given,
    network: SAMAudioNetwork,
    how: tuple[str, str, str],
    seconds: float,
    sampling: Sampling,
) -> str:
    """The engine's way: windows, latents in scratch files or on the device, codec in chunks."""
    machine = given.machine
    start = machine.now()
    warm_up(given, network, seconds)
    print(
        f"(kernels for {seconds:g} s found or built in {machine.now() - start:.1f} s)", flush=True
    )
    machine.forget_peak()
    if machine.device.type == "cuda" and seconds <= 60:  # as in a process that has run before
        our_run(given, network, seconds, sampling)
    encode_s, sample_s, decode_s = our_run(given, network, seconds, sampling)
    took_s = encode_s + sample_s + decode_s
    size, name, launch = how
    return (
        f"| {size} | ours | {name} | {launch} | {seconds:g} | {encode_s:.3f} | {sample_s:.3f} | "
        f"{decode_s:.3f} | {took_s:.3f} | {took_s / seconds:.4f} | "
        f"{machine.peak()} |"
    )


def warm_up(given: Given, network: SAMAudioNetwork, seconds: float) -> None:
    """Build kernels and find the fastest ones; what is left of the start is in the figures."""
    work, plan = workplace(given, network, seconds)
    if given.machine.device.type == "cuda":
        decoded(work, work.encode(random_wav(20.0)).repeat(1, 1, 2))
    audio = random_latent(round(seconds * RATE / HOP)).mT
    sampled(work, plan, network, Frames.of(audio), Sampling("midpoint", 1), Scratch())


def our_run(
    given: Given, network: SAMAudioNetwork, seconds: float, sampling: Sampling
) -> tuple[float, float, float]:
    """Seconds for encoding, sampling and decoding."""
    now = given.machine.now
    work, plan = workplace(given, network, seconds)
    scratch, wav = Scratch(), random_wav(seconds)

    start = now()
    audio = work.encode(wav)
    work.give_back()
    heard = now()
    latents = sampled(work, plan, network, Frames.of(audio), sampling, scratch)
    work.give_back()
    done = now()
    decoded(work, latents)
    end = now()
    scratch.close()
    return heard - start, done - heard, end - done


def workplace(given: Given, network: SAMAudioNetwork, seconds: float) -> tuple[Workplace, RunPlan]:
    """As many windows at once as rows were asked for."""
    n_frames = round(seconds * RATE / HOP)
    longest = min(round(given.window_s * RATE / HOP), n_frames)
    plan = RunPlan(longest, min(125, longest // 2), max(given.rows), codec_chunk_frames=250)
    return Workplace(network, Residency(given.machine.device), plan), plan


def sampled(
    work: Workplace,
    plan: RunPlan,
    network: SAMAudioNetwork,
    audio: Frames,
    sampling: Sampling,
    scratch: Scratch,
) -> Frames:
    """The latents [1, T, 2C] of one take."""
    text = EncodedText(torch.randn(1, N_TOKENS, network.config.text_encoder.dim), None)
    noise = noise_field([Draw(0)], audio.n_frames, network.n_latent_channels)
    velocity = work.fitting(window_velocity(network, Guidance(audio, text), sampling.times))
    windows = plan_windows(audio.n_frames, plan.window_frames, plan.overlap_frames)
    course = Course(sampling, windows, plan.n_windows_at_once(1))
    resident = None if work.device.type == "cpu" else work.device
    return sampled_latents(velocity, noise, course, scratch, resident=resident)


def decoded(work: Workplace, latents: Frames | Tensor) -> None:
    """Target and residual of latents [1, T, 2C], in chunks."""
    frames = Frames.of(latents) if isinstance(latents, Tensor) else latents
    half = frames.n_channels // 2
    streams = frames.channels(0, half).over(frames.channels(half, 2 * half))
    n_samples = frames.n_frames * HOP
    for _ in voiced_blocks(work, streams, n_samples, 10.0, Monitor()):
        pass


def free(machine: Machine) -> None:
    """Give back what nothing refers to; what was compiled was for other shapes."""
    torch.compiler.reset()
    gc.collect()
    if machine.device.type == "cuda":
        torch.cuda.empty_cache()


def _error(actual: Tensor, expected: Tensor) -> str:
    if actual is expected:
        return "0"
    return f"{float((actual - expected).norm() / expected.norm()):.1e}"


if __name__ == "__main__":
    sys.exit(main())
