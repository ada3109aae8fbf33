"""Fields of messages: what a value on the wire must be, said once beside the field it is for.

A message is a frozen dataclass whose fields come from the functions below. `from_wire` makes one
from an unpacked msgpack map, names the first bad field, and ignores fields it does not know;
`to_wire` gives the map back.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Message = TypeVar("Message")
Check = Callable[[str, object], Any]
"""(name of the field, value met) -> the value to keep. Raises FieldError."""

_NONE_GIVEN = object()
_SENT_ALWAYS = object()
_FIELDS_OF: dict[type[Any], tuple[tuple[str, Check, bool, object], ...]] = {}
"""Looked up once a class: encoding and decoding go through it for every message."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
COUNT_MAX = 2**53
"""Largest whole number on the wire: every language holds it exactly, JavaScript and Lua too."""

_NUMBER_MAX = 1e15


class FieldError(ValueError):
    """A field of a message is missing or holds what it may not."""


def from_wire(message: type[Message], value: object, name: str = "") -> Message:
    """A `message` from an unpacked map. Raises FieldError that names the bad field."""
    if not isinstance(value, Mapping):
        raise FieldError(f"{name or 'the body'}: a map was expected, not {_shown(value)}")
    known = {}
    for field_name, check, is_needed, _ in _fields_of(message):
        if field_name in value:
            path = f"{name}.{field_name}" if name else field_name
            known[field_name] = check(path, value[field_name])
        elif is_needed:
            raise FieldError(f"{name}.{field_name}: it is missing".lstrip("."))
    return message(**known)


def to_wire(value: object) -> Any:
    """`value` as msgpack can pack it: dataclasses as maps, tuples as lists.

    A field that a later minor added is left out where it has its default: such a message has the
    bytes that it always had.
    """
    if isinstance(value, str | bytes | int | float) or value is None:
        return value
    if isinstance(value, tuple):
        return [to_wire(each) for each in value]
    return {
        name: to_wire(content)
        for name, _, _, left_out in _fields_of(type(value))
        if (content := getattr(value, name)) != left_out
    }


def described(message: type[Any]) -> tuple[tuple[str, str, Any], ...]:
    """Name, kind in words, and default of each field; `PROTOCOL.md` says the same.

    The default of a field that must be there is `dataclasses.MISSING`.
    """
    return tuple(
        (field.name, field.metadata["kind"], field.default) for field in dataclasses.fields(message)
    )


def text(*, max_bytes: int = 1024, default: Any = _NONE_GIVEN) -> Any:
    """UTF-8 text without NUL, up to `max_bytes` long when encoded."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str):
            raise FieldError(f"{name}: text was expected, not {_shown(value)}")
        try:
            n_bytes = len(value.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise FieldError(f"{name}: it is not valid Unicode text") from error
        if n_bytes > max_bytes:
            raise FieldError(f"{name}: {n_bytes} bytes long, allowed are {max_bytes}")
        if "\0" in value:
            raise FieldError(f"{name}: it holds a NUL character")
        return value

    return _field(check, f"text to {max_bytes} bytes", default)


def identifier(*, default: Any = _NONE_GIVEN) -> Any:
    """An id: up to 64 ASCII letters, digits, `_`, `.` and `-`; where a default is given, or empty.

    Never a path: it starts with a letter or digit and has no separator.
    """

    def check(name: str, value: object) -> str:
        empty = value == "" and default == ""
        if not isinstance(value, str) or not (empty or _IDENTIFIER.fullmatch(value)):
            raise FieldError(f"{name}: an id was expected, not {_shown(value)}")
        return value

    return _field(check, "id or empty" if default == "" else "id", default)


def choice(*allowed: str, default: Any = _NONE_GIVEN) -> Any:
    """One of the words `allowed`."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise FieldError(f"{name}: {_shown(value)}; allowed are {', '.join(allowed)}")
        return value

    return _field(check, f"word: {_listed(allowed)}", default)


