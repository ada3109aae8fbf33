"""`stemlasso separate` with a SAM-Audio model and every option, on real files."""

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bridge.__main__ import main
from engine.checkpoints.intake import import_model
from engine.cli.separate_options import separate_parser
from engine.model.vision_encoder import PUBLISHED_TOWERS
from engine.rerun import FADE_S

from . import video_makers
from .tiny_listeners import write_span_predictor
from .tiny_model import TINY_TOWERS, write_store

SMALL = "sam-audio-small"
QUICK = ["--quality", "draft", "--device", "cpu", "--threads", "1"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a tiny model called sam-audio-small and its T5."""
    return write_store(tmp_path_factory.mktemp("weights")).root


@pytest.fixture(autouse=True)
def _installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEMLASSO_MODELS", str(root))


def write_noise(path: Path, rate: int, n_channels: int, subtype: str, seconds: float = 1.5) -> Path:
    samples = 0.1 * np.random.default_rng(7).standard_normal((round(seconds * rate), n_channels))
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def run(
    capsys: pytest.CaptureFixture[str], mixture: Path, *arguments: str, status: int = 0
) -> dict[str, Any]:
    """What `--json` says about one mixture."""
    command = ["separate", str(mixture), "--separator", SMALL, *QUICK, *arguments, "--json"]
    assert main(command) == status, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def native(path: str | Path) -> NDArray[Any]:
    """Samples as float64, which holds every integer and its full scale exactly."""
    return np.asarray(soundfile.read(path, always_2d=True)[0])


@pytest.mark.parametrize(
    ("name", "rate", "n_channels", "subtype"),
    [
        ("a.wav", 44_100, 2, "PCM_16"),
        ("b.flac", 22_050, 1, "PCM_24"),
        ("c.wav", 11_025, 3, "PCM_16"),
    ],
)
def test_stems_of_any_rate_and_channels_add_up_to_the_mixture(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    rate: int,
    n_channels: int,
    subtype: str,
) -> None:
    mixture = write_noise(tmp_path / name, rate, n_channels, subtype)
    spans = ["--span=+0.2:0.5", "--span", "-0.8:1.2"]
    done = run(capsys, mixture, "-d", "dog barking", *spans)
    assert done["null_exact"]
    assert (done["sample_rate"], done["n_channels"]) == (rate, n_channels)
    assert done["spans"] == ["+0.2:0.5", "-0.8:1.2"]
    target, residual = (native(done[stem]["path"]) for stem in ("target", "residual"))
    assert np.array_equal(target + residual, native(mixture))


def test_every_choice_reaches_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 48_000, 2, "FLOAT", seconds=3)
    chosen = ["--window", "2", "--overlap", "0.4", "--joining", "crossfade", "--int8"]
    chosen += ["--precision", "bfloat16", "--predict-spans", "off", "--offload", "on"]
    chosen += ["--presence-gate", "0.25", "--seed", "5", "--candidates", "2"]
    chosen += ["--stereo", "project", "--residual-mode", "exact", "--quality", "standard"]
    done = run(capsys, mixture, "-d", "dog", *chosen)
    settings, options = done["receipt"]["settings"], done["receipt"]["options"]
    assert (settings["window_s"], settings["overlap_s"], settings["joining"]) == (
        2,
        0.4,
        "crossfade",
    )
    assert (settings["device"], settings["precision"], settings["int8"]) == (
        "cpu",
        "bfloat16",
        True,
    )
    assert settings["n_windows"] == 2
    assert options["presence_gate"] == 0.25
    assert (options["quality"], options["stereo"], options["residual"]) == (
        "standard",
        "project",
        "exact",
    )
    assert options["seed"] == 5
    assert len(done["candidates"]) == 2


def test_a_shorter_window_overlaps_in_proportion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 8_000, 1, "PCM_16")
    settings = run(capsys, mixture, "-d", "dog", "--window", "6")["receipt"]["settings"]
    assert (settings["window_s"], settings["overlap_s"]) == (6, 1)


def test_a_marked_object_of_the_mixtures_own_video_or_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(PUBLISHED_TOWERS, dict)
    monkeypatch.setitem(PUBLISHED_TOWERS, "tiny", TINY_TOWERS["tiny"])  # or 300 million weights
    frames, masks = video_makers.clip(10), video_makers.clip_masks(10)
    scene = _scene(tmp_path / "scene.mkv", frames)
    np.save(tmp_path / "mask.npy", masks)
    mask = ["--presence-gate", "0", "--mask", str(tmp_path / "mask.npy")]
    own = run(capsys, scene, *mask, "-o", str(tmp_path / "own"))
    assert own["receipt"]["prompt"]["masked_video"]
    video = video_makers.write_video(tmp_path / "video.mkv", frames)
    other = run(capsys, scene, *mask, "--video", str(video), "-o", str(tmp_path / "other"))
    first, second = (soundfile.read(each["target"]["path"])[0] for each in (own, other))
    assert np.array_equal(first, second)
    empty = masks & (np.arange(10) < 5)[:, None, None]
    np.save(tmp_path / "mask.npy", empty)
    less = run(capsys, scene, *mask, "-o", str(tmp_path / "less"))
    assert not np.array_equal(first, soundfile.read(less["target"]["path"])[0])


def _scene(path: Path, frames: NDArray[np.uint8]) -> Path:
    """A film with its sound: the frames, and noise beside them."""
    samples = np.random.default_rng(1).integers(-3000, 3000, (1, 19_200), dtype=np.int16)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("ffv1", rate=25)
        pictures.height, pictures.width = frames.shape[1:3]
        pictures.pix_fmt = "bgr0"
        sounds = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for pixels in frames:
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(pictures.encode(None))
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate = 48_000
        container.mux(sounds.encode(sound))
        container.mux(sounds.encode(None))
    return path


def test_a_selection_is_made_anew_and_the_rest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 44_100, 2, "PCM_16", seconds=3)
    first = run(capsys, mixture, "-d", "dog", "--presence-gate", "0")
    base = first["target"]["path"]
    again = ["--rerun", "1:2", "--base-target", base, "--seed", "9", "--presence-gate", "0"]
    second = run(capsys, mixture, "-d", "dog", *again)
    assert Path(second["target"]["path"]).name == "mix - dog - rerun 1-2.wav"
    assert second["null_exact"]
    assert second["receipt"]["options"]["rerun"]["base_target"] == base
    before, after = native(base), native(second["target"]["path"])
    times = np.arange(len(before)) / 44_100
    outside = (times < 1 - FADE_S) | (times > 2 + FADE_S)
    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before[~outside], after[~outside])


def test_spans_are_predicted_where_the_predictor_is_installed_or_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 48_000, 1, "PCM_16")
    on = ["-d", "dog", "--predict-spans", "on", "--overwrite"]
    refused = run(capsys, mixture, *on, status=6)
    assert "pe-a-frame-large" in refused["error"]["message"]
    store = write_store(tmp_path)
    import_model(store, write_span_predictor(tmp_path / "span"), "pe-a-frame-large")
    monkeypatch.setenv("STEMLASSO_MODELS", str(store.root))
    predicted = run(capsys, mixture, *on)
    assert predicted["receipt"]["settings"]["predicted_spans"] is not None
    off = run(capsys, mixture, "-d", "dog", "--predict-spans", "off", "--overwrite")
    assert off["receipt"]["settings"]["predicted_spans"] is None


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--device", "tpu"], 3, "--device 'tpu'"),
        (["--window", "4", "--overlap", "3"], 3, "--overlap 3.0 with --window 4.0"),
        (["--window", "0"], 3, "--window 0"),
        (["--presence-gate", "1.5"], 3, "--presence-gate 1.5"),
        (["--seed", "-1"], 3, "--seed -1"),
        (["--video", "none.mp4"], 3, "--video none.mp4"),
        (["--mask", "none.npy"], 3, "--mask none.npy"),
        (["--rerun", "1:2"], 3, "--base-target FILE"),
        (["--base-target", "none.wav"], 3, "--rerun START:END"),
        (["--rerun", "1:2", "--base-target", "none.wav"], 4, "none.wav"),
        (["--rerun", "2:1", "--base-target", "MIX"], 3, "--rerun 2:1"),
        (["--rerun", "50:51", "--base-target", "MIX"], 3, "starts at 50 s"),
        (["--separator", "sam-audio-large"], 6, "models download sam-audio-large"),
    ],
)
def test_an_error_names_the_option_at_fault(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 8_000, 1, "PCM_16")
    given = [str(mixture) if each == "MIX" else each for each in arguments]
    command = ["separate", str(mixture), "-d", "dog", "--separator", SMALL, "--device", "cpu"]
    assert main([*command, *given]) == status
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.startswith("error [")
    assert len(complaint.splitlines()) == 1
    assert not (tmp_path / "stems").exists()


@pytest.mark.parametrize("option", ["--quality", "--stereo", "--precision", "--joining"])
def test_an_unknown_choice_is_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["separate", "mix.wav", "-d", "dog", option, "purple"])
    assert caught.value.code == 2
    assert option in capsys.readouterr().err


def test_the_summary_draws_the_lane_and_says_that_the_sound_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 48_000, 1, "PCM_16", seconds=2)
    command = ["separate", str(mixture), "--separator", SMALL, *QUICK, "-d", "dog"]
    assert main([*command, "--span=1:1.2", "--span=-0:0.8", "--span=-1.3:2"]) == 0
    shown = capsys.readouterr().out
    (lane,) = [line.split()[1] for line in shown.splitlines() if "presence " in line]
    assert len(lane) == 10
    assert lane[:4] == "0000"
    assert lane[5] == "9"
    assert "does not seem to be" not in shown
    assert main([*command, "--span=-0:2", "--overwrite"]) == 0
    shown = capsys.readouterr().out
    assert "0000000000" in shown
    assert "note: The sound does not seem to be in the mixture" in shown
    assert "note: The sound was found nowhere" in shown


def test_the_cost_is_said_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 48_000, 2, "PCM_16")
    draft = run(capsys, mixture, "-d", "dog", "--estimate")
    assert draft["status"] == "estimated"
    best = run(capsys, mixture, "-d", "dog", "--estimate", "--quality", "best")
    assert 0 < draft["cost"]["seconds"] < best["cost"]["seconds"]
    assert draft["cost"]["host_bytes"] > 0
    outside = run(capsys, mixture, "--span=99:100", "--estimate", status=3)
    assert outside["error"]["code"] == "prompt_invalid"
    command = ["separate", str(mixture), str(tmp_path / "none.wav"), "--estimate", "-d", "drums"]
    assert main([*command, "--separator", "builtin"]) == 4
    shown = capsys.readouterr()
    assert "builtin: about" in shown.out
    assert "none.wav" in shown.err
    assert not (tmp_path / "stems").exists()


def test_what_belongs_to_one_mixture_is_refused_for_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(write_noise(tmp_path / name, 8_000, 1, "PCM_16")) for name in ("a.wav", "b.wav")]
    for given in (["--rerun", "0:1", "--base-target", paths[0]], ["--video", paths[0]]):
        assert main(["separate", *paths, "-d", "dog", *given]) == 3
        assert given[0] in capsys.readouterr().err


def test_the_builtin_separator_says_what_it_does_not_heed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_noise(tmp_path / "mix.wav", 8_000, 1, "PCM_16")
    command = ["separate", str(mixture), "--span=0.1:0.4", "--separator", "builtin"]
    assert main([*command, "--quality", "draft", "--int8"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == ["note: builtin does not heed --quality, --int8"]
    assert main([*command, "--overwrite"]) == 0
    assert capsys.readouterr().err == ""


def test_every_option_is_explained() -> None:
    actions = [action for action in separate_parser()._actions if action.option_strings]
    assert len(actions) > 30
    assert not [action.option_strings for action in actions if not action.help]
