"""Looks for the described sound before a run: what is found lies there to be accepted or not."""

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from bridge.errors import BridgeError
from bridge.protocol.searches import SpanAsk, SpanSearch, SpanSearchReply
from gui.link.bridge import BridgeLink
from gui.state.document import Document
from gui.state.draft import sent_text
from gui.state.spans import SpanMark, to_wire, with_predicted

ASK_AGAIN_MS = 2_000
"""Events can be lost, and the server with them; as long as something is looked for, it is asked."""


class SpanFinder(QObject):
    """At most one search, for the clip that is open."""

    changed = pyqtSignal(object, bool, str)
    """The `SpanSearch` or `None`, whether it goes on, and why it cannot be done."""

    def __init__(self, link: BridgeLink, document: Document) -> None:
        super().__init__(document)
        self._link, self._document = link, document
        self._turn = 0
        self.is_asking = False
        self.search: SpanSearch | None = None
        self.problem = ""
        self._poll = QTimer(self)
        self._poll.setInterval(ASK_AGAIN_MS)
        self._poll.timeout.connect(self._ask_again)
        link.happened.connect(self._on_event)
        document.clip_changed.connect(self.stop)

    @property
    def is_busy(self) -> bool:
        """Whether a search was asked for and is not over."""
        return self.is_asking or (self.search is not None and not self.search.is_final)

    def toggle(self) -> None:
        """Look for the sound that is described, or stop looking."""
        if self.is_busy:
            self.stop()
        else:
            self._find()

    def stop(self) -> None:
        """Give a search up; what was found before stays."""
        self._turn += 1
        search = self.search
        if search is not None and not search.is_final:
            self._link.call(
                lambda client: client.cancel_search(search.search_id),
                lambda _: None,
                lambda _: None,  # it ends with the server, or has ended
            )
        self._show(None)

    def end(self) -> None:
        """The panel closes."""
        self._poll.stop()

    def _find(self) -> None:
        clip, draft = self._document.clip, self._document.draft
        description = sent_text(draft.description)
        if clip is None or clip.clip is None or not description:
            return
        self._turn += 1
        turn = self._turn
        ask = SpanAsk(clip.clip.clip_id, description, to_wire(draft.spans), draft.options.separator)
        self.is_asking, self.search, self.problem = True, None, ""
        self._tell()
        self._link.call(
            lambda client: client.predict_spans(ask),
            lambda search: self._on_search(turn, search),
            lambda error: self._on_error(turn, error),
        )

    def _ask_again(self) -> None:
        search, turn = self.search, self._turn
        if search is not None and not search.is_final:
            self._link.call(
                lambda client: client.span_search(search.search_id),
                lambda found: self._on_search(turn, found),
                lambda error: self._on_error(turn, error),
            )

    def _on_event(self, _: str, body: object) -> None:
        if not isinstance(body, SpanSearchReply) or self.search is None:
            return
        if body.search.search_id == self.search.search_id:
            self._on_search(self._turn, body.search)

    def _on_search(self, turn: int, search: SpanSearch) -> None:
        """A search as it is now; told twice, its end counts once."""
        if turn != self._turn:
            if not search.is_final:  # it was given up before the server had answered
                self._link.call(
                    lambda client: client.cancel_search(search.search_id),
                    lambda _: None,
                    lambda _: None,
                )
            return
        if self.search is not None and self.search.is_final:
            return
        self._show(search)
        if search.state == "done":
            marks = [
                SpanMark(each.start_s, each.end_s, each.sign, "predicted", each.score)
                for each in search.spans
            ]
            spans = with_predicted(self._document.draft.spans, marks)
            self._document.edit_spans(f"Find “{search.description}”", spans)
        elif search.error is not None:
            self._say(search.error.message)

    def _on_error(self, turn: int, error: Exception) -> None:
        if turn != self._turn:
            return
        code = error.code if isinstance(error, BridgeError) else ""
        self._show(None)
        if code == "unknown_operation":
            self._say("This engine process is an older one that cannot look for places.")
        elif code == "search_not_found":
            self._say("The engine was started again meanwhile. Look once more.")
        else:
            self._say(str(error))

    def _show(self, search: SpanSearch | None) -> None:
        self.is_asking, self.search, self.problem = False, search, ""
        if search is not None and not search.is_final:
            self._poll.start()
        else:
            self._poll.stop()
        self._tell()

    def _tell(self) -> None:
        self.changed.emit(self.search, self.is_busy, self.problem)

    def _say(self, problem: str) -> None:
        self.problem = problem
        self._tell()
