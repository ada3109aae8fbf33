#!/usr/bin/env python3
"""Make the bundled example anew: a band of a soundfont, and a recorded dog barking over it.

On Debian 12, inside the environment that `setup.py` makes:

    apt-get install fluidsynth fluid-soundfont-gm mate-media-common
    .venv/bin/python installer/example/make_example.py

Writes `mixture.flac`, `target.flac` (the dog alone) and `prompt.json` beside this script. All
samples are integers of 16 bits, and mixture = band + target exactly.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
BARK = Path("/usr/share/sounds/mate/default/alerts/bark.ogg")

SAMPLE_RATE = 48_000
BEATS_PER_MINUTE = 96
N_BEATS = 16
DURATION_S = N_BEATS * 60 / BEATS_PER_MINUTE
TICKS_PER_BEAT = 96

BAND_PEAK = 0.38
DOG_PEAK = 0.5

PIANO, BASS, GUITAR, DRUMS = 0, 1, 2, 9
PROGRAMS = {PIANO: 4, BASS: 33, GUITAR: 25}
PANS = {PIANO: 40, BASS: 64, GUITAR: 92, DRUMS: 64}
CHORDS = (
    ((57, 60, 64, 67), 33),
    ((53, 57, 60, 64), 29),
    ((55, 60, 64, 67), 36),
    ((55, 59, 62, 67), 31),
)
KICK, SNARE, CLOSED_HAT, OPEN_HAT, CRASH = 36, 38, 42, 46, 49


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A note of the band. start, length: beats; key, velocity: 0 to 127 as in MIDI."""

    start: float
    length: float
    channel: int
    key: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Bark:
    """One bark. pitch: factor on the recording's; gain: factor on its level; pan: -1 to 1."""

    start_s: float
    pitch: float
    gain: float
    pan: float


BARKS = (
    Bark(1.30, 1.00, 1.00, -0.25),
    Bark(1.86, 1.04, 0.85, -0.25),
    Bark(4.72, 0.97, 0.95, -0.20),
    Bark(5.21, 1.02, 1.00, -0.20),
    Bark(5.77, 0.99, 0.80, -0.20),
    Bark(8.05, 1.03, 0.90, -0.30),
)

SPANS = ("+1.2:2.5", "+4.6:6.4", "+7.95:8.7", "-0:1.1", "-2.7:4.4", "-6.6:7.7")


def band() -> list[Note]:
    """Four bars: Am7, F, C, G, with drums, bass, electric piano and a picked guitar."""
    notes = [Note(0, 1, DRUMS, CRASH, 70)]
    for bar, (chord, root) in enumerate(CHORDS):
        first = 4 * bar
        notes.extend(drums(first))
        notes.extend(
            Note(first + beat, 0.6, BASS, root + step, 92)
            for beat, step in ((0, 0), (0.75, 0), (1.5, 7), (2.5, 12), (3.5, 7))
        )
        for beat, length in ((0, 1.4), (1.5, 1.0), (3, 0.9)):
            notes.extend(Note(first + beat, length, PIANO, key, 74) for key in chord)
        notes.extend(
            Note(first + eighth / 2, 0.9, GUITAR, chord[string] + 12, 72)
            for eighth, string in enumerate((0, 2, 1, 3, 2, 1, 3, 2))
        )
    return sorted(notes)


def drums(first: int) -> list[Note]:
    """One bar of drums that starts at beat `first`."""
    kicks = [Note(first + beat, 0.25, DRUMS, KICK, 105) for beat in (0, 2, 2.5)]
    snares = [Note(first + beat, 0.25, DRUMS, SNARE, 95) for beat in (1, 3)]
    hats = [
        Note(first + n / 2, 0.25, DRUMS, OPEN_HAT if n == 7 else CLOSED_HAT, 78 - 18 * (n % 2))
        for n in range(8)
    ]
    return kicks + snares + hats


def midi(notes: list[Note]) -> bytes:
    """A standard MIDI file of one track."""
    events: list[tuple[float, int, bytes]] = []
    for channel, program in PROGRAMS.items():
        events.append((0, 0, bytes((0xC0 | channel, program))))
    for channel, pan in PANS.items():
        events.append((0, 0, bytes((0xB0 | channel, 10, pan))))
    for note in notes:
        events.append((note.start, 2, bytes((0x90 | note.channel, note.key, note.velocity))))
        events.append((note.start + note.length, 1, bytes((0x80 | note.channel, note.key, 0))))
    track = b"\x00\xff\x51\x03" + (60_000_000 // BEATS_PER_MINUTE).to_bytes(3, "big")
    now = 0
    for beat, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(beat * TICKS_PER_BEAT)
        track += variable_length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_BEAT)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track


def variable_length(value: int) -> bytes:
    """A number as MIDI writes it: seven bits a byte, all but the last with the top bit set."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def render_band() -> NDArray[np.float64]:
    """The band [N, 2], played by fluidsynth."""
    with tempfile.TemporaryDirectory() as scratch:
        song, sound = Path(scratch) / "band.mid", Path(scratch) / "band.wav"
        song.write_bytes(midi(band()))
        options = ["-q", "-n", "-i", "-r", str(SAMPLE_RATE), "-g", "0.6", "-O", "float"]
        subprocess.run(["fluidsynth", *options, "-F", sound, SOUNDFONT, song], check=True)
        played, _ = soundfile.read(sound, always_2d=True)
    return fitted(played)


def render_dog() -> NDArray[np.float64]:
    """The barks [N, 2], all of them from one recording."""
    recorded, rate = soundfile.read(BARK, always_2d=True)
    mono = recorded.mean(axis=1)
    dog = np.zeros((round(DURATION_S * SAMPLE_RATE), 2))
    for bark in BARKS:
        sound = bark.gain * soxr.resample(mono, rate * bark.pitch, SAMPLE_RATE)
        angle = (bark.pan + 1) * np.pi / 4
        start = round(bark.start_s * SAMPLE_RATE)
        dog[start : start + len(sound)] += np.outer(sound, (np.cos(angle), np.sin(angle)))
    return dog


def fitted(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut or filled up to the length of the song, the last 0.2 s faded out."""
    n_samples, n_fade = round(DURATION_S * SAMPLE_RATE), round(0.2 * SAMPLE_RATE)
    cut = np.zeros((n_samples, sound.shape[1]))
    cut[: min(n_samples, len(sound))] = sound[:n_samples]
    cut[-n_fade:] *= np.linspace(1, 0, n_fade)[:, np.newaxis]
    return cut


def integers(sound: NDArray[np.float64], peak: float) -> NDArray[np.int16]:
    """The sound at `peak` of full scale, in 16 bits."""
    scaled: NDArray[np.float64] = np.round(sound * (peak * 32767 / np.abs(sound).max()))
    return scaled.astype(np.int16)


def main() -> int:
    """Render and write."""
    options = argparse.ArgumentParser(description="Make the bundled example anew.")
    options.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    folder = options.parse_args().out
    target = integers(render_dog(), DOG_PEAK)
    mixture = integers(render_band(), BAND_PEAK) + target
    for name, samples in (("mixture", mixture), ("target", target)):
        soundfile.write(folder / f"{name}.flac", samples, SAMPLE_RATE, "PCM_16")
    prompt = {
        "mixture": "mixture.flac",
        "true_target": "target.flac",
        "description": "dog barking",
        "spans": list(SPANS),
    }
    (folder / "prompt.json").write_text(json.dumps(prompt, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
