"""A bar that says what went wrong or what arrived, until it is closed."""

from collections.abc import Callable

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from .parts import label


class NoticeBar(QFrame):
    """One message at a time: the newest. Never takes the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.text = label("", "warning", wrap=True)
        self.action = QPushButton()
        self.action.setAccessibleName("Do what the message offers")
        self.action.clicked.connect(self._act)
        self.close_button = QPushButton("Close")
        self.close_button.setAccessibleName("Close the message")
        self.close_button.clicked.connect(self.hide)
        self._on_action: Callable[[], None] | None = None
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 8, 8)
        line.addWidget(self.text, 1)
        line.addWidget(self.action)
        line.addWidget(self.close_button)
        self.hide()

    def show_error(self, text: str, advice: str = "") -> None:
        """Say what went wrong and what to do."""
        self._show("error", f"{text}\n{advice}".strip(), "", None)

    def show_news(
        self, text: str, action: str = "", on_action: "Callable[[], None] | None" = None
    ) -> None:
        """Say what happened and offer something to do."""
        self._show("warning", text, action, on_action)

    def _show(
        self, kind: str, text: str, action: str, on_action: Callable[[], None] | None
    ) -> None:
        self.text.setObjectName(kind)
        style = self.text.style()
        assert style is not None
        style.polish(self.text)
        self.text.setText(text)
        self.setAccessibleName(text)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._on_action = on_action
        self.show()

    def _act(self) -> None:
        self.hide()
        if self._on_action is not None:
            self._on_action()
