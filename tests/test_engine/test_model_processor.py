from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.data import MaskedVideo, Span
from engine.errors import AudioError, AudioNotFound, PromptError
from engine.model.processor import SAMAudioProcessor
from engine.rankers.resample import resampled

PROCESSOR = SAMAudioProcessor()


def test_mixtures_are_padded_and_their_frames_counted() -> None:
    batch = PROCESSOR(["a", "b"], [torch.ones(2, 4000), torch.ones(1921)])
    assert batch.audios.shape == (2, 1, 4000)
    assert batch.wav_sizes == (4000, 1921)
    assert batch.n_frames == (3, 2)
    assert batch.valid is not None
    assert batch.valid.tolist() == [[True] * 3, [True, True, False]]
    assert float(batch.audios[1].sum()) == 1921
    assert batch.anchors.alignment.tolist() == [[0, 0, 0], [0, 0, 1]]


def test_nothing_is_masked_where_nothing_is_padded() -> None:
    batch = PROCESSOR(["a", "b"], [torch.ones(3840), torch.ones(3000)])
    assert batch.valid is None  # of unequal length, but in the same number of frames
    assert batch.to("cpu").n_prompts == 2


def test_files_are_resampled_then_mixed_down(tmp_path: Path) -> None:
    stereo = 0.1 * np.random.default_rng(0).standard_normal((4410, 2))
    soundfile.write(tmp_path / "mix.wav", stereo, 44_100, subtype="FLOAT")
    batch = PROCESSOR(descriptions=["dog"], audios=[str(tmp_path / "mix.wav")])
    assert batch.wav_sizes == (4800,)
    each = resampled(torch.from_numpy(stereo.T).float(), 44_100, 48_000)
    torch.testing.assert_close(batch.audios[0, 0], each.mean(dim=0))
    with pytest.raises(AudioNotFound):
        PROCESSOR(["dog"], [tmp_path / "none.wav"])


def test_anchors_are_spans_in_the_originals_words_or_ours() -> None:
    wav = torch.zeros(96_000)
    batch = PROCESSOR(
        ["a", "b", "c"],
        [wav, wav, wav],
        anchors=[[["+", 0.5, 1], ("-", 1.5, 2.0)], None, [Span(0, 1)]],
    )
    assert batch.spans == ((Span(0.5, 1.0), Span(1.5, 2.0, "-")), (), (Span(0, 1),))
    assert batch.with_spans(((), (), ())).spans == ((), (), ())


@pytest.mark.parametrize(
    ("anchor", "message"),
    [
        (["*", 0, 1], "sign"),
        (["+", 1], "write"),
        (["+", "now", 2], "numbers of seconds"),
        (["+", 2, 1], "end must come after"),
    ],
)
def test_an_anchor_that_is_none_is_refused(anchor: list[object], message: str) -> None:
    with pytest.raises(PromptError, match=message):
        PROCESSOR(["a"], [torch.zeros(4000)], anchors=[[anchor]])


def test_lists_of_another_length_are_refused() -> None:
    wav = torch.zeros(100)
    with pytest.raises(PromptError, match="audios has 2 items for 1 prompts"):
        PROCESSOR(["a"], [wav, wav])
    with pytest.raises(PromptError, match="anchors has 2"):
        PROCESSOR(["a"], [wav], anchors=[[], []])
    with pytest.raises(PromptError, match="masked_videos has 0"):
        PROCESSOR(["a"], [wav], masked_videos=[])
    with pytest.raises(PromptError, match="empty"):
        PROCESSOR([], [])


@pytest.mark.parametrize(
    ("wav", "message"),
    [
        (torch.zeros(0), "0 samples"),
        (torch.zeros(1, 1, 5), "shape"),
        (torch.zeros(4000, 2), "transpose"),
        (torch.zeros(40, dtype=torch.int16), "floating point"),
    ],
)
def test_an_array_that_is_no_audio_is_refused(wav: torch.Tensor, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        PROCESSOR(["a"], [wav])


def test_the_marked_object_is_what_is_left(tmp_path: Path) -> None:
    frames = torch.full((2, 3, 4, 5), 9, dtype=torch.uint8)
    mask = torch.zeros(2, 1, 4, 5)
    mask[:, :, 1, 2] = 1
    (masked,) = PROCESSOR.mask_videos([frames], [mask])
    (same,) = PROCESSOR.mask_videos([frames], [mask[:, 0]])
    assert isinstance(masked, torch.Tensor)
    assert isinstance(same, torch.Tensor)
    assert torch.equal(masked, same)
    assert masked.sum() == 2 * 3 * 9
    assert masked[0, 0, 1, 2] == 9

    (paired,) = PROCESSOR.mask_videos([tmp_path / "film.mp4"], [tmp_path / "masks"])
    assert isinstance(paired, MaskedVideo)
    assert (paired.video, paired.mask) == (tmp_path / "film.mp4", tmp_path / "masks")
    batch = PROCESSOR(["a", "b"], [torch.zeros(9)] * 2, masked_videos=[paired, masked])
    assert batch.videos[0] is paired
    assert isinstance(batch.videos[1], MaskedVideo)
    assert isinstance(batch.videos[1].video, np.ndarray)
