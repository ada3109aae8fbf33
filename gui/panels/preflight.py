"""What a run will take, as one honest line: which separator, how long, of how much memory."""

from bridge.protocol.messages import EstimateReply, Status
from gui.views.clock import short_duration, size

SAM_AUDIO = "sam-audio-"


def preflight(cost: EstimateReply, chosen: str, status: Status | None) -> str:
    """Such as `base, about 12 s, 3.1 GB of 8.0 GB memory free`.

    chosen: the separator of the options, for a server that does not say which it will be.
    """
    parts = [
        _separator(cost.separator or chosen),
        f"about {short_duration(cost.seconds)}",
        _memory(cost, status),
        f"{size(cost.disk_bytes)} on disk",
    ]
    if cost.wait_s >= 1:
        parts.append(f"after a wait of {short_duration(cost.wait_s)}")
    if not cost.n_measured:
        parts.append("a first guess")
    return ", ".join(parts)


def ignores_mask(cost: EstimateReply, chosen: str, has_mask: bool) -> bool:
    """Whether an object is marked in the video and the separator does not look at it."""
    return has_mask and (cost.separator or chosen) == "builtin"


def lacks_memory(cost: EstimateReply) -> bool:
    """Whether more is needed than is free."""
    free_bytes = cost.memory_free_bytes
    return free_bytes is not None and cost.memory_bytes > free_bytes


def _separator(name: str) -> str:
    """`auto` only as long as nobody knows what it stands for."""
    return "automatic" if name == "auto" else name.removeprefix(SAM_AUDIO)


def _memory(cost: EstimateReply, status: Status | None) -> str:
    total_bytes = status.memory_total_bytes if status is not None else None
    text = f"{size(cost.memory_bytes)}"
    if cost.memory_free_bytes is not None:
        text += f" of {size(cost.memory_free_bytes)} memory free"
    else:
        text += f" of {size(total_bytes)} memory" if total_bytes else " memory"
    return f"{text}: more than there is" if lacks_memory(cost) else text
