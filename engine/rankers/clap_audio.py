"""CLAP's audio tower, HTSAT: a Swin transformer over a folded log-mel spectrum.

    log-mel [B, 1, 1001, 64] -> per-band norm -> image [B, 256, 256] -> patches 4 x 4
        -> stages of windowed attention, each followed by merging 2 x 2 patches -> mean [B, D]

Attributes carry the checkpoint's names. Its constant tables (window positions, shift masks) are
computed here.
"""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

IMAGE_SIZE = 256
PATCH_SIZE = 4
MLP_RATIO = 4


@dataclass(frozen=True, slots=True)
class HtsatConfig:
    """Sizes of the audio tower; the defaults are the published HTSAT-tiny."""

    embed_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (4, 8, 16, 32)
    window_size: int = 8
    n_mels: int = 64

    @property
    def output_dim(self) -> int:
        """D, width after the last stage."""
        width: int = self.embed_dim << (len(self.depths) - 1)
        return width


class Htsat(nn.Module):
    """Log-mel spectra to one vector per window."""

    def __init__(self, config: HtsatConfig) -> None:
        super().__init__()
        n_stages = len(config.depths)
        self.bn0 = BandNorm(config.n_mels)
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.layers = nn.ModuleList(
            Stage(
                dim=config.embed_dim << stage,
                depth=config.depths[stage],
                n_heads=config.num_heads[stage],
                window_size=config.window_size,
                merges=stage < n_stages - 1,
            )
            for stage in range(n_stages)
        )
        self.norm = nn.LayerNorm(config.output_dim)

    def forward(self, log_mel: Tensor) -> Tensor:
        """log_mel: [B, 1, frames, mels] in dB. Returns [B, D], not normalised."""
        x = self.patch_embed(self.image(log_mel))
        for layer in self.layers:
            x = layer(x)

        pooled: Tensor = self.norm(x).mean(dim=(1, 2))
        return pooled

    def image(self, log_mel: Tensor) -> Tensor:
        """Spectra [B, 1, frames, mels] as square images [B, 256, 256].

        Time is stretched to 1024 columns and cut into four pieces, which are stacked: row =
        piece * mels + band.
        """
        B, _, _, n_mels = log_mel.shape
        n_pieces = IMAGE_SIZE // n_mels
        x = functional.interpolate(
            self.bn0(log_mel),
            size=(IMAGE_SIZE * n_pieces, n_mels),
            mode="bicubic",
            align_corners=True,
        )
        pieces = x.reshape(B, n_pieces, IMAGE_SIZE, n_mels)
        return pieces.transpose(2, 3).reshape(B, IMAGE_SIZE, IMAGE_SIZE)


class BandNorm(nn.Module):
    """Normalises each mel band by stored statistics (batch norm at inference)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_mels))
        self.bias = nn.Parameter(torch.zeros(n_mels))
        self.register_buffer("running_mean", torch.zeros(n_mels))
        self.register_buffer("running_var", torch.ones(n_mels))

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, 1, frames, mels]; same shape out."""
        bands_second = x.transpose(1, 3)
        normed = functional.batch_norm(
            bands_second, self.running_mean, self.running_var, self.weight, self.bias, eps=1e-5
        )
        return normed.transpose(1, 3)


class PatchEmbed(nn.Module):
    """Images to patch vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, kernel_size=PATCH_SIZE, stride=PATCH_SIZE)
        self.norm = nn.LayerNorm(dim)

    def forward(self, image: Tensor) -> Tensor:
        """image: [B, 256, 256]. Returns [B, 64, 64, D]."""
        patches: Tensor = self.norm(self.proj(image[:, None]).permute(0, 2, 3, 1))
        return patches


class Stage(nn.Module):
    """Blocks at one resolution; every second one looks across the borders of the windows."""

    def __init__(self, dim: int, depth: int, n_heads: int, window_size: int, merges: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(dim, n_heads, window_size, shifted=index % 2 == 1) for index in range(depth)
        )
        self.downsample = PatchMerging(dim) if merges else None

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, H, W, D]. Returns [B, H / 2, W / 2, 2D], or the same shape after the last."""
        for block in self.blocks:
            x = block(x)
        if self.downsample is None:
            return x
        merged: Tensor = self.downsample(x)
        return merged


