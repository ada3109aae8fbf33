"""The clip that is open, what was drawn and typed for it, and its history."""

from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.protocol.values import Clip

from .draft import Draft
from .spans import Marks
from .undo import Edit, History


@dataclass(frozen=True, slots=True)
class OpenClip:
    """An open sound. clip: as the server knows it, `None` until it has answered."""

    path: Path
    sample_rate: int
    n_channels: int
    n_samples: int
    clip: Clip | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def tempo_bpm(self) -> float:
        """Of the timeline that the clip came from; 0 when nobody said."""
        return (self.clip.origin.tempo_bpm or 0.0) if self.clip is not None else 0.0


class Document(QObject):
    """Owner of the draft. Views listen and draw; every change goes through `edit`."""

    clip_changed = pyqtSignal()
    draft_changed = pyqtSignal()
    history_changed = pyqtSignal()
    selected_changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft = Draft()
        self.clip: OpenClip | None = None
        self.selected = -1
        self.history: History[Draft] = History()

    @property
    def duration_s(self) -> float:
        """Of the clip, 0 without one."""
        return self.clip.duration_s if self.clip else 0.0

    def open(self, clip: OpenClip, draft: Draft | None = None) -> None:
        """Begin with a clip; its history starts anew."""
        self.clip = clip
        self.draft = draft or Draft(options=replace(self.draft.options))
        self.history = History()
        self.selected = -1
        self.clip_changed.emit()
        self.draft_changed.emit()
        self.history_changed.emit()

    def know(self, clip: Clip) -> None:
        """Note how the server calls the open clip."""
        if self.clip is not None:
            self.clip = replace(self.clip, clip=clip)

    def edit(self, label: str, draft: Draft, merge: str = "") -> None:
        """Change the draft in one undoable step."""
        if draft == self.draft:
            return
        self.history.add(Edit(label, self.draft, draft, merge))
        self._show(draft)

    def edit_spans(self, label: str, spans: Marks, merge: str = "") -> None:
        """Change the spans in one undoable step."""
        self.edit(label, replace(self.draft, spans=spans), merge)

    def select(self, index: int) -> None:
        """Select a span by its index; -1 selects none."""
        index = index if 0 <= index < len(self.draft.spans) else -1
        if index != self.selected:
            self.selected = index
            self.selected_changed.emit()

    def undo(self) -> None:
        """Take the last step back."""
        self._swap(self.history.undo())

    def redo(self) -> None:
        """Do the step again that was taken back."""
        self._swap(self.history.redo())

    def _swap(self, draft: Draft | None) -> None:
        if draft is not None:
            self._show(draft)

    def _show(self, draft: Draft) -> None:
        self.draft = draft
        if self.selected >= len(draft.spans):
            self.select(-1)
        self.draft_changed.emit()
        self.history_changed.emit()
