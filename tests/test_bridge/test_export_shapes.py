"""Project files of finished jobs, held against facts of real ones and of the published schema.

tests/data/reaper/lines.json tells what lines REAPER wrote into projects of eight versions;
`rpp_facts.py` makes it of a folder of them. tests/data/dawproject/schema.json tells what the
format's schema allows.
"""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .export_scene import dawproject, exported_rpp, make_session
from .rpp_facts import Element, elements, facts_of, merged_order, version_of

DATA = Path(__file__).resolve().parents[1] / "data"
LINES = json.loads((DATA / "reaper" / "lines.json").read_text("utf-8"))
SCHEMA = json.loads((DATA / "dawproject" / "schema.json").read_text("utf-8"))

WRITTEN_AS = "6.0"
"""The version whose lines we write; what its project does not show is taken from another one."""

WITHOUT_FACTS = {
    "SOURCE FLAC": "a source kind of the Ultraschall API's documented state chunks",
    "SOURCE MP3": "reaper_mp3dec of the SDK registers it; written by public project writers",
    "SOURCE VORBIS": "written by public converters whose projects people open",
    "SOURCE OPUS": "in a public script's list of source kinds",
    "SOURCE VIDEO": "in a public script's list of source kinds",
}
"""What we write for some files and none of the projects shows; all hold a FILE as WAVE does."""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return make_session(tmp_path)


def written(session: Path, target: Path, *options: str) -> list[Element]:
    exported_rpp(session, target, *options)
    return list(elements(target.read_text("utf-8")))


def rename_original(session: Path, suffix: str) -> None:
    """Gives it another suffix, so that its source is of another kind."""
    content = json.loads(session.read_text("utf-8"))
    path = Path(content["parent"]["file"])
    content["parent"]["file"] = str(path.rename(path.with_suffix(suffix)))
    session.write_text(json.dumps(content), "utf-8")


def test_the_facts_are_of_many_versions() -> None:
    versions = [source["version"] for source in LINES["sources"]]
    assert len(versions) == len(set(versions)) >= 8
    assert {version.partition(".")[0] for version in versions} == {"5", "6", "7"}
    assert all(source["repository"] and source["path"] for source in LINES["sources"])
    assert WRITTEN_AS in versions


def test_every_line_is_one_that_reaper_writes_there(session: Path, tmp_path: Path) -> None:
    seen = set()
    for element in written(session, tmp_path / "x.rpp"):
        facts = LINES["elements"][element.name]
        seen.add(element.name)
        assert element.within in facts["within"], element.name
        assert element.opened_by in facts["opened_by"], element.name
        for name, kinds in element.lines:
            assert name in facts["lines"], (element.name, name)
            assert kinds in facts["lines"][name], (element.name, name, kinds)
    assert seen == {"REAPER_PROJECT", "TRACK", "ITEM", "TAKE", "SOURCE WAVE"}


def test_every_line_has_the_values_of_the_version_it_names(session: Path, tmp_path: Path) -> None:
    written_elements = written(session, tmp_path / "x.rpp")
    assert version_of((tmp_path / "x.rpp").read_text("utf-8")) == WRITTEN_AS
    n_compared = 0
    for element in written_elements:
        facts = LINES["elements"][element.name]
        for name, kinds in [("", element.opened_by), *element.lines]:
            known = facts["lines"][name] if name else facts["opened_by"]
            if any(WRITTEN_AS in versions for versions in known.values()):
                n_compared += 1
                if name != "SOFFS":  # that project has MIDI, which has two offsets
                    assert WRITTEN_AS in known[kinds], (element.name, name, kinds)
    assert n_compared > 100


def test_lines_stand_in_the_order_that_reaper_gives_them(session: Path, tmp_path: Path) -> None:
    for element in written(session, tmp_path / "x.rpp"):
        order = LINES["elements"][element.name]["order"]
        places = [order.index(name) for name in dict.fromkeys(name for name, _ in element.lines)]
        assert places == sorted(places), element.name


@pytest.mark.parametrize("options", [(), ("--without-original",)])
def test_folders_are_closed_as_reaper_closes_them(
    session: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    known, depth = LINES["elements"]["TRACK"]["values"]["ISBUS"], 0
    for element in written(session, tmp_path / "x.rpp", *options):
        for (name, _), values in zip(element.lines, element.values, strict=True):
            if name == "ISBUS":
                assert " ".join(values) in known
                depth += int(values[1])
                assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        *((".flac", "FLAC"), (".mp3", "MP3"), (".ogg", "VORBIS"), (".opus", "OPUS")),
        *((".aiff", "WAVE"), (".wav", "WAVE"), (".mp4", "VIDEO"), (".M4A", "VIDEO")),
    ],
)
def test_a_source_has_the_kind_of_its_file(
    session: Path, tmp_path: Path, suffix: str, kind: str
) -> None:
    rename_original(session, suffix)
    names = [each.name for each in written(session, tmp_path / "x.rpp")]
    first = next(name for name in names if name.startswith("SOURCE"))
    assert first == f"SOURCE {kind}"
    assert first in LINES["elements"] or first in WITHOUT_FACTS
    assert not set(WITHOUT_FACTS) & set(LINES["elements"]), "there are facts of it now"


