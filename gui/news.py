"""What the window says of what happens by itself: errors, arrivals, restarts, files saved."""

from bridge.protocol.values import Clip

from .panels.notice import NoticeBar
from .work.listening import Listening
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
