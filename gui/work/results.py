"""What comes of a job: the stems' files, and the spans that a model found."""

from dataclasses import replace
from pathlib import Path

from bridge.client import Client
from bridge.protocol.values import Job
from gui.state.spans import SpanMark


def predicted_spans(job: Job, drawn: tuple[SpanMark, ...]) -> tuple[SpanMark, ...]:
    """Spans of a result that the user did not draw: a model's, to accept or refuse."""
    if job.result is None:
        return ()
    known = {(round(each.start_s, 3), round(each.end_s, 3), each.sign) for each in drawn}
    known |= {
        (round(each.start_s, 3), round(each.end_s, 3), each.sign) for each in job.prompt.spans
    }
    return tuple(
        SpanMark(each.start_s, each.end_s, each.sign, "predicted")
        for each in job.result.spans
        if (round(each.start_s, 3), round(each.end_s, 3), each.sign) not in known
    )


def fetched(client: Client, job: Job, folder: Path) -> Job:
    """The job with its stems' files in `folder`, copied from a server elsewhere."""
    assert job.result is not None
    folder.mkdir(parents=True, exist_ok=True)
    stems = tuple(
        replace(stem, path=str(client.fetch_stem(job.job_id, stem, folder, overwrite=True)))
        for stem in job.result.stems
    )
    return replace(job, result=replace(job.result, stems=stems))
