"""Benchmarks say how they are run, and on what: a figure without its hardware is no figure."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent / "benchmarks"
BENCHMARKS = sorted(FOLDER.glob("bench_*.py"))
NAMES_OF_HARDWARE = {"hardware", "cpu_name"}


def test_there_are_benchmarks() -> None:
    assert len(BENCHMARKS) > 10


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_says_its_command_and_its_hardware(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    told = ast.get_docstring(tree) or ""
    assert f"python tests/benchmarks/{path.name}" in told
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & NAMES_OF_HARDWARE
