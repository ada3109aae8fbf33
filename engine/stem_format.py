"""What each storage format holds, and which one a stem is written in."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from .data import AudioClip, AudioFormat, Notice
from .errors import OutputError

_INTEGER_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ALAC_16": 16,
    "ALAC_20": 24,  # libsndfile left-aligns 20 bits, so 24 hold them exactly
    "ALAC_24": 24,
    "ALAC_32": 32,
}
_SUFFIXES = {
    "WAV": (".wav", ".wave", ".bwf"),
    "WAVEX": (".wav", ".wave", ".bwf"),
    "RF64": (".wav", ".rf64", ".wave", ".bwf"),
    "W64": (".w64",),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "FLAC": (".flac",),
    "CAF": (".caf",),
}
_SIZE_FIELDS_OF_32_BITS = ("WAV", "WAVEX", "AIFF")
_HEADER_ROOM_BYTES = 1 << 16
_FLAC_ANY_RATE_HZ = 65_535
_ARRAY = "ARRAY"
_FLOAT32_INTEGER_LIMIT = float(1 << 24)


def integer_bits(subtype: str) -> int | None:
    """Bits per sample of an integer subtype, `None` for floating point and lossy ones."""
    return _INTEGER_BITS.get(subtype)


def full_scale(subtype: str) -> float:
    """The stored number that means 1.0: 2 ** (bits - 1), or 1 for floating point and lossy."""
    bits = integer_bits(subtype)
    return 1.0 if bits is None else float(1 << (bits - 1))


def native_dtype(subtype: str) -> np.dtype[Any]:
    """Type that holds every sample of `subtype` exactly; lossy ones are decoded to float32."""
    bits = integer_bits(subtype)
    if bits is None:
        return np.dtype(np.float64 if subtype == "DOUBLE" else np.float32)
    return np.dtype(np.int16 if bits <= 16 else np.int32)


def left_shift(subtype: str) -> int:
    """Bits by which libsndfile left-aligns an integer subtype in its native type."""
    bits = integer_bits(subtype)
    return 0 if bits is None else 8 * native_dtype(subtype).itemsize - bits


def stem_format(
    mixture: AudioClip, chosen: AudioFormat | None, to_file: bool
) -> tuple[AudioFormat, tuple[Notice, ...]]:
    """The format of the stems of `mixture`: the chosen one, or the mixture's own where it can be.

    Raises OutputError when the chosen format cannot hold stems of this rate and channel count.
    """
    wanted = chosen if chosen is not None else _own_format(mixture.format)
    notices = list(_format_notices(mixture, wanted, chosen is not None, to_file))
    if not to_file:
        return AudioFormat(_ARRAY, wanted.subtype), tuple(notices)
    wanted = AudioFormat(wanted.container, _subtype_in(wanted.container, wanted.subtype))
    _check_writable(wanted, mixture.sample_rate, mixture.n_channels)
    sized = sized_for(wanted, mixture.n_samples, mixture.n_channels)
    if sized != wanted:
        notices.append(Notice("container_changed", _too_large(wanted, sized)))
    return sized, tuple(notices)


def sized_for(form: AudioFormat, n_samples: int, n_channels: int) -> AudioFormat:
    """`form`, or RF64 where its 32-bit size fields would wrap around."""
    if form.container not in _SIZE_FIELDS_OF_32_BITS:
        return form
    if stored_bytes(form, n_samples, n_channels) < 1 << 32:
        return form
    return AudioFormat("RF64", _subtype_in("RF64", form.subtype))


def stored_bytes(form: AudioFormat, n_samples: int, n_channels: int) -> int:
    """Bytes of the file, uncompressed, with room for its header."""
    bits = integer_bits(form.subtype) or 8 * native_dtype(form.subtype).itemsize
    return n_samples * n_channels * (bits // 8) + _HEADER_ROOM_BYTES


def suffix_for(form: AudioFormat, mixture_path: Path | None) -> str:
    """File suffix of `form`: the mixture's own where it fits, for instance `.aif`."""
    suffixes = _SUFFIXES[form.container]
    own = "" if mixture_path is None else mixture_path.suffix.lower()
    return own if own in suffixes else suffixes[0]