def flag(*, default: Any = _NONE_GIVEN) -> Any:
    """True or False."""

    def check(name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise FieldError(f"{name}: true or false was expected, not {_shown(value)}")
        return value

    return _field(check, "flag", default)


def count(
    *,
    at_least: int = 0,
    at_most: int = COUNT_MAX,
    or_none: bool = False,
    default: Any = _NONE_GIVEN,
) -> Any:
    """A whole number from `at_least` to `at_most`."""

    def check(name: str, value: object) -> int | None:
        if value is None and or_none:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise FieldError(f"{name}: a whole number was expected, not {_shown(value)}")
        if not at_least <= value <= at_most:
            raise FieldError(f"{name}: {value}; allowed is {at_least} to {at_most}")
        return value

    is_plain = (at_least, at_most) == (0, COUNT_MAX)
    kind = "count" if is_plain else f"whole number {at_least} to {at_most}"
    return _field(check, _or_null(kind, or_none), default)


def number(
    *,
    at_least: float = -_NUMBER_MAX,
    at_most: float = _NUMBER_MAX,
    or_none: bool = False,
    default: Any = _NONE_GIVEN,
) -> Any:
    """A finite number from `at_least` to `at_most`; a whole one is taken as well."""

    def check(name: str, value: object) -> float | None:
        if value is None and or_none:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise FieldError(f"{name}: a number was expected, not {_shown(value)}")
        if not math.isfinite(value) or not at_least <= value <= at_most:
            raise FieldError(f"{name}: {value}; allowed is {at_least:g} to {at_most:g}")
        return float(value)

    lower = "" if at_least == -_NUMBER_MAX else f" from {at_least:g}"
    upper = "" if at_most == _NUMBER_MAX else f" to {at_most:g}"
    return _field(check, _or_null(f"number{lower}{upper}", or_none), default)


def part(message: type[Any], *, or_none: bool = False, default: Any = _NONE_GIVEN) -> Any:
    """Another message inside this one."""

    def check(name: str, value: object) -> Any:
        return None if value is None and or_none else from_wire(message, value, name)

    return _field(check, _or_null(message.__name__, or_none), default)


def later(made: Any) -> Any:
    """A field that a later minor added: its default is not sent."""
    return dataclasses.field(default=made.default, metadata={**made.metadata, "is_later": True})


def later_part(message: type[Any]) -> Any:
    """Another message inside this one, which a later minor added: `None` is not sent."""
    return later(part(message, or_none=True, default=None))


def parts(message: type[Any], *, at_most: int = 256, default: Any = ()) -> Any:
    """Several other messages, kept as a tuple."""

    def check(name: str, value: object) -> tuple[Any, ...]:
        each = enumerate(_list(name, value, at_most))
        return tuple(from_wire(message, one, f"{name}[{index}]") for index, one in each)

    return _field(check, f"list of {message.__name__}, to {at_most}", default)


def words(*allowed: str, at_most: int = 64, default: Any = ()) -> Any:
    """Several short texts, kept as a tuple; only those `allowed` where some are named."""
    one = choice(*allowed) if allowed else text(max_bytes=256)
    check_one: Check = one.metadata["check"]

    def check(name: str, value: object) -> tuple[str, ...]:
        each = enumerate(_list(name, value, at_most))
        return tuple(check_one(f"{name}[{index}]", word) for index, word in each)

    return _field(check, f"list of {one.metadata['kind']}; to {at_most}", default)


def counts(*, at_least: int = 0, at_most: int = COUNT_MAX, most_entries: int, default: Any) -> Any:
    """Several whole numbers from `at_least` to `at_most`, kept as a tuple."""
    one = count(at_least=at_least, at_most=at_most)
    check_one: Check = one.metadata["check"]

    def check(name: str, value: object) -> tuple[int, ...]:
        each = enumerate(_list(name, value, most_entries))
        return tuple(check_one(f"{name}[{index}]", number) for index, number in each)

    return _field(check, f"list of {one.metadata['kind']}; to {most_entries}", default)


def _fields_of(message: type[Any]) -> tuple[tuple[str, Check, bool, object], ...]:
    """Name, check, whether it must be there and the value that is left out, for each field."""
    found = _FIELDS_OF.get(message)
    if found is None:
        found = _FIELDS_OF[message] = tuple(
            (
                field.name,
                field.metadata["check"],
                field.default is dataclasses.MISSING,
                field.default if "is_later" in field.metadata else _SENT_ALWAYS,
            )
            for field in dataclasses.fields(message)
        )
    return found


def _list(name: str, value: object, at_most: int) -> list[object]:
    if not isinstance(value, list | tuple):
        raise FieldError(f"{name}: a list was expected, not {_shown(value)}")
    if len(value) > at_most:
        raise FieldError(f"{name}: {len(value)} entries, allowed are {at_most}")
    return list(value)


def _field(check: Check, kind: str, default: Any) -> Any:
    metadata = {"check": check, "kind": kind}
    if default is _NONE_GIVEN:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def _or_null(kind: str, or_none: bool) -> str:
    return f"{kind} or null" if or_none else kind


def _listed(allowed: tuple[str, ...]) -> str:
    """Words for a document; of the empty one it says so."""
    return ", ".join(word or "empty" for word in allowed)


def _shown(value: object) -> str:
    """`value` short enough for an error message, whatever a peer sent."""
    if isinstance(value, str | bytes):
        start = repr(value[:40])
        return f"{start} ..." if len(value) > 40 else start
    if isinstance(value, bool | int | float) or value is None:
        return repr(value)[:60]
    return f"a {type(value).__name__}"
