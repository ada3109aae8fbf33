"""What every host sees: the plug-in loads, and audio goes through it to the bit."""

from .conftest import RunHost


def test_audio_passes_pedalboard_to_the_bit(run_host: RunHost):
    said = run_host("pedalboard_pass.py")
    assert said["name"] == "StemLasso"
    assert said["manufacturer"] == "StemLasso"
    assert {"capture", "bypass"} <= set(said["parameters"])
    assert said["latency"] == 0
    assert len(said["is_same"]) == 12
    assert all(said["is_same"].values()), said["is_same"]
