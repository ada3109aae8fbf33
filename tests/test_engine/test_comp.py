"""One target out of several takes: pure in its regions, smooth at their edges, and it adds up."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.__main__ import main
from engine import Region, RenderPlan, comp
from engine.audio_files import clip_from_array
from engine.data import AudioClip, Estimate, Monitor
from engine.errors import AudioError, Cancelled, OutputExists, PromptError
from engine.exact import digest_of
from engine.opened import opened
from engine.regions import FADE_S, pieces_of
from engine.render import render

RATE = 8_000
N = 4 * RATE + 13
HALF = round(FADE_S / 2 * RATE)


def noise(seed: int, n_channels: int = 2, dtype: str = "int16") -> NDArray[Any]:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((N, n_channels))
    if dtype.startswith("int"):
        return (samples * np.iinfo(dtype).max).astype(dtype)
    return samples.astype(dtype)


def takes_of(mixture: NDArray[Any], n_takes: int) -> list[AudioClip]:
    """Takes as a separator leaves them: rendered stems of this mixture."""
    clip = clip_from_array(mixture, RATE)
    blocks = np.stack([noise(10 + take, dtype="float64") for take in range(n_takes)])
    estimate = Estimate(iter([blocks]), n_candidates=n_takes)
    return list(render(clip, estimate, RenderPlan(), Monitor()).candidates)


def inside(start_s: float, end_s: float) -> slice:
    """Samples of a region without its fades."""
    return slice(round(start_s * RATE) + HALF, round(end_s * RATE) - HALF)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_every_region_is_its_take_and_the_stems_add_up(dtype: str) -> None:
    mixture = noise(0, dtype=dtype)
    takes = takes_of(mixture, 3)
    regions = [Region(2, 3, 3), Region(0.5, 1.5, 2), Region(1.5, 2, 1)]
    made = comp(mixture, takes, regions, sample_rate=RATE)
    target = made.target.samples
    first, second, third = (take.samples for take in takes)
    for where, take in (
        (slice(0, round(0.5 * RATE) - HALF), first),
        (inside(0.5, 1.5), second),
        (inside(1.5, 2), first),
        (inside(2, 3), third),
        (slice(3 * RATE + HALF, N), first),
    ):
        if dtype.startswith("int"):
            assert np.array_equal(target[where], take[where])
        else:
            near = 1e-7 if dtype == "float32" else 1e-15
            np.testing.assert_allclose(target[where], take[where], atol=near, rtol=0)
    assert target.dtype == first.dtype
    assert made.residual is not None
    if dtype.startswith("int"):
        assert made.null_db == float("-inf")
        assert np.array_equal(target + made.residual.samples, mixture)
    else:
        assert made.null_db < -140


def test_fades_have_equal_gain_and_no_step() -> None:
    mixture = noise(0, 1, "float64")
    ones, zeros = np.ones((N, 1)), np.zeros((N, 1))
    same = comp(mixture, [ones, ones], [Region(1, 2, 2)], sample_rate=RATE).target.samples
    np.testing.assert_allclose(same, 1, atol=1e-12)
    step = comp(mixture, [zeros, ones], [Region(1, 2, 2)], sample_rate=RATE).target.samples[:, 0]
    assert np.abs(np.diff(step)).max() < np.pi / 2 / (2 * HALF) * 1.01
    assert step[RATE - HALF - 1] == pytest.approx(0, abs=1e-15)
    assert step[RATE + HALF] == pytest.approx(1, abs=1e-15)
    assert 0.45 < step[RATE] < 0.55


def test_regions_shorter_than_a_fade_still_reach_their_take() -> None:
    mixture = noise(0, 1, "float64")
    takes = [np.full((N, 1), float(level)) for level in range(3)]
    regions = [Region(1, 1.004, 2), Region(1.004, 1.008, 3), Region(2, 2 + 1 / RATE, 3)]
    target = comp(mixture, takes, regions, sample_rate=RATE).target.samples[:, 0]
    assert 0.5 < target[RATE + 16] < 1.5
    assert target[RATE + 48] == pytest.approx(2, abs=0.1)
    assert target[2 * RATE] == pytest.approx(2)
    assert target[2 * RATE + 1] == pytest.approx(0, abs=1e-15)


cuts = st.lists(st.integers(0, 4 * RATE), min_size=2, max_size=12, unique=True).map(sorted)


@settings(deadline=None, max_examples=40)
@given(cuts, st.data())
def test_pieces_cover_the_mixture_once(cut: list[int], data: st.DataObject) -> None:
    clip = clip_from_array(noise(0, 1), RATE)
    regions = [
        Region(start / RATE, stop / RATE, data.draw(st.integers(1, 3)))
        for start, stop in zip(cut[::2], cut[1::2], strict=False)
    ]
    pieces = pieces_of(data.draw(st.permutations(regions)), 2, 3, clip)
    assert pieces[0].start == 0
    assert pieces[-1].stop == N
    expected = np.full(N, 1)
    for region in regions:
        expected[round(region.start_s * RATE) : round(region.end_s * RATE)] = region.take - 1
    for piece, following in pairwise(pieces):
        assert piece.stop == following.start
        assert piece.index != following.index
    for piece in pieces:
        assert set(expected[piece.start : piece.stop]) == {piece.index}


@pytest.mark.parametrize(
    ("regions", "elsewhere", "said"),
    [
        ([Region(1, 2, 2), Region(1.5, 3, 1)], 1, "1:2=2 and 1.5:3=1 overlap"),
        ([Region(1, 2, 4)], 1, "no take 4, only 1 to 2"),
        ([], 3, "no take 3"),
        ([], 0, "no take 0"),
        ([Region(50, 60, 2)], 1, "starts outside the mixture"),
    ],
)
def test_regions_that_cannot_be_are_refused(
    regions: list[Region], elsewhere: int, said: str
) -> None:
    mixture = noise(0)
    takes = takes_of(mixture, 2)
    with pytest.raises(PromptError, match=said):
        comp(mixture, takes, regions, elsewhere=elsewhere, sample_rate=RATE)


@pytest.mark.parametrize("text", ["1:2", "1:2=x", "2:1=1", "-1:2=1", "=1", "1:2=0", "1:2=1=2"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match=r"region|take"):
        Region.parse(text)
    assert Region.parse(" 1.5:2 = 3") == Region(1.5, 2, 3)


def test_takes_of_another_mixture_are_refused() -> None:
    mixture = noise(0)
    other_lengths = [clip_from_array(noise(1)[:-1], RATE), clip_from_array(noise(1, 1), RATE)]
    for wrong in (*other_lengths, clip_from_array(noise(1), 2 * RATE)):
        with pytest.raises(AudioError, match="take 2"):
            comp(mixture, [clip_from_array(noise(2), RATE), wrong], [], sample_rate=RATE)
    with pytest.raises(PromptError, match="no takes"):
        comp(mixture, [], [], sample_rate=RATE)


def test_a_changed_mixture_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    mixture = noise(0)
    takes = takes_of(mixture, 2)
    digest = digest_of(clip_from_array(mixture, RATE), Monitor())
    changed = mixture.copy()
    changed[7, 1] += 1
    output = RenderPlan(folder=tmp_path / "out")
    with pytest.raises(AudioError, match="was changed"):
        comp(changed, takes, [], sample_rate=RATE, mixture_digest=digest, output=output)
    assert not (tmp_path / "out").exists()
    with pytest.raises(Cancelled):
        comp(mixture, takes, [], sample_rate=RATE, output=output, is_cancelled=lambda: True)
    assert not (tmp_path / "out").exists()
    made = comp(mixture, takes, [], sample_rate=RATE, mixture_digest=digest)
    assert made.receipt["mixture"]["digest"] == digest  # type: ignore[index, call-overload]


def test_a_take_that_was_written_wider_makes_a_wider_comp() -> None:
    mixture = noise(0)
    wide = clip_from_array(np.full((N, 2), 1.5, np.float32), RATE)
    narrow = clip_from_array(noise(1), RATE)
    made = comp(mixture, [narrow, wide], [Region(1, 2, 2)], sample_rate=RATE)
    assert made.target.samples.dtype == np.float32
    assert (made.target.samples[inside(1, 2)] == 1.5).all()
    np.testing.assert_array_equal(made.target.samples[: RATE - HALF], narrow_float(narrow))


def narrow_float(clip: AudioClip) -> NDArray[np.float32]:
    return (clip.samples[: RATE - HALF] / 2**15).astype(np.float32)


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    """A run of two takes in files: the builtin separator's one and a louder copy beside it."""
    soundfile.write(tmp_path / "song.wav", noise(0), RATE, subtype="PCM_16")
    command = ["separate", str(tmp_path / "song.wav"), "-d", "hiss", "--span=0.5:1", "-q"]
    assert main([*command, "--separator", "builtin", "--receipt"]) == 0
    stems = tmp_path / "stems"
    target, _ = soundfile.read(stems / "song - hiss.wav", dtype="int16")
    soundfile.write(stems / "song - hiss - take 2.wav", target // 2, RATE, subtype="PCM_16")
    path = stems / "song - hiss.json"
    value = json.loads(path.read_text("utf-8"))
    second = str(stems / "song - hiss - take 2.wav")
    value["candidates"].append({**value["candidates"][0], "path": second})
    path.write_text(json.dumps(value), "utf-8")
    return path


def native(path: str | Path) -> NDArray[np.int16]:
    return np.asarray(soundfile.read(path, dtype="int16", always_2d=True)[0])


def test_the_command_line_comps_what_a_receipt_names(
    receipt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["comp", str(receipt), "--region", "1:2=2", "--json", "--receipt"]) == 0
    told = json.loads(capsys.readouterr().out)
    target, residual = (native(told[stem]["path"]) for stem in ("target", "residual"))
    assert Path(told["target"]["path"]).name == "song - hiss - comp.wav"
    assert np.array_equal(target + residual, native(tmp_path / "song.wav"))
    assert np.array_equal(
        target[inside(1, 2)], native(receipt.parent / "song - hiss - take 2.wav")[inside(1, 2)]
    )
    assert told["null_exact"]
    assert told["receipt"]["comp"]["regions"] == ["1:2=2"]
    kept = json.loads((receipt.parent / "song - hiss - comp.json").read_text("utf-8"))
    assert kept == told

    moved = tmp_path / "elsewhere"
    receipt.parent.rename(moved)
    again = ["comp", str(moved / receipt.name), "-r", "1:2=2", "--name", "mine", "-q"]
    assert main(again) == 0
    assert np.array_equal(native(moved / "mine.wav"), target)


def test_the_command_line_comps_what_files_it_is_given(
    receipt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes = [receipt.parent / name for name in ("song - hiss.wav", "song - hiss - take 2.wav")]
    given = [each for take in takes for each in ("--take", str(take))]
    out = tmp_path / "comps"
    command = ["comp", str(tmp_path / "song.wav"), *given, "--elsewhere", "2", "-o", str(out)]
    assert main([*command, "--no-residual"]) == 0
    (made,) = out.iterdir()
    assert np.array_equal(native(made), native(takes[1]))
    assert "target" in capsys.readouterr().out


def test_the_command_line_says_what_is_wrong(
    receipt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*arguments: str) -> tuple[int, str]:
        status = main(["comp", *arguments])
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1
        return status, said

    run = str(receipt)
    assert refused(run, "-r", "1:2=2", "-r", "1.5:3=1")[0] == 3
    assert "no take 5" in refused(run, "-r", "1:2=5")[1]
    assert refused(str(tmp_path / "none.json"))[0] == 4
    assert "no receipt" in refused(str(tmp_path / "song.wav"))[1]
    (tmp_path / "empty.json").write_text('{"receipt": {"mixture": {}}, "candidates": []}')
    assert "--receipt" in refused(str(tmp_path / "empty.json"))[1]
    assert refused(run, "--name", "song - hiss")[0] == 5
    song = native(tmp_path / "song.wav").copy()
    song[3] += 1
    soundfile.write(tmp_path / "song.wav", song, RATE, subtype="PCM_16")
    assert "was changed" in refused(run, "-r", "1:2=2")[1]
    soundfile.write(tmp_path / "other.wav", song[:-5], RATE, subtype="PCM_16")
    assert refused(run, "--mixture", str(tmp_path / "other.wav"))[0] == 4


def test_a_receipt_is_kept_only_where_it_replaces_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", noise(0), RATE, subtype="PCM_16")
    (tmp_path / "stems").mkdir()
    (tmp_path / "stems" / "song - hiss.json").write_text("mine")
    command = ["separate", str(tmp_path / "song.wav"), "-d", "hiss", "--span=0.5:1", "-q"]
    assert main([*command, "--separator", "builtin", "--receipt"]) == 5
    assert [each.name for each in (tmp_path / "stems").iterdir()] == ["song - hiss.json"]
    assert main([*command, "--separator", "builtin", "--receipt", "--overwrite"]) == 0
    kept = json.loads((tmp_path / "stems" / "song - hiss.json").read_text("utf-8"))
    with opened(tmp_path / "song.wav", None, Monitor()) as clip:
        assert kept["receipt"]["mixture"]["digest"] == digest_of(clip, Monitor())


def test_stems_that_are_there_stay(tmp_path: Path) -> None:
    mixture = noise(0)
    plan = RenderPlan(folder=tmp_path)
    made = comp(mixture, takes_of(mixture, 2), [], sample_rate=RATE, output=plan)
    with pytest.raises(OutputExists):
        comp(mixture, takes_of(mixture, 2), [], sample_rate=RATE, output=plan)
    for clip in (made.target, made.residual):
        assert clip is not None
        clip.source.close()
