"""A PyQt6 window that takes files, and gives the one that argv names to a drag that begins in it.

Says in lines of JSON what is dropped on it, that it is giving its file, and whether that was taken.

JUCE drops on a window of X11 only where that answers with the action `copy`, which Qt does not
propose by itself.
"""

import json
import sys

from PyQt6.QtCore import QMimeData, Qt, QUrl
from PyQt6.QtGui import QDrag, QDropEvent, QMouseEvent
from PyQt6.QtWidgets import QApplication, QLabel


class Window(QLabel):
    """Says what is dropped on it; drags its own file out."""

    def __init__(self, file: str) -> None:
        super().__init__("drop here")
        self._file = file
        self.setAcceptDrops(True)
        self.setWindowTitle("Track")
        self.setGeometry(1560, 300, 400, 400)  # beside the editor, wherever that opens

    def dragEnterEvent(self, event):  # noqa: N802
        self._copy(event)

    def dragMoveEvent(self, event):  # noqa: N802
        self._copy(event)

    def dropEvent(self, event):  # noqa: N802
        self._copy(event)
        files = [url.toLocalFile() for url in event.mimeData().urls()]
        print(json.dumps({"dropped": files}), flush=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if not event.buttons():
            return
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(self._file)])
        drag = QDrag(self)
        drag.setMimeData(data)
        print(json.dumps({"giving": True}), flush=True)
        was_taken = drag.exec(Qt.DropAction.CopyAction) == Qt.DropAction.CopyAction
        print(json.dumps({"given": was_taken}), flush=True)

    def _copy(self, event: QDropEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()


application = QApplication(sys.argv)
window = Window(sys.argv[1])
window.show()
window.windowHandle().requestActivate()
print(json.dumps({"window": int(window.winId())}), flush=True)
application.exec()
