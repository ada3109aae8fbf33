"""Stems that cannot be written: a typed error, nothing left behind, nothing of others touched."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.audio_files import clip_from_array, open_clip
from engine.data import AudioClip, AudioFormat, Estimate, Monitor
from engine.errors import (
    AudioUnreadable,
    BackendError,
    Cancelled,
    DiskFull,
    OutputError,
    OutputExists,
)
from engine.render import RenderPlan, check_outputs, render

from .clips import close_all, estimate_of, names_in, noise, read_back


def mixture_of(n_samples: int = 200_000) -> AudioClip:
    return clip_from_array(noise(n_samples, 2).astype(np.float32), 48_000)


def quiet(mixture: AudioClip) -> Estimate:
    return estimate_of(0.1 * mixture.samples, block=20_000)


@contextmanager
def nobody() -> Iterator[None]:
    """Where permissions hold even for root, by being somebody else meanwhile."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no POSIX permissions")
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65_534)
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize("taken", ["target.wav", "residual.wav"])
def test_existing_files_are_refused_and_untouched(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    mixture = mixture_of()
    with pytest.raises(OutputExists, match=taken):
        render(mixture, quiet(mixture), RenderPlan(folder=tmp_path), Monitor())
    assert names_in(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_a_name_taken_while_working_is_left_to_its_owner(tmp_path: Path) -> None:
    mixture = mixture_of()

    def blocks() -> Iterator[NDArray[np.float32]]:
        (tmp_path / "residual.wav").write_text("quicker")
        yield 0.1 * mixture.samples[np.newaxis]

    with pytest.raises(OutputExists, match=r"residual\.wav"):
        render(mixture, Estimate(blocks()), RenderPlan(folder=tmp_path), Monitor())
    assert names_in(tmp_path) == ["residual.wav"]
    assert (tmp_path / "residual.wav").read_text() == "quicker"


def test_the_wav_that_a_flac_stem_may_become_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "target.wav").write_text("mine")
    plan = RenderPlan(folder=tmp_path, format=AudioFormat("FLAC", "PCM_16"))
    with pytest.raises(OutputExists, match=r"target\.wav"):
        check_outputs(mixture_of(100), plan)


def test_overwriting_replaces_both_when_asked_to(tmp_path: Path) -> None:
    for name in ("target.wav", "residual.wav"):
        (tmp_path / name).write_text("old")
    mixture = mixture_of(5_000)
    plan = RenderPlan(folder=tmp_path, overwrite=True)
    made = render(mixture, quiet(mixture), plan, Monitor())
    assert names_in(tmp_path) == ["residual.wav", "target.wav"]
    assert np.abs(mixture.samples - read_back(made.target) - read_back(made.residual)).max() < 1e-7
    close_all(made.target, made.residual)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_second_stem_that_fails_brings_the_first_old_file_back(
    tmp_path: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("target.wav", "residual.wav"):
        (tmp_path / name).write_text(f"old {name}")
    mixture = mixture_of(5_000)
    estimate = quiet(mixture)

    def blocks() -> Iterator[NDArray[np.float64]]:
        yield from estimate.blocks
        # What the check saw is not what the rename meets.
        (tmp_path / "residual.wav").unlink()
        (tmp_path / "residual.wav").mkdir()

    if not has_links:
        monkeypatch.setattr(os, "link", refuse_links)
    plan = RenderPlan(folder=tmp_path, overwrite=True)
    with pytest.raises(OutputError, match=r"residual\.wav"):
        render(mixture, replace(estimate, blocks=blocks()), plan, Monitor())
    assert (tmp_path / "target.wav").read_text() == "old target.wav"
    assert names_in(tmp_path) == ["residual.wav", "target.wav"]


def refuse_links(source: Path, destination: Path) -> None:
    raise OSError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("how", ["itself", "a link", "another spelling"])
def test_the_mixture_itself_is_never_overwritten(tmp_path: Path, how: str) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(500, 2), 48_000, "PCM_16")
    before = path.read_bytes()
    plan = RenderPlan(folder=tmp_path, target_name="song", overwrite=True)
    if how == "a link":
        os.link(path, tmp_path / "residual.wav")
        plan = RenderPlan(folder=tmp_path, overwrite=True)
    elif how == "another spelling":
        (tmp_path / "sub").mkdir()
        plan = RenderPlan(folder=tmp_path / "sub" / "..", target_name="song", overwrite=True)
    mixture = open_clip(path)
    names = names_in(tmp_path)
    with pytest.raises(OutputError, match="the mixture itself"):
        render(mixture, quiet(mixture), plan, Monitor())
    assert path.read_bytes() == before
    assert names_in(tmp_path) == names
    mixture.source.close()


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (RenderPlan(target_name="a/b"), "without folders"),
        (RenderPlan(target_name=""), "without folders"),
        (RenderPlan(target_name=".."), "without folders"),
        (RenderPlan(target_name="same", residual_name="same"), "a name of its own"),
        (RenderPlan(target_name="x" * 300), "cannot be written"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, plan: RenderPlan, words: str) -> None:
    plan = RenderPlan(tmp_path / "out", plan.target_name, plan.residual_name)
    mixture = mixture_of(100)
    with pytest.raises(OutputError, match=words):
        render(mixture, quiet(mixture), plan, Monitor())
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("below", [".", "new", "new/newer"])
def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError):
        check_outputs(mixture_of(100), RenderPlan(folder=tmp_path / "file" / below))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("below", [".", "new/newer"])
