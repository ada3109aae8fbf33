"""The pinned versions: complete, exact, and good for every platform."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def pins(checkout: Path) -> dict[str, str]:
    text = (checkout / "installer" / "constraints.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = dict(line.split("==") for line in lines)
    assert list(found) == sorted(found)
    return found


def test_every_requirement_of_every_extra_is_pinned_within_its_range(
    checkout: Path, pins: dict[str, str]
) -> None:
    stated = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))
    project = stated["project"]
    texts = [*project["dependencies"], *stated["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        texts += extra
    wanted = [Requirement(text) for text in texts]
    assert wanted
    for requirement in wanted:
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_versions_are_exact_and_of_no_one_platform(pins: dict[str, str]) -> None:
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins.values())
    assert not [name for name in pins if name.startswith(("nvidia", "cuda", "triton"))]


def test_what_windows_needs_is_pinned_too(pins: dict[str, str]) -> None:
    assert "colorama" in pins
