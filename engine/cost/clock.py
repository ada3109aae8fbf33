"""How long the stages of a run take, told by the progress that it reports."""

import time
from collections import defaultdict
from collections.abc import Mapping

from engine.data import Monitor, Progress

_STAGE_OF = {"load": "load", "encode": "encode", "spot": "encode", "sample": "sample"}
_LAST = "finish"


class StageClock:
    """Stands between a run and the monitor it was given.

    A stage lasts from its first report to the next one's. Whatever is none of the first three is
    `finish`.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._outer = monitor
        self._stage = ""
        self._since_s = time.perf_counter()
        self._took: dict[str, float] = defaultdict(float)
        self.monitor = Monitor(self._on_progress, monitor.is_cancelled)

    def stop(self) -> Mapping[str, float]:
        """Seconds of every stage until now."""
        self._enter("")
        return dict(self._took)

    def _on_progress(self, progress: Progress) -> None:
        self._enter(_STAGE_OF.get(progress.stage, _LAST))
        if self._outer.on_progress is not None:
            self._outer.on_progress(progress)

    def _enter(self, stage: str) -> None:
        now_s = time.perf_counter()
        if self._stage:
            self._took[self._stage] += now_s - self._since_s
        self._stage, self._since_s = stage, now_s
