"""The store: import, list, verify, convert, remove; and every way in which files can be wrong."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.checkpoints.catalog import find
from engine.checkpoints.intake import import_model
from engine.checkpoints.load import read_state_dict
from engine.checkpoints.lock import hold
from engine.checkpoints.manifest import read_manifest
from engine.checkpoints.store import Store, default_root, require_whole, resolve
from engine.checkpoints.structure import guess
from engine.data import Monitor, Progress
from engine.errors import (
    Cancelled,
    CheckpointCorrupt,
    CheckpointError,
    CheckpointMismatch,
    CheckpointNotFound,
    DiskFull,
)

from .tiny_model import tiny_state, write_checkpoint, write_t5

SMALL = find("sam-audio-small")[0]
T5 = find("t5-base")[0]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An official-layout folder of a tiny SAM-Audio, with a file that is no part of it."""
    folder = write_checkpoint(tmp_path_factory.mktemp("published"))
    (folder / "README.md").write_text("not part of the model", encoding="utf-8")
    return folder


@pytest.fixture
def source(tmp_path: Path, published: Path) -> Path:
    """A copy of `published` that a test may change."""
    return Path(shutil.copytree(published, tmp_path / "down loads — Ünïcode"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "Modelle" / "größe")


def test_import_list_verify_and_resolve(source: Path, store: Store) -> None:
    steps: list[Progress] = []
    taken = import_model(store, source, "sam-audio-small", monitor=Monitor(steps.append))
    folder = taken.installed.folder
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoint.pt",
        "config.json",
        "manifest.json",
    ]
    assert [found.model.name for found in store.installed()] == ["sam-audio-small"]
    assert {check.state for check in store.verify(SMALL)} == {"whole"}
    assert resolve("facebook/sam-audio-small", store.root) == folder
    assert steps[-1] == Progress("import", 1.0)
    manifest = read_manifest(folder)
    assert manifest.precision == "float32"
    assert manifest.licence == "SAM License (Meta)"
    assert manifest.size_bytes == sum((source / f.name).stat().st_size for f in manifest.files)
    assert not any(store.root.glob(".incoming/*"))


def test_a_size_that_was_never_published_is_accepted_and_said(source: Path, store: Store) -> None:
    notices = import_model(store, source, "sam-audio-small").notices
    assert [notice.code for notice in notices] == ["model_size_unknown"]
    assert "width 24, 2 layers" in notices[0].message


def marks_of_base() -> dict[str, Tensor]:
    """As much of SAM-Audio base as tells its size."""
    layers = {f"transformer.layers.{i}.attention.wq.weight": torch.ones(1) for i in range(16)}
    marks = {
        "embed_anchors.embed.weight": torch.ones(4, 8),
        "memory_proj.weight": torch.ones(2048, 4),
    }
    return marks | layers


@pytest.mark.parametrize(
    ("folder", "name"),
    [("downloads", "sam-audio-base"), ("sam-audio-base-tv", "sam-audio-base-tv")],
)
def test_the_model_is_guessed_from_weights_and_folder(
    tmp_path: Path, folder: str, name: str
) -> None:
    torch.save(marks_of_base(), tmp_path / "c.pt")
    assert guess(tmp_path / "c.pt", folder).name == name


def test_another_size_or_model_is_refused(source: Path, store: Store) -> None:
    torch.save(marks_of_base(), source / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match="holds SAM-Audio base, not sam-audio-large"):
        import_model(store, source, "sam-audio-large")
    torch.save({"cat_audio_proj.weight": torch.ones(1)}, source / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match="holds the SAM-Audio judge in its other layout"):
        import_model(store, source, "sam-audio-large")
    torch.save({"a": torch.ones(1)}, source / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match="does not know; say which model it is"):
        import_model(store, source)
    assert store.installed() == ()


