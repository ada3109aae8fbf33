"""Colours and the style sheet, dark and light."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication, QPalette

from gui.state.spans import SpanMark


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by what they are for, as `#rrggbb`."""

    name: str
    ground: str
    panel: str
    raised: str
    hover: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    canvas: str
    grid: str
    mixture: str
    target: str
    residual: str
    take: str
    plus: str
    minus: str
    predicted: str
    playhead: str
    selection: str
    warning: str
    palette: tuple[str, ...]


_HEAT = ("#05070d", "#101a3f", "#3b2a7d", "#8f2f86", "#d8505f", "#f79a4a", "#fff1bf")
DARK = Theme(
    name="dark",
    ground="#12151a",
    panel="#181c22",
    raised="#222831",
    hover="#2b333e",
    line="#2a313b",
    text="#e7ecf2",
    dim="#8d99a8",
    accent="#4da3ff",
    on_accent="#06121f",
    canvas="#0b0e13",
    grid="#1b222b",
    mixture="#6cb6ff",
    target="#ffb454",
    residual="#93a1b5",
    take="#c9a0ff",
    plus="#3ddc97",
    minus="#ff5d73",
    predicted="#b58cff",
    playhead="#ffffff",
    selection="#4da3ff",
    warning="#ffb454",
    palette=_HEAT,
)
LIGHT = Theme(
    name="light",
    ground="#eceff3",
    panel="#f8f9fb",
    raised="#ffffff",
    hover="#e3e8ee",
    line="#d3dae2",
    text="#1b222b",
    dim="#5f6c7b",
    accent="#0b6bd3",
    on_accent="#ffffff",
    canvas="#fdfdfe",
    grid="#e8ecf1",
    mixture="#2b7fd4",
    target="#c96f00",
    residual="#6f7c8d",
    take="#7a45c9",
    plus="#0b9e62",
    minus="#d62b48",
    predicted="#7a45c9",
    playhead="#10151b",
    selection="#0b6bd3",
    warning="#a85d00",
    palette=("#fdfdfe", "#d9e4f5", "#a3bfe8", "#6c86cf", "#5a4aa8", "#5b2076", "#26062f"),
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def choose(name: str) -> Theme:
    """A theme by name; `system` follows the desktop."""
    if name in THEMES:
        return THEMES[name]
    hints = QGuiApplication.styleHints()
    is_light = hints is not None and hints.colorScheme() == Qt.ColorScheme.Light
    return LIGHT if is_light else DARK


def span_colour(theme: Theme, span: SpanMark) -> QColor:
    """Of a span: what is predicted and not settled looks apart from what is drawn."""
    if span.is_predicted:
        return QColor(theme.predicted)
    return QColor(theme.plus if span.sign == "+" else theme.minus)


@lru_cache(maxsize=4)
def colour_table(colours: tuple[str, ...]) -> list[int]:
    """256 colours along a palette, as Qt's image tables take them."""
    stops = np.array([QColor(colour).getRgb()[:3] for colour in colours], float)
    places = np.linspace(0, len(colours) - 1, 256)
    channels = [np.interp(places, np.arange(len(colours)), stops[:, i]) for i in range(3)]
    return [QColor(*(round(value) for value in rgb)).rgb() for rgb in zip(*channels, strict=True)]


def qt_palette(theme: Theme) -> QPalette:
    """For what the style sheet does not reach, such as native dialogs and disabled text."""
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in (
        (roles.Window, theme.panel),
        (roles.WindowText, theme.text),
        (roles.Base, theme.raised),
        (roles.AlternateBase, theme.panel),
        (roles.Text, theme.text),
        (roles.Button, theme.raised),
        (roles.ButtonText, theme.text),
        (roles.Highlight, theme.accent),
        (roles.HighlightedText, theme.on_accent),
        (roles.ToolTipBase, theme.raised),
        (roles.ToolTipText, theme.text),
        (roles.PlaceholderText, theme.dim),
        (roles.Link, theme.accent),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.dim))
    return palette


def style_sheet(theme: Theme) -> str:
    """The look of every widget."""
    return _SHEET.format_map({name: getattr(theme, name) for name in Theme.__slots__})


