"""Frames of a video by PyAV, which is optional: `pip install 'stemlasso[video]'`."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gui.audio.files import SoundUnreadable

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video holds. times_s: of every frame, from the start of the film."""

    path: Path
    width: int
    height: int
    times_s: tuple[float, ...]

    @property
    def frame_s(self) -> float:
        """Time between two frames."""
        n_frames = len(self.times_s)
        return (self.times_s[-1] - self.times_s[0]) / (n_frames - 1) if n_frames > 1 else 0.04


def has_video_support() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def frame_times(path: Path) -> tuple[tuple[float, ...], int, int]:
    """Times of all frames, height and width. Raises SoundUnreadable."""
    info = video_info(path)
    return info.times_s, info.height, info.width


def video_info(path: Path) -> VideoInfo:
    """What a video holds, from its packets: nothing is decoded. Raises SoundUnreadable."""
    if not has_video_support():
        raise SoundUnreadable("Videos need PyAV: pip install 'stemlasso[video]'")
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SoundUnreadable(f"{path.name}: there is no picture in it")
            stream = container.streams.video[0]
            times = sorted(
                float(packet.pts * (stream.time_base or 0))
                for packet in container.demux(stream)
                if packet.pts is not None and packet.size
            )
            width, height = stream.codec_context.width, stream.codec_context.height
    except (av.error.FFmpegError, OSError) as error:
        raise SoundUnreadable(f"{path.name}: it cannot be read as a video ({error})") from error
    if not times:
        raise SoundUnreadable(f"{path.name}: there is no picture in it")
    return VideoInfo(path, width, height, tuple(time_s - times[0] for time_s in times))
