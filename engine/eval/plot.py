"""Pictures of a run: mixture, true target and estimate side by side, with spans and scores.

A path that ends in `.png` gets one contact sheet; any other path is a folder that gets a page per
item and an overview. With several modes the mode is part of the name. Needs matplotlib, the
optional extra `plot`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.errors import BackendUnavailable, OutputError

from .run import Evaluated, ItemResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .drawing import Panels


class Plotter(Protocol):
    """Takes results one by one and writes pictures of them."""

    def add(self, evaluated: Evaluated) -> None:
        """Draw one item, or keep the little that is needed to draw it later."""

    def finish(self) -> list[Path]:
        """Write what is left; all pictures that were written."""


def open_plotter(path: Path, separator: str, modes: Sequence[str]) -> Plotter:
    """A contact sheet for a `.png` path, pages in a folder for any other.

    Raises BackendUnavailable without matplotlib, OutputError when the folder cannot be made.
    """
    try:
        import matplotlib  # noqa: F401 - found missing before the work, not after it
    except ImportError as error:
        raise BackendUnavailable(
            "--plot needs matplotlib, which is not installed; "
            'install the extra: pip install "stemlasso[plot]"'
        ) from error
    is_sheet = path.suffix.lower() == ".png"
    folder = path.parent if is_sheet else path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    return _ContactSheet(path, separator, len(modes) > 1) if is_sheet else _Pages(path, separator)


@dataclass
class _Pages:
    """One page per item and mode in a folder, and an overview of each mode."""

    folder: Path
    separator: str
    results: list[ItemResult] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)

    def add(self, evaluated: Evaluated) -> None:
        from .drawing import Panels, item_page

        result = evaluated.result
        name = re.sub(r"[^\w.-]", "_", f"{result.item.item_id}-{result.mode}")
        self._save(item_page(Panels.of(evaluated), self.separator), f"{name}.png")
        self.results.append(result)

    def finish(self) -> list[Path]:
        from .drawing import overview

        for mode in dict.fromkeys(result.mode for result in self.results):
            found = [result for result in self.results if result.mode == mode]
            self._save(overview(found, self.separator, mode), f"overview-{mode}.png")
        return self.written

    def _save(self, figure: "Figure", name: str) -> None:
        self.written.append(_save(figure, self.folder / name))


@dataclass
class _ContactSheet:
    """All items of a mode on one picture, a row each; only small spectrograms are kept."""

    path: Path
    separator: str
    with_mode_in_name: bool
    panels: "list[Panels]" = field(default_factory=list)

    def add(self, evaluated: Evaluated) -> None:
        from .drawing import Panels

        self.panels.append(Panels.of(evaluated))

    def finish(self) -> list[Path]:
        from .drawing import contact_sheet

        written = []
        for mode in dict.fromkeys(panel.result.mode for panel in self.panels):
            found = [panel for panel in self.panels if panel.result.mode == mode]
            name = f"{self.path.stem}-{mode}.png" if self.with_mode_in_name else self.path.name
            figure = contact_sheet(found, self.separator, mode)
            written.append(_save(figure, self.path.with_name(name)))
        return written


def _save(figure: "Figure", path: Path) -> Path:
    try:
        figure.savefig(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path
