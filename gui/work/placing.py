"""“Send to timeline”: stems are offered to the DAW of their clip, and the rest is said in words."""

from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.errors import BridgeError
from bridge.protocol.offers import TimelineOffer
from bridge.protocol.values import Job
from gui.link.bridge import BridgeLink
from gui.views.clock import clock

from .trouble import trouble_of

PLACED_IN_WAV = (".wav", ".rf64")
"""Stems that carry their place on the timeline."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What became of an offer, and what is left to do. folder: with the stems; `None` if done."""

    text: str
    folder: Path | None = None


class Placing(QObject):
    """Offers the job that is shown."""

    placed = pyqtSignal(object)
    """A `Placement`."""

    troubled = pyqtSignal(object)

    def __init__(self, link: BridgeLink, parent: QObject) -> None:
        super().__init__(parent)
        self._link = link

    def send(self, job: Job) -> None:
        """Offer a finished job's stems; Live has some seconds to take them."""
        self._link.call(
            lambda client: client.offer(job.job_id),
            lambda offer: self.placed.emit(placement(job, offer)),
            lambda error: self._on_error(job, error),
            slow=True,
        )

    def _on_error(self, job: Job, error: Exception) -> None:
        if isinstance(error, BridgeError) and error.code == "unknown_operation":
            # an older server: the manifest of every result lies in the outbox all the same
            self.placed.emit(placement(job, TimelineOffer(job.origin.host)))
        else:
            self.troubled.emit(trouble_of(error))


def placement(job: Job, offer: TimelineOffer) -> Placement:
    """What to say of an offer to the host that the clip came from."""
    if offer.host == "Live" and offer.is_taken:
        return Placement(
            f"Live inserts the stems below “{job.clip_name}”; its status bar says how that went."
        )
    how = _HOSTS.get(offer.host, _by_hand)
    return Placement(how(job, offer), _folder(job))


def _live(_: Job, __: TimelineOffer) -> str:
    return (
        "Live did not answer. Is it running, and is StemLasso chosen as a control surface in "
        "Settings, Link, Tempo & MIDI? The stems wait: send them again, or run `stemlasso live "
        "--insert`."
    )


def _reaper(job: Job, offer: TimelineOffer) -> str:
    return (
        f"The stems wait for {_project(job, 'REAPER')}: run the action “StemLasso - insert "
        f"finished stems” there. They go below {_track(job)}{_at(offer)}."
    )


def _ardour(job: Job, offer: TimelineOffer) -> str:
    return (
        f"The stems wait for {_project(job, 'Ardour')}: run “StemLasso: insert finished stems” "
        f"there (Edit, Lua Scripts). They go below {_track(job)}{_at(offer)}."
    )


def _by_hand(job: Job, offer: TimelineOffer) -> str:
    if offer.host:
        text = f"{offer.host} has no script of StemLasso that could fetch the stems. "
    else:
        text = "This clip was opened as a file, so no DAW is waiting for its stems. "
    text += f"Drag them in by the handles of the lanes{_at(offer)}"
    if offer.placed_by == "nobody":
        return f"{text}, to where the clip itself starts: they have its length to the sample."
    if _are_placed(job):
        text += ", or use the DAW's “move to original position”: the files carry it"
    return f"{text}."


_HOSTS = {"Live": _live, "REAPER": _reaper, "Ardour": _ardour}


def _project(job: Job, host: str) -> str:
    name = Path(job.origin.project).stem if job.origin.project else ""
    return f"the project “{name}” in {host}" if name else host


def _track(job: Job) -> str:
    return f"the track “{job.origin.track}”" if job.origin.track else "the original"


def _at(offer: TimelineOffer) -> str:
    return "" if offer.placed_by == "nobody" else f", at {clock(offer.start_s)}"


def _are_placed(job: Job) -> bool:
    stems = job.result.stems if job.result is not None else ()
    return bool(stems) and all(Path(stem.name).suffix.lower() in PLACED_IN_WAV for stem in stems)


def _folder(job: Job) -> Path | None:
    stems = job.result.stems if job.result is not None else ()
    return Path(stems[0].path).parent if stems and stems[0].path else None
