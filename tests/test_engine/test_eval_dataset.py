"""Folders of mixtures: what they give, and one typed error for each way to be broken."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.data import Span
from engine.errors import DatasetError
from engine.eval.dataset import load_manifest, read_stems, select

from .mixtures_folder import RATE, edit_manifest, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path)


def test_manifest_is_found_by_folder_or_file(folder: Path) -> None:
    items = load_manifest(folder)
    assert items == load_manifest(folder / "manifest.json")
    assert [item.item_id for item in items] == ["a", "b"]
    assert items[0].class_group == "drums"
    assert items[0].active_spans_s == ((1.0, 2.0),)
    assert items[1].prompts["text"].description == "zorp"
    assert tuple(items[1].prompts["spans"].spans) == (Span.present(0.95, 2.05),)
    assert Span.absent(0.0, 0.9) in items[1].prompts["spans-neg"].spans


def test_the_mixture_is_the_exact_sum(folder: Path) -> None:
    for item, n_channels in zip(load_manifest(folder), (2, 1), strict=True):
        stems = read_stems(item)
        assert stems.mixture.shape == (3 * RATE, n_channels)
        assert stems.duration_s == 3.0
        total = stems.target.astype(np.int64) + stems.rest
        np.testing.assert_array_equal(stems.mixture, total)


def test_select_keeps_the_manifests_order(folder: Path) -> None:
    items = load_manifest(folder)
    assert select(items, ["b", "a"], None) == items
    assert select(items, ["b"], None) == items[1:]
    assert select(items, [], 1) == items[:1]
    with pytest.raises(DatasetError, match=r"no item zz in the manifest; it has a, b"):
        select(items, ["zz"], None)


BROKEN_MANIFESTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing folder": (lambda folder: (folder / "manifest.json").unlink(), "no such manifest"),
    "not json": (lambda folder: (folder / "manifest.json").write_text("{"), "not valid JSON"),
    "not text": (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "not valid JSON"),
    "a list": (lambda folder: (folder / "manifest.json").write_text("[]"), "JSON object"),
    "no items": (lambda folder: (folder / "manifest.json").write_text("{}"), "'items' is missing"),
    "empty": (lambda folder: (folder / "manifest.json").write_text('{"items": []}'), "is empty"),
    "item no object": (
        lambda folder: (folder / "manifest.json").write_text('{"items": [3]}'),
        "item 0: must be a JSON object",
    ),
    "no id": (lambda folder: edit_manifest(folder, id=None), "'id' is missing"),
    "id twice": (lambda folder: edit_manifest(folder, id="b"), "the id 'b' is used twice"),
    "group no text": (lambda folder: edit_manifest(folder, class_group=3), "must be a string"),
    "no files": (lambda folder: edit_manifest(folder, files={}), "files: 'target' is missing"),
    "active spans": (lambda folder: edit_manifest(folder, active_spans=[1]), "'active_spans'"),
    "anchors": (
        lambda folder: edit_manifest(
            folder, prompts={"plus": {"description": "x", "anchors": [["+", 1]]}}
        ),
        "prompt plus: each anchor must be",
    ),
    "reversed anchor": (
        lambda folder: edit_manifest(
            folder, prompts={"plus": {"description": "x", "anchors": [["+", 2, 1]]}}
        ),
        "prompt plus: span",
    ),
}


@pytest.mark.parametrize("case", BROKEN_MANIFESTS)
def test_broken_manifests_are_refused_in_one_line(case: str, folder: Path) -> None:
    break_it, message = BROKEN_MANIFESTS[case]
    break_it(folder)
    with pytest.raises(DatasetError, match=message) as caught:
        load_manifest(folder)
    assert "\n" not in str(caught.value)


def test_there_are_broken_manifests() -> None:
    assert BROKEN_MANIFESTS


def silence(n_samples: int = 3 * RATE, n_channels: int = 2) -> np.ndarray:
    return np.zeros((n_samples, n_channels), dtype=np.int16)


def loud(folder: Path) -> None:
    for name in ("target", "rest"):
        soundfile.write(folder / f"a.{name}.flac", silence() + np.int16(20000), RATE)


def truncate(folder: Path) -> None:
    path = folder / "a.rest.flac"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BROKEN_STEMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: (folder / "a.rest.flac").unlink(), "rest.flac is missing"),
    "empty": (lambda folder: (folder / "a.rest.flac").write_bytes(b""), "cannot be read"),
    "no audio": (lambda folder: (folder / "a.rest.flac").write_text("x" * 99), "cannot be read"),
    "truncated": (truncate, "cannot be read|ends after"),
    "length": (
        lambda folder: soundfile.write(folder / "a.rest.flac", silence(100), RATE),
        "differ in samples and channels",
    ),
    "channels": (
        lambda folder: soundfile.write(folder / "a.rest.flac", silence(n_channels=1), RATE),
        "differ in samples and channels",
    ),
    "rate": (
        lambda folder: soundfile.write(folder / "a.rest.flac", silence(), 44_100),
        "differ in sample rate: 16000 and 44100 Hz",
    ),
    "24 bits": (
        lambda folder: soundfile.write(folder / "a.rest.flac", silence(), RATE, subtype="PCM_24"),
        "PCM_24; stems must be PCM_16",
    ),
    "overflow": (loud, "do not add up within 16 bits"),
}


@pytest.mark.parametrize("case", BROKEN_STEMS)
def test_broken_stems_are_refused_in_one_line(case: str, folder: Path) -> None:
    break_it, message = BROKEN_STEMS[case]
    break_it(folder)
    with pytest.raises(DatasetError, match=message) as caught:
        read_stems(load_manifest(folder)[0])
    assert str(caught.value).startswith("item a: ")
    assert "\n" not in str(caught.value)


def test_there_are_broken_stems() -> None:
    assert BROKEN_STEMS


def test_other_keys_of_the_manifest_are_ignored(folder: Path) -> None:
    edit_manifest(folder, seed=[1, 2], meta={"drums": ["kit"]})
    assert len(load_manifest(folder)) == 2
    assert json.loads((folder / "manifest.json").read_text())["items"][0]["seed"] == [1, 2]
