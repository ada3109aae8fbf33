"""What Live asks of a Remote Script, and that our stand-in for Live is no wider than Live."""

import ast
import importlib.metadata
import tomllib

from . import fake_live
from .live_host import SCRIPT
from .reaper_host import DAW

# what newer Pythons have and Live 11's 3.7 lacks, among what such a script may reach for
NEWER = {"removeprefix", "removesuffix", "pairwise", "batched", "is_relative_to", "cache", "union"}


def test_the_script_needs_nothing_that_live_lacks() -> None:
    allowed = {"json", "os", "struct", "subprocess", "sys", "time", "Live"}
    types = {"__future__", "typing", "collections.abc"}
    files = sorted(SCRIPT.glob("*.py"))
    assert len(files) >= 6
    for file in files:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 7))  # Live 11
        assert "from __future__ import annotations" in file.read_text("utf-8"), file
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= allowed, file
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module in types, file
            elif isinstance(node, ast.Attribute):
                assert node.attr not in NEWER, file


def test_the_types_of_the_script_are_checked_by_live_s_stubs() -> None:
    project = tomllib.loads((DAW.parents[1] / "pyproject.toml").read_text("utf-8"))
    checks = project["tool"]["mypy"]
    assert SCRIPT.name in checks["packages"]
    assert checks["mypy_path"].endswith("/" + SCRIPT.parent.relative_to(DAW.parents[1]).as_posix())
    assert checks["strict"] is True


def test_the_fake_has_only_names_that_live_has() -> None:
    stubs = importlib.metadata.files("ableton-live-stubs")
    assert stubs is not None
    texts = {path.stem: path.read_text("utf-8") for path in stubs if path.suffix == ".pyi"}
    for kind, name in (
        (fake_live.Clip, "Clip"),
        (fake_live.NewTrack, "Track"),
        (fake_live.NewClipSlot, "ClipSlot"),
        (fake_live.Song, "Song"),
    ):
        (found,) = (
            node
            for node in ast.parse(texts[name]).body
            if isinstance(node, ast.ClassDef) and node.name == name
        )
        real = {node.name for node in found.body if isinstance(node, ast.FunctionDef)}
        own = {each for each in dir(kind) if not each.startswith("_")}
        own -= {"fields", "read_only"}
        assert own | {*kind.fields, *kind.read_only} <= real, kind
