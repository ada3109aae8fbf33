"""The doctor, run as a user runs it: in a process of its own."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import doctor
import pytest

NAMES = ("engine", "bridge", "gui")


def is_installed() -> bool:
    return any(importlib.metadata.distributions(name="stemlasso"))


def examine(checkout: Path, *options: str, path: Path | None = None) -> tuple[int, dict[str, Any]]:
    """Exit status and report of the doctor, with `path` in front of what Python searches."""
    script = str(checkout / "installer" / "doctor.py")
    done = subprocess.run(
        [sys.executable, *options, script, "--json"],
        env={**os.environ, "PYTHONPATH": str(path or "")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, {check["name"]: check for check in report["checks"]} | {
        "healthy": report["healthy"]
    }


def test_report_of_this_environment(checkout: Path) -> None:
    status, report = examine(checkout)
    assert report["healthy"] is (status == 0) is is_installed()
    assert report["StemLasso"]["status"] == ("ok" if is_installed() else "problem")
    assert report["packages"]["status"] == "ok"
    assert report["separator builtin"]["status"] == "ok"
    assert "FLAC" in report["libsndfile"]["found"]
    assert {"Python", "models", "disk", "devices", "PyAV"} <= set(report)


def test_the_standard_library_is_enough(checkout: Path) -> None:
    status, report = examine(checkout, "-S")
    assert status == 1
    assert report["StemLasso"]["remedy"].startswith("python3 installer/setup.py install")
    assert report["packages"]["status"] == "problem"
    assert "numpy" in report["packages"]["found"]
    assert report["extra model"]["status"] == "missing"
    assert report["extra model"]["remedy"] == "python3 installer/setup.py install --with model"


@pytest.mark.parametrize("name", NAMES)
def test_a_second_owner_of_a_name_is_found(checkout: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    plant_distribution(tmp_path, "decoy", f"{name}/__init__.py")
    status, report = examine(checkout, path=tmp_path)
    assert status == 1
    assert report[f"name {name}"]["status"] == "problem"
    assert "decoy" in report[f"name {name}"]["found"]
    assert "uninstall decoy" in report[f"name {name}"]["remedy"]


def test_a_folder_that_hides_ours_is_found(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").touch()
    status, report = examine(checkout, path=tmp_path)
    assert status == 1
    assert report["name engine"]["found"] == f"hidden by {tmp_path / 'engine'}"


def test_an_old_package_is_a_problem(checkout: Path, tmp_path: Path) -> None:
    plant_distribution(tmp_path, "soxr", "soxr_of_old.py", version="0.3.7")
    status, report = examine(checkout, path=tmp_path)
    assert status == 1
    assert report["packages"]["found"].startswith("too old: soxr 0.3.7 (needs ")


def test_lines_for_people_name_the_remedy() -> None:
    check = doctor.Check("PyAV", "missing", "not there", "install it")
    assert doctor.line(check).splitlines() == [
        "--  PyAV               not there",
        "                       -> install it",
    ]


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("2.13.0+cpu", "2.6", False),
        ("2.5.9", "2.6", True),
        ("2.6.0", "2.6", False),
        ("10.0", "9", False),
        (None, "1", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str | None, least: str, older: bool) -> None:
    assert doctor._is_older(version, least) is older


def plant_distribution(folder: Path, name: str, file: str, version: str = "1.0") -> None:
    """What pip leaves of an installed package, as far as metadata is concerned."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "RECORD").write_text(f"{file},,\n{info.name}/METADATA,,\n", encoding="utf-8")
