"""Networks are on the device while they are used and, when memory is short, only then.

    with residency.on_device(model.audio_codec):
        latents = model.encode_audio(wav.to(residency.device))

Weights do not change while separating. So the host's copy stays where it is, and leaving the
device means letting go of the device's copy: nothing is copied back.
"""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


class Residency:
    """Where networks are between their uses.

    device: on which they compute.   offload: leave it after each use; otherwise they stay.
    On the CPU everything is where it is used, and nothing moves.
    """

    def __init__(self, device: torch.device, *, offload: bool = False) -> None:
        self.device = device
        self.offload = offload
        self._in_use: dict[nn.Module, int] = {}
        self._host: dict[nn.Module, list[_Moved]] = {}

    @contextmanager
    def on_device(self, *networks: nn.Module) -> Iterator[None]:
        """The networks on the device as long as this lasts; may be nested."""
        with ExitStack() as stack:
            for network in networks:
                stack.enter_context(self._one(network))
            yield

    def begin_offloading(self, *networks: nn.Module) -> None:
        """From now on, networks leave after use; also those that were loaded onto the device."""
        self.offload = True
        if self.device.type != "cpu":
            for network in networks:
                kept = {
                    id(moved.slots[moved.name]) for each in self._host.values() for moved in each
                }
                here = self._host.setdefault(network, [])
                for slots, name, tensor in list(_tensors(network)):
                    if _same(tensor.device, self.device) and id(tensor) not in kept:
                        here.append(_Moved(slots, name, _on_host(tensor)))
        self.leave()

    def leave(self) -> None:
        """Let go of the device's copies of everything that is not in use."""
        for network in [each for each in self._host if not self._in_use.get(each)]:
            for moved in self._host.pop(network):
                moved.slots[moved.name] = moved.on_host
        free_device_memory(self.device)

    @contextmanager
    def _one(self, network: nn.Module) -> Iterator[None]:
        self._in_use[network] = self._in_use.get(network, 0) + 1
        try:
            self._enter(network)
            yield
        finally:
            self._in_use[network] -= 1
            if not self._in_use[network]:
                del self._in_use[network]
                if self.offload:
                    self.leave()

    def _enter(self, network: nn.Module) -> None:
        moved = self._host.setdefault(network, [])
        for slots, name, tensor in list(_tensors(network)):
            if not _same(tensor.device, self.device):
                there = tensor.detach().to(self.device, non_blocking=tensor.is_pinned())
                if isinstance(tensor, nn.Parameter):
                    there = nn.Parameter(there, requires_grad=False)
                # Recorded one by one: when memory runs out half-way, what moved can move back.
                moved.append(_Moved(slots, name, tensor))
                slots[name] = there


def free_device_memory(device: torch.device, *, collect: bool = True) -> None:
    """Give back to the device what PyTorch keeps of freed memory.

    collect: look for what refers to itself before; that takes a tenth of a second.
    """
    if collect:
        gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """The host's tensor, and under which name of a module it belongs."""

    slots: dict[str, Any]
    name: str
    on_host: Tensor


def _on_host(tensor: Tensor) -> Tensor:
    copied = tensor.detach().to("cpu")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(copied, requires_grad=False)
    return copied


def _tensors(network: nn.Module) -> Iterator[tuple[dict[str, Any], str, Tensor]]:
    """Every parameter and buffer with the place where its module keeps it."""
    for module in network.modules():
        for slots in (module._parameters, module._buffers):
            for name, tensor in slots.items():
                if tensor is not None:
                    yield slots, name, tensor


def _same(here: torch.device, there: torch.device) -> bool:
    """Whether both are one device; `cuda` without a number is the first one."""
    return here.type == there.type and (here.index or 0) == (there.index or 0)