def test_weights_have_to_fit_their_own_configuration(source: Path, store: Store) -> None:
    config = json.loads((source / "config.json").read_text("utf-8"))
    config["anchor_embedding_dim"] = 5
    (source / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointMismatch, match=r"another shape \(2\): embed_anchors"):
        import_model(store, source, "sam-audio-small")
    (source / "config.json").write_text(json.dumps(config | {"n_ears": 2}), "utf-8")
    with pytest.raises(CheckpointMismatch, match="unknown key n_ears"):
        import_model(store, source, "sam-audio-small")
    (source / "config.json").write_text(json.dumps(config | {"anchor_embedding_dim": 4}), "utf-8")
    state = tiny_state()
    del state["proj.bias"]
    torch.save(state | {"stray": torch.ones(1)}, source / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match=r"(?s)missing \(1\): proj.bias.*unexpected"):
        import_model(store, source, "sam-audio-small")
    assert store.installed() == ()


def test_the_weights_file_itself_can_be_given(tmp_path: Path, store: Store) -> None:
    write_t5(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "t5 weights.safetensors")
    folder = import_model(store, tmp_path / "t5 weights.safetensors").installed.folder
    assert (folder / "model.safetensors").is_file()


def test_missing_files_are_named(tmp_path: Path, source: Path, store: Store) -> None:
    (source / "config.json").unlink()
    with pytest.raises(CheckpointNotFound, match=r"config\.json is missing"):
        import_model(store, source, "sam-audio-small")
    with pytest.raises(CheckpointNotFound, match="does not exist"):
        import_model(store, tmp_path / "nowhere", "sam-audio-small")
    with pytest.raises(CheckpointNotFound, match="not a known model; known are sam-audio-small"):
        import_model(store, source, "sam-audio-huge")


def test_a_damaged_source_is_refused_before_anything_is_copied(source: Path, store: Store) -> None:
    content = (source / "checkpoint.pt").read_bytes()
    (source / "checkpoint.pt").write_bytes(content[:-200])
    with pytest.raises(CheckpointCorrupt, match="truncated"):
        import_model(store, source, "sam-audio-small")
    assert not store.root.exists()


def test_replacing_has_to_be_asked_for(source: Path, store: Store) -> None:
    import_model(store, source, "sam-audio-small")
    first = (store.folder(SMALL) / "checkpoint.pt").read_bytes()
    torch.save(tiny_state(seed=1), source / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="already in"):
        import_model(store, source, "sam-audio-small")
    assert (store.folder(SMALL) / "checkpoint.pt").read_bytes() == first
    import_model(store, source, "sam-audio-small", replace=True)
    assert (store.folder(SMALL) / "checkpoint.pt").read_bytes() != first
    require_whole(store.verify(SMALL), store.folder(SMALL))


def test_links_leave_the_files_where_they_are(source: Path, store: Store) -> None:
    taken = import_model(store, source, "sam-audio-small", how="link")
    assert all(file.linked for file in taken.installed.manifest.files)
    assert set(read_state_dict(resolve("sam-audio-small", store.root))) > set(tiny_state())
    assert {check.state for check in store.verify(SMALL)} == {"whole"}
    assert store.remove(SMALL) == 0
    assert (source / "checkpoint.pt").is_file()
    import_model(store, source, "sam-audio-small", how="link")
    shutil.rmtree(source)
    assert {check.state for check in store.verify(SMALL)} == {"missing"}


