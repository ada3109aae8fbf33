"""Bring files into the store: a folder or a mirror that the user has, accepted as it is.

    source --check structure--> copy or link into .incoming, digest on the way --> rename

A copy that broke off is picked up where it stopped: pieces that agree are not written again.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from engine.data import Monitor, Notice
from engine.errors import CheckpointCorrupt, CheckpointError, CheckpointNotFound

from .catalog import KnownModel, find
from .lock import hold
from .manifest import Manifest, StoredFile
from .read import index_shards, weight_file
from .space import require_space, writing
from .store import CHUNK_BYTES, Installed, Store, sha256_of
from .structure import Structure, check, guess

log = logging.getLogger(__name__)

How = Literal["copy", "link"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did."""

    installed: Installed
    notices: tuple[Notice, ...] = ()


def import_model(
    store: Store,
    source: Path,
    name: str | None = None,
    *,
    how: How = "copy",
    replace: bool = False,
    monitor: Monitor | None = None,
) -> Taken:
    """Put a model that lies at `source` into the store, after a look at its structure.

    source: a folder with the model's files, or its weights file with the others beside it.
    name: which model it is; recognised from the weights when None.
    how: `link` stores links, and the files have to stay where they are.
    replace: take the place of a model that is in the store already.
    Raises CheckpointNotFound (files are missing), CheckpointCorrupt, CheckpointMismatch (another
    model), DiskFull, CheckpointError (already there, or in use), Cancelled.
    """
    monitor = monitor or Monitor()
    model, notices = _which(source, name)
    files = _files(model, source)
    structure = _structure(model, files)
    if structure is not None and model.size and not structure.identity.size:
        notices += (Notice("model_size_unknown", f"{source} holds {structure.identity.label}"),)
    with hold(store.lock_file(model), model.name, monitor):
        if store.has(model) and not replace:
            raise CheckpointError(
                f"{model.name} is already in {store.folder(model)}; "
                "remove it first, or say that it is to be replaced"
            )
        staged = store.incoming(model)
        with writing(store.root):
            stored = _place(files, staged, how, monitor)
            manifest = describe(
                model, stored, source="folder", origin=str(source.resolve()), structure=structure
            )
            manifest.write(staged)
            folder = store.put(model, staged)
    return Taken(Installed(model, folder, manifest), notices)


def describe(
    model: KnownModel,
    files: tuple[StoredFile, ...],
    *,
    source: str,
    origin: str,
    structure: Structure | None,
    commit: str = "",
    accepted: str = "",
) -> Manifest:
    """The manifest of a model whose files are all in place."""
    return Manifest(
        model=model.name,
        kind=model.kind,
        source=source,
        origin=origin,
        precision=structure.precision if structure is not None else "none",
        licence=model.licence.name,
        licence_page=model.page,
        licence_accepted=accepted,
        files=files,
        revision=model.revision if source == "hub" else "",
        commit=commit,
        added_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def copy_file(source: Path, target: Path, on_bytes: Callable[[int], None]) -> str:
    """Copy `source` to `target` and give its SHA-256; a partial copy that is there is continued."""
    digest, n_bytes = hashlib.sha256(), 0
    target.touch()
    with source.open("rb") as reader, target.open("r+b") as writer:
        while piece := reader.read(CHUNK_BYTES):
            digest.update(piece)
            if writer.read(len(piece)) != piece:
                writer.seek(n_bytes)
                writer.write(piece)
                writer.seek(n_bytes + len(piece))
            n_bytes += len(piece)
            on_bytes(n_bytes)
        writer.truncate(n_bytes)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _which(source: Path, name: str | None) -> tuple[KnownModel, tuple[Notice, ...]]:
    if name is not None:
        model, notice = find(name)
        return model, (notice,) if notice else ()
    model = guess(weight_file(source), source.resolve().name)
    return model, (Notice("model_recognised", f"{source} holds {model.name}"),)


def _files(model: KnownModel, source: Path) -> dict[str, Path]:
    """Name in the store -> file of the user, for everything that the model is made of."""
    if not source.exists():
        raise CheckpointNotFound(f"{source} does not exist; give a folder or a weights file")
    folder = source if source.is_dir() else source.parent
    files = {}
    for file in model.files:
        if not file.weights and (folder / file.name).is_file():
            files[file.name] = folder / file.name
        elif file.required and not file.weights:
            raise CheckpointNotFound(
                f"{folder / file.name} is missing; {model.name} needs "
                f"{', '.join(f.name for f in model.files if f.required)}"
            )
    return files | (_weights(model, source) if model.weights else {})


def _weights(model: KnownModel, source: Path) -> dict[str, Path]:
    file = weight_file(source)
    if file.name.endswith(".index.json"):
        return {file.name: file} | {shard.name: shard for shard in index_shards(file)}
    if file.suffix == ".safetensors":
        return {"model.safetensors": file}
    official = model.weights[0].name
    return {official if not official.endswith(".safetensors") else "pytorch_model.bin": file}


def _structure(model: KnownModel, files: dict[str, Path]) -> Structure | None:
    """What the weights among `files` hold; None for a tokenizer alone."""
    if not model.weights:
        return None
    index = files.get("model.safetensors.index.json")
    weights = index or next(path for name, path in files.items() if name not in _plain(model))
    return check(model, weights, files.get("config.json", weights))


def _plain(model: KnownModel) -> set[str]:
    return {file.name for file in model.files if not file.weights}


def _place(
    files: dict[str, Path], staged: Path, how: How, monitor: Monitor
) -> tuple[StoredFile, ...]:
    staged.mkdir(parents=True, exist_ok=True)
    _drop_strangers(staged, set(files))
    sizes = {name: path.stat().st_size for name, path in files.items()}
    total, done, stored = max(sum(sizes.values()), 1), 0, []
    if how == "copy":
        here = sum(p.stat().st_size for p in staged.iterdir())
        require_space(staged, total - here, "the copy")
    for name, path in files.items():

        def on_bytes(n: int, before: int = done) -> None:
            monitor.report("import", (before + n) / total)

        target = staged / name
        if how == "link":
            _link(path.resolve(), target)
            digest = sha256_of(target, on_bytes)
        else:
            digest = copy_file(path, target, on_bytes)
        if target.stat().st_size != sizes[name]:
            raise CheckpointCorrupt(f"{path} changed while it was copied; import it again")
        stored.append(StoredFile(name, sizes[name], digest, linked=how == "link"))
        done += sizes[name]
    return tuple(stored)


def _drop_strangers(staged: Path, names: set[str]) -> None:
    """Remove what an earlier attempt left that this one cannot continue: other files, and links."""
    for path in staged.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in names or path.is_symlink():
            path.unlink()


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(source)
    except OSError:
        log.info("no symbolic link to %s is possible; trying a hard link", source)
        try:
            target.hardlink_to(source)
        except OSError as error:
            raise CheckpointError(
                f"no link to {source} can be made in {target.parent} ({error.strerror}); "
                "copy the model instead"
            ) from error
