"""Where a mono estimate lies in the channels of its mixture, frame by frame and bin by bin.

In every channel c the mixture is modelled as

    X_c = a_c Y + b_c Z + d_c        Y, Z: the model's mono target and residual

with complex gains a_c, b_c that vary slowly, and a remainder d_c that no gain explains: reverberant
or wide sound, and whatever the model got wrong. The target in the channel is a_c Y and its Wiener
share of the remainder. The gains are posterior means: what the bins of a wide band have in common,
which a place in the panorama has, and each bin's own difference from it, as far as the powers A_c,
B_c of target and residual in the channel leave room. Where the phases of Y and Z do not agree with
the mixture they shrink to nothing; what is left then is a soft mask per channel.

Gains and powers are found once per block of frames (`engine.block_means`), from sums over about
half a second, and faded from block to block.

Unrelated stereo noise is where this is hardest. It cancels in mono by chance, and there a faint
target seems to own the bin; so the residual counts with what it is nearby.

Spectra are complex64: X [C, T, F], Y and Z [T, F]; sums per block are [Q, T / BLOCK_FRAMES, F].
"""

from dataclasses import dataclass, replace

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

_MOST_NEARBY = np.float32(2)
"""Of the residual's mean power nearby: where the channels are unrelated, it counts with no less.

Measured from 0 to 2: the more, the better for stems whose phases are about right, up to 10 dB for a
faint target in wide noise.
"""

