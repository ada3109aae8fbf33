"""What lines REAPER writes into its project files: names, kinds of values, order, nesting.

    python tests/test_bridge/rpp_facts.py FOLDER > tests/data/reaper/lines.json

FOLDER holds projects that REAPER saved, and `sources.json`: a list of `file`, `repository`, `path`,
`commit` and `read` (how much of it lies there), one for each. Only facts go into the table, no text
of the projects: a line `VOLPAN 0.7 0 -1 -1 1` becomes `VOLPAN` with the kinds `nnnnn`.

    n  a number          g  a GUID in braces          t  text, quoted or a bare word
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

VALUE = re.compile(r'"[^"]*"|\'[^\']*\'|`[^`]*`|\S+')
GUID = re.compile(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}")
TOLD_BY_KIND = "SOURCE"
"""The element that holds other lines for each kind of it; it is called `SOURCE WAVE` here."""
WITH_VALUES = ("ISBUS",)
"""Lines whose few values say what is meant; the table has these too."""


@dataclass
class Element:
    """`<TAG values`, lines and elements, `>`. Takes of an item after its first are elements too.

    lines: (name, kinds) in order; an element in it stands as `<NAME`, with no kinds.
    values: of each line in `lines`.
    """

    name: str
    within: str
    opened_by: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    values: list[list[str]] = field(default_factory=list)

    def add(self, name: str, values: list[str]) -> None:
        self.lines.append((name, "".join(map(kind_of, values))))
        self.values.append(values)


def kind_of(value: str) -> str:
    """n, g or t."""
    if GUID.fullmatch(value):
        return "g"
    try:
        float(value)
    except ValueError:
        return "t"
    return "n"


def elements(text: str) -> Iterator[Element]:
    """All elements of a project, outermost first. Raises ValueError where they do not close."""
    open_ones: list[Element] = []
    made: list[Element] = []

    def open_one(name: str, values: list[str]) -> None:
        within = open_ones[-1].name if open_ones else ""
        if open_ones:
            open_ones[-1].add(f"<{name}", [])
        if name == TOLD_BY_KIND:
            name = f"{name} {values[0]}"
        open_ones.append(Element(name, within, "".join(map(kind_of, values))))
        made.append(open_ones[-1])

    for line in text.splitlines():
        name, *values = VALUE.findall(line) or [""]
        if name == ">":
            if open_ones[-1].name == "TAKE":
                open_ones.pop()
            open_ones.pop()
        elif name.startswith("<"):
            open_one(name[1:], values)
        elif name == "TAKE" and "ITEM" in (each.name for each in open_ones[-2:]):
            if open_ones[-1].name == "TAKE":
                open_ones.pop()
            open_one(name, values)
        elif name and open_ones:
            open_ones[-1].add(name, values)
    if open_ones:
        raise ValueError(f"<{open_ones[-1].name} is not closed")
    yield from made


def version_of(text: str) -> str:
    """The version of REAPER that a project names in its first line, without the system."""
    return VALUE.findall(text.splitlines()[0])[2].strip('"').partition("/")[0]


def merged_order(sequences: Iterable[list[str]]) -> list[str]:
    """One order that all of them keep to. Raises ValueError where they contradict each other."""
    before: dict[str, set[str]] = {}
    for sequence in sequences:
        for name in sequence:
            before.setdefault(name, set())
        for first, then in pairwise(sequence):
            before[then].add(first)
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ValueError(f"these lines have no one order: {error.args[1]}") from error


def facts_of(projects: dict[str, str], wanted: tuple[str, ...]) -> dict[str, Any]:
    """Of each wanted element, by the versions that show it. projects: their text by version."""
    found: dict[str, Any] = {}
    sequences: dict[str, list[list[str]]] = {}
    for version, text in projects.items():
        for element in elements(text):
            if element.name.split()[0] not in wanted:
                continue
            facts = found.setdefault(element.name, {"within": {}, "opened_by": {}, "lines": {}})
            _note_element(facts, element, version)
            names = list(dict.fromkeys(name for name, _ in element.lines))
            sequences.setdefault(element.name, []).append(names)
    for name, facts in found.items():
        facts["order"] = merged_order(sequences[name])
    return found


def _note_element(facts: dict[str, Any], element: Element, version: str) -> None:
    _note(facts["within"], element.within, version)
    _note(facts["opened_by"], element.opened_by, version)
    for (name, kinds), values in zip(element.lines, element.values, strict=True):
        _note(facts["lines"].setdefault(name, {}), kinds, version)
        if name in WITH_VALUES:
            seen = facts.setdefault("values", {}).setdefault(name, {})
            _note(seen, " ".join(values), version)


def _note(table: dict[str, list[str]], key: str, version: str) -> None:
    versions = table.setdefault(key, [])
    if version not in versions:
        versions.append(version)


def _text(sources: list[dict[str, str]], facts: dict[str, Any]) -> str:
    """JSON with a line for each thing that can change."""
    lines = ["{", '"sources": [']
    lines.append(",\n".join(json.dumps(source) for source in sources))
    lines.append('],\n"elements": {')
    parts = []
    for name, fact in facts.items():
        rows = ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in fact["lines"].items()
        )
        rest = {key: value for key, value in fact.items() if key != "lines"}
        parts.append(f'{json.dumps(name)}: {json.dumps(rest)[:-1]}, "lines": {{\n{rows}}}}}')
    lines.append(",\n".join(parts))
    return "\n".join([*lines, "}", "}"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Facts of REAPER projects as JSON.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    sources = json.loads((folder / "sources.json").read_text("utf-8"))
    projects = {}
    for source in sources:
        text = (folder / source.pop("file")).read_text("utf-8")
        source["version"] = version_of(text)
        projects[source["version"]] = text
    wanted = ("REAPER_PROJECT", "TRACK", "ITEM", "TAKE", TOLD_BY_KIND)
    sys.stdout.write(_text(sources, facts_of(projects, wanted)))


if __name__ == "__main__":
    main()
