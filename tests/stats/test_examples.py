"""The examples of the docstrings give the numbers that they print."""

import doctest
import importlib
from pathlib import Path

import pytest

STATS = Path(__file__).resolve().parents[2] / "stats"
MODULES = sorted(file.stem for file in STATS.glob("*.py") if ">>>" in file.read_text("utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    """Authority: the number printed under each example."""
    module = importlib.import_module(f"xenoquant.stats.{name}")
    assert doctest.testmod(module).failed == 0
