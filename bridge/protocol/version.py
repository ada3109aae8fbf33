"""The version of the wire, counted apart from the package's. `PROTOCOL.md` says what changed."""

MAJOR = 1
"""Peers with different majors do not understand each other; the refusal names both."""

MINOR = 2
"""Grows when fields, operations or events are added; both sides ignore what they do not know."""

PROTOCOL_VERSION = f"{MAJOR}.{MINOR}"
