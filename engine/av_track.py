"""One audio track of a film or of an audio file that libsndfile does not know, through PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from .errors import AudioUnreadable
from .stem_format import native_dtype

# Sample format of the decoder -> subtype, where the codec loses nothing.
_LOSSLESS = {"u8": "PCM_16", "s16": "PCM_16", "s32": "PCM_32", "flt": "FLOAT", "dbl": "DOUBLE"}
_FULL_SCALE = {"u8": 1 << 7, "s16": 1 << 15, "s32": 1 << 31, "s64": 1 << 63}
_KNOWS_ITS_LENGTH = frozenset({"MOV", "WV", "TTA", "APE", "MATROSKA"})
_LENGTH_TOLERANCE_S = 0.25


class AvTrack:
    """The best audio track of an open container; its samples can be decoded once."""

    def __init__(self, path: Path, container: Any, stream: Any) -> None:
        codec = stream.codec_context
        self.sample_rate: int = codec.sample_rate
        self.n_channels: int = codec.channels
        self.container: str = container.format.name.split(",")[0].upper()
        self._path = path
        self._demuxer = container
        self._stream = stream
        self._sample_format = codec.format.packed.name
        self._codec_name: str = codec.name.upper()
        self._is_lossless = codec.codec.lossless and self._sample_format in _LOSSLESS
        self._used_bits = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the blocks: as stored for lossless codecs, otherwise float32."""
        lossless = _LOSSLESS[self._sample_format] if self._is_lossless else "FLOAT"
        return native_dtype(lossless)

    @property
    def subtype(self) -> str:
        """As in libsndfile for lossless codecs, otherwise the codec's name; after decoding."""
        if not self._is_lossless:
            return self._codec_name
        return "PCM_24" if self.shift else _LOSSLESS[self._sample_format]

    @property
    def shift(self) -> int:
        """Bits to shift right: 8 where a 32-bit track only ever used its upper 24 bits."""
        is_32_bit = self._is_lossless and self._sample_format == "s32"
        return 8 if is_32_bit and self._used_bits & 0xFF == 0 else 0

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Blocks [n, C] in `dtype`, in order. Raises AudioUnreadable where decoding fails."""
        n_samples = 0
        try:
            for frame in self._demuxer.decode(self._stream):
                block = self._block(frame)
                n_samples += len(block)
                yield block
        except av.FFmpegError as error:
            at_s = n_samples / self.sample_rate
            raise AudioUnreadable(
                f"{self._path}: the audio is damaged at {at_s:.3f} s: {error.strerror}"
            ) from error
        self._check_length(n_samples)

    def _block(self, frame: Any) -> NDArray[Any]:
        met = (frame.sample_rate, frame.layout.nb_channels)
        if met != (self.sample_rate, self.n_channels):
            raise AudioUnreadable(
                f"{self._path}: it changes from {self.sample_rate} Hz and {self.n_channels} "
                f"channels to {met[0]} Hz and {met[1]}; convert it to WAV"
            )
        samples = frame.to_ndarray()
        samples = samples.T if frame.format.is_planar else samples.reshape(-1, self.n_channels)
        if self._sample_format == "u8":
            samples = (samples.astype(np.int16) - 128) << 8
        elif self._is_lossless and self._sample_format == "s32":
            self._used_bits |= int(np.bitwise_or.reduce(samples, axis=None))
        if not self._is_lossless and samples.dtype.kind == "i":
            full_scale = _FULL_SCALE["s16" if self._sample_format == "u8" else self._sample_format]
            samples = (samples / full_scale).astype(np.float32)
        return np.asarray(samples)

    def _check_length(self, n_samples: int) -> None:
        if self.container not in _KNOWS_ITS_LENGTH:
            return
        promised_s, decoded_s = self._promised_s(), n_samples / self.sample_rate
        if decoded_s < promised_s - _LENGTH_TOLERANCE_S:
            raise AudioUnreadable(
                f"{self._path}: it says {promised_s:.3f} s and holds {decoded_s:.3f} s: "
                "it was cut off; copy or download it again"
            )

    def _promised_s(self) -> float:
        """Length that the file states for the track; 0 if it states none, or only for the film."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        if len(self._demuxer.streams) == 1 and self._demuxer.duration is not None:
            return float(self._demuxer.duration / av.time_base)
        return 0.0


@contextmanager
def open_track(path: Path, why: str) -> Iterator[AvTrack]:
    """The best audio track of a file. Raises AudioUnreadable, with `why` in it, if it has none."""
    try:
        # Playlists must not lead anywhere else, least of all to the network.
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioUnreadable(
            f"{path}: it is not audio that can be read: {reason} ({why})"
        ) from error
    with container:
        stream: Any = container.streams.best("audio")
        if stream is None or not stream.codec_context.sample_rate:
            raise AudioUnreadable(
                f"{path}: it holds no audio ({why}); choose a file with an audio track"
            )
        yield AvTrack(path, container, stream)
