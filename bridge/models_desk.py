"""Models and separators as clients see them: asked of worker processes, downloaded by one."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .errors import NotFound, error_of
from .estimates import CostLine, CostLines
from .lane import Call, Lane, Lost
from .pending import Answer
from .protocol.messages import ModelList, ModelProgress, ModelReply
from .protocol.values import Device, ModelState, Problem, SeparatorState

log = logging.getLogger(__name__)

_AUTO_S = 10.0
"""What `auto` stands for depends on the memory that is free, so it is asked for anew."""


@dataclass(frozen=True)
class ModelLanes:
    """probe: for quick questions. models: for downloads. publish: an event and its body."""

    probe: Lane
    models: Lane
    publish: Callable[[str, object], None]


class Models:
    """Lists, downloads and removes models; knows which separators and devices there are."""

    def __init__(self, lanes: ModelLanes) -> None:
        self._lanes = lanes
        self._downloads: dict[str, Call] = {}
        self.separators: tuple[SeparatorState, ...] = ()
        self.devices: tuple[Device, ...] = ()
        self._asked: set[str] = set()
        self._costs: CostLines = {}
        self._auto, self._auto_at_s = "", -_AUTO_S

    def page(self, answer: Answer[ModelList]) -> None:
        """Every known model."""

        def on_answer(rows: list[dict[str, Any]]) -> None:
            answer.give(ModelList(tuple(_model(row) for row in rows)))

        self._lanes.probe.call(Call("models.list", {}, on_answer, _failing(answer)))

    def download(self, name: str, answer: Answer[ModelReply]) -> None:
        """Start a download and answer at once; `models.progress` tells how it goes.

        One that runs already, or a model that is there, is not fetched again.
        """
        self._find(name, answer, lambda model: self._start(model, answer))

    def cancel(self, name: str, answer: Answer[ModelReply]) -> None:
        """Stop a download within about a second; without one nothing changes.

        What arrived is kept: the next download goes on from there.
        """
        self._stop_download(name)
        self._find(name, answer, lambda model: answer.give(ModelReply(model)))

    def remove(self, name: str, answer: Answer[ModelReply]) -> None:
        """Delete a model; a download of it that runs is stopped first."""

        def removed(row: dict[str, Any]) -> None:
            model = _model(row)
            self.forget()
            self._tell(ModelProgress(name=model.name, state="removed"))
            answer.give(ModelReply(model))

        self._stop_download(name)
        call = Call("models.remove", {"name": name}, removed, _failing(answer))
        self._lanes.models.call(call)

    def refresh(self) -> None:
        """Find out which separators and devices there are, if that is not known; takes seconds."""
        self._ask("separators", self._lanes.probe, self._keep_separators)
        self._ask("devices", self._lanes.models, self._keep_devices)

    def costs(self) -> CostLines:
        """What the engine says that jobs take; nothing until it was asked, which this begins."""
        self._ask("costs", self._lanes.probe, self._keep_costs)
        return self._costs

    def auto(self, loaded: str) -> str:
        """What `auto` stands for, as far as it was found out; empty before.

        loaded: the separator that a worker holds, whose memory is there for `auto`.
        """
        now_s = time.monotonic()
        if now_s - self._auto_at_s >= _AUTO_S:
            self._auto_at_s = now_s
            self._ask("auto", self._lanes.probe, self._keep_auto, {"loaded": loaded})
        return self._auto

    def forget(self) -> None:
        """Separators are asked for anew: models came or went."""
        self._asked -= {"separators", "costs"}
        self._auto_at_s = -_AUTO_S

    def _stop_download(self, name: str) -> None:
        if name in self._downloads:
            self._lanes.models.cancel(self._downloads[name])

    def _find(
        self, name: str, answer: Answer[ModelReply], then: Callable[[ModelState], None]
    ) -> None:
        def on_answer(rows: list[dict[str, Any]]) -> None:
            for row in rows:
                if row["name"] == name:
                    then(_model(row))
                    return
            known = ", ".join(row["name"] for row in rows)
            answer.fail(
                NotFound(f"model {name!r}: there is none; known are {known}", "model_not_found")
            )

        self._lanes.probe.call(Call("models.list", {}, on_answer, _failing(answer)))

    def _start(self, model: ModelState, answer: Answer[ModelReply]) -> None:
        answer.give(ModelReply(model))
        if model.installed or model.name in self._downloads:
            return
        name, total = model.name, model.n_bytes

        def progressed(_stage: str, fraction: float) -> None:
            done = round(fraction * total)
            self._tell(
                ModelProgress(
                    name=name,
                    state="running",
                    fraction=fraction,
                    done_bytes=done,
                    total_bytes=total,
                )
            )

        def done(row: dict[str, Any]) -> None:
            del self._downloads[name]
            self.forget()
            n_bytes = int(row["n_bytes"])
            self._tell(ModelProgress(name, "done", 1.0, n_bytes, n_bytes))

        def lost(lost: Lost) -> None:
            del self._downloads[name]
            if lost.code == "cancelled":
                self._tell(ModelProgress(name=name, state="cancelled"))
                return
            problem = Problem(lost.code[:64], lost.message[:4000])
            self._tell(ModelProgress(name=name, state="failed", error=problem))

        call = Call("models.download", {"name": name}, done, lost, progressed)
        self._downloads[name] = call
        self._tell(ModelProgress(name=name, state="running", total_bytes=total))
        self._lanes.models.call(call)

    def _ask(
        self,
        operation: str,
        lane: Lane,
        keep: Callable[[Any], None],
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        if operation in self._asked:
            return
        self._asked.add(operation)

        def lost(lost: Lost) -> None:
            self._asked.discard(operation)
            log.warning("%s cannot be told: %s", operation, lost.message)

        lane.call(Call(operation, arguments or {}, keep, lost))

    def _keep_auto(self, name: str) -> None:
        self._asked.discard("auto")
        self._auto = name

    def _keep_costs(self, rows: list[dict[str, Any]]) -> None:
        lines = [CostLine(**row) for row in rows]
        self._costs = {(line.separator, line.quality): line for line in lines}

    def _keep_separators(self, rows: list[dict[str, Any]]) -> None:
        self.separators = tuple(SeparatorState(**row) for row in rows)

    def _keep_devices(self, rows: list[dict[str, Any]]) -> None:
        self.devices = tuple(Device(**row) for row in rows)

    def _tell(self, progress: ModelProgress) -> None:
        self._lanes.publish("models.progress", progress)


def _model(row: dict[str, Any]) -> ModelState:
    return replace(ModelState(**{**row, "needs": ()}), needs=tuple(row["needs"]))


def _failing(answer: Answer[Any]) -> Callable[[Lost], None]:
    return lambda lost: answer.fail(error_of(lost.code, lost.message))
