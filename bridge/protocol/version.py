"""The version of the wire, counted apart from the package's. `PROTOCOL.md` says what changed."""

MAJOR = 1
"""Peers with different majors do not understand each other; the refusal names both."""

MINOR = 2
"""Grows when fields, operations or events are added; both sides ignore what they do not know."""

PROTOCOL_VERSION = f"{MAJOR}.{MINOR}"

RERUN_SINCE = 1
"""The minor that brought `rerun`, which an older server passes over."""


def speaks(protocol: str, minor: int) -> bool:
    """Whether a peer that said `protocol`, such as `1.2`, knows what came with a minor."""
    known = protocol.partition(".")[2]
    return known.isdecimal() and int(known) >= minor
