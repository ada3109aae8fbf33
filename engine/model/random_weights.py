"""Random weights that keep a network alive, for measuring where no checkpoint is at hand."""

from collections.abc import Callable

import torch
from torch import nn


@torch.no_grad()
def fill_randomly(module: nn.Module, seed: int = 0) -> None:
    """Give every parameter of `module`, which is not on `meta`, a random value.

    Matrices keep the level of what they are given, norms are near 1, and gates, shifts, scales
    and biases are about a quarter, so that every part takes effect and nothing overflows.
    """
    generators: dict[torch.device, torch.Generator] = {}
    for name, parameter in module.named_parameters():
        device = parameter.device
        if device not in generators:
            generators[device] = torch.Generator(device).manual_seed(seed)
        mean, spread = _distribution(name, parameter)
        parameter.normal_(mean, spread, generator=generators[device])


@torch.no_grad()
def make_randomly(
    module: nn.Module, device: torch.device, dtype_of: Callable[[str], torch.dtype]
) -> None:
    """Make every parameter of `module`, which is on `meta`, where it will be and as it will be.

    dtype_of: of a parameter by its name. One after the other and drawn in float32, so the numbers
        are the same in every type, and no memory is cut for anything larger than what stays.
    """
    generator = torch.Generator(device).manual_seed(0)
    for owner_name, owner in module.named_modules():
        for name, parameter in list(owner.named_parameters(recurse=False)):
            path = f"{owner_name}.{name}"
            mean, spread = _distribution(path, parameter)
            values = torch.empty(parameter.shape, device=device)
            values = values.normal_(mean, spread, generator=generator).to(dtype_of(path))
            owner.register_parameter(name, nn.Parameter(values, requires_grad=False))


def _distribution(name: str, parameter: nn.Parameter) -> tuple[float, float]:
    if name.endswith(("alpha", "weight_g")) or ("norm" in name and name.endswith("weight")):
        return 1.0, 0.1
    if parameter.ndim <= 1 or name.endswith("scale_shift_table"):
        return 0.0, 0.25
    return 0.0, float((parameter.numel() / parameter.shape[0]) ** -0.5)
