"""Downloads from a real server on this machine: refusals, breaks, wrong bytes, pins, mirrors."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest
import torch
from huggingface_hub import close_session

from engine.checkpoints.catalog import CATALOGUE, find
from engine.checkpoints.download import Mirror, download_model
from engine.checkpoints.hub import Hub, Offer, plain_offer
from engine.checkpoints.manifest import read_manifest
from engine.checkpoints.records import Record, read_record
from engine.checkpoints.store import Store, require_whole
from engine.checkpoints.transfer import RemoteFile, fetch
from engine.data import Monitor, Progress
from engine.errors import (
    Cancelled,
    CheckpointCorrupt,
    CheckpointError,
    CheckpointGated,
    CheckpointMismatch,
    CheckpointNotFound,
    DiskFull,
    DownloadFailed,
)

from .checkpoint_hub import COMMIT, GOOD_TOKEN, OUTSIDER_TOKEN, LocalHub, serve
from .tiny_model import tiny_config, tiny_state

SMALL = find("sam-audio-small")[0]
REPOSITORY = "facebook/sam-audio-small"


def saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@cache
def _tiny_sam(n_padding: int) -> tuple[bytes, bytes]:
    """config.json and checkpoint.pt of a tiny SAM-Audio with so many unused values."""
    padding = {"vision_encoder.padding": torch.linspace(0, 1, n_padding)}
    return json.dumps(asdict(tiny_config())).encode(), saved(tiny_state() | padding)


def sam_files(n_padding: int = 100_000) -> dict[str, bytes]:
    config, weights = _tiny_sam(n_padding)
    readme = b"---\nlicense: other\n---\n"
    return {"README.md": readme, "config.json": config, "checkpoint.pt": weights}


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with serve(LocalHub({REPOSITORY: sam_files()}, gated={REPOSITORY})) as running:
        yield running
    close_session()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "modèles")


def ask(hub: LocalHub, token: str | None = GOOD_TOKEN, **more: str) -> Mirror:
    return Mirror(hub=Hub(hub.endpoint, token), **more)


def test_a_download_arrives_whole_and_is_recorded(hub: LocalHub, store: Store) -> None:
    steps: list[Progress] = []
    taken = download_model(store, "sam-audio-small", mirror=ask(hub), monitor=Monitor(steps.append))
    folder = taken.installed.folder
    assert (folder / "checkpoint.pt").read_bytes() == hub.files[REPOSITORY]["checkpoint.pt"]
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoint.pt",
        "config.json",
        "manifest.json",
    ]
    require_whole(store.verify(SMALL), folder)
    manifest = read_manifest(folder)
    assert (manifest.source, manifest.origin, manifest.commit) == ("hub", REPOSITORY, COMMIT)
    assert manifest.licence_accepted.startswith("on the model's page")
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    codes = [notice.code for notice in taken.notices]
    assert codes == ["size_differs", "mirror_used"]


def test_what_is_there_is_not_fetched_again(hub: LocalHub, store: Store) -> None:
    download_model(store, "sam-audio-small", mirror=ask(hub))
    n_requests = len(hub.requests)
    taken = download_model(store, "sam-audio-small", mirror=ask(hub))
    assert [notice.code for notice in taken.notices] == ["model_present"]
    assert len(hub.requests) == n_requests
    download_model(store, "sam-audio-small", mirror=ask(hub), replace_it=True)
    assert len(hub.requests) > n_requests


def test_a_gated_model_tells_how_to_get_access(hub: LocalHub, store: Store) -> None:
    mirror = Mirror(hub=Hub(hub.endpoint, ""))
    with pytest.raises(CheckpointGated) as caught:
        download_model(store, "sam-audio-small", mirror=mirror)
    message = str(caught.value)
    assert "https://huggingface.co/facebook/sam-audio-small" in message
    assert "hf auth login" in message
    assert "HF_TOKEN" in message
    assert "SAM License (Meta)" in message
    assert "not for military" in message
    assert caught.value.code == "checkpoint_gated"
    assert not store.has(SMALL)


def test_an_account_without_access_is_told_so(hub: LocalHub, store: Store) -> None:
    with pytest.raises(CheckpointGated, match="this account has no access yet"):
        download_model(store, "sam-audio-small", mirror=ask(hub, OUTSIDER_TOKEN))


def test_a_mirror_gets_no_token_unasked(
    hub: LocalHub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(CheckpointGated):
        download_model(store, "sam-audio-small", mirror=ask(hub, None))
    assert hub.tokens == set()
    download_model(store, "sam-audio-small", mirror=ask(hub))
    assert hub.tokens == {GOOD_TOKEN}


def test_a_broken_transfer_is_continued_at_once(hub: LocalHub, store: Store) -> None:
    size = len(hub.files[REPOSITORY]["checkpoint.pt"])
    hub.breaks, hub.break_after = 1, 300_000
    taken = download_model(store, "sam-audio-small", mirror=ask(hub))
    (asked,) = hub.ranges()
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 300_000
    assert start < size
    require_whole(store.verify(SMALL), taken.installed.folder)


def test_a_cancelled_transfer_is_continued_by_the_next_process(hub: LocalHub, store: Store) -> None:
    hub.files[REPOSITORY] = sam_files(n_padding=2_000_000)
    seen: list[float] = []
    monitor = Monitor(
        lambda step: seen.append(step.fraction), lambda: bool(seen) and seen[-1] > 0.3
    )
    with pytest.raises(Cancelled):
        download_model(store, "sam-audio-small", mirror=ask(hub), monitor=monitor)
    partial = store.incoming(SMALL) / "checkpoint.pt.part"
    n_kept = partial.stat().st_size
    assert n_kept > 2_000_000
    taken = download_model(store, "sam-audio-small", mirror=ask(hub))
    assert hub.ranges() == [f"bytes={n_kept}-"]
    require_whole(store.verify(SMALL), taken.installed.folder)
    assert sorted(p.name for p in taken.installed.folder.iterdir()) == [
        "checkpoint.pt",
        "config.json",
        "manifest.json",
    ]


def test_a_server_that_cannot_continue_starts_from_the_beginning(
    hub: LocalHub, store: Store
) -> None:
    hub.breaks, hub.break_after, hub.ignores_ranges = 1, 300_000, True
    taken = download_model(store, "sam-audio-small", mirror=ask(hub))
    assert hub.ranges()
    require_whole(store.verify(SMALL), taken.installed.folder)


def test_a_partial_file_of_another_version_is_dropped(hub: LocalHub, store: Store) -> None:
    staged = store.incoming(SMALL)
    staged.mkdir(parents=True)
    (staged / "checkpoint.pt.part").write_bytes(b"old" * 1000)
    (staged / "checkpoint.pt.part.json").write_text('{"version": "older"}', encoding="utf-8")
    taken = download_model(store, "sam-audio-small", mirror=ask(hub))
    assert hub.ranges() == []
    require_whole(store.verify(SMALL), taken.installed.folder)


def test_damaged_partial_bytes_are_found_and_deleted(hub: LocalHub, store: Store) -> None:
    staged = store.incoming(SMALL)
    hub.breaks, hub.break_after = 100, 0
    offer = Hub(hub.endpoint, GOOD_TOKEN).offer(SMALL, REPOSITORY, "main")
    version = next(f.version for f in offer.files if f.name == "checkpoint.pt")
    staged.mkdir(parents=True)
    (staged / "checkpoint.pt.part").write_bytes(b"x" * 1000)
    (staged / "checkpoint.pt.part.json").write_text(f'{{"version": "{version}"}}', "utf-8")
    hub.breaks = 0
    with pytest.raises(CheckpointCorrupt, match=r"SHA-256 is .* was announced.*fetch it again"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    assert not (staged / "checkpoint.pt.part").exists()
    download_model(store, "sam-audio-small", mirror=ask(hub))


def test_wrong_digests_are_refused(hub: LocalHub, store: Store) -> None:
    hub.claimed_sha256["checkpoint.pt"] = "0" * 64
    with pytest.raises(CheckpointCorrupt, match=r"000 was announced; what arrived was deleted"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    assert not store.has(SMALL)
    assert not (store.incoming(SMALL) / "checkpoint.pt").exists()


def test_small_files_are_checked_by_their_git_digest(tmp_path: Path, hub: LocalHub) -> None:
    url = f"{hub.endpoint}/plain/config.json"
    hub.files["plain"] = {"config.json": b"{}"}
    file = RemoteFile("config.json", url, 2, "v", git_sha1="0" * 40)
    with pytest.raises(CheckpointCorrupt, match="git digest"):
        fetch(file, tmp_path, {}, lambda n: None, Monitor())  # noqa: ARG005


@pytest.mark.parametrize("claimed", [-1, 1])
def test_another_length_than_announced_is_refused(
    tmp_path: Path, hub: LocalHub, claimed: int
) -> None:
    hub.files["plain"] = {"a": b"12345"}
    file = RemoteFile("a", f"{hub.endpoint}/plain/a", 5 + claimed, "v")
    with pytest.raises(CheckpointCorrupt, match="announced"):
        fetch(file, tmp_path, {}, lambda n: None, Monitor())  # noqa: ARG005


def test_a_disk_that_is_too_small_is_noticed_before_the_first_file(
    hub: LocalHub, store: Store, tmp_path: Path
) -> None:
    hub.claimed_sizes["checkpoint.pt"] = shutil.disk_usage(tmp_path).free + 10**9
    with pytest.raises(DiskFull, match="the download needs"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    assert not [path for path, _ in hub.requests if "resolve" in path]


def test_another_model_in_the_repository_is_refused_and_not_kept(
    hub: LocalHub, store: Store
) -> None:
    hub.files[REPOSITORY]["checkpoint.pt"] = saved({"cat_audio_proj.weight": torch.ones(2)})
    with pytest.raises(CheckpointMismatch, match="holds the SAM-Audio judge in its other layout"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    assert not store.incoming(SMALL).exists()


def test_code_in_a_downloaded_pickle_is_refused(hub: LocalHub, store: Store) -> None:
    hub.files[REPOSITORY]["checkpoint.pt"] = saved(torch.nn.Linear(1, 1))
    with pytest.raises(CheckpointCorrupt, match=r"names torch\.nn\.modules\.linear\.Linear"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    assert not store.incoming(SMALL).exists()


def test_what_the_server_does_not_have(hub: LocalHub, store: Store) -> None:
    with pytest.raises(CheckpointNotFound, match="does not have the revision asked for"):
        download_model(store, "sam-audio-small", mirror=ask(hub, revision="v9"))
    with pytest.raises(CheckpointNotFound, match="knows no repository 'somebody/else'"):
        download_model(store, "sam-audio-small", mirror=ask(hub, repository="somebody/else"))
    with pytest.raises(CheckpointNotFound, match="knows no repository 'not a name'"):
        download_model(store, "sam-audio-small", mirror=ask(hub, repository="not a name"))
    del hub.files[REPOSITORY]["config.json"]
    with pytest.raises(CheckpointNotFound, match=r"does not have config\.json"):
        download_model(store, "sam-audio-small", mirror=ask(hub))
    with pytest.raises(CheckpointNotFound, match="is not a known model"):
        download_model(store, "sam-audio-huge", mirror=ask(hub))


def test_a_named_copy_on_the_hub_is_taken_as_it_is(hub: LocalHub, store: Store) -> None:
    hub.files["somebody/copy"] = sam_files()
    taken = download_model(store, "sam-audio-3b", mirror=ask(hub, "", repository="somebody/copy"))
    assert taken.installed.model.name == "sam-audio-large"
    assert taken.installed.manifest.origin == "somebody/copy"
    codes = [notice.code for notice in taken.notices]
    assert codes == ["model_renamed", "size_differs", "mirror_used"]


@pytest.mark.parametrize("status", [400, 401, 403, 418])
def test_other_refusals_say_their_status(hub: LocalHub, store: Store, status: int) -> None:
    hub.status = status
    with pytest.raises((DownloadFailed, CheckpointGated)) as caught:
        download_model(store, "t5-base", mirror=ask(hub))
    assert str(status) in str(caught.value) or "token" in str(caught.value)


def test_no_server_at_all(store: Store) -> None:
    mirror = Mirror(hub=Hub("http://127.0.0.1:9", ""))
    with pytest.raises(DownloadFailed, match=r"no connection for .*models import"):
        download_model(store, "sam-audio-small", mirror=mirror)
    close_session()


def test_something_that_is_no_hub(hub: LocalHub, store: Store) -> None:
    mirror = Mirror(hub=Hub(f"{hub.endpoint}/plain", ""))
    hub.files["plain"] = {"api": b"<html>welcome"}
    with pytest.raises(DownloadFailed, match="does not answer as a hub does"):
        download_model(store, "sam-audio-small", mirror=mirror)


_USER = """
import sys
from pathlib import Path
from engine.checkpoints.download import Mirror, download_model
from engine.checkpoints.store import Store
from engine.errors import EngineError

