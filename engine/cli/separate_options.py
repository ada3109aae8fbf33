"""The options of `stemlasso separate`, in groups, and what they ask for as values of the engine."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from engine.audio_files import open_clip
from engine.data import (
    MaskedVideo,
    Prompt,
    Quality,
    Rerun,
    ResidualMode,
    SeparationOptions,
    Span,
    StereoMode,
)
from engine.errors import PromptError
from engine.sam_audio.settings import Joining, ModelSettings, Offload, Precision, PredictSpans

from . import exits
from .formats import FORMAT_HELP

_EPILOG = f"""\
examples:
  stemlasso separate song.wav --describe "snare drum" --span=+1.2:2.5 --span=-4:6
  stemlasso separate takes/ --describe "dog barking" --span=+0:3 --out stems --json
  stemlasso separate long.wav --describe "rain" --separator sam-audio-small --quality draft
  stemlasso separate scene.mp4 --mask mask.mp4 --separator sam-audio-large
  stemlasso separate song.wav -d "snare drum" --rerun 12.5:16 --seed 7 \\
      --base-target "stems/song - snare drum.wav"

The stems have the mixture's rate, channels, length and format; target + residual = mixture.

{exits.EXIT_STATUS_HELP}"""

_OPTION_OF = {
    "device": "--device",
    "window_s": "--window",
    "overlap_s": "--overlap",
    "presence_gate": "--presence-gate",
    "seed": "--seed",
}
"""Names of values as the engine's errors say them, and what the user wrote instead."""

_VALUE_NAME = re.compile(rf"(?<![\w-])({'|'.join(_OPTION_OF)})(?= \S)")

_MODEL_OPTIONS = {
    "--quality": ("quality", "standard"),
    "--stereo": ("stereo", "project"),
    "--residual-mode": ("residual_mode", "exact"),
    "--predict-spans": ("predict_spans", "auto"),
    "--device": ("device", "auto"),
    "--precision": ("precision", "auto"),
    "--int8": ("int8", False),
    "--window": ("window", None),
    "--overlap": ("overlap", None),
    "--joining": ("joining", "diffused"),
    "--compile": ("compile", False),
    "--offload": ("offload", "auto"),
}
"""Options that only a model heeds: where argparse keeps them, and their defaults."""


def separate_parser() -> argparse.ArgumentParser:
    """The parser of `stemlasso separate`."""
    parser = argparse.ArgumentParser(
        prog="stemlasso separate",
        description="Take a described, drawn or shown sound out of one or more mixtures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "mixtures", nargs="+", type=Path, metavar="MIX", help="audio files, or folders of them"
    )
    _add_prompt(parser)
    _add_sound(parser)
    _add_rerun(parser)
    _add_machine(parser)
    _add_output(parser)
    return parser


