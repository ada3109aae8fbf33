"""What the window says of what happens by itself: errors, arrivals, restarts, files saved."""

from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from bridge.protocol.values import Clip

from .panels.notice import NoticeBar
from .work.listening import Listening
from .work.placing import Placement
from .work.trouble import Trouble
from .work.workbench import Workbench


class News:
    """Puts it into words, onto the notice bar."""

    def __init__(self, notice: NoticeBar, bench: Workbench, listening: Listening) -> None:
        self._notice = notice
        self._bench = bench
        bench.troubled.connect(self._on_trouble)
        bench.clip_arrived.connect(self._on_arrival)
        bench.book.engine_restarted.connect(self._on_restart)
        bench.placing.placed.connect(self._on_placed)
        listening.saved.connect(lambda name: notice.show_news(f"Saved as {name}."))

    def _on_trouble(self, trouble: Trouble) -> None:
        self._notice.show_error(trouble.text, trouble.advice)

    def _on_arrival(self, clip: Clip) -> None:
        where = clip.origin.host or "another program"
        self._notice.show_news(
            f"“{clip.name}” arrived from {where}.", "Open", lambda: self._bench.open_clip(clip)
        )

    def _on_restart(self, reason: str, job_id: str) -> None:
        self._notice.show_news(
            f"The engine had to be started again ({reason}). "
            + ("Its job is done once more with less memory. " if job_id else "")
            + "Nothing that you drew is lost."
        )

    def _on_placed(self, placement: Placement) -> None:
        folder = placement.folder
        if folder is None:
            self._notice.show_news(placement.text)
        else:
            self._notice.show_news(placement.text, "Show the files", lambda: reveal(folder))


def reveal(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
