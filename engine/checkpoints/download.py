"""Fetch a model from the hub, pinned, checked and continued after a break.

    catalogue --offer--> files with sizes and digests --fetch--> .incoming --check--> rename

Nothing in the catalogue has a digest yet, so the first download is trusted and recorded, with its
commit, in `<root>/.records`; later ones take the same commit and hold its files to these digests.
"""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.data import Monitor, Notice
from engine.errors import CheckpointCorrupt, CheckpointMismatch

from .catalog import KnownModel, find
from .hub import REFUSALS, Hub, Offer, explain, plain_offer
from .intake import Taken, describe
from .lock import hold
from .manifest import StoredFile
from .records import Record, read_record
from .space import require_space, writing
from .store import Installed, Store
from .structure import Structure, check
from .transfer import RemoteFile, fetch, forget_versions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mirror:
    """Another place to fetch from, which the user named and answers for.

    repository: `owner/name` of a copy.   revision: branch, tag or commit.   hub: server and token.
    """

    repository: str = ""
    revision: str = ""
    hub: Hub = Hub()  # noqa: RUF009 - a frozen value

    @property
    def is_official(self) -> bool:
        """Whether the files come from their owner, at whatever revision."""
        return not self.repository and self.hub.endpoint is None


def download_model(
    store: Store,
    name: str,
    *,
    mirror: Mirror | None = None,
    replace_it: bool = False,
    monitor: Monitor | None = None,
) -> Taken:
    """Fetch a known model into the store; one that is there already is left as it is.

    mirror: fetch from there instead of the official place.
    Raises CheckpointGated (no access or no login; says how to get both), CheckpointNotFound (name,
    repository or revision), DownloadFailed (network), DiskFull, CheckpointCorrupt (other bytes
    than announced or recorded), CheckpointMismatch (another model), Cancelled.
    """
    monitor, mirror = monitor or Monitor(), mirror or Mirror()
    model, notice = find(name)
    notices = (notice,) if notice else ()
    with hold(store.lock_file(model), model.name, monitor):
        if store.has(model) and not replace_it:
            there = Notice("model_present", f"{model.name} is already in {store.folder(model)}")
            return Taken(store.get(model), (*notices, there))
        with writing(store.root):
            installed, said = _download(store, model, mirror, monitor)
    return Taken(installed, (*notices, *said))


def _download(
    store: Store, model: KnownModel, mirror: Mirror, monitor: Monitor
) -> tuple[Installed, tuple[Notice, ...]]:
    noted = store.root / ".records" / f"{model.name}.json"
    record = read_record(noted) if mirror.is_official and not mirror.revision else Record()
    repository = mirror.repository or model.repository
    revision = mirror.revision or record.commit or model.revision
    staged = store.incoming(model)
    try:
        offer = mirror.hub.offer(model, repository, revision) if repository else plain_offer(model)
        record.compare(offer.digests)
        digests = _fetch_all(offer, staged, mirror.hub, monitor)
    except REFUSALS as error:
        raise explain(error, model, repository, mirror.hub) from error
    structure = _checked(model, staged, record, digests)
    manifest = replace(
        describe(
            model,
            tuple(_stored(model, file, digests[file.name]) for file in offer.files),
            source="hub" if repository else "address",
            origin=repository or model.address,
            structure=structure,
            commit=offer.commit,
            accepted="on the model's page, by the account that fetched it" if model.gated else "",
        ),
        revision=revision,
    )
    manifest.write(staged)
    folder = store.put(model, staged)
    said = _size_notices(model, offer)
    if not mirror.is_official:
        said += _unvouched(mirror)
    elif not record.sha256:
        Record(offer.commit, digests).write(noted)
        said += _recorded(len(digests), noted)
    return Installed(model, folder, manifest), said


def _stored(model: KnownModel, file: RemoteFile, sha256: str) -> StoredFile:
    pinned = any(known.name == file.name and known.sha256 for known in model.files)
    return StoredFile(file.name, file.size_bytes, sha256, pinned=pinned)


def _fetch_all(offer: Offer, staged: Path, hub: Hub, monitor: Monitor) -> dict[str, str]:
    """Fetch every file, the small ones first: a refusal then costs nothing."""
    total = max(sum(file.size_bytes for file in offer.files), 1)
    there = sum(p.stat().st_size for p in staged.iterdir()) if staged.is_dir() else 0
    require_space(staged, total - there, "the download")
    headers = hub.headers if offer.commit else {}
    digests, done = {}, 0
    for file in sorted(offer.files, key=lambda file: file.size_bytes):

        def on_bytes(n: int, before: int = done) -> None:
            monitor.report("download", (before + n) / total)

        digests[file.name] = fetch(file, staged, headers, on_bytes, monitor)
        done += file.size_bytes
    forget_versions(staged)
    return digests


def _checked(
    model: KnownModel, staged: Path, record: Record, digests: Mapping[str, str]
) -> Structure | None:
    """What the weights hold; files that are not what they should be are deleted."""
    try:
        record.compare(digests)
        if not model.weights:
            return None
        return check(model, staged / model.weights[0].name, staged / "config.json")
    except (CheckpointMismatch, CheckpointCorrupt):
        shutil.rmtree(staged)
        raise


def _unvouched(mirror: Mirror) -> tuple[Notice, ...]:
    where = mirror.repository or mirror.hub.endpoint
    return (Notice("mirror_used", f"the files come from {where}, which you named and answer for"),)


def _recorded(n_files: int, noted: Path) -> tuple[Notice, ...]:
    message = (
        f"no digest of these files was known: those of the {n_files} files that arrived were "
        f"recorded in {noted}, and later downloads are held to them"
    )
    return (Notice("digests_recorded", message),)


def _size_notices(model: KnownModel, offer: Offer) -> tuple[Notice, ...]:
    published = {file.name: file.size_bytes for file in model.files if file.size_bytes}
    return tuple(
        Notice(
            "size_differs",
            f"{file.name} has {file.size_bytes} bytes; {published[file.name]} were published once",
        )
        for file in offer.files
        if file.name in published and file.size_bytes != published[file.name]
    )
