"""Times as people read them, and where a ruler's lines go."""

import math


def clock(time_s: float, decimals: int = 3) -> str:
    """`1:02.500`, or `1:00:02.500` from an hour on."""
    sign = "−" if time_s < 0 else ""
    ticks = round(abs(time_s) * 10**decimals)
    whole, part = divmod(ticks, 10**decimals)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    tail = f".{part:0{decimals}d}" if decimals else ""
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{sign}{head}:{seconds:02d}{tail}"


def short_duration(seconds: float) -> str:
    """`12 s`, `3:40` or `1:02:00`: a length at a glance."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else clock(seconds, 0)


def size(n_bytes: float) -> str:
    """`3.1 GB`, in powers of ten as shops and systems count."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:.1f} {unit}"
    return f"{n_bytes:.0f} B"


def step_for(span: float, most: int, bases: tuple[float, ...] = (1, 2, 5)) -> float:
    """The least round step that puts at most `most` lines into a span."""
    least = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(base * power for base in (*bases, 10 * bases[0]) if base * power >= least)


def seconds_step(span_s: float, most: int) -> float:
    """As `step_for`, with the steps of a clock above one second."""
    least = span_s / max(most, 1)
    if least <= 1:
        return step_for(span_s, most)
    steps = (2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    return next((step for step in steps if step >= least), 7200)
