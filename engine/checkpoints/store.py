"""Where weights lie on this machine, one folder per model, and whether they are still whole.

    <root>/sam-audio-small/      config.json, checkpoint.pt or model.safetensors, manifest.json
    <root>/.incoming/...         what is being fetched or copied; picked up again after a break
    <root>/.locks/...            one lock per model
    <root>/.outgoing/...         what is being removed or replaced

A model folder appears and disappears by one rename, so a reader never meets half a model.
"""

import hashlib
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.data import Monitor
from engine.errors import CheckpointCorrupt, CheckpointNotFound

from .catalog import CATALOGUE, KnownModel, find, is_known
from .lock import hold
from .manifest import MANIFEST_NAME, Manifest, StoredFile, read_manifest

log = logging.getLogger(__name__)

CHUNK_BYTES = 4 * 1024 * 1024

FileState = Literal["whole", "missing", "other size", "other digest"]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file of a stored model, looked at again."""

    file: StoredFile
    state: FileState


@dataclass(frozen=True, slots=True)
class Installed:
    """A model in the store."""

    model: KnownModel
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Store:
    """The weights below one folder, `root`; nothing is created before something is stored."""

    root: Path

    def folder(self, model: KnownModel) -> Path:
        """Where the files of `model` lie once they are there."""
        return self.root / model.name

    def incoming(self, model: KnownModel) -> Path:
        """Where files of `model` gather until all are there."""
        return self.root / ".incoming" / model.name

    def converting(self, model: KnownModel) -> Path:
        """Where a conversion of `model` is written; one that broke off is started anew."""
        return self.root / ".incoming" / f"{model.name}-converted"

    def lock_file(self, model: KnownModel) -> Path:
        """The lock of `model`."""
        return self.root / ".locks" / f"{model.name}.lock"

    def has(self, model: KnownModel) -> bool:
        """Whether `model` is in the store; its files are not looked at."""
        return (self.folder(model) / MANIFEST_NAME).is_file()

    def get(self, model: KnownModel) -> Installed:
        """`model` with its manifest.

        Raises CheckpointNotFound, which says how to get it, or CheckpointCorrupt.
        """
        folder = self.folder(model)
        if not self.has(model):
            raise CheckpointNotFound(
                f"{model.name} is not in {self.root}; get it with `stemlasso models download "
                f"{model.name}` or give your own copy to `stemlasso models import FOLDER`"
            )
        return Installed(model, folder, read_manifest(folder))

    def installed(self) -> tuple[Installed, ...]:
        """Every model that is there, in the catalogue's order; `damaged` ones are left out."""
        damaged = self.damaged()
        return tuple(
            self.get(model) for model in CATALOGUE if self.has(model) and model not in damaged
        )

    def damaged(self) -> tuple[KnownModel, ...]:
        """Models that are there without a manifest that can be read; `remove` takes them too."""
        return tuple(model for model in CATALOGUE if self._is_damaged(model))

    def partial_bytes(self, model: KnownModel) -> int:
        """What an unfinished download, import or conversion has left, to be continued."""
        return sum(_size(folder) for folder in self._unfinished(model))

    def verify(self, model: KnownModel, monitor: Monitor | None = None) -> tuple[FileCheck, ...]:
        """Every file of a stored model with its state: size first, then SHA-256 of all its bytes.

        Raises CheckpointNotFound, CheckpointCorrupt (manifest) or Cancelled.
        """
        monitor = monitor or Monitor()
        found = self.get(model)
        total, done, checks = max(found.manifest.size_bytes, 1), 0, []
        for file in found.manifest.files:

            def on_bytes(n: int, before: int = done) -> None:
                monitor.report("verify", (before + n) / total)

            checks.append(FileCheck(file, _state(found.folder / file.name, file, on_bytes)))
            done += file.size_bytes
        return tuple(checks)

    def remove(self, model: KnownModel, monitor: Monitor | None = None) -> int:
        """Delete a stored model, whole, damaged or unfinished, and give the bytes freed.

        Files that it links to are left alone.
        Raises CheckpointNotFound, or CheckpointError while another process works on it.
        """
        with hold(self.lock_file(model), model.name, monitor or Monitor()):
            folders = [self.folder(model), *self._unfinished(model)]
            if not any(folder.is_dir() for folder in folders):
                self.get(model)
            freed = 0
            for folder in folders:
                if folder.is_dir():
                    freed += _size(folder)
                    trash = self._trash(model)
                    folder.replace(trash)
                    shutil.rmtree(trash)
        return freed

    def put(self, model: KnownModel, staged: Path) -> Path:
        """Make a complete folder the model's own, in place of what was there. Hold the lock."""
        final = self.folder(model)
        if final.exists():
            trash = self._trash(model)
            final.replace(trash)
            staged.replace(final)
            shutil.rmtree(trash)
        else:
            staged.replace(final)
        return final

    def _is_damaged(self, model: KnownModel) -> bool:
        if not self.folder(model).is_dir():
            return False
        try:
            self.get(model)
        except (CheckpointCorrupt, CheckpointNotFound):
            return True
        return False

    def _unfinished(self, model: KnownModel) -> tuple[Path, Path]:
        return self.incoming(model), self.converting(model)

    def _trash(self, model: KnownModel) -> Path:
        trash = self.root / ".outgoing" / model.name
        shutil.rmtree(trash, ignore_errors=True)
        trash.parent.mkdir(parents=True, exist_ok=True)
        return trash


def default_root(home: Path | None = None, platform: str = sys.platform) -> Path:
    """The user's data folder for models, as each system has it."""
    home = home or Path.home()
    if platform == "win32":
        return home / "AppData" / "Local" / "StemLasso" / "models"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "StemLasso" / "models"
    return home / ".local" / "share" / "stemlasso" / "models"


def resolve(name_or_folder: str | Path, root: Path | None = None) -> Path:
    """The folder with a model's files: a folder given as such, or a known name in the store.

    root: of the store, when it is not the default one. An older name is used and logged.
    Raises CheckpointNotFound, which says what to do.
    """
    path = Path(name_or_folder).expanduser()
    if path.is_dir():
        return path
    name = str(name_or_folder)
    if not is_known(name):
        raise CheckpointNotFound(
            f"{name!r} is neither a folder nor a known model; "
            f"known are {', '.join(model.name for model in CATALOGUE)}"
        )
    model, notice = find(name)
    if notice is not None:
        log.warning("%s", notice.message)
    return Store(root or default_root()).get(model).folder


def sha256_of(path: Path, on_bytes: Callable[[int], None]) -> str:
    """SHA-256 of a file, read in pieces; `on_bytes` gets how many were read so far."""
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
            n_bytes += len(piece)
            on_bytes(n_bytes)
    return digest.hexdigest()


def require_whole(checks: tuple[FileCheck, ...], where: Path) -> None:
    """Raises CheckpointCorrupt when any file is not as it was when it was stored."""
    bad = [f"{check.file.name}: {check.state}" for check in checks if check.state != "whole"]
    if bad:
        raise CheckpointCorrupt(
            f"{where} is damaged ({'; '.join(bad)}); remove the model and fetch it again"
        )


def _size(folder: Path) -> int:
    """Bytes of the files of a folder; a link has none of its own."""
    if not folder.is_dir():
        return 0
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != MANIFEST_NAME
    )


def _state(path: Path, file: StoredFile, on_bytes: Callable[[int], None]) -> FileState:
    if not path.is_file():
        return "missing"
    if path.stat().st_size != file.size_bytes:
        return "other size"
    return "whole" if sha256_of(path, on_bytes) == file.sha256 else "other digest"
