"""Opens settings and models, and feeds them from the bridge while they are open."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from bridge.protocol.messages import ModelProgress, StoreClean, StoreCleaned
from bridge.protocol.values import ModelState

from .audio.streams import devices
from .panels.models import ModelsDialog
from .panels.preferences import Preferences
from .views.clock import size
from .work.trouble import Trouble
from .work.workbench import Workbench


class Dialogs:
    """At most one of each."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        self._bench = bench
        self._parent = parent
        self.models: ModelsDialog | None = None
        self.preferences: Preferences | None = None
        bench.model_moved.connect(self._on_model)

    def show_models(self) -> None:
        """What is installed and how to get more."""
        if self.models is None:
            self.models = ModelsDialog(self._parent)
            self.models.download_wanted.connect(self._download)
            self.models.cancel_wanted.connect(self._cancel)
            self.models.remove_wanted.connect(self._remove)
            self._bench.status_changed.connect(self.models.show_status)
        if self._bench.status is not None:
            self.models.show_status(self._bench.status)
        self._ask_models()
        self._present(self.models)

    def show_preferences(self) -> None:
        """Settings."""
        settings = self._bench.settings
        if self.preferences is None:
            self.preferences = Preferences(settings, self._parent)
            self.preferences.clean_wanted.connect(self._clean)
            self.preferences.models_wanted.connect(self.show_models)
            self._bench.status_changed.connect(self.preferences.show_status)
            shown = self.preferences
            self._bench.files.run(
                devices,
                lambda names: shown.show_outputs(names, settings.values.output),
                self._on_trouble,
            )
        if self._bench.status is not None:
            self.preferences.show_status(self._bench.status)
        self._present(self.preferences)

    def _present(self, dialog: ModelsDialog | Preferences) -> None:
        dialog.setWindowModality(Qt.WindowModality.NonModal)
        dialog.show()
        dialog.activateWindow()

    def _ask_models(self) -> None:
        self._bench.link.call(
            lambda client: client.models(), self._on_models, self._on_trouble, slow=True
        )

    def _on_models(self, models: list[ModelState]) -> None:
        if self.models is not None:
            self.models.show_models(models)

    def _download(self, name: str) -> None:
        self._bench.link.call(
            lambda client: client.download_model(name), lambda _: None, self._on_trouble, slow=True
        )

    def _cancel(self, name: str) -> None:
        self._bench.link.call(
            lambda client: client.cancel_download(name), lambda _: None, self._on_trouble, slow=True
        )

    def _remove(self, name: str) -> None:
        self._bench.link.call(
            lambda client: client.remove_model(name),
            lambda _: self._ask_models(),
            self._on_trouble,
            slow=True,
        )

    def _on_model(self, progress: ModelProgress) -> None:
        if self.models is not None:
            self.models.show_progress(progress)
        if progress.state in ("done", "removed"):
            self._bench.refresh_status()
            if self.models is not None:
                self._ask_models()

    def _clean(self, older_than_s: float) -> None:
        clean = StoreClean(older_than_s=older_than_s)
        self._bench.link.call(
            lambda client: client.clean(clean), self._on_cleaned, self._on_trouble, slow=True
        )

    def _on_cleaned(self, cleaned: StoreCleaned) -> None:
        if self.preferences is not None:
            self.preferences.store.setText(
                f"{cleaned.n_jobs} jobs removed, {size(cleaned.n_bytes)} freed."
            )

    def _on_trouble(self, error: Exception) -> None:
        self._bench.troubled.emit(Trouble(str(error)))
