"""The perception encoder's view of a masked video: one feature vector per latent frame.

    frames [T, 3, H, W] -> prepare -> VisionTower -> [T, D]

Only the visual tower is built. The file also holds a text tower that nothing in SAM-Audio reads;
`VisionEncoder.unused_prefixes` names its keys for the loader.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import load_into, read_state_dict
from engine.errors import CheckpointMismatch

from .config import VisionEncoderConfig, from_dict, read_json
from .video_frames import SelectedFrame
from .vision_layers import LAYER_NORM_EPS, AttentionPool, Blocks, fit_positions, grid_rotary

MAX_FRAMES_AT_ONCE = 32
"""Frames in one pass of the tower, whatever larger number the file names: frames do not see each
other, so this bounds memory and changes nothing else."""


@dataclass(frozen=True, slots=True)
class VisionTowerConfig:
    """Shape of a visual tower. layer_scale: its layers hold `ls_1.gamma` and `ls_2.gamma`."""

    image_size: int
    patch_size: int
    width: int
    layers: int
    heads: int
    output_dim: int
    mlp_ratio: float = 4.0
    pool_type: str = "attn"
    use_cls_token: bool = True
    layer_scale: bool = False

    def __post_init__(self) -> None:
        if self.pool_type != "attn" or not self.use_cls_token:
            raise CheckpointMismatch(
                f"vision tower: pool_type {self.pool_type!r} with use_cls_token "
                f"{self.use_cls_token} is not supported; SAM-Audio's tower has 'attn' and true"
            )
        if self.width % self.heads or (self.width // self.heads) % 4:
            raise CheckpointMismatch(
                f"vision tower: width {self.width} over {self.heads} heads must be a multiple of 4"
            )

    def fitted_to(self, names: Iterable[str]) -> "VisionTowerConfig":
        """The same shape, with layer scale if a checkpoint with keys `names` has it."""
        return replace(self, layer_scale=any(name.endswith(".ls_1.gamma") for name in names))


TowerRegistry = Mapping[str, VisionTowerConfig]

PUBLISHED_TOWERS: TowerRegistry = {
    "PE-Core-L14-336": VisionTowerConfig(
        image_size=336, patch_size=14, width=1024, layers=24, heads=16, output_dim=1024
    )
}
"""Towers that a configuration may name without saying their shape."""


def read_towers(path: Path) -> TowerRegistry:
    """Towers described in a JSON file: `{"name": ..., "vision": {...}}`, or a list of such.

    Raises CheckpointNotFound or CheckpointMismatch.
    """
    content = read_json(path)
    towers = {}
    for entry in content if isinstance(content, list) else [content]:
        if not isinstance(entry, dict) or not {"name", "vision"} <= entry.keys():
            raise CheckpointMismatch(f"{path}: each tower needs `name` and `vision`, got {entry!r}")
        towers[str(entry["name"])] = from_dict(
            VisionTowerConfig, entry["vision"], f"{path}: vision"
        )
    return towers


def tower_named(name: str, towers: TowerRegistry = PUBLISHED_TOWERS) -> VisionTowerConfig:
    """The shape of the tower `name`. Raises CheckpointMismatch when there is none."""
    known = {**PUBLISHED_TOWERS, **towers}
    if name not in known:
        raise CheckpointMismatch(
            f"vision_encoder.name {name!r} is not a known tower; known are {', '.join(known)}"
        )
    return known[name]


class VisionTower(nn.Module):
    """Images to one vector each: a vision transformer with rotary places and attention pooling."""

    def __init__(self, config: VisionTowerConfig) -> None:
        super().__init__()
        width = config.width
        n_patches = (config.image_size // config.patch_size) ** 2
        self.head_width = width // config.heads

        self.conv1 = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(1 + n_patches, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.transformer = Blocks(
            config.layers, width, config.heads, config.mlp_ratio, config.layer_scale
        )
        self.ln_post = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.attn_pool = AttentionPool(width, config.mlp_ratio)
        self.proj = nn.Parameter(torch.randn(width, config.output_dim) * width**-0.5)

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: [B, 3, S, S], -1 to 1.   Returns [B, D], not normalised."""
        patches = self.conv1(pixels)
        n_side = patches.shape[-1]
        patches = patches.flatten(2).transpose(1, 2)

        start = self.class_embedding.expand(patches.shape[0], 1, -1)
        tokens = torch.cat((start, patches), dim=1)
        tokens = self.ln_pre(tokens + fit_positions(self.positional_embedding, n_side))

        tokens = self.transformer(tokens, grid_rotary(n_side, self.head_width, pixels.device))
        pooled: Tensor = self.attn_pool(self.ln_post(tokens))
        return pooled @ self.proj


class PerceptionEncoder(nn.Module):
    """The half of the published encoder that SAM-Audio uses: `visual`."""

    def __init__(self, config: VisionTowerConfig) -> None:
        super().__init__()
        self.visual = VisionTower(config)


