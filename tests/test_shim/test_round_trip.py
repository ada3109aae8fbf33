"""From a DAW's audio to stems and back, with the real engine process and the builtin separator."""

import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from bridge.client import connect
from tests.test_daw.serving import serving

from .conftest import HOSTS, RunHost, host_environment

RATE = 48_000


def make_mixture() -> tuple[np.ndarray, np.ndarray]:
    """Four seconds [2, N] float32 of 24 bits: low tones, and from 1 to 1.5 s the hiss of a hi-hat.

    The second array is the hiss alone.
    """
    times_s = np.arange(4 * RATE) / RATE
    tones = np.stack([0.2 * np.sin(2 * np.pi * f * times_s) for f in (82, 110)])
    bright = scipy.signal.butter(8, 7000, "highpass", fs=RATE, output="sos")
    burst = np.random.default_rng(1).standard_normal((2, RATE // 2))
    hiss = np.zeros_like(tones)
    hiss[:, RATE : RATE * 3 // 2] = 0.1 * scipy.signal.sosfilt(bright, burst)
    return (np.round((tones + hiss) * 2**23) / 2**23).astype(np.float32), hiss


def test_a_take_goes_to_the_engine_and_its_stems_are_found_again(
    run_host: RunHost, home: Path, tmp_path: Path
):
    mixture, hiss = make_mixture()
    np.save(tmp_path / "mixture.npy", mixture)
    with serving(home):
        said = run_host("minihost_round_trip.py", tmp_path / "mixture.npy", "hi-hat")
        with connect(home, start=False) as client:
            (offered,) = client.clips()
    assert said["passes"]
    clip = said["clip"]
    assert clip["position"] == offered.origin.position_samples == 96_000
    assert clip["tempo_bpm"] == offered.origin.tempo_bpm == 97.5
    assert said["n_loose"] == 0  # a state refers to the take now
    taken, rate = soundfile.read(clip["path"], dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(taken.T, mixture)

    assert len(clip["stems"]) == 2
    target, residual = (soundfile.read(path, dtype="float32")[0] for path in clip["stems"])
    np.testing.assert_array_equal(target + residual, taken)  # the null, exactly
    inside = slice(RATE * 11 // 10, RATE * 14 // 10)
    for channel in range(2):
        likeness = np.corrcoef(target[inside, channel], hiss[channel, inside])[0, 1]
        assert likeness > 0.9
    assert np.std(target[inside]) > 10 * np.std(target[3 * RATE :])

    reopened = run_host("minihost_reopen.py", tmp_path / "kept.xml")  # no engine runs
    assert reopened["stems"] == clip["stems"]
    assert (reopened["position"], reopened["tempo_bpm"]) == (96_000, 97.5)

    as_if_saved_while_it_ran = without_stems(tmp_path / "kept.xml", tmp_path / "early.xml")
    with serving(home):
        found = run_host("minihost_reopen.py", as_if_saved_while_it_ran)
    assert found["stems"] == clip["stems"]


def test_one_link_serves_all_instances_as_long_as_it_is_needed(run_host: RunHost, home: Path):
    with serving(home):
        said = run_host("minihost_link.py")
    assert said == {"before": 0, "captured": 0, "separated": 2, "one_left": 2, "none_left": 0}


def without_stems(kept: Path, early: Path) -> Path:
    """A state that knows its job and not yet what came of it."""
    state = ElementTree.parse(kept)
    clip = state.find("Workspace/Clip")
    assert clip is not None
    assert clip.get("jobId") == clip.get("stemsJobId") != ""
    clip.set("stemsJobId", "")
    for stem in clip.findall("Stem"):
        clip.remove(stem)
    state.write(early)
    return early


def test_the_daw_never_notices_what_becomes_of_the_engine(plugin: Path, home: Path, tmp_path: Path):
    command = [sys.executable, str(HOSTS / "minihost_dying_engine.py"), str(plugin)]
    host = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=host_environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    said = host.stdout

    def play(word: str = "play") -> None:
        host.stdin.write(word + "\n")
        host.stdin.flush()
        assert said.readline() == "played\n"

    with host:
        assert said.readline() == "ready\n"
        play("separate")  # nobody is there
        for _ in range(3):
            with serving(home) as server:
                play("separate")
                server.send_signal(signal.SIGSTOP)  # hung
                play()
                server.kill()
                server.wait(60)
                play()
        host.stdin.write("end\n")
        host.stdin.close()
        assert said.readline() == ('{"altered": 0, "n_blocks": 1100, "samples": 25600}\n')
    assert host.returncode == 0
