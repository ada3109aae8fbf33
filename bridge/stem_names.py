"""File names of stems: `song - snare.wav`, allowed on every system, of bounded length."""

import re

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_NAME_BYTES = 100
_DESCRIPTION_BYTES = 80


def safe_name(text: str, max_bytes: int = _NAME_BYTES) -> str:
    """`text` as a file name without a suffix: no folders, no reserved names; empty for nothing."""
    words = " ".join(_UNSAFE.sub(" ", text).split())
    name = cut(words, max_bytes).strip(". ")
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def stem_base(clip_name: str, description: str) -> str:
    """Name of a target stem without suffix; the others start with it."""
    clip = safe_name(clip_name) or "clip"
    return f"{clip} - {safe_name(description, _DESCRIPTION_BYTES) or 'target'}"


def stem_stem(base: str, role: str, index: int) -> str:
    """Name without suffix of a stem by its role; index: 0 for the best take."""
    if role == "residual":
        return f"{base} - residual"
    return base if index == 0 else f"{base} - take {index + 1}"


def cut(text: str, max_bytes: int) -> str:
    """As much of `text` as fits into so many bytes of UTF-8, in whole characters."""
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
