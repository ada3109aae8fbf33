"""The bar on top: tools, which clip is open, whether the engine is there."""

from collections.abc import Callable

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QToolButton

from .icons import icon
from .panels.parts import label
from .state.document import OpenClip
from .theme import Theme
from .views.clock import clock


class TopBar(QFrame):
    """Buttons with drawings, by the names of their drawings, around the clip's name."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.tools: dict[str, QToolButton] = {}
        self.clip_name = label("No clip", "name")
        self.clip_facts = label("", "dim")
        self.server = label("connecting…", "badge")
        self.server.setAccessibleName("State of the engine")
        self.server.setFixedHeight(24)
        self._left, self._right = QHBoxLayout(), QHBoxLayout()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(8)
        layout.addLayout(self._left)
        layout.addWidget(self.clip_name)
        layout.addWidget(self.clip_facts)
        layout.addStretch(1)
        layout.addLayout(self._right)

    def add_server(self) -> None:
        """The engine's badge, next at the right."""
        self._right.addWidget(self.server)

    def add(
        self, name: str, tip: str, on_click: Callable[..., None], *, is_left: bool = False
    ) -> QToolButton:
        """A button with the drawing `name`: at the left end, or next at the right."""
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(on_click)
        self.tools[name] = button
        (self._left if is_left else self._right).addWidget(button)
        return button

    def set_theme(self, theme: Theme) -> None:
        """Draw the buttons in other colours."""
        for name, button in self.tools.items():
            button.setIcon(icon(name, theme.text, theme.accent))

    def show_clip(self, clip: OpenClip) -> None:
        """Name the clip and say what it is."""
        self.clip_name.setText(clip.path.name)
        channels = {1: "mono", 2: "stereo"}.get(clip.n_channels, f"{clip.n_channels} channels")
        self.clip_facts.setText(
            f"{clock(clip.duration_s)}  ·  {clip.sample_rate / 1000:g} kHz  ·  {channels}"
        )

    def show_server(self, is_there: bool, why: str) -> None:
        """Say whether the engine is there; why: it is not."""
        self.server.setText("engine ready" if is_there else "no engine")
        self.server.setProperty("state", "good" if is_there else "bad")
        self.server.setToolTip(why)
        style = self.server.style()
        assert style is not None
        style.polish(self.server)
