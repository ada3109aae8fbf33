"""Where a mono estimate lies in the channels of its mixture, frame by frame and bin by bin.

In every channel c the mixture is modelled as

    X_c = a_c Y + b_c Z + d_c        Y, Z: the model's mono target and residual

with complex gains a_c, b_c that vary slowly, and a remainder d_c that no gain explains: reverberant
or wide sound, and whatever the model got wrong. The target in the channel is a_c Y and its Wiener
share of the remainder. The gains are posterior means under the powers A_c, B_c that target and
residual have in the channel, so they shrink to nothing where the phases of Y and Z do not agree
with the mixture; what is left then is a soft mask per channel.

Gains and powers are found once per block of frames (`engine.block_means`), from sums over about
half a second, and faded from block to block.

Weak where a faint target stands in unrelated stereo noise: the channels' levels are then poorly
known, and a plain mono mask can do better, by more when the model's phases are wrong as well.

Spectra are complex64: X [C, T, F], Y and Z [T, F]; sums per block are [Q, T / BLOCK_FRAMES, F].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from .block_means import (
    BLOCK_FRAMES,
    EDGE_FRAMES,
    Powers,
    Values,
    band_means,
    block_sums,
    box_means,
    faded,
    power,
    repeated,
)
from .stereo_frames import Spectra

GAIN_BLOCKS = 5
"""Blocks on either side over which gains and powers are averaged, 11 in all: 0.94 s."""

PLACING_BLOCKS = 2
"""The same for the gains of `place_own_sound`, which are made of what has been averaged once."""

GAIN_BINS = 1
POWER_BINS = 3

EXTENSION_FRAMES = 4
"""Frames on either side over which the share of the unheard band is averaged: 43 ms."""

CONTEXT_FRAMES = GAIN_BLOCKS * BLOCK_FRAMES + EDGE_FRAMES + BLOCK_FRAMES
"""How far a frame of `project` looks."""

_OWN_CONTEXT_FRAMES = PLACING_BLOCKS * BLOCK_FRAMES + BLOCK_FRAMES
PLACING_CONTEXT_FRAMES = CONTEXT_FRAMES + _OWN_CONTEXT_FRAMES
"""How far a frame of `place_own_sound` looks, with the `project` before it."""

LARGEST_GAIN = 4.0
"""Of `place_own_sound`, where the projected target cancels in the downmix."""

_TINY = np.float32(1e-18)
_NEIGHBOURS = np.float32(1e-3)
_PRIOR_WEIGHT = 3.0
_RIDGE = np.float32(1e-5)
_SMALLEST_DIFFUSE_SHARE = np.float32(0.3)
_BROADBAND_WEIGHT = np.float32(1e-4)


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """The mixture [C, T, F] and its power, for any number of takes."""

    spectra: Spectra
    powers: Powers

    @classmethod
    def of(cls, mixture: Spectra) -> "Channels":
        """Of spectra [C, T, F]."""
        return cls(mixture, power(mixture))


@dataclass(frozen=True, slots=True, eq=False)
class _Mono:
    """What is the same for all channels. weight: 1 / |mono|, of all sums for the gains.

    owned: where target or residual has the bin to itself.   mean_tt, mean_rr, mean_tr: of their
    products.   mean_owned: of the power of both where the one or the other owns the bin.
    """

    target: Spectra
    residual: Spectra
    target_power: Powers
    residual_power: Powers
    weight: Powers
    weighted_target: Spectra
    weighted_residual: Spectra
    owned: tuple[Powers, Powers]
    mean_tt: Powers
    mean_rr: Powers
    mean_tr: Spectra
    mean_owned: tuple[Powers, Powers]


def project(mixture: Channels, target: Spectra, residual: Spectra, n_heard_bins: int) -> Spectra:
    """Target in the mixture's channels, [C, T - 2 * CONTEXT_FRAMES, F]: what is known of it.

    n_heard_bins: from this bin on the model hears nothing; there each channel gets the share that
        the target has of the top octave below it (with a trace of the whole band, for when the
        octave is empty).
    """
    mono = _mono(target, residual)
    n_frames = target.shape[0]
    wide = slice(CONTEXT_FRAMES - EXTENSION_FRAMES, n_frames - CONTEXT_FRAMES + EXTENSION_FRAMES)
    placed = np.stack(
        [
            _project_channel(spectra, powers, mono, wide)
            for spectra, powers in zip(mixture.spectra, mixture.powers, strict=True)
        ]
    )
    if n_heard_bins < placed.shape[2]:
        _extend(placed, mixture.spectra[:, wide], n_heard_bins)
    return placed[:, EXTENSION_FRAMES:-EXTENSION_FRAMES]


def place_own_sound(target: Spectra, projected: Spectra, weights: NDArray[np.float64]) -> Spectra:
    """The mono target itself, spread like `projected` [C, T, F], per band.

    Only level differences and phases between channels are taken from the mixture: the downmix of
    the result by `weights` is the model's own sound wherever the projected target does not cancel.
    Gives the frames [C, T - 2 * n, F] whose surroundings are known.
    """
    downmix = np.zeros_like(projected[0])
    for weight, row in zip(weights, projected, strict=True):
        downmix += np.float32(weight) * row
    downmix_power = _own_means(block_sums(power(downmix)))
    inner = slice(_OWN_CONTEXT_FRAMES, target.shape[0] - _OWN_CONTEXT_FRAMES)
    conjugate, own = downmix.conj(), target[inner]
    placed = np.empty((len(projected), *own.shape), np.complex64)
    for channel, row in enumerate(projected):
        cross = _own_means(block_sums(row, conjugate))
        level = np.sqrt(_own_means(block_sums(power(row))) / (downmix_power + _TINY))
        size = np.abs(cross)
        phase = np.where(size > _TINY, cross / np.maximum(size, _TINY), 1)
        gain = np.asarray(np.minimum(level, LARGEST_GAIN) * phase, np.complex64)
        np.multiply(faded(gain, inner), own, out=placed[channel])
    return placed


def _mono(target: Spectra, residual: Spectra) -> _Mono:
    target_power, residual_power = power(target), power(residual)
    plain = target_power, residual_power
    # A trace of the neighbourhood keeps the mask meaningful where the downmix cancels.
    target_power, residual_power = (
        each + _NEIGHBOURS * repeated(_level_means(block_sums(each)), len(each)) for each in plain
    )
    both = target_power + residual_power + _TINY
    mask = target_power / both
    weight = 1 / np.sqrt(both)
    root = np.sqrt(weight)
    # Bins that one of the two owns say where it lies: the fourth power of the mask.
    owned = (np.square(np.square(mask)) * root, np.square(np.square(1 - mask)) * root)
    weighted_target, weighted_residual = target.conj() * weight, residual.conj() * weight
    return _Mono(
        target,
        residual,
        target_power,
        residual_power,
        weight,
        weighted_target,
        weighted_residual,
        owned,
        _gain_means(block_sums(plain[0], weight)),
        _gain_means(block_sums(plain[1], weight)),
        _gain_means(block_sums(target, weighted_residual)),
        (_level_means(block_sums(owned[0], both)), _level_means(block_sums(owned[1], both))),
    )


def _project_channel(mixture: Spectra, powers: Powers, mono: _Mono, wide: slice) -> Spectra:
    """The target in one channel, in the frames `wide`."""
    target_level, residual_level = _levels(powers, mono)
    a, b = _gains(mixture, powers, mono, target_level, residual_level)
    diffuse_target = faded(_diffuse(target_level, a), wide)
    diffuse_target *= mono.target_power[wide]
    diffuse_residual = faded(_diffuse(residual_level, b), wide)
    diffuse_residual *= mono.residual_power[wide]
    diffuse_residual += diffuse_target
    np.maximum(diffuse_residual, _TINY, out=diffuse_residual)
    share = np.divide(diffuse_target, diffuse_residual, out=diffuse_target)

    direct = faded(a, wide)
    direct *= mono.target[wide]
    left = faded(b, wide)
    left *= mono.residual[wide]
    np.subtract(mixture[wide], left, out=left)
    left -= direct
    left *= share
    direct += left
    return direct


def _levels(powers: Powers, mono: _Mono) -> tuple[Powers, Powers]:
    """Power of target and residual in the channel over their power in mono, per block.

    The ratio of the channel to the mono mixture, averaged where the one or the other owns the bin.
    """
    first, second = (
        _level_means(block_sums(owned, powers)) / np.maximum(mean_owned, _TINY)
        for owned, mean_owned in zip(mono.owned, mono.mean_owned, strict=True)
    )
    floor = np.float32(1e-3) * (first + second) + np.float32(1e-12)
    return np.maximum(first, floor), np.maximum(second, floor)


def _gains(
    mixture: Spectra, powers: Powers, mono: _Mono, target_level: Powers, residual_level: Powers
) -> tuple[Spectra, Spectra]:
    """Posterior means of a and b: least squares, then again with the noise that it left."""
    mean_xt = _gain_means(block_sums(mixture, mono.weighted_target))
    mean_xr = _gain_means(block_sums(mixture, mono.weighted_residual))
    mean_xx = _gain_means(block_sums(powers, mono.weight))
    ridge = _RIDGE * (mono.mean_tt + mono.mean_rr) + _TINY

    def solve(prior_t: Powers, prior_r: Powers) -> tuple[Spectra, Spectra]:
        tt, rr = mono.mean_tt + ridge + prior_t, mono.mean_rr + ridge + prior_r
        scale = 1 / np.sqrt(tt * rr)
        cross = mono.mean_tr * scale
        # In units of the two levels, so that single precision suffices at any loudness.
        determinant = np.maximum(1 - power(cross), _RIDGE)
        in_t, in_r = mean_xt / tt, mean_xr / rr
        back_t, back_r = mono.mean_tr.conj() / tt, mono.mean_tr / rr
        a, b = (in_t - in_r * back_t) / determinant, (in_r - in_t * back_r) / determinant
        return np.asarray(a, np.complex64), np.asarray(b, np.complex64)

    a, b = solve(np.zeros_like(ridge), np.zeros_like(ridge))
    explained = (
        2 * (a.conj() * mean_xt + b.conj() * mean_xr).real
        - power(a) * mono.mean_tt
        - power(b) * mono.mean_rr
        - 2 * (a * b.conj() * mono.mean_tr).real
    )
    noise = np.clip(mean_xx - explained, 0, mean_xx) / np.float32(_PRIOR_WEIGHT)
    return solve(noise / target_level, noise / residual_level)


def _diffuse(level: Powers, gain: Spectra) -> Powers:
    """The part of a source's power in a channel that its gain does not explain."""
    return np.asarray(np.maximum(level - power(gain), _SMALLEST_DIFFUSE_SHARE * level), np.float32)


def _extend(placed: Spectra, mixture: Spectra, n_heard_bins: int) -> None:
    """Fill the bins from `n_heard_bins` on with the target's share of what lies below."""
    wanted = power(placed[:, :, :n_heard_bins])
    rest = power(mixture[:, :, :n_heard_bins] - placed[:, :, :n_heard_bins])
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


def _gain_means(sums: Values) -> Values:
    return box_means(sums, GAIN_BLOCKS, GAIN_BINS)


def _level_means(sums: Values) -> Values:
    return box_means(sums, GAIN_BLOCKS, POWER_BINS)


def _own_means(sums: Values) -> Values:
    return band_means(box_means(sums, PLACING_BLOCKS, 0))
