"""Where a mono estimate lies in the channels of its mixture, frame by frame and bin by bin.

In every channel c the mixture is modelled as

    X_c = a_c Y + b_c Z + d_c        Y, Z: the model's mono target and residual

with complex gains a_c, b_c that vary slowly, and a remainder d_c that no gain explains: reverberant
or wide sound, and whatever the model got wrong. The target in the channel is a_c Y and its Wiener
share of the remainder. The gains are posterior means under the powers A_c, B_c that target and
residual have in the channel, so they shrink to nothing where the phases of Y and Z do not agree
with the mixture; what is left then is a soft mask per channel.

Weak where a faint target stands in unrelated stereo noise: the channels' levels are then poorly
known, and a plain mono mask can do better, by more when the model's phases are wrong as well.

Spectra are complex64: X [C, T, F], Y and Z [T, F].
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from .stereo_frames import Spectra

Powers = NDArray[np.float32]
Values = TypeVar("Values", Powers, Spectra)

GAIN_FRAMES = 40
"""Frames on either side over which gains and powers are averaged: 0.43 s."""

GAIN_BINS = 1
POWER_BINS = 3

EXTENSION_FRAMES = 4
"""Frames on either side over which the share of the unheard band is averaged: 43 ms."""

CONTEXT_FRAMES = GAIN_FRAMES + EXTENSION_FRAMES
"""How far a frame of `project` looks."""

PLACING_CONTEXT_FRAMES = CONTEXT_FRAMES + GAIN_FRAMES
"""How far a frame of `place_own_sound` looks."""

LARGEST_GAIN = 4.0
"""Of `place_own_sound`, where the projected target cancels in the downmix."""

_TINY = np.float32(1e-18)
_NEIGHBOURS = np.float32(1e-3)
_DOMINANCE = 4
"""Exponent on the mono mask: bins that one of the two owns say where it lies."""

_PRIOR_WEIGHT = 3.0
_RIDGE = np.float32(1e-5)
_SMALLEST_DIFFUSE_SHARE = np.float32(0.3)
_BROADBAND_WEIGHT = np.float32(1e-4)


@dataclass(frozen=True, slots=True, eq=False)
class _Mono:
    """What is the same for all channels; sums are local means weighted by 1 / |mono|."""

    target: Spectra
    residual: Spectra
    target_power: Powers
    residual_power: Powers
    weight: Powers
    owned: tuple[Powers, Powers]
    sum_tt: Powers
    sum_rr: Powers
    sum_tr: Spectra


def project(mixture: Spectra, target: Spectra, residual: Spectra, n_heard_bins: int) -> Spectra:
    """Target in the mixture's channels, [C, T, F].

    n_heard_bins: from this bin on the model hears nothing; there each channel gets the share that
        the target has of the top octave below it (with a trace of the whole band, for when the
        octave is empty).
    """
    mono = _mono(target, residual)
    placed = np.stack([_project_channel(channel, mono) for channel in mixture])
    if n_heard_bins < mixture.shape[2]:
        _extend(placed, mixture, n_heard_bins)
    return placed


def place_own_sound(target: Spectra, projected: Spectra, weights: NDArray[np.float64]) -> Spectra:
    """The mono target itself, spread like `projected` [C, T, F], per band.

    Only level differences and phases between channels are taken from the mixture: the downmix of
    the result by `weights` is the model's own sound wherever the projected target does not cancel.
    """
    downmix = np.asarray(np.tensordot(weights, projected, axes=1), np.complex64)
    downmix_power = _band_mean(_power(downmix))
    placed = np.empty_like(projected)
    for channel, row in enumerate(projected):
        cross = _band_mean(row * downmix.conj())
        level = np.sqrt(_band_mean(_power(row)) / (downmix_power + _TINY))
        size = np.abs(cross)
        phase = np.where(size > _TINY, cross / np.maximum(size, _TINY), 1)
        placed[channel] = np.minimum(level, LARGEST_GAIN) * phase * target
    return placed


def _mono(target: Spectra, residual: Spectra) -> _Mono:
    target_power, residual_power = _power(target), _power(residual)
    # A trace of the neighbourhood keeps the mask meaningful where the downmix cancels.
    target_power += _NEIGHBOURS * _mean(target_power, POWER_BINS)
    residual_power += _NEIGHBOURS * _mean(residual_power, POWER_BINS)
    power = target_power + residual_power + _TINY
    mask = target_power / power
    weight = 1 / np.sqrt(power)
    return _Mono(
        target,
        residual,
        target_power,
        residual_power,
        weight,
        (mask**_DOMINANCE * np.sqrt(weight), (1 - mask) ** _DOMINANCE * np.sqrt(weight)),
        _mean(_power(target) * weight, GAIN_BINS),
        _mean(_power(residual) * weight, GAIN_BINS),
        _mean(target * residual.conj() * weight, GAIN_BINS),
    )


def _project_channel(mixture: Spectra, mono: _Mono) -> Spectra:
    target_level, residual_level = _levels(mixture, mono)
    a, b = _gains(mixture, mono, target_level, residual_level)
    diffuse_target = _diffuse(target_level, a) * mono.target_power
    diffuse_residual = _diffuse(residual_level, b) * mono.residual_power
    share = diffuse_target / np.maximum(diffuse_target + diffuse_residual, _TINY)
    direct = a * mono.target
    return np.asarray(direct + share * (mixture - direct - b * mono.residual), np.complex64)


def _levels(mixture: Spectra, mono: _Mono) -> tuple[Powers, Powers]:
    """Power of target and residual in the channel over their power in mono, [T, F] each.

    The ratio of the channel to the mono mixture, averaged where the one or the other owns the bin.
    """
    power = _power(mixture)
    mono_power = mono.target_power + mono.residual_power
    first, second = (
        _mean(owned * power, POWER_BINS) / np.maximum(_mean(owned * mono_power, POWER_BINS), _TINY)
        for owned in mono.owned
    )
    floor = np.float32(1e-3) * (first + second) + np.float32(1e-12)
    return np.maximum(first, floor), np.maximum(second, floor)


def _gains(
    mixture: Spectra, mono: _Mono, target_level: Powers, residual_level: Powers
) -> tuple[Spectra, Spectra]:
    """Posterior means of a and b: least squares, then again with the noise that it left."""
    weighted = mixture * mono.weight
    sum_xt = _mean(weighted * mono.target.conj(), GAIN_BINS)
    sum_xr = _mean(weighted * mono.residual.conj(), GAIN_BINS)
    sum_xx = _mean(_power(mixture) * mono.weight, GAIN_BINS)
    ridge = _RIDGE * (mono.sum_tt + mono.sum_rr) + _TINY

    def solve(prior_t: Powers, prior_r: Powers) -> tuple[Spectra, Spectra]:
        tt, rr = mono.sum_tt + ridge + prior_t, mono.sum_rr + ridge + prior_r
        scale = 1 / np.sqrt(tt * rr)
        cross = mono.sum_tr * scale
        # In units of the two levels, so that single precision suffices at any loudness.
        determinant = np.maximum(1 - _power(cross), _RIDGE)
        in_t, in_r = sum_xt / tt, sum_xr / rr
        back_t, back_r = mono.sum_tr.conj() / tt, mono.sum_tr / rr
        a, b = (in_t - in_r * back_t) / determinant, (in_r - in_t * back_r) / determinant
        return np.asarray(a, np.complex64), np.asarray(b, np.complex64)

    a, b = solve(np.zeros_like(ridge), np.zeros_like(ridge))
    explained = (
        2 * (a.conj() * sum_xt + b.conj() * sum_xr).real
        - _power(a) * mono.sum_tt
        - _power(b) * mono.sum_rr
        - 2 * (a * b.conj() * mono.sum_tr).real
    )
    noise = np.clip(sum_xx - explained, 0, sum_xx) / np.float32(_PRIOR_WEIGHT)
    return solve(noise / target_level, noise / residual_level)


def _diffuse(level: Powers, gain: Spectra) -> Powers:
    """The part of a source's power in a channel that its gain does not explain."""
    return np.asarray(np.maximum(level - _power(gain), _SMALLEST_DIFFUSE_SHARE * level), np.float32)


