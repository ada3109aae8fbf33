"""A selection of a clip done anew: which earlier target it starts from, and whether that may be."""

from pathlib import Path

from .errors import NotFound, RequestRefused
from .protocol.values import Clip, JobRerun
from .store import Store


def base_target(store: Store, rerun: JobRerun, clip: Clip) -> Path:
    """The target that stays outside the selection, in the store.

    Raises NotFound (job, stem), and RequestRefused when the selection is none or lies outside the
    clip, or the earlier job is not over or of another clip.
    """
    _check_selection(rerun, clip)
    base = store.job(rerun.base_job_id)
    if not base.is_final:
        raise RequestRefused(
            f"job {base.job_id!r} is {base.state}: wait for its end before doing a part anew",
            "job_not_finished",
        )
    if base.clip_id != clip.clip_id:
        raise RequestRefused(
            f"job {base.job_id!r} is of another clip; name a job of clip {clip.clip_id!r}",
            "prompt_invalid",
        )
    stems = () if base.result is None else base.result.stems
    # the store's own file, by its own name there: a copy that was delivered may have been changed
    for path in (store.layout.stems(base.job_id) / s.name for s in stems if s.role == "target"):
        if path.is_file():
            return path
    raise NotFound(
        f"job {base.job_id!r}: its target is not in the store; do the whole clip first",
        "stem_not_found",
    )


def _check_selection(rerun: JobRerun, clip: Clip) -> None:
    selection = f"selection {rerun.start_s:g}:{rerun.end_s:g}"
    if rerun.end_s <= rerun.start_s:
        raise RequestRefused(f"{selection}: the end must come after the start", "prompt_invalid")
    if rerun.start_s >= clip.duration_s:
        raise RequestRefused(
            f"{selection} starts outside the clip, which is {clip.duration_s:.3f} s long",
            "prompt_invalid",
        )