def _damage(folder: Path) -> None:
    content = bytearray((folder / "checkpoint.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "checkpoint.pt").write_bytes(content)


def _shorten(folder: Path) -> None:
    os.truncate(folder / "checkpoint.pt", 100)


def _lose(folder: Path) -> None:
    (folder / "checkpoint.pt").unlink()


@pytest.mark.parametrize(
    ("harm", "state"),
    [(_damage, "other digest"), (_shorten, "other size"), (_lose, "missing")],
)
def test_verify_finds_what_changed(
    source: Path, store: Store, harm: Callable[[Path], None], state: str
) -> None:
    import_model(store, source, "sam-audio-small")
    harm(store.folder(SMALL))
    checks = store.verify(SMALL)
    assert {check.file.name: check.state for check in checks} == {
        "checkpoint.pt": state,
        "config.json": "whole",
    }
    with pytest.raises(CheckpointCorrupt, match=rf"checkpoint\.pt: {state}.*fetch it again"):
        require_whole(checks, store.folder(SMALL))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 9}', '{"schema": 1, "model": "x"}'])
def test_a_damaged_manifest_is_reported(source: Path, store: Store, text: str) -> None:
    import_model(store, source, "sam-audio-small")
    (store.folder(SMALL) / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointCorrupt, match=r"manifest\.json"):
        store.get(SMALL)
    assert store.damaged() == (SMALL,)
    assert store.installed() == ()
    assert store.remove(SMALL) > 0
    assert store.damaged() == ()
    import_model(store, source, "sam-audio-small")
    assert len(store.installed()) == 1


def test_a_cancelled_import_continues_where_it_stopped(source: Path, store: Store) -> None:
    big = tiny_state() | {"vision_encoder.padding": torch.randn(5_000_000)}
    torch.save(big, source / "checkpoint.pt")
    seen: list[float] = []
    stop_at = 0.5

    def note(progress: Progress) -> None:
        seen.append(progress.fraction)

    monitor = Monitor(note, lambda: bool(seen) and seen[-1] > stop_at)
    with pytest.raises(Cancelled):
        import_model(store, source, "sam-audio-small", monitor=monitor)
    partial = store.incoming(SMALL) / "checkpoint.pt"
    assert 0 < partial.stat().st_size < (source / "checkpoint.pt").stat().st_size
    assert not store.has(SMALL)
    assert store.partial_bytes(SMALL) > partial.stat().st_size
    number = partial.stat().st_ino
    import_model(store, source, "sam-audio-small")
    assert (store.folder(SMALL) / "checkpoint.pt").stat().st_ino == number
    require_whole(store.verify(SMALL), store.folder(SMALL))


def test_a_partial_copy_of_something_else_is_not_trusted(source: Path, store: Store) -> None:
    staged = store.incoming(SMALL)
    staged.mkdir(parents=True)
    (staged / "checkpoint.pt").write_bytes(b"x" * 50_000)
    (staged / "stranger.bin").write_bytes(b"x")
    (staged / "folder").mkdir()
    folder = import_model(store, source, "sam-audio-small").installed.folder
    assert (folder / "checkpoint.pt").read_bytes() == (source / "checkpoint.pt").read_bytes()
    assert not (folder / "stranger.bin").exists()


def test_a_disk_that_is_too_small_is_noticed_first(tmp_path: Path, store: Store) -> None:
    folder = write_t5(tmp_path / "big")
    free = shutil.disk_usage(tmp_path).free
    with (folder / "tokenizer_config.json").open("wb") as sparse:
        sparse.truncate(free + 10**9)
    with pytest.raises(DiskFull, match=r"needs .* GB in .* are free; make .* of room"):
        import_model(store, folder, "t5-base")
    assert not store.has(T5)


_LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from engine.checkpoints.intake import import_model
    from engine.checkpoints.store import Store
    from engine.errors import DiskFull

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))
    try:
        import_model(Store(Path(sys.argv[2])), Path(sys.argv[1]), "sam-audio-small")
    except DiskFull as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no limit on file size")
