"""`stemlasso separate --via-engine`: the same command, done by the server's engine process.

The models stay loaded between calls, other clients see the clips and jobs, and a server elsewhere
(`--server`) does the computing. The stems are copied to where `stemlasso separate` puts them.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bridge.client import Client
from bridge.errors import BridgeError, PathRefused
from bridge.protocol.values import (
    DONE,
    FORMATS,
    MAX_CANDIDATES,
    PRIORITIES,
    QUALITIES,
    RESIDUAL_MODES,
    SEED_MAX,
    SEPARATORS,
    STEREO_MODES,
    ClipOrigin,
    Job,
    JobOptions,
    WirePrompt,
)

from .jobs import details, outcome
from .output import OK, exit_status, fail, parser, show_json, with_client
from .progress import follow
from .spans import join_spans, parse_span


def _parser() -> argparse.ArgumentParser:
    made = parser("separate --via-engine", "Take a described sound out of one or more mixtures.")
    add = made.add_argument
    add("mixtures", nargs="+", type=Path, metavar="MIX", help="audio files")
    add("-d", "--describe", default="", metavar="TEXT", help='what to take, e.g. "dog barking"')
    add("-s", "--span", action="append", default=[], type=parse_span, metavar="SIGN START:END")
    add("--video", type=Path, metavar="FILE", help="a video that shows what sounds")
    add("--mask", type=Path, metavar="FILE", help="marks the object in the video")
    add("--separator", default="auto", choices=SEPARATORS)
    add("--quality", default="standard", choices=QUALITIES)
    add(
        "--stereo",
        default="project",
        choices=STEREO_MODES,
        help="project: the mixture's own samples; generated: the model's own sound, placed where "
        "the target lies; mono: that sound alike in every channel",
    )
    add(
        "--residual-mode",
        default="exact",
        choices=RESIDUAL_MODES,
        help="exact: mixture - target, both add up; generated: the model's own, they do not",
    )
    add("--presence-gate", type=float, default=0.5, metavar="0..1")
    add("--candidates", type=int, default=1, metavar="N", help=f"takes, 1 to {MAX_CANDIDATES}")
    add("--seed", type=int, default=0, metavar="N", help=f"0 to {SEED_MAX}")
    add("--threads", type=int, default=0, metavar="N", help="cores to use (default: all)")
    add("--format", default="", choices=FORMATS, metavar="FORMAT", help="e.g. wav:24")
    add("--priority", default="interactive", choices=PRIORITIES)
    add("-o", "--out", type=Path, metavar="DIR", help="default: `stems` beside each mixture")
    add("--overwrite", action="store_true", help="replace stems that are there already")
    add("--no-wait", action="store_true", help="only queue; the stems stay in the store")
    add("-q", "--quiet", action="store_true", help="no progress bar and no summary")
    return made


def main(argv: list[str]) -> int:
    """Run `stemlasso separate --via-engine`; returns the exit status."""
    arguments = _parser().parse_args([each for each in join_spans(argv) if each != "--via-engine"])
    return with_client(arguments, lambda client: _separate_all(client, arguments))


def _separate_all(client: Client, arguments: argparse.Namespace) -> int:
    status = OK
    for mixture in arguments.mixtures:
        try:
            result = _separate_one(client, mixture, arguments)
        except BridgeError as error:
            if arguments.json:
                show_json(
                    {
                        "mixture": str(mixture),
                        "status": "failed",
                        "error": {"code": error.code, "message": str(error)},
                    }
                )
            fail(error)
            status = status or exit_status(error)
            continue
        if arguments.json:
            show_json(result)
    return status


def _separate_one(client: Client, mixture: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    clip = client.put_file(mixture, origin=ClipOrigin(host="command line"))
    out = (arguments.out or mixture.parent / "stems").absolute()
    prompt = WirePrompt(
        arguments.describe, tuple(arguments.span), *_masked_video(client, arguments, mixture)
    )
    job = client.submit(clip.clip_id, prompt, _options(client, arguments, out))
    if arguments.no_wait:
        if not (arguments.json or arguments.quiet):
            print(f"{mixture}: job {job.job_id} waits")
        return {"mixture": str(mixture), "status": job.state, "job_id": job.job_id}
    job = _finished(client, job, mixture, arguments)
    files = [] if client.welcome.paths else _fetched(client, job, out, arguments)
    if not (arguments.json or arguments.quiet):
        print("\n".join([f"{mixture}:", details(job), *(f"copied to  {file}" for file in files)]))
    stems = [str(file) for file in files] or [stem.path for stem in _stems(job)]
    return {"mixture": str(mixture), "status": DONE, "stems": stems, "job": asdict(job)}


def _masked_video(client: Client, arguments: argparse.Namespace, mixture: Path) -> tuple[str, str]:
    """Paths of the video and the mask, which the server reads itself; empty for none."""
    if arguments.video is None and arguments.mask is None:
        return "", ""
    if len(arguments.mixtures) > 1:
        raise PathRefused(
            "--video and --mask belong to one mixture: separate them one by one", "path_refused"
        )
    if not client.welcome.paths:
        raise PathRefused(
            "--video and --mask are read by the server, and this one is on another computer: "
            "separate there, or without --server",
            "path_refused",
        )
    for option, path in (("--video", arguments.video), ("--mask", arguments.mask)):
        if path is not None and not path.exists():
            raise PathRefused(f"{option} {path}: no such file", "path_refused")
    video, mask = arguments.video or mixture, arguments.mask
    return str(video.absolute()), "" if mask is None else str(mask.absolute())


def _options(client: Client, arguments: argparse.Namespace, out: Path) -> JobOptions:
    return JobOptions(
        separator=arguments.separator,
        quality=arguments.quality,
        n_candidates=arguments.candidates,
        seed=arguments.seed,
        stereo=arguments.stereo,
        residual=arguments.residual_mode,
        presence_gate=arguments.presence_gate,
        n_threads=arguments.threads,
        format=arguments.format,
        output_folder=str(out) if client.welcome.paths and not arguments.no_wait else "",
        allow_overwrite=arguments.overwrite,
        priority=arguments.priority,
    )


def _finished(client: Client, job: Job, mixture: Path, arguments: argparse.Namespace) -> Job:
    show = not (arguments.json or arguments.quiet)
    try:
        job = follow(client, job.job_id, show=show, label=mixture.name)
    except KeyboardInterrupt:
        client.cancel(job.job_id)
        raise
    if job.state != DONE:
        raise outcome(job)
    return job


def _fetched(client: Client, job: Job, out: Path, arguments: argparse.Namespace) -> list[Path]:
    """Stems from a server elsewhere, copied into `out`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [
            client.fetch_stem(job.job_id, stem, out, overwrite=arguments.overwrite)
            for stem in _stems(job)
        ]
    except OSError as error:
        raise PathRefused(
            f"{out}: the stems cannot be written ({error})", "path_refused"
        ) from error


def _stems(job: Job) -> tuple[Any, ...]:
    return () if job.result is None else job.result.stems
