"""The drawn mask as a file that the engine reads: one mask a frame of the video."""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from gui.state.draft import Draft
from gui.state.masks import rendered

LONGER_SIDE = 320
"""Masks are stretched to the frame by the engine; more pixels would say nothing more."""


def write_mask(draft: Draft, folder: Path) -> Path:
    """A file with the masks of all frames, made once for the same drawing.

    Raises OSError or SoundUnreadable; takes as long as counting the frames: off the Qt thread.
    """
    from gui.video.frames import frame_times

    times_s, height, width = frame_times(Path(draft.video_path))
    scale = LONGER_SIDE / max(height, width)
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    text = repr((draft.video_path, draft.masks, rows, columns, len(times_s)))
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
    if path.is_file():
        return path
    masks = rendered(draft.masks, times_s, rows, columns)
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "wb") as stream:
        np.savez_compressed(stream, video_masklet=masks)
    Path(name).replace(path)
    return path