class PatchMerging(nn.Module):
    """Four neighbours become one vector of twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, H, W, D]. Returns [B, H / 2, W / 2, 2D]."""
        corners = [x[:, row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
        merged: Tensor = self.reduction(self.norm(torch.cat(corners, dim=-1)))
        return merged


class Block(nn.Module):
    """Attention inside windows, then a feed-forward, each with a norm before it."""

    def __init__(self, dim: int, n_heads: int, window_size: int, shifted: bool) -> None:
        super().__init__()
        self.window_size = window_size
        self.shifted = shifted
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, n_heads, window_size)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, MLP_RATIO * dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, H, H, D]; same shape out."""
        size = x.shape[1]
        # One window that covers everything needs no shift.
        shift = self.window_size // 2 if self.shifted and size > self.window_size else 0

        windows = _cut(self.norm1(x).roll((-shift, -shift), (1, 2)), self.window_size)
        mask = _shift_mask(size, self.window_size, shift).to(x) if shift else None
        attended = _joined(self.attn(windows, mask), size, self.window_size)

        x = x + attended.roll((shift, shift), (1, 2))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class WindowAttention(nn.Module):
    """Multi-head attention among the patches of a window, with a bias per relative position."""

    def __init__(self, dim: int, n_heads: int, window_size: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.window_size = window_size
        n_offsets = (2 * window_size - 1) ** 2
        self.relative_position_bias_table = nn.Parameter(torch.zeros(n_offsets, n_heads))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: [B, windows, patches, D].   mask: [windows, 1, patches, patches], added to scores."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.n_heads, -1)).permute(3, 0, 1, 4, 2, 5)

        index = _relative_positions(self.window_size).to(x.device)
        bias = self.relative_position_bias_table[index].permute(2, 0, 1)
        attended = functional.scaled_dot_product_attention(
            q, k, v, bias if mask is None else bias + mask
        )

        out: Tensor = self.proj(attended.transpose(2, 3).flatten(-2))
        return out


class Mlp(nn.Module):
    """Two layers with GELU."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: [..., D]; same shape out."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


def _cut(x: Tensor, window: int) -> Tensor:
    """[B, H, W, D] to windows [B, H * W / window**2, window**2, D], row by row."""
    B, H, W, D = x.shape
    tiles = x.view(B, H // window, window, W // window, window, D).transpose(2, 3)
    return tiles.reshape(B, -1, window * window, D)


def _joined(windows: Tensor, size: int, window: int) -> Tensor:
    """The opposite of `_cut`, for a square."""
    B, _, _, D = windows.shape
    tiles = windows.view(B, size // window, size // window, window, window, D)
    return tiles.transpose(2, 3).reshape(B, size, size, D)


@functools.cache
def _relative_positions(window: int) -> Tensor:
    """Row of the bias table for each pair of patches [window**2, window**2]."""
    position = torch.arange(window * window)
    row, column = position // window, position % window
    down = row[:, None] - row[None, :] + window - 1
    right = column[:, None] - column[None, :] + window - 1
    return down * (2 * window - 1) + right


@functools.cache
def _shift_mask(size: int, window: int, shift: int) -> Tensor:
    """-100 between patches that only the roll brought together [windows, 1, patches, patches]."""
    position = torch.arange(size)
    band = (position >= size - window).long() + (position >= size - shift).long()
    region = (3 * band[:, None] + band[None, :])[None, :, :, None]
    in_windows = _cut(region, window)[0, :, :, 0]
    apart = in_windows[:, None, :] != in_windows[:, :, None]
    return torch.where(apart, -100.0, 0.0)[:, None]
