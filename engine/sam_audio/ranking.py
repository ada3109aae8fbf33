"""Several takes of a prompt, put in order by the rankers that this machine has.

A long file is ranked in parts of about a window's length. A ranker's score is the mean over the
parts that it could judge, weighted by their length; of one part it is the ranker's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from engine.data import JsonValue, Monitor, Notice, Span
from engine.errors import OutOfMemory
from engine.model.masked_video import masked_frames
from engine.model.video_frames import SelectedFrame
from engine.rankers.base import RankingRequest
from engine.rankers.ensemble import MissingRanker, Ranking, RankingReport

from .beside import BesidePlan
from .frames import Frames
from .hearing import Downmix, mono_blocks
from .job import Job
from .rolling import RollingSamples
from .seeing import shown_in
from .windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class RankedTakes:
    """order: which take comes first, second, ...   scores: in that order, empty if unranked.

    parts: what every ranker said by itself, in that order.
    """

    order: tuple[int, ...]
    scores: tuple[float, ...]
    report: RankingReport
    parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def notices(self) -> tuple[Notice, ...]:
        """What took part in the ranking, when it is not what it should be."""
        if not self.scores and not self.report.missing:
            return (Notice("candidates_unranked", "No ranker: candidates are in no order."),)
        return self.report.notices()

    def as_json(self) -> dict[str, JsonValue]:
        """For the receipt."""
        return self.report.as_json()


def rank_takes(job: Job, waves: Frames, spans: tuple[Span, ...], monitor: Monitor) -> RankedTakes:
    """The order of the takes, waves [K, N, 1] at the model's rate; as they came if unranked.

    Holds one part of the takes and of the mixture in the host's memory. Takes that no memory is
    left to rank are kept as they came.
    Raises Cancelled, CheckpointCorrupt or CheckpointMismatch.
    """
    monitor.report("rank", 0.0)
    as_they_came = tuple(range(waves.n_rows))
    try:
        ranking = job.work.beside(
            "rankers", lambda plan: _ranking(job, waves, spans, plan, monitor)
        )
    except OutOfMemory as error:
        lacking = MissingRanker("rankers", str(error))
        return RankedTakes(as_they_came, (), RankingReport((), (lacking,)))
    if ranking is None:
        return RankedTakes(as_they_came, (), RankingReport())
    if ranking.scores is None:
        return RankedTakes(as_they_came, (), ranking.report)
    order = ranking.best_first(0)
    scores, *parts = (
        tuple(each[0, list(order)].tolist()) for each in (ranking.scores, *ranking.parts.values())
    )
    return RankedTakes(order, scores, ranking.report, dict(zip(ranking.parts, parts, strict=True)))


def _ranking(
    job: Job, waves: Frames, spans: tuple[Span, ...], plan: BesidePlan, monitor: Monitor
) -> Ranking | None:
    """What the rankers say on the plan's device; `None` where there is none."""
    companions = job.model.companions
    try:
        rankers = companions.rankers(plan.device)
        if rankers is None:
            return None
        rankings = []
        for request in _requests(job, waves, spans, has_video=rankers.visual is not None):
            rankings.append((len(request.mixtures[0]), rankers.rank(request, monitor)))
            monitor.report("rank", sum(length for length, _ in rankings) / waves.n_frames)
    except (RuntimeError, MemoryError, OSError, OutOfMemory):
        companions.release_rankers()  # the next try opens them anew, maybe elsewhere
        raise
    return merged(rankings)


def merged(rankings: list[tuple[int, Ranking]]) -> Ranking:
    """One ranking of rankings of parts, each with the part's length in samples."""
    if len(rankings) == 1:
        return rankings[0][1]
    weights = {name: weight for _, part in rankings for name, weight in part.report.used}
    missing = {each.name: each for _, part in rankings for each in part.report.missing}
    report = RankingReport(
        tuple(weights.items()),
        tuple(each for name, each in missing.items() if name not in weights),
    )
    if not weights:
        return Ranking(None, report, {})
    parts = {name: _mean(name, rankings) for name in weights}
    total = torch.stack([weight * parts[name] for name, weight in weights.items()]).sum(dim=0)
    return Ranking(torch.where(total.isnan(), -torch.inf, total), report, parts)


