"""Seconds of every stage of a model's run, as its progress names them; torch is not needed.

load     until the model is there
encode   clip, description and video become what the network is told; predicted spans
sample   every evaluation of every window and take
finish   ranking, decoding, placing, writing
"""

from dataclasses import dataclass, replace

from engine.sam_audio.plan import RunPlan

from .footprint import WeightFormat, footprint
from .rates import Rates
from .shape import ModelShape
from .task import Task, windows_over

STAGES = ("load", "encode", "sample", "finish")

_N_TOKENS = 8
_ENCODER_CONTEXT, _DECODER_CONTEXT = 12, 16
"""Frames that a codec chunk has more than it gives, to both sides together."""

_FUSE_COPIES = 4
"""How often a layer's weights are read or written while they are put together for speed."""

_PER_TAKE = 0.5
"""Share of the host's work that every take has anew."""

_VIDEO_FRAMES_PER_S = 25


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A run: model, weights, plan, task and rates; seconds of its stages follow."""

    shape: ModelShape
    weights: WeightFormat
    plan: RunPlan
    task: Task
    rates: Rates

    @property
    def n_frames(self) -> int:
        """Latent frames of the stretch."""
        stretch = self.task.stretch
        return self.shape.n_frames(stretch.n_samples, stretch.sample_rate)

    def seconds(self) -> dict[str, float]:
        """Of every stage."""
        values = (self.load_s(), self.encode_s(), self.sample_s(), self.finish_s())
        return dict(zip(STAGES, values, strict=True))

    def load_s(self) -> float:
        """Until the model is there."""
        if self.task.known.loaded:
            return 0.0
        parts = footprint(self.shape, replace(self.weights, int8=False), self.plan)
        return self.rates.start_s + (parts.network + parts.codec) * self.rates.load_s

    def encode_s(self) -> float:
        """Until the network can be asked."""
        task = self.task
        n_streams = (0 if task.known.heard else 1) + (2 if task.is_rerun else 0)
        heard = n_streams * self._coded(_ENCODER_CONTEXT) * self.shape.codec.encode_flops
        # The clip is known by its content, so all of it is read either way.
        read = task.sound.read_bytes * self._copy_s
        return heard * self.rates.encode_s + read + self._text_s() + self._spot_s() + self._see_s()

    def sample_s(self) -> float:
        """Of all evaluations, and of what is prepared for their times."""
        task, plan, shape = self.task, self.plan, self.shape
        cut = windows_over(self.n_frames, plan.window_frames, plan.overlap_frames)
        n_rows = cut.n_windows * task.n_takes
        at_once = plan.n_windows_at_once(task.n_takes) * min(task.n_takes, plan.n_rows)
        n_calls = -(-n_rows // at_once)
        once = n_calls * shape.n_layers * self.rates.layer_s
        once += n_rows * shape.evaluation_flops(cut.n_frames) * self.rates.evaluate_s
        tables = shape.text_flops(_N_TOKENS) * self.rates.product_s
        return task.n_evaluations * (once + tables)

    def finish_s(self) -> float:
        """Of what comes after the latents."""
        task = self.task
        n_streams = task.n_takes + task.n_residuals
        decoded = n_streams * self._coded(_DECODER_CONTEXT) * self.shape.codec.decode_flops
        host = self.rates.host_s * (1 - _PER_TAKE + _PER_TAKE * task.n_takes)
        ranked = 0.0
        if task.n_takes > 1:
            ranked = self._beside_s(task.rank_bytes, self.n_frames * task.n_takes)
        return decoded * self.rates.decode_s + host * task.sound.channel_s + ranked

    @property
    def _copy_s(self) -> float:
        return self.rates.copy_s

    def _coded(self, context: int) -> int:
        """Frames that the codec is given for the stretch, chunk by chunk."""
        n_chunks = -(-self.n_frames // self.plan.codec_chunk_frames)
        return self.n_frames + context * (n_chunks - 1)

    def _fuse_s(self) -> float:
        """Of the first run after loading, just before it samples."""
        if self.task.known.loaded:
            return 0.0
        parts = footprint(self.shape, self.weights, self.plan)
        return _FUSE_COPIES * parts.network * self._copy_s

    def _text_s(self) -> float:
        task, n_bytes = self.task, 4 * self.shape.text_parameters
        if task.known.text:
            return 0.0
        load_s = 0.0 if task.known.text_encoder else n_bytes * self.rates.load_s
        return load_s + max(n_bytes * self._copy_s, n_bytes / 2 * _N_TOKENS * self.rates.product_s)

    def _spot_s(self) -> float:
        if self.task.known.spotted:
            return 0.0
        return self._beside_s(self.task.spot_bytes, self.n_frames)

    def _see_s(self) -> float:
        n_bytes = self.task.see_bytes
        if not n_bytes or self.task.known.seen:
            return 0.0
        n_frames = round(self.task.stretch.duration_s * _VIDEO_FRAMES_PER_S)
        seen_s = self.shape.video_flops(max(1, n_frames)) * self.rates.evaluate_s
        return n_bytes * self.rates.load_s + seen_s

    def _beside_s(self, n_bytes: int, n_frames: int) -> float:
        """Of a float32 transformer with as many bytes over as many frames, loaded first."""
        return n_bytes * self.rates.load_s + n_bytes / 2 * n_frames * self.rates.evaluate_s
