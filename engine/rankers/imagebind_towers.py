"""ImageBind's towers for sound and pictures: patches, a transformer, one vector per clip.

    mel picture [n, 1, 128, 204]   -> 12 x 19 overlapping patches + class token -> 12 blocks --+
                                                                                joint [n, 1024]
    two frames [n, 3, 2, 224, 224] -> 16 x 16 patches + class token -> 32 blocks --------------+

Attributes carry the checkpoint's names. The other four modalities of the file are not built.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

MLP_RATIO = 4
LOGIT_SCALE_MAX = 100.0
N_AUDIO_PATCHES = 12 * 19
N_VISION_PATCHES = 16 * 16


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """Sizes of one tower."""

    width: int
    n_blocks: int
    n_heads: int


@dataclass(frozen=True, slots=True)
class ImageBindConfig:
    """Sizes of both towers; the defaults are the published `imagebind_huge`."""

    vision: TowerConfig = field(default_factory=lambda: TowerConfig(1280, 32, 16))
    audio: TowerConfig = field(default_factory=lambda: TowerConfig(768, 12, 12))
    output_dim: int = 1024


class ImageBind(nn.Module):
    """Clips of sound and of pictures to vectors in one space."""

    def __init__(self, config: ImageBindConfig) -> None:
        super().__init__()
        towers = {"vision": config.vision, "audio": config.audio}
        self.modality_preprocessors = nn.ModuleDict(
            {
                "vision": VisionPreprocessor(config.vision.width),
                "audio": AudioPreprocessor(config.audio.width),
            }
        )
        self.modality_trunks = nn.ModuleDict(
            {
                "vision": Trunk(config.vision, norm_first=True, extra_key=False),
                "audio": Trunk(config.audio, norm_first=False, extra_key=True),
            }
        )
        self.modality_heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.LayerNorm(tower.width, eps=1e-6),
                    FirstToken(),
                    nn.Linear(tower.width, config.output_dim, bias=False),
                )
                for name, tower in towers.items()
            }
        )
        self.modality_postprocessors = nn.ModuleDict(
            {"vision": UnitLength(), "audio": nn.Sequential(UnitLength(), LogitScale())}
        )

    def embed_audio(self, clips: Tensor) -> Tensor:
        """clips: [n, 1, 128, 204]. Returns the mean vector of the clips [D], of length about 20."""
        return self._embed("audio", clips)

    def embed_video(self, clips: Tensor) -> Tensor:
        """clips: [n, 3, 2, 224, 224]. Returns the mean vector of the clips [D]."""
        return self._embed("vision", clips)

    def _embed(self, modality: str, clips: Tensor) -> Tensor:
        tokens = self.modality_preprocessors[modality](clips)
        tokens = self.modality_trunks[modality](tokens)
        vectors = self.modality_heads[modality](tokens)
        mean: Tensor = self.modality_postprocessors[modality](vectors).mean(dim=0)
        return mean


class VisionPreprocessor(nn.Module):
    """Patches of 14 x 14 pixels over two frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        stem = nn.Conv3d(3, width, kernel_size=(2, 14, 14), stride=(2, 14, 14), bias=False)
        self.rgbt_stem = nn.ModuleDict({"proj": nn.Sequential(nn.Identity(), stem)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding_helper = PositionTable(N_VISION_PATCHES + 1, width)

    def forward(self, clips: Tensor) -> Tensor:
        """clips: [n, 3, 2, 224, 224]. Returns tokens [n, 257, width]."""
        patches = self.rgbt_stem["proj"](clips).flatten(2).transpose(1, 2)
        return _with_class_token(patches, self.cls_token) + self.pos_embedding_helper.pos_embed


class AudioPreprocessor(nn.Module):
    """Patches of 16 x 16 points of the mel picture, every 10."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rgbt_stem = nn.ModuleDict(
            {
                "proj": nn.Conv2d(1, width, kernel_size=16, stride=10, bias=False),
                "norm_layer": nn.LayerNorm(width),
            }
        )
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding_helper = PositionTable(N_AUDIO_PATCHES + 1, width)

    def forward(self, clips: Tensor) -> Tensor:
        """clips: [n, 1, 128, 204]. Returns tokens [n, 229, width]."""
        patches = self.rgbt_stem["proj"](clips).flatten(2).transpose(1, 2)
        tokens = _with_class_token(self.rgbt_stem["norm_layer"](patches), self.cls_token)
        return tokens + self.pos_embedding_helper.pos_embed


class PositionTable(nn.Module):
    """A learned vector per position."""

    def __init__(self, n_tokens: int, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, n_tokens, width))


class Trunk(nn.Module):
    """Transformer blocks, with a norm before the first one for pictures."""

    def __init__(self, config: TowerConfig, norm_first: bool, extra_key: bool) -> None:
        super().__init__()
        self.pre_transformer_layer = nn.Sequential(
            *([nn.LayerNorm(config.width, eps=1e-6)] if norm_first else [])
        )
        self.blocks = nn.ModuleList(
            Block(config.width, config.n_heads, extra_key) for _ in range(config.n_blocks)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: [n, L, width]; same shape out."""
        tokens = self.pre_transformer_layer(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class Block(nn.Module):
    """Attention and feed-forward, each with a norm before it."""

    def __init__(self, width: int, n_heads: int, extra_key: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, n_heads, extra_key)
        self.norm_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict(
            {
                "fc1": nn.Linear(width, MLP_RATIO * width),
                "fc2": nn.Linear(MLP_RATIO * width, width),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: [n, L, width]; same shape out."""
        x = x + self.attn(self.norm_1(x))
        hidden = functional.gelu(self.mlp["fc1"](self.norm_2(x)))
        out: Tensor = x + self.mlp["fc2"](hidden)
        return out


class Attention(nn.Module):
    """Multi-head attention; for sound with one learned key and value beside the tokens' own."""

    def __init__(self, width: int, n_heads: int, extra_key: bool) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        self.bias_k = nn.Parameter(torch.zeros(1, 1, width)) if extra_key else None
        self.bias_v = nn.Parameter(torch.zeros(1, 1, width)) if extra_key else None

    def forward(self, x: Tensor) -> Tensor:
        """x: [n, L, width]; same shape out."""
        q, k, v = functional.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        if self.bias_k is not None and self.bias_v is not None:
            k = torch.cat([k, self.bias_k.expand(len(x), -1, -1)], dim=1)
            v = torch.cat([v, self.bias_v.expand(len(x), -1, -1)], dim=1)

        q, k, v = (_heads(each, self.n_heads) for each in (q, k, v))
        attended = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out_proj(attended.transpose(1, 2).flatten(-2))
        return out


class FirstToken(nn.Module):
    """The class token alone."""

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: [n, L, width]. Returns [n, width]."""
        return tokens[:, 0]


class UnitLength(nn.Module):
    """Vectors of length one."""

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors: [n, D]; same shape out."""
        return functional.normalize(vectors, dim=-1)


class LogitScale(nn.Module):
    """Vectors made longer by a stored factor, 20 in the published file."""

    def __init__(self) -> None:
        super().__init__()
        self.log_logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors: [n, D]; same shape out."""
        return vectors * self.log_logit_scale.exp().clamp_max(LOGIT_SCALE_MAX)


def _heads(x: Tensor, n_heads: int) -> Tensor:
    """[n, L, width] to [n, heads, L, width / heads]."""
    n, L, _ = x.shape
    return x.view(n, L, n_heads, -1).transpose(1, 2)


def _with_class_token(patches: Tensor, cls_token: Tensor) -> Tensor:
    return torch.cat([cls_token.expand(len(patches), -1, -1), patches], dim=1)