def wider_format(form: AudioFormat, values: NDArray[np.float64], on_grid: bool) -> AudioFormat:
    """`form` if it holds `values` [n, C] as they must be kept, otherwise the next that does.

    values: full scale 1.0; on_grid: they are integers over a power of two and must stay exact.
    A float32 holds integers up to 2**24 exactly, which covers the residual of two 24-bit numbers;
    anything beyond (32-bit numbers, targets far above full scale) needs a float64.
    """
    bits = integer_bits(form.subtype)
    if bits is not None:
        scale = full_scale(form.subtype)
        low, high = values.min() * scale, values.max() * scale
        if low >= -scale and high <= scale - 1:
            return form
        fits = bits <= 24 and max(-low, high) <= _FLOAT32_INTEGER_LIMIT
        return _floating(form, "FLOAT" if fits else "DOUBLE")
    if form.subtype == "FLOAT":
        with np.errstate(over="ignore"):
            stored = values.astype(np.float32)
        kept = np.array_equal(stored, values) if on_grid else bool(np.isfinite(stored).all())
        return form if kept else _floating(form, "DOUBLE")
    return form


def _floating(form: AudioFormat, subtype: str) -> AudioFormat:
    return AudioFormat("WAV" if form.container == "FLAC" else form.container, subtype)


def _own_format(form: AudioFormat) -> AudioFormat:
    """The mixture's format, with WAV where stems cannot or should not be written like it.

    Lossy mixtures give float: coding the stems again would break the null, and their decoded
    samples are float32 numbers that no integer format holds exactly.
    """
    container = form.container if form.container in _SUFFIXES else "WAV"
    bits = integer_bits(form.subtype)
    if _is_8_bit_aiff(form):
        return AudioFormat("WAV", "PCM_U8")
    if bits is not None and not form.subtype.startswith("ALAC"):
        return AudioFormat(container, form.subtype)
    if bits is not None:
        return AudioFormat("WAV", f"PCM_{bits}")
    if form.subtype in ("FLOAT", "DOUBLE"):
        return AudioFormat(container, form.subtype)
    return AudioFormat("WAV", "FLOAT")


def _subtype_in(container: str, subtype: str) -> str:
    # The Microsoft formats know only unsigned bytes, FLAC and CAF only signed ones.
    if integer_bits(subtype) != 8:
        return subtype
    return "PCM_S8" if container in ("FLAC", "CAF") else "PCM_U8"


def _is_8_bit_aiff(form: AudioFormat) -> bool:
    # libsndfile counts the padding byte of an odd length as one more sample.
    return form.container == "AIFF" and integer_bits(form.subtype) == 8


def _check_writable(form: AudioFormat, sample_rate: int, n_channels: int) -> None:
    name = f"{form.container} {form.subtype}"
    if form.container not in _SUFFIXES or form.subtype not in (
        *(subtype for subtype in _INTEGER_BITS if subtype.startswith("PCM")),
        "FLOAT",
        "DOUBLE",
    ):
        raise OutputError(
            f"stems cannot be written as {name}: choose {', '.join(_SUFFIXES)} "
            "with PCM_16, PCM_24, PCM_32, FLOAT or DOUBLE"
        )
    if not soundfile.check_format(form.container, form.subtype) or _is_8_bit_aiff(form):
        raise OutputError(f"{form.container} files cannot hold {form.subtype}; WAV can")
    if form.container == "FLAC" and n_channels > 8:
        raise OutputError(f"FLAC holds at most 8 channels, the mixture has {n_channels}; use WAV")
    if form.container == "FLAC" and sample_rate > _FLAC_ANY_RATE_HZ and sample_rate % 10:
        raise OutputError(
            f"FLAC holds rates above {_FLAC_ANY_RATE_HZ} Hz in steps of 10 Hz only, "
            f"the mixture has {sample_rate} Hz; use WAV"
        )


def _format_notices(
    mixture: AudioClip, wanted: AudioFormat, is_chosen: bool, to_file: bool
) -> tuple[Notice, ...]:
    own = mixture.format
    own_bits, bits = integer_bits(own.subtype), integer_bits(wanted.subtype)
    if is_chosen and bits is not None and (own_bits is None or bits < own_bits):
        return (
            Notice(
                "mixture_rounded",
                f"{wanted.subtype} holds less than the mixture's {own.subtype}: the stems add up "
                f"exactly to the mixture rounded to {bits} bits",
            ),
        )
    if to_file and not is_chosen and own.container not in (_ARRAY, wanted.container):
        return (
            Notice(
                "container_changed",
                f"the stems of this {own.container} {own.subtype} mixture are written as "
                f"{wanted.container} {wanted.subtype}, which keeps their sum exact",
            ),
        )
    return ()


def _too_large(wanted: AudioFormat, sized: AudioFormat) -> str:
    return (
        f"the stems are over 4 GiB, which {wanted.container} cannot hold, "
        f"and are written as {sized.container}"
    )