def test_a_parser_of_reapers_own_kind_gives_every_byte_back(session: Path, tmp_path: Path) -> None:
    rppxml = pytest.importorskip("rppxml", reason="rppxml has no wheel for this system")
    target = tmp_path / "x.rpp"
    exported_rpp(session, target, "--tempo", "97.5")
    text = target.read_text("utf-8")
    assert rppxml.dumps(rppxml.loads(text)) == text


def test_facts_are_read_off_a_project() -> None:
    text = (
        '<REAPER_PROJECT 0.1 "6.9/x64" 0\n  NAME `a "b" c\'`\n  <ITEM\n    NAME a.wav\n'
        "    GUID {295E7AE3-8BC1-724A-933D-ECAA4486F8BF}\n    TAKE\n    NAME 5.50\n"
        '    <SOURCE WAVE\n      FILE "a"\n    >\n    TAKE SEL\n    NAME ""\n  >\n  LOOP 1\n>\n'
    )
    facts = facts_of({version_of(text): text}, ("REAPER_PROJECT", "ITEM", "TAKE", "SOURCE"))
    assert facts["REAPER_PROJECT"]["order"] == ["NAME", "<ITEM", "LOOP"]
    assert facts["ITEM"]["lines"] == {
        "NAME": {"t": ["6.9"]},
        "GUID": {"g": ["6.9"]},
        "<TAKE": {"": ["6.9"]},
    }
    assert facts["TAKE"]["lines"]["NAME"] == {"n": ["6.9"], "t": ["6.9"]}
    assert facts["TAKE"]["opened_by"] == {"": ["6.9"], "t": ["6.9"]}
    assert facts["SOURCE WAVE"]["within"] == {"TAKE": ["6.9"]}
    with pytest.raises(ValueError, match="not closed"):
        list(elements("<TRACK\n"))
    with pytest.raises(ValueError, match="no one order"):
        merged_order([["A", "B"], ["B", "A"]])


def attributes_of(table: dict[str, str]) -> dict[str, str]:
    """With those of the groups it takes over."""
    own = {name: kind for name, kind in table.items() if name != "+"}
    return {**(attributes_of(SCHEMA["groups"][table["+"]]) if "+" in table else {}), **own}


def is_of(kind: str, value: str) -> bool:
    patterns = {
        "string": ".*",
        "boolean": "true|false|0|1",
        "int": r"[+-]?\d+",
        "double": r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|INF|-INF|NaN",
        "ID": r"[A-Za-z_][\w.-]*",
        "IDREF": r"[A-Za-z_][\w.-]*",
    }
    if kind.startswith("list of "):
        return all(is_of(kind.removeprefix("list of "), each) for each in value.split())
    if kind in SCHEMA["types"]:
        return value in SCHEMA["types"][kind]
    return re.fullmatch(patterns[kind], value, re.DOTALL) is not None


def faults(element: Any) -> list[str]:
    """What of an element and all in it the schema does not allow."""
    known = SCHEMA["elements"].get(element.tag)
    if known is None:
        return [f"no element {element.tag}"]
    found = []
    wanted = attributes_of(known["attributes"])
    for name, value in element.attrib.items():
        if name not in wanted:
            found.append(f"{element.tag}: no attribute {name}")
        elif not is_of(wanted[name].rstrip("!"), value):
            found.append(f"{element.tag}: {name}={value} is no {wanted[name]}")
    required = {name for name, kind in wanted.items() if kind.endswith("!")}
    found += [f"{element.tag}: {name} is missing" for name in required - set(element.attrib)]
    model = re.sub(r"(\w+)", r"(?:\1 )", known["children"]).replace(") ", ")")
    model = re.sub(r"\s+(?=\(|$)", "", re.sub(r"([?*])\s+", r"\1", model))
    children = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(model, children):
        found.append(f"{element.tag}: {children.split()} do not fit {known['children']!r}")
    return [*found, *(fault for child in element for fault in faults(child))]


def test_a_dawproject_keeps_to_its_schema(session: Path, tmp_path: Path) -> None:
    root, archive = dawproject(session, tmp_path / "stems.dawproject")
    with archive:
        metadata = ElementTree.fromstring(archive.read("metadata.xml"))
    assert faults(root) == []
    assert faults(metadata) == []
    n_kinds = len({element.tag for tree in (root, metadata) for element in tree.iter()})
    assert n_kinds == len(SCHEMA["elements"])


def test_the_check_of_the_schema_finds_what_is_wrong(session: Path, tmp_path: Path) -> None:
    root, archive = dawproject(session, tmp_path / "stems.dawproject")
    archive.close()
    clip = next(root.iter("Clip"))
    clip.set("time", "soon")
    clip.set("playend", "1")
    audio = next(root.iter("Audio"))
    del audio.attrib["channels"]
    audio.set("timeUnit", "bars")
    channel = next(root.iter("Channel"))
    channel.append(channel[0])  # a second Mute, after Volume
    next(root.iter("Track")).set("contentType", "audio noise")
    next(root.iter("Structure")).append(ElementTree.Element("Folder"))
    found = faults(root)
    for part in (
        "Clip: time=soon",
        "no attribute playend",
        "Audio: channels is missing",
        "timeUnit=bars",
        "'Volume', 'Mute'] do not fit",
        "contentType=audio noise",
        "no element Folder",
    ):
        assert any(part in fault for fault in found), part
