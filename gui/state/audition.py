"""Which lanes are heard, and how loud: values and the one rule that makes gains of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.protocol.values import PresenceLane
from gui.audio.measure import Levels

MIXTURE, TARGET, RESIDUAL = "mixture", "target", "residual"
MOST_MATCH = 8.0
"""Level matching lifts a lane by 18 dB at most."""

FULL = 0.98


@dataclass(frozen=True, slots=True)
class Lane:
    """A sound to listen to. name: the same in every job, such as `target` or `take 2`.

    presence: how sure it is that the sound is in it, over time; `None` where nobody says.
    note: what there is to know about it, such as that it is a draft.
    """

    name: str
    title: str
    path: Path
    score: float | None = None
    presence: PresenceLane | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Audition:
    """solo: the lanes that are heard. muted: those that are not, whatever is soloed.

    before: the lane that A/B goes back to. is_matched: whether lanes sound as loud as the mixture.
    """

    solo: tuple[str, ...] = (MIXTURE,)
    muted: tuple[str, ...] = ()
    before: str = TARGET
    is_matched: bool = False

    def hear(self, name: str) -> "Audition":
        """Hear this lane alone."""
        now = self.solo[0] if self.solo else MIXTURE
        return replace(self, solo=(name,), before=now if now != name else self.before)

    def with_solo(self, name: str, is_on: bool) -> "Audition":
        """Hear a lane too, or no longer."""
        others = tuple(each for each in self.solo if each != name)
        return replace(self, solo=(*others, name) if is_on else others)

    def with_mute(self, name: str, is_on: bool) -> "Audition":
        """Silence a lane, or no longer."""
        others = tuple(each for each in self.muted if each != name)
        return replace(self, muted=(*others, name) if is_on else others)

    def switched(self) -> "Audition":
        """A/B: the lane that was heard before, alone."""
        return self.hear(self.before)

    def factors(
        self, lanes: Sequence[Lane], gains_db: dict[str, float], levels: Levels | None
    ) -> list[float]:
        """The factor of each lane."""
        heard = [lane.name for lane in lanes if lane.name in self.solo] or [lanes[0].name]
        return [
            10 ** (gains_db.get(lane.name, 0.0) / 20) * self._match(index, levels, len(heard))
            if lane.name in heard and lane.name not in self.muted
            else 0.0
            for index, lane in enumerate(lanes)
        ]

    def _match(self, index: int, levels: Levels | None, n_heard: int) -> float:
        if not self.is_matched or levels is None or n_heard != 1 or not levels.rms[index]:
            return 1.0
        factor = min(levels.rms[0] / levels.rms[index], MOST_MATCH)
        return min(factor, FULL / levels.peak[index]) if levels.peak[index] else factor
