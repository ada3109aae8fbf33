"""Who may load what, seen in fresh interpreters: what a module really pulls in when imported."""

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "tokenizers", "safetensors", "huggingface_hub", "matplotlib", "av")
QT = ("PyQt6", "pyqtgraph")
WORKER = "bridge.engine_host"
"""The one module that may import the engine: a process of its own, started by name."""

IMPORT_EACH = """
import importlib, sys
names, forbidden = sys.argv[1].split(), sys.argv[2].split()
for name in names:
    importlib.import_module(name)
    found = [each for each in forbidden if each in sys.modules]
    if found:
        sys.exit(f"{name} loads {', '.join(found)}")
"""


def modules_of(package: str) -> list[str]:
    """The package and every module below it, without importing one."""
    folder = CHECKOUT / Path(*package.split("."))
    if not folder.is_dir():
        return [package]
    found = [package]
    for module in pkgutil.iter_modules([str(folder)], f"{package}."):
        found += modules_of(module.name) if module.ispkg else [module.name]
    return found


def modules_without_torch() -> list[str]:
    """What the import contract of pyproject.toml keeps free of torch, and the commands."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["name"].startswith("the builtin separator"))
    packages = ["engine", *contract["source_modules"]]
    return [name for package in packages for name in modules_below(package)]


def modules_below(package: str) -> list[str]:
    """`engine` alone for the top package, otherwise the whole of it."""
    return [package] if package == "engine" else modules_of(package)


def modules_of_estimates() -> list[str]:
    """What says beforehand what a run costs and which model fits."""
    measuring = ("calibrate", "measure", "speed", "stand_in")
    cost = [name for name in modules_of("engine.cost") if not name.endswith(measuring)]
    steps = ("budget", "choice", "config", "costing", "installed", "place", "plan", "quality")
    return [*cost, "engine.samplers", *(f"engine.sam_audio.{step}" for step in steps)]


def modules_of_bridge() -> list[str]:
    """All but the worker process."""
    return [name for name in modules_of("bridge") if name != WORKER]


CASES = {
    "builtin": (modules_without_torch(), (*HEAVY, *QT, "bridge", "gui")),
    "estimates": (modules_of_estimates(), (*HEAVY, *QT, "bridge", "gui")),
    "engine": (modules_of("engine"), (*QT, "bridge", "gui")),
    "bridge": (modules_of_bridge(), (*HEAVY, *QT, "engine", "gui")),
    "gui": (modules_of("gui"), (*HEAVY, "engine")),
}


@pytest.mark.parametrize("case", CASES)
def test_modules_load_only_what_they_may(case: str) -> None:
    names, forbidden = CASES[case]
    assert names
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, " ".join(names), " ".join(forbidden)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_violation_would_be_seen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, "json wave", "wave"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "wave loads wave"


def test_module_lists_reach_into_packages() -> None:
    assert {"engine.builtin", "engine.data"} <= set(modules_without_torch())
    assert "engine.checkpoints.load" in modules_of("engine")
