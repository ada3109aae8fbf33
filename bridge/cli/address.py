"""Addresses on the command line."""

from bridge.errors import ServerUnavailable

DEFAULT_PORT = 47300
"""Of requests on the network; events are on the next one."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`. Raises ServerUnavailable."""
    host, colon, port = text.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        host, port = text, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 1024 <= int(port) <= 65534:
        raise ServerUnavailable(
            f"address {text!r}: write ADDRESS or ADDRESS:PORT, port 1024 to 65534, "
            f"for instance 192.168.1.20:{DEFAULT_PORT}"
        )
    return host, int(port)
