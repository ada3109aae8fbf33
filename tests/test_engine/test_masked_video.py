"""Masks from every kind of file, and what is left of the picture."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from numpy.typing import NDArray

from engine.data import MaskedVideo
from engine.errors import PromptError
from engine.model.config import VisionEncoderConfig
from engine.model.mask_files import open_mask
from engine.model.masked_video import KEEP_MASKED_OBJECT, apply_mask, masked_frames, stretch
from engine.model.video_frames import SelectedFrame
from engine.model.vision_encoder import VisionEncoder, VisionTowerConfig

from .video_makers import (
    HEIGHT,
    OBJECT,
    SQUARE,
    WIDTH,
    clip,
    clip_masks,
    numbered,
    square_at,
    write_pngs,
    write_sound,
    write_video,
)

N = 12
N_OBJECT_PIXELS = SQUARE * SQUARE

MaskMaker = Callable[[Path], Path | NDArray[Any]]


def grey(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Masks [N, H, W] as white on black pictures [N, H, W, 3]."""
    return np.repeat(masks[..., None].astype(np.uint8) * 255, 3, axis=-1)


def saved(path: Path, **arrays: NDArray[Any]) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def saved_plain(path: Path, array: NDArray[Any]) -> Path:
    np.save(path, array)
    return path


LOSSLESS_MASKS: dict[str, MaskMaker] = {
    "bool array": lambda _: clip_masks(N),
    "float array": lambda _: clip_masks(N) * 0.25,
    "array with a channel": lambda _: clip_masks(N)[:, None],
    ".npy": lambda folder: saved_plain(folder / "mask.npy", clip_masks(N).astype(np.uint8)),
    ".npz": lambda folder: saved(folder / "mask.npz", whatever=clip_masks(N)),
    ".npz of the benchmark": lambda folder: saved(
        folder / "mask.npz", video_masklet=clip_masks(N)[:, None], boxes=np.zeros(4)
    ),
    "white PNGs": lambda folder: write_pngs(folder / "m", clip_masks(N).astype(np.uint8) * 255, 5),
    "PNGs of ones": lambda folder: write_pngs(folder / "m", clip_masks(N).astype(np.uint8)),
    "lossless video": lambda folder: write_video(folder / "mask.mkv", grey(clip_masks(N))),
    "faint lossless video": lambda folder: write_video(
        folder / "mask.mkv", grey(clip_masks(N)) // 255
    ),
}


@pytest.mark.parametrize("kind", LOSSLESS_MASKS)
def test_the_object_is_what_is_left(tmp_path: Path, kind: str) -> None:
    video = write_video(tmp_path / "video.mkv", clip(N))
    mask = LOSSLESS_MASKS[kind](tmp_path)

    frames = list(masked_frames(MaskedVideo(video, mask), N))

    assert [frame.number for frame in frames] == list(range(N))
    for frame in frames:
        rows, columns = square_at(frame.number)
        kept = frame.image[:, rows, columns]
        assert np.array_equal(kept, np.broadcast_to(np.array(OBJECT)[:, None, None], kept.shape))
        assert (frame.image.any(axis=0)).sum() == N_OBJECT_PIXELS


def test_masks_and_clips_of_every_kind_were_tried() -> None:
    assert len(LOSSLESS_MASKS) == 10


def test_a_compressed_clip_keeps_the_object_and_not_the_ground(tmp_path: Path) -> None:
    assert KEEP_MASKED_OBJECT
    video = write_video(tmp_path / "video.mp4", clip(N), codec="libx264")
    mask = write_video(tmp_path / "mask.mp4", grey(clip_masks(N)), codec="libx264")

    for frame in masked_frames(MaskedVideo(video, mask), N):
        rows, columns = square_at(frame.number)
        inside = frame.image[:, rows, columns][:, 3:-3, 3:-3].reshape(3, -1).astype(int)
        assert np.abs(inside - np.array(OBJECT)[:, None]).max() < 40
        around = frame.image.any(axis=0)
        top, left = max(rows.start - 2, 0), max(columns.start - 2, 0)
        around[top : rows.stop + 2, left : columns.stop + 2] = False
        assert not around.any()


