"""States for the plug-in as a saved project gives them: clips with prompts and stems."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import soundfile


@dataclass(frozen=True)
class SavedStem:
    """A stem of a clip. role: target, residual or candidate; index: of a candidate, from 0."""

    path: Path
    role: str = "target"
    index: int = 0


@dataclass(frozen=True)
class SavedClip:
    """A clip with what was asked of it. spans: start and end in seconds, and whether it is there.

    attributes: more of the clip's own, as ClipState.cpp names them; places: of its children.
    """

    path: Path
    name: str = "Nocturne"
    description: str = ""
    spans: tuple[tuple[float, float, bool], ...] = ()
    stems: tuple[SavedStem, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    children: dict[str, dict[str, str]] = field(default_factory=dict)

    def element(self, clip_id: str) -> ElementTree.Element:
        """As the plug-in writes it."""
        whole = ElementTree.Element(
            "Clip",
            {"id": clip_id, "kind": "file", "path": str(self.path), "name": self.name}
            | _format(self.path)
            | self.attributes,
        )
        prompt = ElementTree.SubElement(whole, "Prompt", description=self.description)
        for start_s, end_s, is_here in self.spans:
            words = {"start": str(start_s), "end": str(end_s), "here": str(int(is_here))}
            ElementTree.SubElement(prompt, "Span", words)
        for stem in self.stems:
            words = {"role": stem.role, "index": str(stem.index), "name": stem.path.name}
            ElementTree.SubElement(
                whole, "Stem", words | {"path": str(stem.path)} | _format(stem.path)
            )
        for name, words in self.children.items():
            ElementTree.SubElement(whole, name, words)
        return whole


def _format(path: Path) -> dict[str, str]:
    """How it says the length of a file; nothing for one that is gone or no audio."""
    try:
        about = soundfile.info(path)
    except soundfile.LibsndfileError:
        return {}
    return {
        "sampleRate": str(about.samplerate),
        "samples": str(about.frames),
        "channels": str(about.channels),
    }


def state_file(path: Path, *clips: SavedClip, selected: int = 0) -> Path:
    """Written to `path`: a state with these clips."""
    root = ElementTree.Element("StemLasso", version="1", capture="0")
    work = ElementTree.SubElement(root, "Workspace", selected=f"clip-{selected}")
    for index, clip in enumerate(clips):
        work.append(clip.element(f"clip-{index}"))
    path.write_bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True))
    return path
