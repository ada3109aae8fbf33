"""The plug-in in Ardour itself, without its window: scanned, rolled, saved, opened again."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .conftest import PATIENCE_S, host_environment

SCANNER = Path("/usr/lib/ardour7/ardour-vst3-scanner")
SCRIPT = """
local backend = AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
backend:set_device_name("Uniform White Noise")
local session = create_session("{folder}", "Nocturne", 48000)
local track
for each in session:new_audio_track(2, 2, nil, 1, "mix", ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true):iter() do
  track = each
end
local made = ARDOUR.LuaAPI.new_plugin(session, "{uid}", ARDOUR.PluginType.VST3, "")
assert(not made:isnil(), "Ardour does not have the plug-in")
track:add_processor_by_index(made, 0, nil, true)
track:monitoring_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
ARDOUR.LuaAPI.set_processor_param(track:nth_plugin(0), 0, 1.0)
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
for _ = 1, 600 do
  sleep(0.1)
  if session:transport_sample() > 48000 then break end
end
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
for _ = 1, 600 do
  sleep(0.1)
  if not session:transport_rolling() then break end
end
print("ROLLED", session:transport_sample())
session:save_state("")
track, made, session, backend = nil, nil, nil, nil -- or they outlive what they belong to
collectgarbage()
close_session()
local again = load_session("{folder}", "Nocturne")
for route in again:get_tracks():iter() do
  local plugin = route:nth_plugin(0)
  local value = ARDOUR.LuaAPI.get_processor_param(plugin, 0, true)
  print("REOPENED", plugin:to_insert():plugin(0):name(), value)
end
close_session()
quit()
"""


def test_ardour_scans_rolls_and_keeps_the_plugin(plugin: Path, home: Path, tmp_path: Path):
    if shutil.which("ardour7-lua") is None or not SCANNER.exists():
        pytest.skip("Ardour 7 is not installed: apt-get install --no-install-recommends ardour")
    own = tmp_path / "ardour-home"
    (own / ".config" / "ardour7").mkdir(parents=True)
    installed = own / ".vst3" / plugin.name
    shutil.copytree(plugin, installed)
    environ = {
        **host_environment(home),
        "HOME": str(own),
        "XDG_CONFIG_HOME": str(own / ".config"),
        "XDG_CACHE_HOME": str(own / ".cache"),
    }

    def run(command: list[str], **more: str) -> str:
        done = subprocess.run(
            command,
            env=environ | more,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    libraries = os.pathsep.join((str(SCANNER.parent), environ.get("LD_LIBRARY_PATH", "")))
    scanned = run([str(SCANNER), "-f", "-v", str(installed)], LD_LIBRARY_PATH=libraries)
    uid = scanned.split('VST3Info uid="')[1][:32]
    assert 'name="StemLasso"' in scanned
    script = tmp_path / "script.lua"
    script.write_text(SCRIPT.format(folder=tmp_path / "Nocturne", uid=uid), "utf-8")
    said = run(["ardour7-lua", str(script)])

    assert "REOPENED StemLasso 1" in said, said
    rolled = int(said.split("ROLLED ")[1].split()[0])
    takes = sorted((home / "spool").glob("*.wav"))
    assert takes, said
    # Ardour plays a first block or two before it rolls on from 0, which is a take of its own
    longest = max(takes, key=lambda take: take.stat().st_size)
    samples, rate = soundfile.read(longest, dtype="float32")
    assert rate == 48_000
    assert samples.shape[1] == 2
    assert 24_000 < len(samples) <= rolled + 48_000
    assert np.std(samples) > 0.01  # the noise of Ardour's dummy device