def test_a_video_without_a_mask_passes_as_it_is(tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mkv", clip(3))
    images = [frame.image for frame in masked_frames(MaskedVideo(video), 3)]
    assert np.array_equal(np.stack(images), clip(3).transpose(0, 3, 1, 2))


def test_fewer_masks_are_spread_over_the_video() -> None:
    video = np.full((9, 3, 4, 4), 7, np.uint8)
    mask = np.zeros((3, 4, 4), np.bool_)
    mask[[0, 1, 2], [0, 1, 2]] = True  # mask k marks row k

    frames = list(masked_frames(MaskedVideo(video, mask), 9))

    rows = [int(np.flatnonzero(frame.image[0, :, 0])[0]) for frame in frames]
    assert rows == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # halves go to the even mask


@pytest.mark.parametrize("kind", ["video", "folder", ".npz"])
def test_more_masks_than_frames_are_thinned_out(tmp_path: Path, kind: str) -> None:
    masks = np.zeros((9, HEIGHT, WIDTH), np.bool_)
    masks[np.arange(9), np.arange(9)] = True  # mask k marks row k
    made = {
        "video": lambda: write_video(tmp_path / "mask.mkv", grey(masks), fps=75),
        "folder": lambda: write_pngs(tmp_path / "m", masks.astype(np.uint8)),
        ".npz": lambda: saved(tmp_path / "mask.npz", mask=masks),
    }[kind]()
    video = write_video(tmp_path / "video.mkv", numbered(3) + 8)

    frames = list(masked_frames(MaskedVideo(video, made), 3))

    assert [np.flatnonzero(frame.image[0, :, 0]).tolist() for frame in frames] == [[0], [4], [8]]


def test_one_picture_is_a_mask_for_the_whole_video(tmp_path: Path) -> None:
    folder = write_pngs(tmp_path / "m", clip_masks(1).astype(np.uint8))
    video = numbered(4).transpose(0, 3, 1, 2) + np.uint8(1)
    for mask in (folder, folder / "0.png", clip_masks(1)):
        frames = list(masked_frames(MaskedVideo(video, mask), 8))
        assert [(frame.image > 0).all(axis=0).sum() for frame in frames] == [N_OBJECT_PIXELS] * 4


def test_a_mask_of_another_size_is_stretched_by_nearest_pixels() -> None:
    mask = np.random.default_rng(0).random((7, 5)) > 0.5
    for size in [(7, 5), (14, 10), (20, 33), (3, 2)]:
        wanted = torch.nn.functional.interpolate(
            torch.from_numpy(mask)[None, None].float(), size=size, mode="nearest"
        )
        assert np.array_equal(stretch(mask, size), wanted[0, 0].numpy() > 0)

    video = np.full((2, 3, 40, 60), 9, np.uint8)
    small = np.zeros((2, 4, 6), np.bool_)
    small[:, :2, :3] = True
    for frame in masked_frames(MaskedVideo(video, small), 2):
        assert frame.image[:, :20, :30].all()
        assert frame.image.any(axis=0).sum() == 600


def test_the_polarity_can_be_told_and_is_the_objects_by_default() -> None:
    frames = np.full((1, 3, 2, 2), 5, np.uint8)
    mask = np.array([[[[1, 0], [0, 255]]]])
    assert apply_mask(frames, mask)[0, 0].tolist() == [[5, 0], [0, 5]]
    assert apply_mask(frames, mask, keep_object=False)[0, 0].tolist() == [[0, 5], [5, 0]]


@pytest.mark.parametrize(
    ("mask", "complaint"),
    [
        (np.zeros((4, 8, 8), np.bool_), "marks nothing: every value in it is zero"),
        (np.ones((8, 8)), r"shape \(8, 8\); allowed is \[frames, height, width\]"),
        (np.ones((4, 3, 8, 8)), r"shape \(4, 3, 8, 8\)"),
        (np.ones((0, 8, 8)), r"shape \(0, 8, 8\)"),
        (np.ones((4, 8, 8), np.complex64), "type complex64; allowed are bool"),
        (np.full((4, 8, 8), np.nan), "not finite"),
    ],
)
def test_an_array_that_is_no_mask_is_refused(mask: NDArray[Any], complaint: str) -> None:
    video = np.zeros((4, 3, 8, 8), np.uint8)
    with pytest.raises(PromptError, match=complaint):
        list(masked_frames(MaskedVideo(video, mask), 4))


def test_a_mask_that_never_falls_on_the_sound_is_refused(tmp_path: Path) -> None:
    masks = clip_masks(N)
    masks[:5] = False
    mask = write_video(tmp_path / "mask.mkv", grey(masks))
    video = write_video(tmp_path / "video.mkv", clip(N))

    with pytest.raises(PromptError, match=r"mask\.mkv marks nothing in any frame"):
        list(masked_frames(MaskedVideo(video, mask), 5))
    assert len(list(masked_frames(MaskedVideo(video, mask), 6))) == 6


def test_a_mask_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    pickled = saved(tmp_path / "pickled.npz", mask=np.array([[[None]]], dtype=object))
    two = saved(tmp_path / "two.npz", left=clip_masks(1), right=clip_masks(1))
    columns = saved(tmp_path / "columns.npz", mask=np.asfortranarray(clip_masks(2)))
    sound = write_sound(tmp_path / "sound.mkv")

    for mask, complaint in [
        (tmp_path / "absent.mp4", "no such file or folder; allowed is a video"),
        (tmp_path / "empty", "holds no PNG file"),
        (tmp_path / "broken.npz", r"broken\.npz cannot be read"),
        (tmp_path / "broken.npy", r"broken\.npy cannot be read"),
        (pickled, "type object; allowed are bool"),
        (two, "holds left, right; allowed is one array, or one that is called video_masklet"),
        (columns, "Fortran order"),
        (sound, "no moving picture"),
    ]:
        with pytest.raises(PromptError, match=complaint):
            open_mask(mask)


def test_a_damaged_archive_is_refused_where_the_damage_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (40, HEIGHT, WIDTH), np.uint8)
    mask = saved(tmp_path / "mask.npz", mask=noise)
    content = bytearray(mask.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = bytes(500)
    mask.write_bytes(content)

    with pytest.raises(PromptError, match=r"mask\.npz is damaged"):
        list(masked_frames(MaskedVideo(numbered(40).transpose(0, 3, 1, 2), mask), 40))


def test_a_long_video_is_never_in_memory(tmp_path: Path) -> None:
    # Measured on the process: the decoder's own buffers are not Python's.
    n_frames, size = 300, (360, 640)
    frames, options = numbered(n_frames, size), {"preset": "ultrafast"}
    video = write_video(tmp_path / "video.mp4", frames, codec="libx264", options=options)
    white = np.broadcast_to(np.uint8(255), frames.shape)
    mask = write_video(tmp_path / "mask.mp4", white, codec="libx264", options=options)
    tower = VisionTowerConfig(
        image_size=28, patch_size=14, width=32, layers=1, heads=2, output_dim=8
    )
    encoder = VisionEncoder(VisionEncoderConfig(name="t", dim=8, image_size=28), {"t": tower})
    process, resident_bytes = psutil.Process(), []

    def watched(n_latent: int) -> Iterator[SelectedFrame]:
        for frame in masked_frames(MaskedVideo(video, mask), n_latent):
            resident_bytes.append(process.memory_info().rss)
            yield frame

    with torch.inference_mode():
        encoder.encode_video(watched(40))  # libraries and pools take their share
        before_bytes = process.memory_info().rss
        features = encoder.encode_video(watched(n_frames))

    assert features.shape == (n_frames, 8)
    assert max(resident_bytes) - before_bytes < frames.size / 3
