"""SAM-Audio behind the `Separator` protocol.

mixture ---hearing--> latents [T, C]                       chunks with context: exact
prompt --guidance---> text, spans, video                   known from earlier jobs, or made once
noise by frame -----> windows, sampled as one -----------> latents [K, T, 2C]
takes: ranked, mono, 48 kHz, chunks --> session's rate --> placing: in the mixture's channels

Latents, features and takes lie in temporary files: memory does not grow with the mixture.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from engine.checkpoints.catalog import find
from engine.checkpoints.store import Store, default_root
from engine.cost.cost import Cost
from engine.cost.ledger import Ledger
from engine.cost.shape import ModelShape
from engine.cost.task import Known, Sound
from engine.data import AudioClip, Estimate, Monitor, Notice, Prompt, SeparationOptions, clip_spans
from engine.errors import PromptError
from engine.finding import Finding, FoundSpan
from engine.gate import gated
from engine.model.separation import SAMAudio
from engine.rerun import checked_rerun, spliced_blocks

from .config import SamAudioConfig
from .costing import Costing, LoadedAs
from .device import computing
from .guidance import Network, window_velocity
from .hearing import heard_weights
from .job import Job
from .loading import Loaded, load_installed, loaded, shape_of
from .placing import placed_blocks
from .preparation import prepared, spotted_alone
from .presence import Found, presence_of
from .recall import Recall, clip_key
from .report import notices, settings
from .sampled import sampled
from .scratch import Scratch
from .stretch import stretch_of
from .takes import Takes, ordered_takes
from .workplace import Workplace

_LOADED, _HEARD, _SAMPLED, _RANKED, _FOUND = 0.02, 0.1, 0.8, 0.93, 0.95
"""Shares of the whole work, roughly."""


class SamAudioSeparator:
    """Takes a described, marked or shown sound out of a mixture of any length.

    load: gives the model or raises a CheckpointError; called at the first use.
    weights_sha256: for the receipt, empty when unknown.
    network: makes the velocity; an oracle in its place shows what the rest of the way loses.
    costing: known before the model is loaded; made of the loaded one when it is not given.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], SAMAudio | Loaded],
        config: SamAudioConfig | None = None,
        weights_sha256: str = "",
        network: Network = window_velocity,
        costing: Costing | None = None,
        notices: tuple[Notice, ...] = (),
    ) -> None:
        self._name = name
        self._notices = notices
        self._load = load
        self._config = config or SamAudioConfig()
        self._weights_sha256 = weights_sha256
        self._network = network
        self._costing = costing
        self._loaded: Loaded | None = None
        self._recall = Recall(Scratch(self._config.scratch))

    @classmethod
    def installed(
        cls,
        name: str,
        root: Path | None = None,
        config: SamAudioConfig | None = None,
        notices: tuple[Notice, ...] = (),
    ) -> "SamAudioSeparator":
        """The separator of a model in the store at `root`, by default the user's.

        notices: about why this model, for every result.
        Raises CheckpointNotFound, which says how to get it, or CheckpointCorrupt.
        """
        config = config or SamAudioConfig()
        found = Store(root or default_root()).get(find(name)[0])
        names = {file.name for file in found.model.weights} | {"model.safetensors"}
        digests = [file.sha256 for file in found.manifest.files if file.name in names]
        load = partial(load_installed, found.folder, root, config)
        shape = ModelShape.read(found.folder / "config.json")
        costing = Costing(found.model.name, shape, config, Ledger.of_user(root), root)
        digest = digests[0] if digests else ""
        return cls(found.model.name, load, config, digest, costing=costing, notices=notices)

    @property
    def name(self) -> str:
        """Name in `stemlasso separators`."""
        return self._name

    @property
    def is_loaded(self) -> bool:
        """Whether the model takes memory now."""
        return self._loaded is not None

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        """The target of every candidate, best first, in the mixture's channels.

        Everything up to the decoded takes happens here, placing while the blocks are consumed.
        Raises PromptError, AudioError, CheckpointError, BackendError, DiskFull or Cancelled.
        """
        if options.n_candidates < 1:
            raise PromptError(f"n_candidates {options.n_candidates}: at least 1 is needed")
        with ExitStack() as undo, computing(options.n_threads):
            scratch = Scratch(self._config.scratch)
            undo.callback(scratch.close)
            monitor.report("load", 0.0)
            job = self._job(mixture, prompt, options, scratch)
            ready = prepared(job, monitor.part(_LOADED, _HEARD))
            latents = sampled(job, ready, self._network, monitor.part(_HEARD, _SAMPLED))
            spans = ready.guidance.spans
            takes = ordered_takes(job, latents, spans, monitor.part(_SAMPLED, _RANKED))
            found = presence_of(job, takes, ready.spotted, monitor.part(_RANKED, _FOUND))
            undo.pop_all()
        blocks = _blocks(job, takes, found, monitor.part(_FOUND, 1.0))
        return Estimate(
            blocks=_within(blocks, options.n_threads),
            spans=spans,
            n_candidates=options.n_candidates,
            with_residual=options.residual == "generated",
            scores=takes.ranked.scores if takes.ranked else (),
            confidence=found.confidence,
            presence=found.lane,
            notices=(*notices(job, ready, takes.ranked), *found.notices()),
            settings=settings(job, self._name, self._weights_sha256, ready, takes.ranked),
        )

    def find_spans(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Finding:
        """Where the described sound is, by the span predictor; a run that follows knows it then.

        score: the mean probability of a span's frames.
        Raises PromptError, AudioError, CheckpointError, BackendError, DiskFull or Cancelled.
        """
        if not prompt.description:
            raise PromptError("there is nothing to find: describe the sound in a few words")
        with closing(Scratch(self._config.scratch)) as scratch, computing(options.n_threads):
            monitor.report("load", 0.0)
            plain = replace(options, n_candidates=1, rerun=None)
            job = self._job(mixture, prompt, plain, scratch)
            spotted = spotted_alone(job, monitor.part(_LOADED, 1.0))
            per_s = job.codec.sample_rate / job.codec.hop_length
        return Finding(
            tuple(
                FoundSpan(span, spotted.mean_probability(span.start_s * per_s, span.end_s * per_s))
                for span in spotted.spans
            )
        )

    def estimate_cost(
        self, mixture: AudioClip | Sound, prompt: Prompt, options: SeparationOptions
    ) -> Cost:
        """Seconds and bytes of a run with these arguments, as it would start now.

        What earlier runs left is free, if the mixture is a clip. Nothing is loaded for it, but for
        a model that this was made for without `costing`.
        Raises CheckpointError, or BackendUnavailable when the device is not on this machine.
        """
        if self._costing is None:
            here = self._here()
            self._costing = Costing(self._name, shape_of(here.model), self._config, Ledger())
        sound = Sound.of(mixture) if isinstance(mixture, AudioClip) else mixture
        loaded_as = None
        if (now := self._loaded) is not None:
            loaded_as = LoadedAs(now.weights, now.plan(options.n_candidates))
        known = self._known(mixture, prompt)
        return self._costing.cost(sound, prompt, options, known, loaded_as)

    @property
    def ledger(self) -> Ledger | None:
        """What is known of this machine; `None` until the cost was asked for the first time."""
        return None if self._costing is None else self._costing.ledger

    def _known(self, mixture: AudioClip | Sound, prompt: Prompt) -> Known:
        if self._loaded is None:
            return Known()
        recall, video = self._recall, prompt.masked_video
        is_text_known = recall.texts.has(_asked_for(prompt.description))
        is_heard = (
            isinstance(mixture, AudioClip)
            and bool(recall.heard)
            and recall.heard.has(clip_key(mixture))
        )
        return Known(
            loaded=True,
            text_encoder=self._loaded.model.companions.text_encoder.is_loaded,
            heard=is_heard,
            text=is_text_known,
            seen=video is not None and recall.has_seen(video),
            spotted=is_heard and is_text_known,
        )

    def _here(self) -> Loaded:
        """The model, loaded now if it is not yet."""
        if self._loaded is None:
            self._loaded = loaded(self._load(), self._config)
        return self._loaded

    def _job(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, scratch: Scratch
    ) -> Job:
        spans = clip_spans(prompt.spans, mixture.duration_s)
        rerun = None if options.rerun is None else checked_rerun(options.rerun, mixture)
        here, key = self._here(), clip_key(mixture)
        return Job(
            model=here.model,
            config=self._config,
            mixture=mixture,
            prompt=replace(prompt, description=_asked_for(prompt.description)),
            options=replace(options, rerun=rerun),
            spans=spans,
            stretch=stretch_of(
                mixture, rerun, self._config.overlap_s, here.model.config.audio_codec
            ),
            clip_key=key,
            weights=self._recall.weights.get(key, lambda: heard_weights(mixture)),
            scratch=scratch,
            recall=self._recall,
            work=Workplace(here.model, here.residency, here.plan(options.n_candidates)),
            notices=(*self._notices, *here.notices),
        )


def _asked_for(description: str) -> str:
    """The words that the model and its rankers get: lower case and no full stop, as it learned."""
    return description.lower().strip(" .!?;,") or description


def _blocks(job: Job, takes: Takes, found: Found, monitor: Monitor) -> Generator[NDArray[Any]]:
    """Stems [R, n, C] in the mixture's channels and rate; its files are let go of at the end."""
    rerun = job.options.rerun
    try:
        stems = placed_blocks(job, takes, monitor)
        if found.gates is not None:
            stems = gated(stems, found.gates, job.mixture.sample_rate)
        if rerun is not None:
            residual_of = job.mixture if job.options.residual == "generated" else None
            stems = spliced_blocks(rerun, job.stretch.start_sample, stems, residual_of)
        yield from stems
    finally:
        job.scratch.close()


def _within(blocks: Generator[NDArray[Any]], n_threads: int | None) -> Iterator[NDArray[Any]]:
    """The blocks, each computed with `n_threads` threads."""
    with closing(blocks):
        while True:
            with computing(n_threads):
                block = next(blocks, None)
            if block is None:
                return
            yield block
