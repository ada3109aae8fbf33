"""Frames of a video by PyAV, which is optional: `pip install 'stemlasso[video]'`."""

import bisect
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

    def index_at(self, time_s: float) -> int:
        """The number of the frame that is on the screen at a time."""
        return max(bisect.bisect_right(self.times_s, time_s + 1e-6) - 1, 0)


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


class FrameReader:
    """Decodes frames near a time. One thread at a time."""

    def __init__(self, info: VideoInfo, longer_side: int) -> None:
        import av

        self.info = info
        scale = min(longer_side / max(info.width, info.height), 1.0)
        self._size = (max(round(info.width * scale), 1), max(round(info.height * scale), 1))
        self._container = av.open(str(info.path))
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._origin_s = float((self._stream.start_time or 0) * (self._stream.time_base or 0))

    def frame(self, time_s: float) -> Image:
        """The frame [H, W, 3] that is on the screen at a time. Raises SoundUnreadable."""
        import av

        base = self._stream.time_base or 1
        wanted_s = self.info.times_s[self.info.index_at(time_s)]
        try:
            self._container.seek(int((wanted_s + self._origin_s) / base), stream=self._stream)
            found = None
            for found in self._container.decode(self._stream):
                at_s = float((found.pts or 0) * base) - self._origin_s
                if at_s >= wanted_s - self.info.frame_s / 2:
                    break
        except av.error.FFmpegError as error:
            raise SoundUnreadable(f"{self.info.path.name}: {error}") from error
        if found is None:
            raise SoundUnreadable(f"{self.info.path.name}: no frame at {time_s:.3f} s")
        width, height = self._size
        image = found.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(image, np.uint8)

    def close(self) -> None:
        """Close the file."""
        self._container.close()