def test_running_out_of_room_is_explained_and_can_be_continued(source: Path, store: Store) -> None:
    torch.save(
        tiny_state() | {"vision_encoder.padding": torch.randn(5_000_000)}, source / "checkpoint.pt"
    )
    code = textwrap.dedent(_LIMITED)
    answer = subprocess.run(
        [sys.executable, "-c", code, str(source), str(store.root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert "no room left while writing" in answer.stdout
    assert not store.has(SMALL)
    assert (store.incoming(SMALL) / "checkpoint.pt").stat().st_size == 8_000_000
    import_model(store, source, "sam-audio-small")
    require_whole(store.verify(SMALL), store.folder(SMALL))


def test_two_processes_do_not_meet(source: Path, store: Store) -> None:
    with (
        hold(store.lock_file(SMALL), "x", Monitor()),
        pytest.raises(CheckpointError, match="another process is working on y"),
        hold(store.lock_file(SMALL), "y", Monitor(), wait_s=0.2),
    ):
        pass
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.checkpoints.intake import import_model\n"
        "from engine.checkpoints.store import Store\n"
        "print('ready', flush=True)\n"
        "import_model(Store(Path(sys.argv[2])), Path(sys.argv[1]), 'sam-audio-small', replace=True)"
    )
    arguments = [sys.executable, "-c", code, str(source), str(store.root)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other:
        with hold(store.lock_file(SMALL), "x", Monitor()):
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(timeout=0.5)
            assert not store.has(SMALL)
        import_model(store, source, "sam-audio-small", replace=True)
    assert other.returncode == 0
    require_whole(store.verify(SMALL), store.folder(SMALL))


def test_waiting_for_a_lock_can_be_cancelled(store: Store) -> None:
    with (
        hold(store.lock_file(SMALL), "x", Monitor()),
        pytest.raises(Cancelled),
        hold(store.lock_file(SMALL), "y", Monitor(is_cancelled=lambda: True)),
    ):
        pass


def test_remove_takes_what_is_unfinished(source: Path, store: Store) -> None:
    staged = store.incoming(SMALL)
    staged.mkdir(parents=True)
    (staged / "checkpoint.pt.part").write_bytes(b"x" * 1000)
    assert store.partial_bytes(SMALL) == 1000
    assert store.remove(SMALL) == 1000
    assert not staged.exists()


def test_a_folder_of_links_as_the_hubs_cache_has_it(
    tmp_path: Path, source: Path, store: Store
) -> None:
    snapshot = tmp_path / "models--facebook--sam-audio-small" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    for number, name in enumerate(("config.json", "checkpoint.pt")):
        (source / name).rename(snapshot.parent.parent / f"blob{number}")
        (snapshot / name).symlink_to(f"../../blob{number}")
    folder = import_model(store, snapshot, "sam-audio-small", how="link").installed.folder
    assert (folder / "checkpoint.pt").resolve().name == "blob1"
    require_whole(store.verify(SMALL), folder)
    folder = import_model(store, snapshot, "sam-audio-small", replace=True).installed.folder
    assert not (folder / "checkpoint.pt").is_symlink()
    require_whole(store.verify(SMALL), folder)


def test_remove_frees_the_folder(source: Path, store: Store) -> None:
    taken = import_model(store, source, "sam-audio-small").installed
    assert store.remove(SMALL) == taken.manifest.size_bytes
    assert not taken.folder.exists()
    with pytest.raises(CheckpointNotFound, match="stemlasso models download sam-audio-small"):
        store.remove(SMALL)


def test_names_old_and_new(source: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    import_model(store, source, "facebook/sam-audio-base")
    folder = resolve("facebook/sam-audio-1b", store.root)
    assert folder.name == "sam-audio-base"
    assert "'facebook/sam-audio-1b' is called sam-audio-base today" in caplog.text
    assert resolve(str(folder), store.root) == folder
    with pytest.raises(CheckpointNotFound, match="neither a folder nor a known model"):
        resolve("sam-audio-7b", store.root)
    with pytest.raises(CheckpointNotFound, match="models download sam-audio-large"):
        resolve("sam-audio-3b", store.root)


def test_the_default_folder_is_the_systems_own(tmp_path: Path) -> None:
    assert default_root(tmp_path, "linux") == tmp_path / ".local/share/stemlasso/models"
    assert "Application Support" in default_root(tmp_path, "darwin").parts
    assert "AppData" in default_root(tmp_path, "win32").parts
    assert default_root().is_relative_to(Path.home())


def test_listing_needs_no_torch(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.checkpoints.store import Store\n"
        "Store(Path(sys.argv[1])).installed()\n"
        "print(sorted({'torch', 'numpy', 'safetensors', 'huggingface_hub'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(store.root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert answer.stdout.strip() in ("[]", "['numpy']")


def test_the_manifest_is_json_for_everybody(source: Path, store: Store) -> None:
    folder = import_model(store, source, "sam-audio-small").installed.folder
    data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert data["schema"] == 1
    assert data["origin"] == str(source.resolve())
    assert {len(file["sha256"]) for file in data["files"]} == {64}