def test_a_folder_that_may_not_be_written_is_refused(below: str) -> None:
    mixture = mixture_of(100)
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        plan = RenderPlan(folder=folder / below)
        with nobody():
            with pytest.raises(OutputError, match="choose another folder") as before:
                check_outputs(mixture, plan)
            with pytest.raises(OutputError):
                render(mixture, quiet(mixture), plan, Monitor())
        assert before.value.code == "output_not_writable"
        assert "\n" not in str(before.value)
        assert names_in(folder) == []
        folder.chmod(0o755)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file-size limits")
def test_no_room_leaves_nothing_behind(tmp_path: Path, form: str) -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from engine.audio_files import clip_from_array\n"
        "from engine.data import AudioFormat, Estimate, Monitor\n"
        "from engine.errors import DiskFull\n"
        "from engine.render import RenderPlan, render\n"
        "samples = np.random.default_rng(0).uniform(-0.5, 0.5, (300_000, 2))\n"
        "plan = RenderPlan(Path(sys.argv[1]), format=AudioFormat(sys.argv[2], 'PCM_24'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try:\n"
        "    estimate = Estimate(iter([0.5 * samples[None]]))\n"
        "    render(clip_from_array(samples, 48_000), estimate, plan, Monitor())\n"
        "except DiskFull as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path / "new" / "out"), form],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no room to write it" in done.stdout
    assert done.stderr == ""
    assert names_in(tmp_path) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 1 MiB at `folder`."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk to fill")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this container does not allow mounting a small disk to fill")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_a_full_disk_is_said_and_left_as_it_was(tmp_path: Path, form: str) -> None:
    # What WAV needs is known beforehand; whether FLAC fits shows only while it is written.
    mixture = mixture_of(300_000)
    plan = RenderPlan(folder=tmp_path / "out", format=AudioFormat(form, "PCM_24"))
    with small_disk(tmp_path):
        with pytest.raises(DiskFull, match="free some space"):
            render(mixture, quiet(mixture), plan, Monitor())
        assert names_in(tmp_path) == []


@pytest.mark.parametrize("stage", ["separate", "check"])
def test_cancelling_leaves_nothing(tmp_path: Path, stage: str) -> None:
    mixture = mixture_of()
    stop = False
    closed = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal stop
        try:
            for start in range(0, mixture.n_samples, 50_000):
                stop = stage == "separate" and start >= 100_000
                yield 0.1 * mixture.samples[np.newaxis, start : start + 50_000]
            stop = True
        finally:
            closed.append(True)

    monitor = Monitor(is_cancelled=lambda: stop)
    with pytest.raises(Cancelled):
        render(mixture, Estimate(blocks()), RenderPlan(folder=tmp_path / "a" / "b"), monitor)
    assert names_in(tmp_path) == []
    assert closed == [True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("candidate", [0, 1])
def test_numbers_that_are_none_from_a_separator_are_refused(
    tmp_path: Path, bad: float, candidate: int
) -> None:
    mixture = mixture_of(3_000)
    targets = [0.1 * mixture.samples, 0.2 * mixture.samples]
    targets[candidate][2_500, 1] = bad
    for folder in (tmp_path / "out", None):
        with pytest.raises(BackendError, match="not numbers") as error:
            render(mixture, estimate_of(*targets), RenderPlan(folder=folder), Monitor())
        assert error.value.code == "backend_error"
    assert names_in(tmp_path) == []


def test_a_mixture_that_turns_out_bad_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    samples = noise(9_000, 2).astype(np.float32)
    samples[7_000] = np.nan
    path = tmp_path / "mix.wav"
    soundfile.write(path, samples, 48_000, "FLOAT")
    mixture = open_clip(path)
    target = np.zeros_like(samples)
    with pytest.raises(AudioUnreadable, match="sample 7000"):
        render(mixture, estimate_of(target), RenderPlan(folder=tmp_path / "out"), Monitor())
    assert names_in(tmp_path) == ["mix.wav"]
    mixture.source.close()


def test_an_error_of_the_separator_leaves_nothing(tmp_path: Path) -> None:
    mixture = mixture_of(3_000)

    def blocks() -> Iterator[NDArray[np.float32]]:
        yield 0.1 * mixture.samples[np.newaxis, :1_000]
        raise BackendError("the device went away")

    with pytest.raises(BackendError, match="went away"):
        render(mixture, Estimate(blocks()), RenderPlan(folder=tmp_path / "out"), Monitor())
    assert names_in(tmp_path) == []


def test_every_candidate_is_written_and_named(tmp_path: Path) -> None:
    mixture = mixture_of(3_000)
    targets = [gain * mixture.samples for gain in (0.1, 0.2, 0.3)]
    plan = RenderPlan(folder=tmp_path, with_residual=False)
    made = render(mixture, estimate_of(*targets), plan, Monitor())
    assert names_in(tmp_path) == ["target-2.wav", "target-3.wav", "target.wav"]
    assert made.residual is None
    assert made.null_db < -140
    for take, target in zip(made.candidates, targets, strict=True):
        assert np.abs(read_back(take) - target).max() < 1e-7
    close_all(*made.candidates)
