"""Values per latent frame of which only pieces are ever in memory, and sums of them.

    x + h * v   is not computed here and now: a piece of it is, whenever a piece is read

So the solvers in `engine.samplers`, which only add and scale, run over hours of sound without a
change: what they call x is a `Frames`. A piece has the very bits that the whole would have there,
for adding and scaling treat every number alone.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from .scratch import FrameFile, Scratch

_PIECE_FRAMES = 512

Read = Callable[[int, int], Tensor]
"""Frames [start, stop) of something, as [R, n, C]."""


class Frames:
    """[R, T, C], float32, on the host: stored, or computed from what is stored when it is read."""

    def __init__(self, read: Read, shape: tuple[int, int, int]) -> None:
        self._read = read
        self.n_rows, self.n_frames, self.n_channels = shape
        self._is_stored = False

    @classmethod
    def of(cls, values: Tensor) -> "Frames":
        """A tensor [R, T, C]."""
        frames = cls(lambda start, stop: values[:, start:stop], tuple(values.shape))  # type: ignore[arg-type]
        frames._is_stored = True
        return frames

    @classmethod
    def in_file(cls, file: FrameFile) -> "Frames":
        """What was written to `file`."""
        frames = cls(file.read, (file.n_rows, file.n_frames, file.n_channels))
        frames._is_stored = True
        return frames

    @classmethod
    def stored(cls, pieces: Iterable[Tensor], scratch: Scratch) -> "Frames":
        """Consecutive pieces [R, n, C], at least one, written down as they come."""
        file: FrameFile | None = None
        for piece in pieces:
            if file is None:
                file = scratch.file(piece.shape[0], piece.shape[2])
            file.append(piece)
        assert file is not None
        return cls.in_file(file)

    def read(self, start: int, stop: int) -> Tensor:
        """Frames [start, stop) as [R, n, C]; not to be changed."""
        assert 0 <= start <= stop <= self.n_frames, f"{start}:{stop} of {self.n_frames} frames"
        return self._read(start, stop)

    def whole(self) -> Tensor:
        """All of it, [R, T, C]."""
        return self.read(0, self.n_frames)

    def settle(self, scratch: Scratch) -> None:
        """Compute it now, once, and keep that instead of what it is made of."""
        if self._is_stored:
            return
        self._read = self.copied(scratch)._read
        self._is_stored = True

    def copied(self, scratch: Scratch) -> "Frames":
        """The same values, written down in `scratch`."""
        cuts = [*range(0, self.n_frames, _PIECE_FRAMES), self.n_frames]
        pieces = (self.read(start, stop) for start, stop in pairwise(cuts))
        return Frames.stored(pieces, scratch)

    def channels(self, start: int, stop: int) -> "Frames":
        """Channels [start, stop) alone."""
        shape = (self.n_rows, self.n_frames, stop - start)
        return Frames(lambda first, last: self._read(first, last)[..., start:stop], shape)

    def rows(self, order: Sequence[int]) -> "Frames":
        """Rows in another order, or some of them."""
        picked = list(order)
        shape = (len(picked), self.n_frames, self.n_channels)
        return Frames(lambda first, last: self._read(first, last)[picked], shape)

    def over(self, other: "Frames") -> "Frames":
        """Both, row after row."""

        def read(start: int, stop: int) -> Tensor:
            return torch.cat((self.read(start, stop), other.read(start, stop)))

        return Frames(read, (self.n_rows + other.n_rows, self.n_frames, self.n_channels))

    def between(self, start: int, stop: int) -> "Frames":
        """Frames [start, stop) alone, counted from 0."""
        assert 0 <= start <= stop <= self.n_frames, f"{start}:{stop} of {self.n_frames} frames"
        shape = (self.n_rows, stop - start, self.n_channels)
        return Frames(lambda first, last: self._read(start + first, start + last), shape)

    def beside(self, other: "Frames") -> "Frames":
        """Both, channel after channel."""

        def read(start: int, stop: int) -> Tensor:
            return torch.cat((self.read(start, stop), other.read(start, stop)), dim=-1)

        return Frames(read, (self.n_rows, self.n_frames, self.n_channels + other.n_channels))

    def __add__(self, other: "Frames") -> "Frames":
        return self._made(lambda start, stop: self.read(start, stop) + other.read(start, stop))

    def __sub__(self, other: "Frames") -> "Frames":
        return self._made(lambda start, stop: self.read(start, stop) - other.read(start, stop))

    def __rmul__(self, factor: float) -> "Frames":
        return self._made(lambda start, stop: factor * self.read(start, stop))

    def __truediv__(self, divisor: float) -> "Frames":
        return self._made(lambda start, stop: self.read(start, stop) / divisor)

    def _made(self, read: Read) -> "Frames":
        return Frames(read, (self.n_rows, self.n_frames, self.n_channels))
