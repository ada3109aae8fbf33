"""Spans on the command line: `--span +1.2:2.5`."""

import argparse
import re

from bridge.protocol.values import WireSpan

_SPAN = re.compile(r"\s*([+\-−]?)\s*([0-9.]+)\s*:\s*([0-9.]+)\s*")


def parse_span(text: str) -> WireSpan:
    """`+1.2:2.5` as a span, for argparse."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write SIGN START:END, e.g. +1.2:2.5 or -4:6")
    sign, start, end = match.groups()
    try:
        return WireSpan(float(start), float(end), "+" if sign in ("", "+") else "-")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def join_spans(argv: list[str]) -> list[str]:
    """`--span -4:6` as `--span=-4:6`, which argparse would otherwise take for an option."""
    joined: list[str] = []
    values = iter(argv)
    for argument in values:
        value = next(values, None) if argument in ("--span", "-s") else None
        joined.append(argument if value is None else f"--span={value}")
    return joined