class VisionEncoder(nn.Module):
    """Prepares frames and encodes them; `vision_encoder.` in SAM-Audio's checkpoint.

    Raises CheckpointMismatch when the configuration names an unknown tower or does not fit it.
    """

    prefix = "vision_encoder."
    """Where this module is in SAM-Audio's checkpoint."""

    unused_prefixes = (
        "model.token_embedding.",
        "model.positional_embedding",
        "model.transformer.",
        "model.ln_final.",
        "model.text_projection",
        "model.logit_scale",
    )
    """Keys of the published encoder's text tower, relative to this module; nothing reads them."""

    def __init__(
        self, config: VisionEncoderConfig, towers: TowerRegistry = PUBLISHED_TOWERS
    ) -> None:
        super().__init__()
        tower = tower_named(config.name, towers)
        if config.dim != tower.output_dim:
            raise CheckpointMismatch(
                f"vision_encoder.dim {config.dim} is not the {tower.output_dim} of {config.name}"
            )
        self.config = config
        self.mode = _resize_mode(config.interpolation_mode)
        self.model = PerceptionEncoder(tower)

    @classmethod
    def from_checkpoint(
        cls,
        config: VisionEncoderConfig,
        weights: Path,
        towers: TowerRegistry = PUBLISHED_TOWERS,
        dtype: torch.dtype | None = None,
    ) -> "VisionEncoder":
        """The encoder inside SAM-Audio's checkpoint, ready to use, on the CPU.

        weights: the checkpoint or its folder; of it, only the visual tower is read.
        towers: shapes of towers that were not published.   dtype: `None` keeps the file's.
        Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
        """
        state = {
            name.removeprefix(cls.prefix): tensor
            for name, tensor in read_state_dict(weights).items()
            if name.startswith(cls.prefix)
        }
        tower = tower_named(config.name, towers).fitted_to(state)
        with torch.device("meta"):
            encoder = cls(config, {config.name: tower})
        load_into(
            encoder,
            state,
            where=f"{weights}, {cls.prefix}",
            dtype=dtype,
            allowed_unexpected=cls.unused_prefixes,
        )
        return encoder.eval().requires_grad_(False)

    def forward(self, frames: Tensor) -> Tensor:
        """Features of all `frames`: [T, D], of length 1 if the configuration normalises them.

        frames: [T, 3, H, W], uint8 or float, 0 to 255.
        """
        chunks = torch.split(frames, self._n_at_once)
        return torch.cat([self.encode_pixels(self.prepare(chunk)) for chunk in chunks])

    def encode_video(self, frames: Iterable[SelectedFrame]) -> Tensor:
        """Features of a video frame by frame: [T, D], T the sum of the frames' repeats.

        frames: taken one at a time and forgotten; each is encoded once, however many latent
            frames show it.
        """
        pixels: list[Tensor] = []
        features: list[Tensor] = []
        repeats: list[int] = []
        for frame in frames:
            # Squeezed at once, so that only small pictures wait for their pass.
            pixels.append(self.prepare(torch.from_numpy(frame.image.copy())[None]))
            repeats.append(frame.n_repeats)
            if len(pixels) == self._n_at_once:
                features.append(self.encode_pixels(torch.cat(pixels)))
                pixels = []

        if pixels:
            features.append(self.encode_pixels(torch.cat(pixels)))
        shown = torch.tensor(repeats, device=features[0].device)
        return torch.cat(features).repeat_interleave(shown, dim=0)

    @property
    def _n_at_once(self) -> int:
        return min(self.config.batch_size, MAX_FRAMES_AT_ONCE)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """pixels: [B, 3, S, S], prepared.   Returns [B, D]."""
        features: Tensor = self.model.visual(pixels)
        if self.config.normalize_feature:
            features = functional.normalize(features, dim=-1)
        return features

    def prepare(self, frames: Tensor) -> Tensor:
        """Frames squeezed to the tower's square and scaled: [B, 3, S, S], -1 to 1.

        frames: [B, 3, H, W], uint8 or float, 0 to 255; their aspect ratio is not kept.
        """
        weight = self.model.visual.conv1.weight
        frames = frames.to(weight.device)
        resized = resize(frames, self.config.image_size, self.mode).float()
        return ((resized / 255 - 0.5) / 0.5).to(weight.dtype)


def resize(frames: Tensor, size: int, mode: str) -> Tensor:
    """Frames resampled with antialiasing to a square: [B, 3, size, size], of the same type.

    frames: [B, 3, H, W].   mode: `bicubic` or `bilinear`.
    The overshoot of bicubic is cut off only where the type demands it: uint8 is clamped and
    rounded, float is left alone. This is what torchvision does.
    """
    if frames.shape[-2:] == (size, size):
        return frames
    resized = functional.interpolate(
        frames.float(), size=(size, size), mode=mode, align_corners=False, antialias=True
    )
    if frames.dtype == torch.uint8:
        return resized.clamp(0, 255).round().to(torch.uint8)
    return resized.to(frames.dtype)


def pad_features(features: Sequence[Tensor], n_frames: int) -> Tensor:
    """Features of B videos side by side: [B, D, n_frames], zeros where a video is shorter.

    features: per video [T, D], T at most `n_frames`.
    """
    rows = [functional.pad(item.transpose(0, 1), (0, n_frames - len(item))) for item in features]
    return torch.stack(rows)


def _resize_mode(name: str) -> str:
    mode = name.lower()
    if mode not in ("bicubic", "bilinear"):
        raise CheckpointMismatch(
            f"vision_encoder.interpolation_mode {name!r}: allowed are BICUBIC and BILINEAR"
        )
    return mode