def _extend(placed: Spectra, mixture: Spectra, n_heard_bins: int) -> None:
    """Fill the bins from `n_heard_bins` on with the target's share of what lies below."""
    wanted = _power(placed[:, :, :n_heard_bins])
    rest = _power(mixture[:, :, :n_heard_bins] - placed[:, :, :n_heard_bins])
    octave = slice(n_heard_bins // 2, n_heard_bins)
    sums = [
        uniform_filter1d(
            each[:, :, octave].sum(axis=2) + _BROADBAND_WEIGHT * each.sum(axis=2),
            2 * EXTENSION_FRAMES + 1,
            axis=1,
            mode="constant",
        )
        for each in (wanted, rest)
    ]
    share = sums[0] / np.maximum(sums[0] + sums[1], _TINY)
    placed[:, :, n_heard_bins:] = share[:, :, None] * mixture[:, :, n_heard_bins:]


def _power(spectra: Spectra) -> Powers:
    return np.asarray(spectra.real**2 + spectra.imag**2, np.float32)


def _mean(values: Values, n_bins: int) -> Values:
    """Mean over `GAIN_FRAMES` frames and `n_bins` bins on either side; silence outside."""
    over_time = uniform_filter1d(values, 2 * GAIN_FRAMES + 1, axis=0, mode="constant")
    mean = uniform_filter1d(over_time, 2 * n_bins + 1, axis=1, mode="constant")
    # Running sums leave traces of loud frames, of either sign, in silent ones.
    return mean if np.iscomplexobj(mean) else np.maximum(mean, 0)


def _band_mean(values: Values) -> Values:
    """Mean over time and over a band about as wide as the ear's, a sixth of its frequency."""
    over_time = _mean(values, 0)
    n_bins = values.shape[1]
    centre = np.arange(n_bins)
    half = np.maximum(2, centre // 12)
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half + 1, n_bins)
    total = np.cumsum(over_time, axis=1, dtype=np.result_type(values.dtype, np.float64))
    total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)
    mean: Values = ((total[:, high] - total[:, low]) / (high - low)).astype(values.dtype)
    return mean if np.iscomplexobj(mean) else np.maximum(mean, 0)
