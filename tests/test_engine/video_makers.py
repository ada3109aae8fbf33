"""Small real videos, made with PyAV: a bright square that wanders over a dark ground."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 48, 64
SQUARE = 16
GROUND = (0, 60, 120)
OBJECT = (240, 200, 80)


def square_at(number: int) -> tuple[slice, slice]:
    """Rows and columns of the object in frame `number`."""
    top, left = (number * 3) % (HEIGHT - SQUARE), (number * 5) % (WIDTH - SQUARE)
    return slice(top, top + SQUARE), slice(left, left + SQUARE)


def clip(n_frames: int) -> NDArray[np.uint8]:
    """Frames [N, H, W, 3]: the object over the ground."""
    frames = np.empty((n_frames, HEIGHT, WIDTH, 3), np.uint8)
    frames[:] = GROUND
    for number, frame in enumerate(frames):
        frame[square_at(number)] = OBJECT
    return frames


def clip_masks(n_frames: int) -> NDArray[np.bool_]:
    """Where the object is in `clip`: [N, H, W]."""
    masks = np.zeros((n_frames, HEIGHT, WIDTH), np.bool_)
    for number, mask in enumerate(masks):
        mask[square_at(number)] = True
    return masks


def numbered(n_frames: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> NDArray[np.uint8]:
    """Grey frames [N, H, W, 3] whose brightness tells their number (modulo 32)."""
    levels = np.arange(n_frames, dtype=np.uint8) % 32 * 8
    return np.broadcast_to(levels[:, None, None, None], (n_frames, *size, 3))


def number_of(image: NDArray[np.uint8]) -> int:
    """The number, modulo 32, that a decoded frame [3, H, W] of `numbered` tells."""
    return round(float(image.mean()) / 8)


def write_video(
    path: Path,
    frames: NDArray[np.uint8],
    times_s: Sequence[float] | None = None,
    *,
    fps: int = 25,
    codec: str = "ffv1",
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames [N, H, W, 3], evenly spaced or at `times_s`; FFV1 loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            time_s = times_s[number] if times_s is not None else number / fps
            picture.pts, picture.time_base = round(time_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A tenth of a second of silence, and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 4_800), np.int16), format="s16", layout="mono"
        )
        silence.sample_rate = 48_000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return path


def write_pngs(folder: Path, masks: NDArray[np.uint8], first: int = 0) -> Path:
    """Masks [N, H, W] as `7.png`, `8.png`, ... without leading zeros."""
    folder.mkdir()
    for number, mask in enumerate(masks, start=first):
        with av.open(str(folder / f"{number}.png"), "w", format="image2") as container:
            stream = container.add_stream("png", rate=1)
            stream.height, stream.width = mask.shape
            stream.pix_fmt = "gray"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(mask), format="gray")
            container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    return folder
