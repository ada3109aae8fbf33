"""How much each band of each frame looks like a class of sounds, before anything is learned.

Evidence E [T, B] in (0, 1): 1 means that this class alone could be there. It rests on three
cues: percussive or harmonic (medians over frequency and time), attack (rise above the recent
minimum) and the frequency range of the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .vocabulary import Kind

Map = NDArray[np.float32]

_MEDIAN_BANDS = 21
_MEDIAN_S = 0.4
_ATTACK_S = 0.16
_TINY = np.float32(1e-30)


@dataclass(frozen=True, eq=False)
class Cues:
    """percussive, attack, steady: [T, B] in 0..1; centres_hz: [B]."""

    percussive: Map
    attack: Map
    steady: Map
    centres_hz: Map


def context_frames(frames_per_s: float) -> int:
    """Frames on each side of a block that its cues depend on."""
    return max(_odd(_MEDIAN_S * frames_per_s) // 2, round(_ATTACK_S * frames_per_s))


def find_cues(V: Map, centres_hz: Map, frames_per_s: float) -> Cues:
    """Cues of magnitudes V [T, B] averaged over the channels."""
    across = _median(V, _MEDIAN_BANDS, axis=1)
    along = _median(V, _odd(_MEDIAN_S * frames_per_s), axis=0)
    quotient = np.minimum((along + _TINY) / (across + _TINY), np.float32(1e6))
    n_attack = max(round(_ATTACK_S * frames_per_s), 1)
    lowest = _running_minimum(V, n_attack)
    return Cues(
        percussive=np.asarray(1 / (1 + quotient**2), np.float32),
        attack=(V - lowest) / (V + _TINY),
        steady=np.asarray(np.minimum(along, V) / (np.maximum(along, V) + _TINY), np.float32),
        centres_hz=centres_hz,
    )


def evidence_for(kind: Kind, cues: Cues) -> Map:
    """Evidence [T, B] for a kind of sound, 0.01 to 0.99."""
    hp, att = cues.percussive, cues.attack

    def above(f0: float, octaves: float) -> Map:
        return soft_step(cues.centres_hz, f0, octaves)

    if kind == "drums":
        body = above(160, 0.25)
        E = body * hp + (1 - body) * (0.25 + 0.65 * att * np.sqrt(hp))
    elif kind == "kick":
        E = (1 - above(220, 0.35)) * (0.15 + 0.8 * att * hp**0.3) + 0.03
    elif kind == "snare":
        E = 0.7 * hp * above(150, 0.3) * (1 - 0.5 * above(9000, 0.3))
    elif kind == "hihat":
        E = 0.95 * hp * above(4500, 0.3)
    elif kind == "bass":
        E = 0.93 * (1 - above(230, 0.3)) * (1 - 0.5 * hp * att) + 0.02
    elif kind == "speech":
        E = above(110, 0.2) * (1 - 0.8 * above(9000, 0.3)) * (1 - 0.55 * hp)
        E = E * (1 - 0.45 * cues.steady)
    else:
        E = 0.6 * (1 - hp) * above(150, 0.25) * (1 - 0.7 * above(7000, 0.4))
    return np.asarray(np.clip(E, 0.01, 0.99), np.float32)


def soften(E: Map, exponent: float) -> Map:
    """Evidence drawn towards one half by an exponent below one."""
    if exponent == 1.0:
        return E
    yes, no = E**exponent, (1 - E) ** exponent
    return np.asarray(yes / (yes + no), np.float32)


def soft_step(centres_hz: Map, f0_hz: float, octaves: float) -> Map:
    """0 below `f0_hz`, 1 above, over about `octaves` to each side."""
    distance = np.log2(np.maximum(centres_hz, 1.0) / f0_hz) / octaves
    return np.asarray(1 / (1 + np.exp(-distance)), np.float32)


def _odd(n_frames: float) -> int:
    return 2 * round((n_frames - 1) / 2) + 1


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
