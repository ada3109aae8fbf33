"""Rotary position embedding: queries and keys turned by an angle that grows with the frame."""

import torch
from torch import Tensor


def rotary_table(n_positions: int, head_dim: int, theta: float, device: torch.device) -> Tensor:
    """(cos, sin) of every angle, [T, head_dim / 2, 2] float32.

    Channel pair i of position p turns by p * theta ** (-2i / head_dim). Never kept in 16 bits,
    where neighbouring positions far from the start would share an angle.
    """
    pairs = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device)
    frequencies = 1.0 / (theta ** (pairs / head_dim))
    positions = torch.arange(n_positions, dtype=torch.float32, device=device)
    angles = torch.outer(positions, frequencies)
    return torch.stack((angles.cos(), angles.sin()), dim=-1)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """x [..., T, head_dim] with its adjacent channel pairs turned by `table`; same type out."""
    a, b = x.float().view(*x.shape[:-1], -1, 2).unbind(-1)
    cos, sin = table.unbind(-1)
    turned = torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1)
    return turned.flatten(-2).to(x.dtype)