_SHEET = """
* {{ font-size: 12px; color: {text}; }}
QMainWindow, QDialog, #ground {{ background: {ground}; }}
QWidget#panel, QScrollArea, QScrollArea > QWidget > QWidget {{ background: {panel}; }}
QFrame#card {{ background: {raised}; border: 1px solid {line}; border-radius: 8px; }}
QLabel {{ background: transparent; }}
QLabel#heading {{ font-size: 11px; font-weight: 600; color: {dim}; letter-spacing: 1px; }}
QLabel#title {{ font-size: 20px; font-weight: 600; }}
QLabel#name {{ font-size: 13px; font-weight: 600; }}
QLabel#dim {{ color: {dim}; }}
QLabel#clock {{ font-size: 17px; font-weight: 600; font-family: "DejaVu Sans Mono", monospace; }}
QLabel#badge {{ background: {raised}; border: 1px solid {line}; border-radius: 9px;
                padding: 2px 9px; color: {dim}; }}
QLabel#badge[state="good"] {{ color: {plus}; border-color: {plus}; }}
QLabel#badge[state="bad"] {{ color: {minus}; border-color: {minus}; }}
QLabel#warning {{ color: {warning}; }}
QLabel#error {{ color: {minus}; }}
QLabel#predicted {{ color: {predicted}; }}
QLineEdit, QPlainTextEdit, QComboBox, QSpinBox, QDoubleSpinBox {{
    background: {raised}; border: 1px solid {line}; border-radius: 6px; padding: 5px 8px;
    selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit#prompt {{ font-size: 15px; padding: 9px 11px; border-radius: 8px; }}
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QPlainTextEdit:focus {{
    border-color: {accent}; }}
QComboBox::drop-down {{ border: none; width: 18px; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {line};
    selection-background-color: {accent}; selection-color: {on_accent}; outline: none; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button,
QDoubleSpinBox::down-button {{ width: 0; border: none; }}
QPushButton {{ background: {raised}; border: 1px solid {line}; border-radius: 6px;
    padding: 6px 12px; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed {{ background: {line}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {dim}; background: {panel}; }}
QPushButton#primary {{ background: {accent}; border-color: {accent}; color: {on_accent};
    font-size: 14px; font-weight: 600; padding: 9px 14px; border-radius: 8px; }}
QPushButton#primary:disabled {{ background: {hover}; border-color: {line}; color: {dim}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
    padding: 4px; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:checked {{ background: {hover}; border-color: {accent}; }}
QToolButton#fold {{ color: {dim}; text-align: left; padding: 4px 2px; }}
QToolButton#solo, QToolButton#mute {{ border: 1px solid {line}; border-radius: 4px; padding: 0;
    font-size: 11px; font-weight: 600; color: {dim}; }}
QToolButton#solo:checked {{ background: {accent}; color: {on_accent}; }}
QToolButton#mute:checked {{ background: {minus}; color: {on_accent}; }}
QTableView {{ background: {raised}; border: 1px solid {line}; border-radius: 6px;
    gridline-color: {line}; selection-background-color: {hover}; selection-color: {text}; }}
QHeaderView::section {{ background: {raised}; color: {dim}; border: none;
    border-bottom: 1px solid {line}; padding: 4px 6px; }}
QProgressBar {{ background: {ground}; border: none; border-radius: 3px; max-height: 6px;
    min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QSlider::groove:horizontal {{ height: 4px; background: {line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {text}; width: 12px; height: 12px; margin: -4px 0;
    border-radius: 6px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {line}; border-radius: 4px; min-width: 24px; min-height: 24px;
    margin: 1px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {line}; }}
QMenu {{ background: {raised}; border: 1px solid {line}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 14px; border-radius: 4px; }}
QMenu::item:selected {{ background: {accent}; color: {on_accent}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 4px 6px; }}
QMenuBar {{ background: {panel}; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; }}
QMenuBar::item:selected {{ background: {hover}; border-radius: 4px; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {line}; padding: 4px; }}
QTabBar::tab {{ background: transparent; color: {dim}; padding: 6px 12px; border: none;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {line}; }}
QCheckBox {{ background: transparent; spacing: 7px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {dim}; border-radius: 3px;
    background: {ground}; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; }}
QCheckBox:focus {{ color: {accent}; }}
QFrame#line {{ background: {line}; max-height: 1px; min-height: 1px; border: none; }}
QFrame#bar {{ background: {panel}; border: none; }}
"""