for revision in sys.stdin:
    mirror = Mirror(revision=revision.strip())
    try:
        taken = download_model(
            Store(Path(sys.argv[1])), "sam-audio-small", mirror=mirror, replace_it=True
        )
        print([n.code for n in taken.notices], taken.installed.manifest.commit, flush=True)
    except EngineError as error:
        print(error.code, error, flush=True)
"""


class User:
    """A process that downloads as a user does, with the hub's own environment variables."""

    def __init__(self, store: Store, hub: LocalHub) -> None:
        variables = {"HF_HOME": str(store.root.parent / "hf"), "HF_ENDPOINT": hub.endpoint}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(store.root)],
            env=os.environ | {"HF_TOKEN": GOOD_TOKEN} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> "User":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=200)

    def downloads(self, revision: str = "") -> str:
        """What is said about one download."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(revision + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def test_the_first_download_is_recorded_and_later_ones_are_held_to_it(
    hub: LocalHub, store: Store
) -> None:
    with User(store, hub) as user:
        assert user.downloads() == f"['size_differs', 'digests_recorded'] {COMMIT}"
        assert hub.tokens == {GOOD_TOKEN}
        assert read_record(store.root / ".records" / "sam-audio-small.json").commit == COMMIT

        hub.requests.clear()
        assert user.downloads() == f"['size_differs'] {COMMIT}"
        assert f"/api/models/{REPOSITORY}/revision/{COMMIT}" in [path for path, _ in hub.requests]

        hub.files[REPOSITORY]["checkpoint.pt"] = sam_files(100)["checkpoint.pt"]
        changed = user.downloads()
        assert changed.startswith("checkpoint_corrupt checkpoint.pt is not the file of the first")
        require_whole(store.verify(SMALL), store.folder(SMALL))

        hub.commit = "d" * 40
        assert "does not have the revision" in user.downloads()
        again = user.downloads("main")
        assert again == f"['size_differs', 'digests_recorded'] {'d' * 40}"


def test_offline_mode_is_respected_and_named(hub: LocalHub) -> None:
    code = (
        "import sys; from engine.checkpoints.catalog import find\n"
        "from engine.checkpoints.hub import REFUSALS, Hub, explain\n"
        "hub, model = Hub(sys.argv[1]), find('sam-audio-small')[0]\n"
        "try: hub.offer(model, model.repository, 'main')\n"
        "except REFUSALS as error: print(explain(error, model, model.repository, hub))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, hub.endpoint],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert answer.stdout.startswith("offline mode is on (HF_HUB_OFFLINE)")
    assert hub.requests == []


def test_a_damaged_record_is_reported(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("[]", encoding="utf-8")
    with pytest.raises(CheckpointError, match="delete it to trust"):
        read_record(tmp_path / "r.json")
    Record("c", {"a": "1"}).write(tmp_path / "r.json")
    with pytest.raises(CheckpointCorrupt, match="first download"):
        read_record(tmp_path / "r.json").compare({"a": "2"})


def test_a_file_outside_the_hub_is_fetched_and_continued(hub: LocalHub, tmp_path: Path) -> None:
    hub.files["plain"] = {"imagebind_huge.pth": bytes(range(256)) * 1000}
    address = f"{hub.endpoint}/plain/imagebind_huge.pth"
    (file,) = plain_offer(replace(find("imagebind")[0], address=address)).files
    assert (file.size_bytes, file.version, file.sha256) == (256_000, '"first"', "")
    hub.breaks, hub.break_after = 1, 100_000
    fetch(file, tmp_path, {}, lambda n: None, Monitor())  # noqa: ARG005
    assert (tmp_path / file.name).read_bytes() == hub.files["plain"]["imagebind_huge.pth"]
    assert len(hub.ranges()) == 1


def test_offers_name_every_file_the_model_needs(hub: LocalHub) -> None:
    for model in CATALOGUE:
        if model.repository:
            hub.files[model.repository] = {file.name: b"x" for file in model.files}
            hub.revisions.add(model.revision)
            offer = Hub(hub.endpoint, "").offer(model, model.repository, model.revision)
            assert isinstance(offer, Offer)
            assert {file.name for file in offer.files} == {file.name for file in model.files}
