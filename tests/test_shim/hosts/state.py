"""The plug-in's own state inside what hosts store, for scripts that change it from outside.

A JUCE host wraps what the plug-in gave: `VC2!`, length, XML with the component's bytes in base64
(in JUCE's own order of bits), which are again `VC2!`, length and the plug-in's XML.
"""

import struct
import xml.etree.ElementTree as ElementTree

_ALPHABET = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"


def read(stored: bytes) -> ElementTree.Element:
    """The plug-in's XML."""
    return ElementTree.fromstring(_unframe(_component(stored))[0])


def write(stored: bytes, state: ElementTree.Element) -> bytes:
    """`stored` with another state of the plug-in in it; what the wrapper added stays."""
    outer = ElementTree.fromstring(_unframe(stored)[0])
    tail = _unframe(_component(stored))[1]
    inner = _frame(ElementTree.tostring(state, "utf-8", xml_declaration=True), tail)
    outer.find("IComponent").text = _encode(inner)
    return _frame(ElementTree.tostring(outer, "utf-8", xml_declaration=True), b"")


def wrap(outer_from: bytes, inner: bytes) -> bytes:
    """`outer_from` with any bytes as the plug-in's state, damaged ones for instance."""
    outer = ElementTree.fromstring(_unframe(outer_from)[0])
    outer.find("IComponent").text = _encode(inner)
    return _frame(ElementTree.tostring(outer, "utf-8", xml_declaration=True), b"")


def _component(stored: bytes) -> bytes:
    return _decode(ElementTree.fromstring(_unframe(stored)[0]).findtext("IComponent"))


def _unframe(framed: bytes) -> tuple[bytes, bytes]:
    assert framed[:4] == b"VC2!", framed[:16]
    (size,) = struct.unpack("<I", framed[4:8])
    return framed[8 : 8 + size], framed[8 + size + 1 :]


def _frame(xml: bytes, tail: bytes) -> bytes:
    return b"VC2!" + struct.pack("<I", len(xml)) + xml + b"\0" + tail


def _decode(text: str) -> bytes:
    size, _, letters = text.partition(".")
    number = 0
    for place, letter in enumerate(letters):
        number |= _ALPHABET.index(letter) << (6 * place)
    return number.to_bytes(len(letters) * 6 // 8 + 1, "little")[: int(size)]


def _encode(content: bytes) -> str:
    number = int.from_bytes(content, "little")
    n_letters = (len(content) * 8 + 5) // 6
    letters = "".join(_ALPHABET[(number >> (6 * place)) & 63] for place in range(n_letters))
    return f"{len(content)}.{letters}"
