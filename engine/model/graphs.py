"""Evaluations recorded once per shape, as CUDA graphs, and then launched as a whole.

    first call at a shape    runs plainly, which also warms up
    second call              is recorded, then launched
    every later call         copies its inputs to where the recorded ones lay, and is launched

An evaluation is some hundred kernels, of which the small ones take less time than to launch them.
A graph keeps the memory of what is in hand while it runs; all graphs of a prompt share it.
"""

import gc
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.sam_audio.exhaustion import is_out_of_memory
from engine.sam_audio.residency import free_device_memory

from .kernels import Kernels, Run

_N_GRAPHS = 4

Shape = tuple[tuple[torch.Size, torch.dtype], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Recorded:
    """inputs, output: where the graph reads and writes."""

    graph: "torch.cuda.CUDAGraph"
    inputs: tuple[Tensor, ...]
    output: Tensor

    def launched(self, inputs: Sequence[Tensor]) -> Tensor:
        for place, value in zip(self.inputs, inputs, strict=True):
            place.copy_(value, non_blocking=True)
        self.graph.replay()
        return self.output.clone()


class Graphs:
    """Recorded runs of one function of tensors alone, by the shapes of its inputs."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._seen: set[Shape] = set()
        self._recorded: OrderedDict[Shape, _Recorded] = OrderedDict()
        self._pool: Any = None  # torch's own type for it is private

    def launch(self, run: Run, *inputs: Tensor) -> Tensor:
        """`run(*inputs)`, launched as one where that is possible.

        run: the same every time. What it computes depends on its inputs, and on tensors that stay
            where they are. It is not kept, for it may own this.
        Raises what `run` raises; when memory runs out, the graphs are let go of before.
        """
        if not self._kernels.records or inputs[0].device.type != "cuda":
            return run(*inputs)
        try:
            with torch.cuda.device(inputs[0].device):
                return self._launched(run, inputs)
        except RuntimeError as error:
            self.clear()
            if is_out_of_memory(error):
                raise
            self._kernels.give_up_recording(error)
        return run(*inputs)

    def clear(self) -> None:
        """Let go of all graphs and their memory."""
        self._recorded.clear()
        self._seen.clear()
        self._pool = None

    def _launched(self, run: Run, inputs: tuple[Tensor, ...]) -> Tensor:
        shape = tuple((each.shape, each.dtype) for each in inputs)
        if shape in self._recorded:
            self._recorded.move_to_end(shape)
        elif shape in self._seen:
            self._recorded[shape] = self._record(run, inputs)
        else:
            self._seen.add(shape)
            return run(*inputs)
        return self._recorded[shape].launched(inputs)

    def _record(self, run: Run, inputs: tuple[Tensor, ...]) -> _Recorded:
        while len(self._recorded) >= _N_GRAPHS:
            self._recorded.popitem(last=False)
        places = tuple(each.clone() for each in inputs)
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        # What the plain run left in PyTorch's keep would be there twice.
        free_device_memory(inputs[0].device, collect=False)
        with _without_collection(), torch.cuda.graph(graph, pool=self._pool):
            output = run(*places)
        return _Recorded(graph, places, output)


@contextmanager
def _without_collection() -> Iterator[None]:
    """A graph that is let go of while another is recorded ends the recording."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
