"""Everything that is computed once per mixture, prompt or video, before the first step.

mixture -----> latents -------------------.          a new prompt on a known clip: none of it
description -> text -----------------------> Guidance
spans, or predicted from latents and text -'
masked video -> features
"""

from dataclasses import dataclass, replace
from functools import partial

from engine.data import AudioClip, Monitor, Notice, Span, clip_spans
from engine.errors import CheckpointNotFound, OutOfMemory
from engine.model.text_encoder import EncodedText
from engine.model.vision_encoder import MAX_FRAMES_AT_ONCE

from .beside import BesidePlan
from .frames import Frames
from .guidance import Guidance
from .hearing import Downmix, Heard, hear
from .job import Job
from .recall import video_key
from .scratch import Scratch
from .seeing import see
from .spotting import Spotted, spot
from .stretch import Stretch, difference, excerpt, widened

_HEARD = 0.8
"""Share of encoding in finding spans alone, roughly."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """spotted: the predicted spans with their probabilities, `None` when none were predicted.

    earlier: latents [1, T, 2C] of what an earlier run made of this stretch, for a rerun.
    """

    heard: Heard
    guidance: Guidance
    spotted: Spotted | None
    earlier: Frames | None


def prepared(job: Job, monitor: Monitor) -> Prepared:
    """What the network has to know. Loads the models that this prompt needs, and no other.

    Raises AudioError, PromptError for the video, CheckpointError, DiskFull or Cancelled.
    """
    heard = _heard(job, monitor)
    spotted = _spotted(job, heard.latents, monitor)
    guidance = Guidance(
        audio=heard.latents,
        text=_text(job),
        spans=job.spans if spotted is None else spotted.spans,
        video=_video(job),
        first_frame=job.stretch.frames.start,
    )
    return Prepared(heard, guidance, spotted, _earlier(job, monitor))


def spotted_alone(job: Job, monitor: Monitor) -> Spotted:
    """Where the described sound is, whatever spans the prompt has; kept for runs that follow.

    Raises AudioError, CheckpointError when there is no span predictor, OutOfMemory, DiskFull or
    Cancelled.
    """
    asked = replace(job, spans=(), config=replace(job.config, predict_spans="on"))
    heard = _heard(asked, monitor.part(0, _HEARD))
    spotted = _spotted(asked, heard.latents, monitor.part(_HEARD, 1))
    assert spotted is not None
    return spotted


def _heard(job: Job, monitor: Monitor) -> Heard:
    known, stretch, key = job.recall.heard, job.stretch, job.clip_key
    whole = known.known(key)
    if whole is None and stretch.is_whole:
        return known.get(key, lambda: _hear(job, stretch, monitor))
    if whole is not None:
        cut = whole.latents.between(stretch.frames.start, stretch.frames.stop)
        return Heard(cut, stretch.n_samples, whole.notices)
    return known.get((key, stretch.frames), lambda: _hear(job, stretch, monitor))


def _hear(job: Job, stretch: Stretch, monitor: Monitor) -> Heard:
    """The stretch's latents; at its edges they know what lies beyond, as they do in the file."""
    wide = widened(stretch, job.mixture, job.codec)
    heard = _encoded(job, wide.clip, job.recall.scratch, monitor)
    first = stretch.frames.start - wide.frames.start
    latents = heard.latents.between(first, first + stretch.frames.n_frames)
    return Heard(latents, stretch.n_samples, heard.notices)


def _encoded(job: Job, clip: AudioClip, scratch: Scratch, monitor: Monitor) -> Heard:
    mono = Downmix(clip, job.weights)
    return hear(job.work, mono, job.config.codec_chunk_s, scratch, monitor)


def _text(job: Job) -> EncodedText:
    description = job.prompt.description

    def encode(plan: BesidePlan) -> EncodedText:
        encoder = job.model.companions.text_encoder.here()
        if plan.device != job.work.device:  # it left the device with everything that is idle
            left: EncodedText = encoder((description,))
            return left
        with job.work.on_device(encoder):
            encoded: EncodedText = encoder((description,))
        return encoded

    make = partial(job.work.beside, "text encoder", encode)
    return job.recall.texts.get(description, make)


def _spotted(job: Job, latents: Frames, monitor: Monitor) -> Spotted | None:
    wanted = job.config.predict_spans
    if job.spans or not job.prompt.description or wanted == "off":
        return None
    lazy = job.model.companions.span_predictor

    def find(plan: BesidePlan) -> Spotted:
        try:
            predictor = lazy.on(plan.device)
            spotted = spot(predictor, latents, job.prompt.description, job.windows, monitor)
        finally:
            lazy.release()
        return _in_the_file(job, spotted)

    try:
        place = (job.clip_key, job.prompt.description, job.stretch.frames, job.windows)
        return job.recall.spotted.get(place, partial(job.work.beside, "span predictor", find))
    except CheckpointNotFound:
        if wanted == "on":
            raise
        return None
    except OutOfMemory as error:
        if wanted == "on":
            raise
        job.work.note(Notice("spans_not_predicted", f"No spans were predicted: {error}."))
        return None


def _in_the_file(job: Job, spotted: Spotted) -> Spotted:
    """The spans in seconds of the mixture, none beyond its end."""
    start_s = job.stretch.start_sample / job.mixture.sample_rate
    moved = [Span(span.start_s + start_s, span.end_s + start_s) for span in spotted.spans]
    return Spotted(clip_spans(moved, job.mixture.duration_s), spotted.probability)


def _video(job: Job) -> Frames | None:
    video, stretch, known = job.prompt.masked_video, job.stretch, job.recall.videos
    if video is None:
        return None
    key, n_frames = video_key(video), stretch.n_file_frames
    whole = known.known((key, n_frames))
    if whole is not None:
        return whole.between(stretch.frames.start, stretch.frames.stop)
    place = (key, n_frames) if stretch.is_whole else (key, n_frames, stretch.frames)

    def look(plan: BesidePlan) -> Frames:
        return see(job.model, plan, video, n_frames, stretch.frames, job.recall.scratch)

    make = partial(job.work.beside, "vision tower", look, MAX_FRAMES_AT_ONCE)
    return known.get(place, make)


def _earlier(job: Job, monitor: Monitor) -> Frames | None:
    """Both streams of the earlier run, as far as its stem tells: the target and what it left."""
    if job.options.rerun is None:
        return None
    wide = widened(job.stretch, job.mixture, job.codec)
    start, stop = wide.start_sample, wide.start_sample + wide.clip.n_samples
    target = excerpt(job.options.rerun.base_target, start, stop)
    first = job.stretch.frames.start - wide.frames.start
    streams = [
        _encoded(job, clip, job.scratch, monitor).latents.between(
            first, first + job.stretch.frames.n_frames
        )
        for clip in (target, difference(wide.clip, target))
    ]
    return streams[0].beside(streams[1])
