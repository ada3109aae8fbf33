"""What a job must be before it is taken: a prompt that can mean something, paths that may be named.

The engine checks everything again; here the client learns at once.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .errors import PathRefused, RequestRefused
from .protocol.fields import to_wire
from .protocol.messages import JobSubmit
from .protocol.values import Clip, Job, WirePrompt

_NOT_IN_KEY = ("n_threads", "priority", "output_folder", "allow_overwrite", "separator")


def check_submission(request: JobSubmit, clip: Clip, store_root: Path, allow_paths: bool) -> None:
    """Raises RequestRefused or PathRefused when this job makes no sense or may not be."""
    check_prompt(request.prompt, clip)
    options = request.options
    if not allow_paths:
        if options.output_folder or request.prompt.video_path or request.prompt.mask_path:
            raise PathRefused(
                "paths: a server on another computer does not see your files; fetch the stems "
                "with stem.read",
                "paths_not_for_remote",
            )
        return
    for path in (request.prompt.video_path, request.prompt.mask_path):
        if path and not Path(path).is_absolute():
            raise PathRefused(f"{path}: give an absolute path")
        if path and not os.access(path, os.R_OK):
            raise PathRefused(f"{path}: it is not there or cannot be read")
    if options.output_folder:
        _check_folder(Path(options.output_folder), store_root)


def job_key(job: Job, identity: dict[str, Any], clip_sha256: str) -> str:
    """The same for two jobs that would make the same stems.

    identity: what a worker said: separator, digest of its weights, stamps of the videos.
    """
    options = {
        name: value for name, value in to_wire(job.options).items() if name not in _NOT_IN_KEY
    }
    content = {
        "clip": clip_sha256,
        "description": " ".join(job.prompt.description.split()),
        "spans": to_wire(job.prompt.spans),
        "videos": [job.prompt.video_path, job.prompt.mask_path, identity["videos"]],
        "options": options,
        "separator": identity["separator"],
        "weights": identity["weights_sha256"],
        "version": identity["version"],
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_prompt(prompt: WirePrompt, clip: Clip) -> None:
    """Raises RequestRefused for a prompt that says nothing, or nothing about this clip."""
    if not prompt.description.strip() and not prompt.spans and not prompt.video_path:
        raise RequestRefused(
            "the prompt is empty: give a description, a span or a masked video", "prompt_invalid"
        )
    if prompt.mask_path and not prompt.video_path:
        raise RequestRefused("the prompt has a mask without its video", "prompt_invalid")
    for span in prompt.spans:
        if span.end_s <= span.start_s:
            raise RequestRefused(
                f"span {span.sign}{span.start_s:g}:{span.end_s:g}: the end must come after the "
                "start",
                "prompt_invalid",
            )
        if span.start_s >= clip.duration_s:
            raise RequestRefused(
                f"span {span.sign}{span.start_s:g}:{span.end_s:g} starts outside the clip, which "
                f"is {clip.duration_s:.3f} s long",
                "prompt_invalid",
            )


def _check_folder(folder: Path, store_root: Path) -> None:
    if not folder.is_absolute() or ".." in folder.parts:
        raise PathRefused(f"{folder}: give an absolute folder without `..`")
    try:
        resolved, root = folder.resolve(), store_root.resolve()
    except OSError as error:
        raise PathRefused(f"{folder}: it cannot be used ({error.strerror})") from error
    if resolved == root or root in resolved.parents or resolved in root.parents:
        raise PathRefused(
            f"{folder}: it is the store's own folder or above it; choose another, or none: the "
            "stems are in the store anyway"
        )
