"""The latents of a job: as an earlier one left them, or sampled now.

    all of it known    same mixture, prompt, seed, takes, windows and solver: nothing is evaluated
    the first known    another solver, for another quality: the velocity of the noise is known
    nothing known      everything is evaluated

What is known is what would be computed, to the last bit: a stem never depends on what was done
before it. That is why nothing else of a draft is taken over; a solver that goes on from a draft's
later states ends elsewhere, and no nearer (`tests/benchmarks/bench_quality.py`).
"""

from collections.abc import Callable, Hashable
from functools import partial

from engine.data import Monitor
from engine.samplers import Draw, Sampling

from .frames import Frames
from .guidance import Network
from .job import Job
from .plan import RunPlan
from .preparation import Prepared
from .quality import sampling_for
from .recall import clip_key, video_key
from .sampling import Course, held, sampled_latents
from .windows import noise_field

_MOST_KEPT_BYTES = 1 << 26
"""What is larger serves this job alone: 43 minutes of one take."""


def sampled(job: Job, ready: Prepared, network: Network, monitor: Monitor) -> Frames:
    """The latents [K, T, 2C] of every take, from one noise field over all of the file.

    Raises BackendError, DiskFull or Cancelled.
    """
    sampling = sampling_for(job.config.sampling, job.options.quality)
    place = _place(job, ready)
    known = job.recall.sampled.known((place, job.windows, sampling))
    if known is not None:
        monitor.report("sample", 1.0)
        return known
    job.work.give_back()
    made = _sampled_now(job, ready, network, sampling, place, monitor)
    job.work.give_back()
    return made


def _sampled_now(
    job: Job,
    ready: Prepared,
    network: Network,
    sampling: Sampling,
    place: Hashable,
    monitor: Monitor,
) -> Frames:
    stretch, n_channels = job.stretch, job.model.n_latent_channels
    draws = [Draw(job.options.seed, take) for take in range(job.n_takes)]
    noise = noise_field(draws, stretch.frames.n_frames, n_channels, stretch.frames.start)
    on_share = partial(monitor.report, "sample")
    resident = None if job.work.device.type == "cpu" else job.work.device

    with job.work.separating():
        made = job.work.trying(lambda: network(job.model, ready.guidance, sampling.times))
        velocity = job.work.fitting(made)
        if ready.earlier is not None:
            velocity = held(velocity, noise, ready.earlier, stretch.selection)

        def sample(plan: RunPlan) -> Frames:
            windows = job.windows  # of this plan: shorter ones when memory ran out
            course = Course(
                sampling, windows, plan.n_windows_at_once(job.n_takes), job.config.joining
            )
            first = partial(_kept, job, (place, windows, "first"))
            return _kept(
                job,
                (place, windows, sampling),
                lambda: sampled_latents(
                    velocity,
                    noise,
                    course,
                    job.scratch,
                    on_share,
                    first,
                    None if plan.offload else resident,
                ),
            )

        return job.work.ladder.run(sample)


def _kept(job: Job, key: Hashable, make: Callable[[], Frames]) -> Frames:
    """What is known under `key`, or is made now and kept beyond this job's files."""
    known = job.recall.sampled.known(key)
    if known is not None:
        return known
    made = make()
    if 4 * made.n_rows * made.n_frames * made.n_channels > _MOST_KEPT_BYTES:
        return made
    return job.recall.sampled.get(key, lambda: made.copied(job.recall.scratch))


def _place(job: Job, ready: Prepared) -> Hashable:
    """Everything that the velocities and the noise hang on, beside the windows."""
    options, video, rerun = job.options, job.prompt.masked_video, job.options.rerun
    return (
        job.clip_key,
        job.stretch.frames,
        job.prompt.description,
        ready.guidance.spans,
        None if video is None else video_key(video),
        None if rerun is None else (rerun.start_s, rerun.end_s, clip_key(rerun.base_target)),
        options.seed,
        options.n_candidates,
        job.config.joining,
    )
