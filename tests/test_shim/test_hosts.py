"""What every host sees: the plug-in loads, and audio goes through it to the bit."""

from pathlib import Path

import numpy as np

from .conftest import RunHost
from .take_files import read_take

PARAMETERS = {"Capture", "Separate"}


def test_audio_passes_pedalboard_to_the_bit(run_host: RunHost):
    said = run_host("pedalboard_pass.py")
    assert said["name"] == "StemLasso"
    assert said["manufacturer"] == "StemLasso"
    assert {"capture", "separate", "bypass"} <= set(said["parameters"])
    assert said["latency"] == 0
    assert len(said["is_same"]) == 12
    assert all(said["is_same"].values()), said["is_same"]


def test_audio_passes_dawdreamer_and_its_state_keeps_parameters(run_host: RunHost):
    said = run_host("dawdreamer_render.py")
    assert set(said["names"]) >= PARAMETERS
    assert len(said["is_same"]) == 12
    assert all(said["is_same"].values()), said["is_same"]
    assert said["capture_after_load"] == 1.0
    assert said["latency"] == 0


def test_takes_are_what_was_played_and_lie_where_it_was_played(run_host: RunHost):
    said = run_host("minihost_takes.py")
    assert said["passes"]
    assert said["n_blocks"] > 60
    assert len(said["takes"]) == 18
    for take in said["takes"]:
        position = take["expected_position"]
        kept = read_take(Path(take["path"]))
        assert kept.rate == take["rate"]
        assert take["position"] == position
        assert kept.time_reference == (position or 0)
        if position is not None:
            assert abs(take["quarters"] - position / kept.rate * 2) < 1e-6
        # 7000: where it gets faster, and no tempo holds for all of it
        assert take["tempo_bpm"] == (120 if position not in (None, 7_000) else None)
        expected = np.load(take["expected"]).view(np.uint32).T
        np.testing.assert_array_equal(kept.bits, expected)


def test_doubles_pass_to_the_bit_and_a_bypassed_plugin_captures_nothing(run_host: RunHost):
    said = run_host("minihost_doubles.py")
    assert said["supports"]
    assert said["is_same"]
    assert said["bypass_passes"]
    assert said["takes"] == [[0, 512], [1024, 512]]
    assert said["latency"] == 0
    assert said["tail_s"] == 0


def test_states_of_other_versions_are_kept_and_damaged_ones_do_no_harm(run_host: RunHost):
    said = run_host("minihost_states.py")
    assert said == {
        "root": "yes",
        "room": "2",
        "workspace": "3",
        "colour": "red",
        "later": "x",
        "description": "dünn",
        "spans": [{"start": "0.5", "end": "1.25", "here": "0"}],
        "missing_stem": "/nowhere/t.wav",
        "passes": True,
        "works_after": True,
    }