def _add_prompt(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what to take (one of them, or several)").add_argument
    add("-d", "--describe", default="", metavar="TEXT", help='what to take, e.g. "dog barking"')
    add(
        "-s",
        "--span",
        action="append",
        default=[],
        metavar="SIGN START:END",
        help="seconds where the sound is (+1.2:2.5) or is not (-4:6); may be repeated",
    )
    add("--video", type=Path, metavar="FILE", help="a video that shows what sounds")
    add(
        "--mask",
        type=Path,
        metavar="FILE",
        help="marks the object in the video: a video, a folder of PNGs, .npy or .npz, non-zero on "
        "the object; without --video the mixture is the video; without --mask the video is taken "
        "as masked already",
    )
    add(
        "--predict-spans",
        choices=get_args(PredictSpans),
        default="auto",
        help="find where the described sound is, for prompts without spans: auto does so when "
        "pe-a-frame-large is there, on insists on it, off never does (default: auto)",
    )


def _add_sound(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("how it is made").add_argument
    add(
        "--separator",
        default="auto",
        metavar="NAME",
        help="see `stemlasso separators`; auto takes the best that is ready (default: auto)",
    )
    add(
        "--quality",
        choices=get_args(Quality),
        default="standard",
        help="what a model may spend: draft to hear quickly whether the prompt works, standard as "
        "published, best for the final stem (default: standard)",
    )
    add("--candidates", type=int, default=1, metavar="N", help="takes to make and keep")
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    add(
        "--stereo",
        choices=get_args(StereoMode),
        default="project",
        help="where a mono model's sound goes: project takes it out of the mixture's own samples "
        "(nothing invented, image and highs kept), generated is the model's own sound placed where "
        "the target lies (where masking is audible or the mixture is poor; nothing above 24 kHz), "
        "mono is that sound alike in every channel (default: project)",
    )
    add(
        "--residual-mode",
        choices=get_args(ResidualMode),
        default="exact",
        help="exact is mixture - target, so both add up to the mixture; generated is the model's "
        "own idea of the rest, cleaner after a poor target, and does not add up (default: exact)",
    )
    add(
        "--presence-gate",
        type=float,
        default=0.5,
        metavar="0..1",
        help="silence where the sound does not seem to be there: 0 lets everything through, 1 only "
        "what is sure (default: 0.5)",
    )


def _add_rerun(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("one selection anew").add_argument
    add(
        "--rerun",
        metavar="START:END",
        help="make only this selection (seconds) again; everywhere else the target of an earlier "
        "run stays, to the last bit",
    )
    add("--base-target", type=Path, metavar="FILE", help="that earlier target")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where and how a model computes (the defaults fit)")
    add = group.add_argument
    add("--device", default="auto", metavar="NAME", help="auto, cpu, mps, cuda, cuda:1, ...")
    add(
        "--precision",
        choices=get_args(Precision),
        default="auto",
        help="of the network: auto is bfloat16 where CUDA computes in it and float32 elsewhere, or "
        "what still fits; float16 is for cards without bfloat16 (default: auto)",
    )
    add(
        "--int8",
        action="store_true",
        help="the transformer's matrices in 8 bits: a quarter of the memory, some quality",
    )
    add(
        "--window",
        type=float,
        metavar="SECONDS",
        help="longest stretch that the network sees at once; less needs less memory (default: 30)",
    )
    add(
        "--overlap",
        type=float,
        metavar="SECONDS",
        help="what neighbouring windows share (default: a sixth of the window)",
    )
    add(
        "--joining",
        choices=get_args(Joining),
        default="diffused",
        help="diffused lets windows agree at every step, so that no seam is heard; crossfade makes "
        "each alone and fades over (default: diffused)",
    )
    add(
        "--compile",
        action="store_true",
        help="build kernels for this run first: pays off in long or repeated runs",
    )
    add(
        "--offload",
        choices=get_args(Offload),
        default="auto",
        help="keep on the device only what is in use: auto when it does not fit otherwise, on "
        "leaves most memory to others, off is fastest (default: auto)",
    )
    add("--threads", type=int, metavar="N", help="cores to use (default: all)")


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what comes out").add_argument
    add("-o", "--out", type=Path, metavar="DIR", help="default: `stems` beside each mixture")
    add("--format", metavar="FORMAT", help=FORMAT_HELP)
    add(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also write what is left when the target is taken out (default: yes)",
    )
    add(
        "--receipt",
        action="store_true",
        help="keep what --json prints beside the stems, for `stemlasso comp` and to make the same "
        "again",
    )
    add("--overwrite", action="store_true", help="replace stems that are there already")
    add(
        "--estimate",
        action="store_true",
        help="only say how long it would take and how much memory, and stop",
    )
    add("--recursive", action="store_true", help="look into folders inside folders as well")
    add("--json", action="store_true", help="print one JSON object per mixture")
    add("-q", "--quiet", action="store_true", help="no progress bar and no summary")
    add(
        "--via-engine",
        action="store_true",
        help="let the engine process do it, where models stay loaded "
        "(`stemlasso separate --via-engine --help`)",
    )


def join_span_values(argv: Sequence[str]) -> list[str]:
    """`--span -4:6` as `--span=-4:6`, which argparse would otherwise take for an option."""
    joined: list[str] = []
    values = iter(argv)
    for argument in values:
        if argument in ("--span", "-s"):
            value = next(values, None)
            joined.append(argument if value is None else f"--span={value}")
        else:
            joined.append(argument)
    return joined


def prompt_of(arguments: argparse.Namespace, mixtures: Sequence[Path]) -> Prompt:
    """The prompt. Raises PromptError, which names the option at fault."""
    spans = tuple(Span.parse(text) for text in arguments.span)
    return Prompt(arguments.describe, spans, _masked_video(arguments, mixtures))


def _masked_video(arguments: argparse.Namespace, mixtures: Sequence[Path]) -> MaskedVideo | None:
    if arguments.video is None and arguments.mask is None:
        return None
    if len(mixtures) > 1:
        raise PromptError(
            f"--video and --mask belong to one mixture, and there are {len(mixtures)}: "
            "separate them one by one"
        )
    for option, path in (("--video", arguments.video), ("--mask", arguments.mask)):
        if path is not None and not path.exists():
            raise PromptError(f"{option} {path}: no such file")
    return MaskedVideo(arguments.video or mixtures[0], arguments.mask)


def rerun_of(arguments: argparse.Namespace, mixtures: Sequence[Path]) -> Rerun | None:
    """The selection to make anew, with its base target open.

    Raises PromptError or AudioError, which name the option at fault.
    """
    if (arguments.rerun is None) != (arguments.base_target is None):
        missing = "--base-target FILE" if arguments.rerun else "--rerun START:END"
        raise PromptError(f"--rerun and --base-target go together: give {missing} as well")
    if arguments.rerun is None:
        return None
    if len(mixtures) > 1:
        raise PromptError(f"--rerun is for one mixture, and there are {len(mixtures)}")
    base = open_clip(arguments.base_target)
    try:
        return Rerun.parse(arguments.rerun, base)
    except PromptError as error:
        base.source.close()
        raise PromptError(f"--rerun {arguments.rerun}: {error}") from error


def options_of(arguments: argparse.Namespace, rerun: Rerun | None) -> SeparationOptions:
    """Options for any separator. Raises PromptError, which names the option at fault."""
    for name, least in (("candidates", 1), ("threads", 1), ("seed", 0)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise PromptError(f"--{name} {value}: it must be {least} or more")
    try:
        return SeparationOptions(
            seed=arguments.seed,
            n_candidates=arguments.candidates,
            n_threads=arguments.threads,
            quality=arguments.quality,
            stereo=arguments.stereo,
            residual=arguments.residual_mode,
            presence_gate=arguments.presence_gate,
            rerun=rerun,
        )
    except PromptError as error:
        raise _in_words_of_the_user(error) from error


def settings_of(arguments: argparse.Namespace) -> ModelSettings:
    """Where and how a model computes. Raises PromptError, which names the option at fault."""
    default = ModelSettings()
    window_s = default.window_s if arguments.window is None else arguments.window
    share = default.overlap_s / default.window_s
    overlap_s = share * window_s if arguments.overlap is None else arguments.overlap
    try:
        return ModelSettings(
            device=arguments.device,
            precision=arguments.precision,
            int8=arguments.int8,
            window_s=window_s,
            overlap_s=overlap_s,
            joining=arguments.joining,
            predict_spans=arguments.predict_spans,
            compile=arguments.compile,
            offload=arguments.offload,
        )
    except PromptError as error:
        raise _in_words_of_the_user(error) from error


def unheeded(arguments: argparse.Namespace, separator: str) -> tuple[str, ...]:
    """Options that were given and mean nothing to this separator."""
    if separator != "builtin":
        return ()
    return tuple(
        option
        for option, (name, default) in _MODEL_OPTIONS.items()
        if getattr(arguments, name) != default
    )


def _in_words_of_the_user(error: PromptError) -> PromptError:
    return PromptError(_VALUE_NAME.sub(lambda found: _OPTION_OF[found[1]], str(error)))
