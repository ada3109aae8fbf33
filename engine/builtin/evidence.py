"""How much each band of each frame looks like a class of sounds, before anything is learned.

Evidence E [T, B] in 0..1: 1 means that this class alone could be there. It rests on the
frequency range of the class and on four cues: percussive or harmonic (medians over frequency and
time), attack (rise above the recent minimum), steady, and outstanding (above what the band holds
most of the time within some seconds: voices and melodies move on, chords stay).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .vocabulary import Sound

Map = NDArray[np.float32]

_MEDIAN_BANDS = 21
_MEDIAN_S = 0.4
_ATTACK_S = 0.16
_OUTSTANDING_S = 4.0
_GRID_FRAMES = 8
_EVERY_FRAMES = 4
_TINY = np.float32(1e-30)

_VOICE_QUANTILE = 0.8
_MELODY_QUANTILE = 0.6


@dataclass(frozen=True, eq=False)
class Cues:
    """percussive, attack, steady: [T, B] in 0..1; centres_hz: [B].

    outstanding: from a quantile to [T, B] in 0..1.
    """

    percussive: Map
    attack: Map
    steady: Map
    outstanding: Callable[[float], Map]
    centres_hz: Map


def context_frames(sound: Sound, frames_per_s: float) -> int:
    """Frames on each side of a block that the evidence depends on."""
    if sound.kind in ("speech", "pitched"):
        return _half_window(frames_per_s) + _GRID_FRAMES
    return _near_frames(frames_per_s)


def find_cues(V: Map, first: int, inner: slice, centres_hz: Map, frames_per_s: float) -> Cues:
    """Cues of the frames `inner` of magnitudes V [T, B] averaged over the channels.

    first: number of the first frame of V in the file.
    """
    n_near = _near_frames(frames_per_s)
    low = max(inner.start - n_near, 0)
    near, cut = V[low : inner.stop + n_near], slice(inner.start - low, inner.stop - low)
    ours = V[inner]
    across = _median(ours, _MEDIAN_BANDS, axis=1)
    along = _median(near, _odd(_MEDIAN_S * frames_per_s), axis=0)[cut]
    quotient = np.minimum((along + _TINY) / (across + _TINY), np.float32(1e6))
    lowest = _running_minimum(near, max(round(_ATTACK_S * frames_per_s), 1))[cut]

    def outstanding(quantile: float) -> Map:
        usual = _usual(V, first, _half_window(frames_per_s), quantile)[inner]
        return np.asarray((ours - np.minimum(usual, ours)) / (ours + _TINY), np.float32)

    return Cues(
        percussive=np.asarray(1 / (1 + quotient**2), np.float32),
        attack=(ours - lowest) / (ours + _TINY),
        steady=np.asarray(np.minimum(along, ours) / (np.maximum(along, ours) + _TINY), np.float32),
        outstanding=outstanding,
        centres_hz=centres_hz,
    )


def evidence_for(sound: Sound, cues: Cues, doubt: float = 1.0) -> Map:
    """Evidence [T, B] for a sound, 0 to 0.99.

    doubt: share of what is granted without a cue, because drums and bass overlap in the lows; at
        0 only what speaks for the sound remains, which tells whether it is there at all.
    """
    kind, hp, att = sound.kind, cues.percussive, cues.attack

    def above(f0: float, octaves: float) -> Map:
        return soft_step(cues.centres_hz, f0, octaves)

    if kind == "drums":
        body = above(160, 0.25)
        E = body * hp + (1 - body) * (0.25 * doubt + 0.65 * att * np.sqrt(hp))
    elif kind == "kick":
        E = (1 - above(220, 0.35)) * (0.15 * doubt + 0.8 * att * hp**0.3) + 0.03 * doubt
    elif kind == "snare":
        E = 0.7 * hp * above(150, 0.3) * (1 - 0.5 * above(9000, 0.3))
    elif kind == "hihat":
        E = 0.95 * hp * above(4500, 0.3)
    elif kind == "bass":
        E = 0.93 * (1 - above(230, 0.3)) * (1 - 0.5 * hp * att) + 0.02 * doubt
    elif kind == "speech":
        E = above(110, 0.2) * (1 - 0.8 * above(9000, 0.3)) * (1 - 0.55 * hp)
        E = E * (1 - 0.45 * cues.steady) * cues.outstanding(_VOICE_QUANTILE) / 0.9
    else:
        E = 0.6 * (1 - hp) * above(150, 0.25) * (1 - 0.7 * above(7000, 0.4))
        if sound.melodic:
            E = E * cues.outstanding(_MELODY_QUANTILE)
        else:
            E = E * (1 - cues.outstanding(_VOICE_QUANTILE))
    return np.asarray(np.clip(E, 0, 0.99), np.float32)


def soften(E: Map, exponent: float) -> Map:
    """Evidence kept within 0.01 to 0.99 and drawn towards one half by an exponent below one."""
    E = np.maximum(E, np.float32(0.01))
    yes, no = E**exponent, (1 - E) ** exponent
    return np.asarray(yes / (yes + no), np.float32)


def soft_step(centres_hz: Map, f0_hz: float, octaves: float) -> Map:
    """0 below `f0_hz`, 1 above, over about `octaves` to each side."""
    distance = np.log2(np.maximum(centres_hz, 1.0) / f0_hz) / octaves
    return np.asarray(1 / (1 + np.exp(-distance)), np.float32)


def _near_frames(frames_per_s: float) -> int:
    """Frames on each side that medians and minima over time depend on."""
    return max(_odd(_MEDIAN_S * frames_per_s) // 2, round(_ATTACK_S * frames_per_s))


def _half_window(frames_per_s: float) -> int:
    """Half of the stretch that says what is usual, in frames."""
    return max(round(_OUTSTANDING_S * frames_per_s / 2 / _GRID_FRAMES), 1) * _GRID_FRAMES


def _usual(V: Map, first: int, half: int, quantile: float) -> Map:
    """Level [T, B] that V [T, B] stays below for a share `quantile` of the frames around.

    Computed at every eighth frame of the file from every fourth, so that blocks agree, and
    interpolated between.
    """
    sampled_from = -(-first // _EVERY_FRAMES) * _EVERY_FRAMES
    sampled = V[sampled_from - first :: _EVERY_FRAMES]
    if not len(sampled):
        return V
    knots = np.arange(first // _GRID_FRAMES, -(-(first + len(V) - 1) // _GRID_FRAMES) + 1)
    levels = np.empty((len(knots), V.shape[1]), np.float32)
    for i, knot in enumerate((knots * _GRID_FRAMES).tolist()):
        low = (knot - half - sampled_from) // _EVERY_FRAMES
        high = (knot + half - sampled_from) // _EVERY_FRAMES + 1
        high = max(high, 1)
        window = sampled[min(max(low, 0), len(sampled) - 1) : high]
        levels[i] = np.sort(window, axis=0)[round(quantile * (len(window) - 1))]
    position = np.arange(first, first + len(V)) / _GRID_FRAMES - knots[0]
    left = np.minimum(position.astype(np.intp), len(knots) - 1)
    right = np.minimum(left + 1, len(knots) - 1)
    weight = (position - left).astype(np.float32)[:, None]
    return np.asarray(levels[left] * (1 - weight) + levels[right] * weight, np.float32)


def _odd(n_frames: float) -> int:
    return max(2 * round((n_frames - 1) / 2) + 1, 1)


def _median(V: Map, width: int, axis: int) -> Map:
    """Running median over `width` (odd) rows or columns, edges repeated."""
    half = width // 2
    pad = [(half, half) if i == axis else (0, 0) for i in (0, 1)]
    windows = sliding_window_view(np.pad(V, pad, mode="edge"), width, axis=axis)
    # sorting whole short windows is vectorised and beats selection
    return np.ascontiguousarray(np.sort(windows, axis=-1)[..., half])


def _running_minimum(V: Map, n_frames: int) -> Map:
    """Minimum over the last `n_frames` frames, this one included."""
    lowest = V.copy()
    for shift in range(1, min(n_frames, len(V))):
        np.minimum(lowest[shift:], V[:-shift], out=lowest[shift:])
    return lowest
