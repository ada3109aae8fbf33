"""Every `__all__` is sorted, importable and documented."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def modules_with_all() -> dict[str, list[str]]:
    """Module name -> its `__all__`, read from the sources."""
    found: dict[str, list[str]] = {}
    for package in ("engine", "bridge", "gui"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            parts = path.relative_to(CHECKOUT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    found[name] = ast.literal_eval(node.value)
    return found


MODULES = modules_with_all()


def test_the_engine_has_a_public_api() -> None:
    assert {"Prompt", "Span", "separate"} <= set(MODULES["engine"])


@pytest.mark.parametrize("module", MODULES)
def test_all_is_sorted_and_without_repetition(module: str) -> None:
    assert MODULES[module] == sorted(set(MODULES[module]))


@pytest.mark.parametrize("module", MODULES)
def test_all_is_importable_and_documented(module: str) -> None:
    imported = importlib.import_module(module)
    undocumented = [
        name
        for name in MODULES[module]
        if inspect.isclass(thing := getattr(imported, name)) or inspect.isfunction(thing)
        if not inspect.getdoc(thing)
    ]
    assert not undocumented


@pytest.mark.parametrize("module", [name for name in MODULES if "." not in name])
def test_everything_public_of_a_package_is_in_its_all(module: str) -> None:
    imported = importlib.import_module(module)
    public = {
        name
        for name, thing in vars(imported).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert public <= set(MODULES[module])
