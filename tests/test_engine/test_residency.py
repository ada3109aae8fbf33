"""Networks on the device only while in use. `meta` stands in for a device: what is on it has left
the host for real, and comes back only if the host's copy was kept."""

import pytest
import torch
from torch import nn

from engine.sam_audio.residency import Residency

META = torch.device("meta")


class Counting(nn.Module):
    """Counts how often a tensor of it is asked to move."""

    class Weight(torch.Tensor):
        n_moves = 0

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            if func is torch.Tensor.to:
                cls.n_moves += 1
            return super().__torch_function__(func, types, args, kwargs or {})

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(3).as_subclass(self.Weight))


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval().requires_grad_(False)


def places(module: nn.Module) -> set[str]:
    return {tensor.device.type for tensor in (*module.parameters(), *module.buffers())}


def test_weights_leave_after_use_and_are_what_they_were() -> None:
    module = network()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    residency = Residency(META, offload=True)
    for _ in range(2):
        with residency.on_device(module):
            assert places(module) == {"meta"}
            assert module(torch.zeros(2, 3, device=META)).device == META
        assert places(module) == {"cpu"}
    after = module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_stay_when_memory_is_not_short() -> None:
    module = network()
    residency = Residency(META, offload=False)
    with residency.on_device(module):
        pass
    assert places(module) == {"meta"}
    residency.leave()
    assert places(module) == {"cpu"}


def test_uses_may_be_nested_and_overlap_in_their_parts() -> None:
    module, other = network(), network()
    residency = Residency(META, offload=True)
    with residency.on_device(module, other):
        with residency.on_device(module[0]), residency.on_device(other):
            assert places(module) == {"meta"}
        assert places(module) == places(other) == {"meta"}
        residency.leave()
        assert places(module) == {"meta"}, "what is in use stays"
    assert places(module) == places(other) == {"cpu"}


def test_weights_come_back_when_the_work_fails() -> None:
    module = network()
    residency = Residency(META, offload=True)
    with pytest.raises(ValueError, match="broken"), residency.on_device(module):
        raise ValueError("broken")
    assert places(module) == {"cpu"}


def test_turning_offload_on_during_a_run_frees_what_is_idle() -> None:
    idle, used = network(), network()
    residency = Residency(META)
    with residency.on_device(idle):
        pass
    residency.offload = True
    with residency.on_device(used):
        residency.leave()
        assert places(idle) == {"cpu"}
        assert places(used) == {"meta"}


def test_nothing_moves_on_the_processor() -> None:
    module = Counting()
    with Residency(torch.device("cpu"), offload=True).on_device(module):
        assert Counting.Weight.n_moves == 0
    with Residency(META, offload=True).on_device(module):
        assert Counting.Weight.n_moves == 1