def _mean(name: str, rankings: list[tuple[int, Ranking]]) -> Tensor:
    judged = [(length, part.parts[name]) for length, part in rankings if name in part.parts]
    n_all = sum(length for length, _ in judged)
    return torch.stack([scores * (length / n_all) for length, scores in judged]).sum(dim=0)


def _requests(
    job: Job, waves: Frames, spans: tuple[Span, ...], has_video: bool
) -> Iterator[RankingRequest]:
    """What the rankers are asked, part by part."""
    rate, hop_length = job.codec.sample_rate, job.codec.hop_length
    first_frame = job.stretch.frames.start
    mono = RollingSamples(mono_blocks(Downmix(job.stretch.clip, job.weights), rate))
    shown = _shown(job) if has_video else None
    for part in _parts(job):
        start, stop = part.start * hop_length, min(part.stop * hop_length, waves.n_frames)
        video = None
        if shown is not None:
            shown, video = _taken(shown, part.n_frames)
        heard = np.ascontiguousarray(mono.read(start, stop)[:, 0])
        start_s = first_frame * hop_length / rate + start / rate
        yield RankingRequest(
            mixtures=(torch.from_numpy(heard),),
            candidates=(waves.read(start, stop)[..., 0].contiguous(),),
            descriptions=(job.prompt.description,),
            spans=(_spans_in(spans, start_s, start_s + (stop - start) / rate),),
            masked_videos=(video,),
            sample_rate=rate,
        )


def _parts(job: Job) -> Iterator[Window]:
    """Of equal length, as long as a window at most, without overlap."""
    n_frames = job.stretch.frames.n_frames
    longest = max(2, round(job.config.window_s * job.codec.sample_rate / job.codec.hop_length))
    n_parts = -(-n_frames // longest)
    for start, stop in pairwise(round(index * n_frames / n_parts) for index in range(n_parts + 1)):
        yield Window(start, stop)


def _spans_in(spans: tuple[Span, ...], start_s: float, stop_s: float) -> tuple[Span, ...]:
    """What the spans say about a part, in seconds from its start."""
    if start_s == 0 and all(span.end_s <= stop_s for span in spans):
        return spans
    cut = ((max(each.start_s, start_s), min(each.end_s, stop_s), each.sign) for each in spans)
    return tuple(
        Span(start - start_s, stop - start_s, sign) for start, stop, sign in cut if start < stop
    )


def _shown(job: Job) -> Iterator[SelectedFrame] | None:
    """The frames that the model saw of the stretch."""
    video, stretch = job.prompt.masked_video, job.stretch
    if video is None:
        return None
    return shown_in(masked_frames(video, stretch.n_file_frames), stretch.frames)


def _taken(
    frames: Iterator[SelectedFrame], n_frames: int
) -> tuple[Iterator[SelectedFrame], Tensor]:
    """Pictures [n_frames, 3, H, W], and the frames that are left."""
    images: list[Tensor] = []
    n_taken = 0
    for frame in frames:
        n_now = min(frame.n_repeats, n_frames - n_taken)
        images += [torch.from_numpy(np.array(frame.image))] * n_now
        n_taken += n_now
        if n_taken == n_frames:
            left = frame.n_repeats - n_now
            return _with_first(frame, left, frames), torch.stack(images)
    raise AssertionError(f"{n_taken} of {n_frames} frames")


def _with_first(
    frame: SelectedFrame, n_repeats: int, frames: Iterator[SelectedFrame]
) -> Iterator[SelectedFrame]:
    if n_repeats > 0:
        yield SelectedFrame(frame.number, frame.image, n_repeats)
    yield from frames
