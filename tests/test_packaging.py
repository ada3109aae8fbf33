"""What a user gets from the wheel, and that our three common names have one owner."""

import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

PACKAGES = ("bridge", "engine", "gui")


@pytest.fixture(scope="session")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_our_packages_and_nothing_else(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    others = {top for top in tops if not top.startswith("stemlasso-")}
    assert others == set(PACKAGES)


def test_the_wheel_holds_every_file_of_the_packages(names: list[str], checkout: Path) -> None:
    expected = {
        file.relative_to(checkout).as_posix()
        for package in PACKAGES
        for file in (checkout / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert len(expected) > 20
    assert expected <= set(names)


def test_packages_are_marked_as_typed(names: list[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_installer_and_example_come_along(names: list[str]) -> None:
    data = next(name for name in names if "/share/stemlasso/installer/" in name)
    folder = data.partition("/share/")[0] + "/share/stemlasso/installer/"
    expected = ("doctor.py", "setup.py", "constraints.txt", "example/PROVENANCE.md")
    assert {folder + name for name in expected} <= set(names)


def test_the_scripts_for_hosts_come_along(names: list[str], checkout: Path) -> None:
    folder = checkout / "plugin_shim" / "daw"
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    expected = {path.relative_to(folder).as_posix() for path in files}
    there = {name.partition("/share/stemlasso/daw/")[2] for name in names}
    assert "manifest.md" in expected
    assert expected <= there


def test_no_tests_and_no_compiled_files_are_in_the_wheel(names: list[str]) -> None:
    assert not [name for name in names if "test" in name.lower() or name.endswith(".pyc")]


def test_wheel_metadata_agrees_with_the_project(wheel: Path, checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    archive = zipfile.ZipFile(wheel)
    (file,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = HeaderParser().parsestr(archive.read(file).decode())
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    licence = file.removesuffix("METADATA") + "licenses/LICENSE"
    assert "GNU GENERAL PUBLIC LICENSE" in archive.read(licence).decode()


def test_the_bare_install_asks_for_nothing_heavy(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    bare = " ".join(project["dependencies"]).lower()
    assert bare
    assert not [name for name in ("torch", "qt", "matplotlib", "huggingface") if name in bare]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_name_has_no_other_owner_here(package: str) -> None:
    owners = importlib.metadata.packages_distributions().get(package, [])
    assert set(owners) <= {"stemlasso"}


def test_the_unpacked_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import engine; print(engine.__file__)"
    )
    said = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    assert Path(said.stdout.strip()) == tmp_path / "engine" / "__init__.py"
