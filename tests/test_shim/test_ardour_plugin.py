"""The plug-in in Ardour, without its window: scanned, played into, exported, opened again."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .ardour_session import RATE, ArdourSession, missing
from .take_files import Kept, kept_takes

pytestmark = pytest.mark.skipif(
    bool(missing()),
    reason=f"no {', '.join(missing())}: apt-get install --no-install-recommends ardour",
)
POSITION, LENGTH = 30_011, 70_001
MOST_EXPORTS = 8
ROLL = """
local function wait_for(is_so)
  for _ = 1, 1200 do
    if is_so() then return end
    sleep(0.1)
  end
  error("it never came")
end
local here = ARDOUR.TransportRequestSource.TRS_UI
for _, start in ipairs({ 20000, 0 }) do
  session:request_locate(start, false, ARDOUR.LocateTransportDisposition.MustStop, here)
  wait_for(function() return session:transport_sample() == start end)
  session:request_roll(here)
  wait_for(function() return session:transport_sample() > 120000 end)
  session:request_stop(false, false, here)
  wait_for(function() return not session:transport_rolling() end)
end
session:save_state("")
"""
REOPEN = """
for route in session:get_tracks():iter() do
  local plugin = route:nth_plugin(0)
  local value = ARDOUR.LuaAPI.get_processor_param(plugin, 0, true)
  print("REOPENED", plugin:to_insert():plugin(0):name(), value)
end
"""

BOUNCE = """
for route in session:get_tracks():iter() do
  local track = route:to_track()
  local bounced = track:bounce_range({start}, {end}, ARDOUR.InterThreadInfo(), track:main_outs(),
    false, "")
  assert(not bounced:isnil(), "nothing was bounced")
end
"""


@pytest.fixture
def song() -> np.ndarray:
    """Noise [N, 2] of `LENGTH` samples, in which no sample is like another."""
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (LENGTH, 2))
    return noise.astype(np.float32)


@pytest.fixture
def session(plugin: Path, home: Path, tmp_path: Path, song: np.ndarray) -> ArdourSession:
    """The song lies at `POSITION`, with silence before and behind it."""
    made = ArdourSession(plugin, home, tmp_path)
    assert 'name="StemLasso"' in made.scanned
    made.place(song, POSITION)
    return made


def assert_is_heard(takes: Iterable[Kept], song: np.ndarray) -> None:
    """All of the song is in each take, to the bit and at its place, and nothing else."""
    for take in takes:
        assert take.rate == RATE
        start, end = take.time_reference, take.time_reference + len(take.bits)
        assert start <= POSITION
        assert end >= POSITION + LENGTH
        timeline = np.zeros((end, 2), np.float32)
        timeline[POSITION : POSITION + LENGTH] = song
        np.testing.assert_array_equal(take.bits.view(np.float32), timeline[start:])


def test_what_ardour_plays_is_taken_to_the_bit_and_its_session_opens_again(
    session: ArdourSession, home: Path, song: np.ndarray
):
    session.do(ROLL)
    first, second = kept_takes(home / "spool")
    assert_is_heard((first, second), song)
    # Ardour plays a latency before the place where it starts; before 0 that is cut
    assert first.time_reference <= 20_000
    assert second.time_reference == 0
    assert "REOPENED StemLasso 1.0" in session.do(REOPEN)


def test_what_ardour_exports_is_taken_to_the_bit(
    session: ArdourSession, home: Path, song: np.ndarray, tmp_path: Path
):
    for _ in range(MOST_EXPORTS):
        shutil.rmtree(home / "spool", ignore_errors=True)  # an export that crashed leaves its part
        if session.export(tmp_path / "export.wav"):
            break
    (take,) = kept_takes(home / "spool")
    assert_is_heard([take], song)
    assert take.time_reference == 0
    exported, _ = soundfile.read(tmp_path / "export.wav", dtype="float32")
    np.testing.assert_array_equal(take.bits.view(np.float32)[: len(exported)], exported)


def test_what_ardour_bounces_is_taken_to_the_bit(
    session: ArdourSession, home: Path, song: np.ndarray
):
    """As fast as it goes; and unlike an export Ardour does not say that it is none in real time."""
    end = 60 * RATE
    session.do(BOUNCE.replace("{start}", "0").replace("{end}", str(end)))
    (take,) = kept_takes(home / "spool")
    assert (take.time_reference, len(take.bits)) == (0, end)
    assert_is_heard([take], song)
