"""The frames of a video that are nearest to each latent frame, one at a time.

    file --decode--> frames in order of time --> for every latent frame the nearest one, upright RGB
    array [N, 3, H, W] ------------------------> evenly spread over the latent frames

A file is never held in memory: the decoder's own few frames, one frame that waits for its
successor, and one that the caller looks at. PyAV is imported when a file is opened.

Letters in shapes: N frames of the source, T latent frames, H x W pixels.
"""

import importlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import BackendUnavailable, PromptError
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_FALLBACK_FRAMES_PER_S = Fraction(25)
"""For raw streams that hold neither times nor a rate."""


@dataclass(frozen=True, slots=True)
class SelectedFrame:
    """A frame that some latent frames show. number: its place in the source, from 0.

    image: [3, H, W].   n_repeats: how many latent frames in a row show it, at least 1.
    """

    number: int
    image: NDArray[Any]
    n_repeats: int


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame as the decoder gave it; pixels are converted when asked for."""

    number: int
    time_s: Fraction
    picture: "VideoFrame"
    is_lossless: bool

    def rgb(self) -> NDArray[np.uint8]:
        """Pixels [3, H, W], turned upright."""
        return np.moveaxis(self._upright("rgb24"), -1, 0)

    def rgba(self) -> NDArray[np.uint16]:
        """Pixels and opacity [H, W, 4] in 16 bits, so that no small value is lost; upright."""
        return self._upright("rgba64le")

    def _upright(self, pixel_format: str) -> NDArray[Any]:
        pixels = self.picture.to_ndarray(format=pixel_format)
        # Telephones store what the sensor saw and note by how much it was turned.
        return np.rot90(pixels, k=round(self.picture.rotation / 90))


def select_frames(video: Path | NDArray[np.uint8], n_latent: int) -> Iterator[SelectedFrame]:
    """Frames of `video` in order, each with the number of latent frames that show it: sums to T.

    video: a file, or frames [N, 3, H, W] uint8.   n_latent: T, at least 1.
    A video that ends before the sound shows its last frame to the end; what lies beyond the sound
    is not decoded.
    Raises PromptError for an array of another kind; while iterating, PromptError when the file
    cannot be read and BackendUnavailable without PyAV.
    """
    if isinstance(video, Path):
        return _select_from_file(video, n_latent)
    return _select_from_array(check_frames(video), n_latent)


def check_frames(frames: NDArray[Any]) -> NDArray[np.uint8]:
    """`frames` if they are [N, 3, H, W] uint8 and not empty. Raises PromptError."""
    shape = tuple(frames.shape)
    if frames.ndim != 4 or shape[1] != 3:
        swap = "; move the channels: frames.transpose(0, 3, 1, 2)" if shape[-1:] == (3,) else ""
        raise PromptError(f"video of shape {shape}: allowed is [frames, 3, height, width]{swap}")
    if frames.dtype != np.uint8:
        raise PromptError(f"video of type {frames.dtype}: allowed is uint8, 0 to 255")
    if 0 in shape:
        raise PromptError(f"video of shape {shape} is empty: give at least one frame with pixels")
    return frames


def nearest_index(n_wanted: int, n_given: int) -> NDArray[np.int64]:
    """For each of `n_wanted` places the nearest of `n_given` evenly spread frames; rises, [T].

    Halves go to the even number and the places are float32, as in the original.
    """
    places = torch.linspace(0, n_given - 1, n_wanted, dtype=torch.float32)
    index: NDArray[np.int64] = places.round().long().numpy()
    return index


def _select_from_array(frames: NDArray[np.uint8], n_latent: int) -> Iterator[SelectedFrame]:
    numbers, repeats = np.unique(nearest_index(n_latent, len(frames)), return_counts=True)
    for number, n_repeats in zip(numbers.tolist(), repeats.tolist(), strict=True):
        yield SelectedFrame(number, frames[number], n_repeats)


def _select_from_file(path: Path, n_latent: int) -> Iterator[SelectedFrame]:
    for frame, n_repeats in nearest_in_time(decode_frames(path), n_latent):
        yield SelectedFrame(frame.number, frame.rgb(), n_repeats)


def nearest_in_time(
    frames: Iterable[DecodedFrame], n_latent: int
) -> Iterator[tuple[DecodedFrame, int]]:
    """Every frame that is the nearest of some latent frame, with how many they are.

    frames: in order of time; one that does not come after its predecessor is passed over.
    Of two frames that are equally near, the earlier one is taken. Times are fractions, so this
    does not hang on rounding.
    """
    held: DecodedFrame | None = None
    latent = 0
    for frame in frames:
        if held is None:
            held = frame
            continue
        if frame.time_s <= held.time_s:
            continue
        first = latent
        while latent < n_latent and _latent_time(latent) * 2 <= held.time_s + frame.time_s:
            latent += 1
        if latent > first:
            yield held, latent - first
        if latent == n_latent:
            return
        held = frame
    assert held is not None
    yield held, n_latent - latent


def _latent_time(latent: int) -> Fraction:
    return Fraction(latent * SAM_HOP_LENGTH, SAM_SAMPLE_RATE)


def decode_frames(path: Path) -> Iterator[DecodedFrame]:
    """The frames of a video file in the order in which they are shown; at least one.

    A packet that cannot be decoded is skipped, as players do.
    Raises PromptError when there is no such file, no video in it or not one whole frame, and
    BackendUnavailable without PyAV.
    """
    av = import_av()
    with _open(av, path) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        number = 0
        for picture in _pictures(av, container, stream):
            yield _decoded(picture, number, container, stream)
            number += 1
    if number == 0:
        raise PromptError(f"video {path}: not one frame could be decoded; the file is damaged")


def count_frames(path: Path) -> int:
    """How many frames a video file holds, counted without decoding them.

    Raises PromptError and BackendUnavailable, as `decode_frames` does.
    """
    av = import_av()
    with _open(av, path) as container:
        stream = _video_stream(container, path)
        try:
            return sum(
                1 for packet in container.demux(stream) if packet.size and not packet.is_discard
            )
        except av.error.FFmpegError as error:
            raise _unreadable(path, error) from error


def import_av() -> ModuleType:
    """PyAV. Raises BackendUnavailable where it is not installed."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise BackendUnavailable(
            'video prompts need PyAV, which is not installed: pip install "stemlasso[video]"'
        ) from error


