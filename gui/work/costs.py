"""Asks the server what a run of the draft would take, some moments after each change."""

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from bridge.protocol.messages import EstimateAsk, EstimateReply
from gui.link.bridge import BridgeLink
from gui.state.document import Document

WAIT_MS = 250
ASK_AGAIN_MS = 1_000


class Costs(QObject):
    """One question at a time, about the draft as it is then."""

    changed = pyqtSignal(object, str)
    """An `EstimateReply`; or `None`, and why it is not known."""

    def __init__(self, link: BridgeLink, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._link, self._document = link, document
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask)
        document.draft_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Ask in a moment."""
        self._timer.start(WAIT_MS)

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()

    def _ask(self) -> None:
        clip = self._document.clip
        if clip is None or clip.clip is None or self._document.draft.is_empty:
            return
        ask = EstimateAsk(clip.clip.clip_id, options=self._document.draft.options)
        self._link.call(
            lambda client: client.estimate(ask),
            self._on_cost,
            lambda error: self.changed.emit(None, str(error)),
        )

    def _on_cost(self, cost: EstimateReply) -> None:
        if self._document.draft.is_empty:
            return
        self.changed.emit(cost, "")
        if not cost.separator:  # the server is finding out what `auto` stands for
            self._timer.start(ASK_AGAIN_MS)