_PRIOR_WEIGHT = 3.0
_WIDE_BAND = 1 / 3
_COMMON_RIDGE = np.float32(0.01)
_LEAST_NOISE = np.float32(0.01)
_LEAST_ROOM = np.float32(0.3)
_RIDGE = np.float32(1e-5)
_SMALLEST_DIFFUSE_SHARE = np.float32(0.3)
_BROADBAND_WEIGHT = np.float32(1e-4)


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """The mixture [C, T, F] and its power, for any number of takes.

    unrelated: [C, B, F], the part of a channel's power, 0 to 1, that the downmix does not explain.
    """

    spectra: Spectra
    powers: Powers
    unrelated: Powers

    @classmethod
    def of(cls, mixture: Spectra, weights: NDArray[np.float64]) -> "Channels":
        """Of spectra [C, T, F] and the weights [C] of their downmix."""
        powers, downmix = power(mixture), _downmix(mixture, weights)
        conjugate = downmix.conj()
        heard = _gain_means(block_sums(power(downmix)))
        unrelated = []
        for spectra, own in zip(mixture, powers, strict=True):
            cross = power(_gain_means(block_sums(spectra, conjugate)))
            unrelated.append(1 - cross / (_gain_means(block_sums(own)) * heard + _TINY**2))
        return cls(mixture, powers, np.clip(np.stack(unrelated), 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Mono:
    """What is the same for all channels. weight: 1 / |mono|, of all sums for the gains.

    mean_residual: of its power nearby.   owned: where target or residual has the bin to itself.
    mean_tt, mean_rr, mean_tr: of their products.   mean_owned: of the power of both where the one
    or the other owns the bin.
    """

    target: Spectra
    residual: Spectra
    target_power: Powers
    residual_power: Powers
    mean_residual: Powers
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
            _project_channel(*channel, mono, wide)
            for channel in zip(mixture.spectra, mixture.powers, mixture.unrelated, strict=True)
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
    downmix = _downmix(projected, weights)
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
    near_target, near_residual = (
        repeated(_level_means(block_sums(each)), len(each)) for each in plain
    )
    target_power = target_power + _NEIGHBOURS * near_target
    residual_power = residual_power + _NEIGHBOURS * near_residual
    both = target_power + residual_power + _TINY
    weight = 1 / np.sqrt(both)
    root = np.sqrt(weight)
    # Bins that one of the two owns say where it lies: the fourth power of its mask. The other one's
    # mean keeps those out where only its channels cancel.
    owned = (
        np.square(np.square(target_power / (both + near_residual))) * root,
        np.square(np.square(residual_power / (both + near_target))) * root,
    )
    weighted_target, weighted_residual = target.conj() * weight, residual.conj() * weight
    return _Mono(
        target,
        residual,
        target_power,
        residual_power,
        _gain_means(block_sums(plain[1])),
        weight,
        weighted_target,
        weighted_residual,
        owned,
        _gain_means(block_sums(plain[0], weight)),
        _gain_means(block_sums(plain[1], weight)),
        _gain_means(block_sums(target, weighted_residual)),
        (_level_means(block_sums(owned[0], both)), _level_means(block_sums(owned[1], both))),
    )


def _project_channel(
    mixture: Spectra, powers: Powers, unrelated: Powers, mono: _Mono, wide: slice
) -> Spectra:
    """The target in one channel, in the frames `wide`."""
    target_level, residual_level = _levels(powers, mono)
    a, b = _gains(mixture, powers, mono, target_level, residual_level)
    diffuse_target = faded(_diffuse(target_level, a), wide)
    diffuse_target *= mono.target_power[wide]
    diffuse_residual = faded(_diffuse(residual_level, b), wide)
    nearby = faded(_nearby_share(unrelated) * mono.mean_residual, wide)
    np.maximum(nearby, mono.residual_power[wide], out=nearby)
    diffuse_residual *= nearby
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


def _nearby_share(unrelated: Powers) -> Powers:
    """Of the residual's mean power, what it has at least; two unrelated channels are half so."""
    return np.asarray(np.minimum(2 * _MOST_NEARBY * unrelated, _MOST_NEARBY), np.float32)


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
    means = _Means(mean_xt, mean_xr, mono.mean_tt, mono.mean_rr, mono.mean_tr)
    ridge = _RIDGE * (mono.mean_tt + mono.mean_rr) + _TINY

    a, b = _solved(means, ridge, ridge)
    explained = (
        2 * (a.conj() * mean_xt + b.conj() * mean_xr).real
        - power(a) * mono.mean_tt
        - power(b) * mono.mean_rr
        - 2 * (a * b.conj() * mono.mean_tr).real
    )
    noise = np.clip(mean_xx - explained, 0, mean_xx)

    common = _common_gains(means, 1 / (noise + _LEAST_NOISE * mean_xx + _TINY))
    common_a, common_b = _capped(common[0], target_level), _capped(common[1], residual_level)
    noise /= np.float32(_PRIOR_WEIGHT)
    own_a, own_b = _solved(
        means.without(common_a, common_b),
        ridge + noise / _room(target_level, common_a),
        ridge + noise / _room(residual_level, common_b),
    )
    return common_a + own_a, common_b + own_b


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Of the products of a channel x with target t and residual r, and of those two."""

    xt: Spectra
    xr: Spectra
    tt: Powers
    rr: Powers
    tr: Spectra

    def without(self, a: Spectra, b: Spectra) -> "_Means":
        """For x - a t - b r."""
        xt = self.xt - a * self.tt - b * self.tr.conj()
        xr = self.xr - b * self.rr - a * self.tr
        return replace(self, xt=xt, xr=xr)


def _solved(means: _Means, ridge_t: Powers, ridge_r: Powers) -> tuple[Spectra, Spectra]:
    """The gains a, b that leave least of x."""
    tt, rr = means.tt + ridge_t, means.rr + ridge_r
    # In units of the two levels, so that single precision suffices at any loudness.
    scale = 1 / np.sqrt(tt * rr)
    determinant = np.maximum(1 - power(means.tr * scale), _RIDGE)
    in_t, in_r = means.xt / tt, means.xr / rr
    a = (in_t - in_r * (means.tr.conj() / tt)) / determinant
    b = (in_r - in_t * (means.tr / rr)) / determinant
    return np.asarray(a, np.complex64), np.asarray(b, np.complex64)


def _common_gains(means: _Means, weight: Powers) -> tuple[Spectra, Spectra]:
    """Gains of bands of two thirds of their frequency; bins with little noise count most."""

    def pooled(values: Values) -> Values:
        weighted: Values = np.asarray(values * weight, values.dtype)
        return band_means(weighted, _WIDE_BAND)

    wide = _Means(
        pooled(means.xt), pooled(means.xr), pooled(means.tt), pooled(means.rr), pooled(means.tr)
    )
    return _solved(wide, _COMMON_RIDGE * wide.tt + _TINY, _COMMON_RIDGE * wide.rr + _TINY)


def _capped(gain: Spectra, level: Powers) -> Spectra:
    """The gain, not above what the source's power in the channel allows."""
    size = np.maximum(np.abs(gain), np.float32(1e-9))
    return np.asarray(gain * np.minimum(1, np.sqrt(level) / size), np.complex64)


def _room(level: Powers, common: Spectra) -> Powers:
    """Power that a bin's own gain may have beside the one in common."""
    return np.asarray(np.maximum(level - power(common), _LEAST_ROOM * level), np.float32)


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


def _downmix(spectra: Spectra, weights: NDArray[np.float64]) -> Spectra:
    # Not a product of matrices: its sums may depend on the number of threads.
    downmix = np.zeros_like(spectra[0])
    for weight, row in zip(weights, spectra, strict=True):
        downmix += np.float32(weight) * row
    return np.asarray(downmix, np.complex64)


def _gain_means(sums: Values) -> Values:
    return box_means(sums, GAIN_BLOCKS, GAIN_BINS)


def _level_means(sums: Values) -> Values:
    return box_means(sums, GAIN_BLOCKS, POWER_BINS)


def _own_means(sums: Values) -> Values:
    return band_means(box_means(sums, PLACING_BLOCKS, 0))