def _open(av: ModuleType, path: Path) -> "InputContainer":
    if not path.is_file():
        raise PromptError(f"video {path}: no such file; give the path of a video file")
    if path.stat().st_size == 0:
        raise PromptError(f"video {path}: the file is empty (0 bytes)")
    try:
        # An absolute path, so that a colon in a name is not taken for a protocol.
        container: InputContainer = av.open(str(path.resolve()))
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error
    return container


def _unreadable(path: Path, error: Exception) -> PromptError:
    return PromptError(
        f"video {path} cannot be read ({error}); allowed is whatever FFmpeg reads, such as MP4, "
        "MOV, MKV or WebM"
    )


def _video_stream(container: "InputContainer", path: Path) -> "VideoStream":
    from av.stream import Disposition

    for stream in container.streams.video:
        # The cover picture of an audio file is stored as a video of one frame.
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise PromptError(
        f"video {path} holds no moving picture, only {kinds}; give the file with the picture"
    )


def _pictures(
    av: ModuleType, container: "InputContainer", stream: "VideoStream"
) -> Iterator["VideoFrame"]:
    n_damaged = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            log.warning("the video ends early, its container is damaged: %s", error)
            return
        if packet is None:
            break
        try:
            pictures = packet.decode()
        except av.error.FFmpegError as error:
            n_damaged += 1
            log.debug("packet skipped: %s", error)
            continue
        yield from pictures
    if n_damaged:
        log.warning("%d damaged packets of the video were skipped", n_damaged)


def _decoded(
    picture: "VideoFrame", number: int, container: "InputContainer", stream: "VideoStream"
) -> DecodedFrame:
    codec = stream.codec_context.codec
    is_lossless = codec.lossless and not codec.lossy
    return DecodedFrame(number, _time_s(picture, number, container, stream), picture, is_lossless)


def _time_s(
    picture: "VideoFrame", number: int, container: "InputContainer", stream: "VideoStream"
) -> Fraction:
    if picture.pts is None or picture.time_base is None:
        return number / (stream.average_rate or _FALLBACK_FRAMES_PER_S)
    return picture.pts * picture.time_base - _clock_start_s(container)


def _clock_start_s(container: "InputContainer") -> Fraction:
    """Where the file's clock starts: broadcast streams start theirs anywhere (MPEG-TS at 1.4 s)."""
    from av.format import Flags

    has_free_clock = container.format.flags & cast(int, Flags.ts_discont.value)
    return Fraction(container.start_time or 0, 1_000_000) if has_free_clock else Fraction(0)
