"""`stemlasso jobs`: see, watch, cancel and repeat separations."""

import argparse
import sys
from dataclasses import asdict, replace

from bridge.client import Client
from bridge.errors import JobFailed, RequestRefused, VersionMismatch
from bridge.protocol.values import DONE, JOB_STATES, SEED_MAX, Job, JobRerun
from bridge.protocol.version import RERUN_SINCE, speaks

from .output import OK, duration, exit_status, parser, short, show_json, table, with_client
from .progress import follow


def _parser() -> argparse.ArgumentParser:
    made = parser("jobs", "List separations, newest first; or do something with one.")
    add = made.add_argument
    add("--state", action="append", default=[], choices=JOB_STATES, help="only these")
    add("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    add("--show", metavar="JOB", help="everything about one")
    add("--watch", metavar="JOB", help="follow one to its end")
    add("--cancel", action="append", default=[], metavar="JOB")
    add("--redo", metavar="JOB", help="do a selection of a job anew; it stays elsewhere")
    add("--selection", metavar="START:END", help="for --redo, in seconds")
    add("--seed", type=int, metavar="N", help="for --redo (default: the next one)")
    add("--retry", action="append", default=[], metavar="JOB", help="do it again, as a new job")
    return made


def main(argv: list[str]) -> int:
    """Run `stemlasso jobs`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return with_client(arguments, lambda client: _run(client, arguments))


def _run(client: Client, arguments: argparse.Namespace) -> int:
    if arguments.watch:
        job = follow(client, arguments.watch, show=not arguments.json)
        _show([job], arguments)
        return OK if job.state == DONE else exit_status(outcome(job))
    changed = [client.cancel(job_id) for job_id in arguments.cancel]
    if arguments.redo:
        changed.append(_redone(client, arguments))
    changed += [client.retry(job_id) for job_id in arguments.retry]
    if arguments.show:
        changed.append(client.job(arguments.show))
    _show(changed or client.jobs(arguments.state, arguments.limit), arguments)
    return OK


def _redone(client: Client, arguments: argparse.Namespace) -> Job:
    """A new job that does only the selection, with the prompt and options of an earlier one."""
    start_s, end_s = _selection(arguments.selection)
    if not speaks(client.welcome.protocol, RERUN_SINCE):
        raise VersionMismatch(
            "this server is an older one that cannot redo a part; stop it with `stemlasso stop`"
        )
    base = client.job(arguments.redo)
    seed = (base.options.seed + 1) % SEED_MAX if arguments.seed is None else arguments.seed
    rerun = JobRerun(base.job_id, start_s, end_s)
    options = replace(base.options, seed=seed, rerun=rerun, output_folder="")
    return client.submit(base.clip_id, base.prompt, options)


def _selection(text: str | None) -> tuple[float, float]:
    """`12.5:16` as two times in seconds. Raises RequestRefused."""
    start, colon, end = (text or "").partition(":")
    try:
        if colon:
            return float(start), float(end)
    except ValueError:
        pass
    raise RequestRefused(
        f"--selection {text or ''!r}: write START:END in seconds, for instance 12.5:16",
        "prompt_invalid",
    )


def _show(jobs: list[Job], arguments: argparse.Namespace) -> None:
    if arguments.json:
        show_json([asdict(job) for job in jobs])
    elif arguments.show and len(jobs) == 1:
        print(details(jobs[0]))
    elif jobs:
        print(table([_row(job) for job in jobs]))
    else:
        print("no jobs", file=sys.stderr)


def _row(job: Job) -> tuple[str, ...]:
    state = job.state
    if state == "running":
        state = f"{state} {job.progress.fraction:.0%}"
    took = "" if job.result is None else duration(job.result.took_s)
    why = "" if job.error is None else job.error.code
    return (job.job_id, state, took, short(job.clip_name), short(described(job)), why)


def described(job: Job) -> str:
    """The prompt on one line."""
    spans = " ".join(f"{one.sign}{one.start_s:g}:{one.end_s:g}" for one in job.prompt.spans[:4])
    return " ".join(filter(None, (job.prompt.description, spans)))


def outcome(job: Job) -> JobFailed:
    """The error that a job without stems stands for."""
    if job.error is None:
        return JobFailed(f"job {job.job_id} was cancelled", "cancelled")
    return JobFailed(job.error.message, job.error.code)


def details(job: Job) -> str:
    """Everything about one job, for reading."""
    lines = [
        f"job        {job.job_id}, {job.state}, attempt {job.attempt}",
        f"clip       {job.clip_name} ({job.clip_id})",
        f"prompt     {described(job)}",
        f"separator  {job.options.separator}, {job.options.quality}, seed {job.options.seed}",
    ]
    if job.error is not None:
        lines.append(f"error      [{job.error.code}] {job.error.message}")
    if job.result is not None:
        null = job.result.null_db
        lines += [
            *(f"{stem.role:<9}  {stem.path or stem.name}" for stem in job.result.stems),
            f"null       {'exact, to the last bit' if null is None else f'{null:.1f} dBFS'}",
            f"confidence {job.result.confidence:.2f}",
            *(f"note       {notice.message}" for notice in job.result.notices),
            f"took       {duration(job.result.took_s)}"
            + (" (answered from the store)" if job.result.from_store else ""),
        ]
    return "\n".join(lines)
