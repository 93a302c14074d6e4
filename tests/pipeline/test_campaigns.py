"""A few rounds of the campaigns that docs/reliability.md reports in full."""

import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

FORMATS = ("jpg", "png", "bmp", "webp", "tif", "ome.tif", "svs", "lif")
TABLES = ("csv", "xlsx", "parquet", "toml")


@pytest.fixture
def imported(repository: Path, monkeypatch: pytest.MonkeyPatch):
    """Import a benchmark by its name."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def test_damaged_files_of_every_format_are_measured_or_refused(imported, tmp_path):
    """Authority: none is a traceback, a dead worker or a hang, whatever the bytes are."""
    fuzz = imported("fuzz")
    counts, wrong = fuzz.campaign(
        tmp_path, each=3, seed=2, time_limit_s=120, memory_bytes=4_000_000_000
    )
    assert wrong == []
    assert set(counts) == {*FORMATS, *TABLES}
    total = sum(counts.values(), Counter())
    assert total[fuzz.MEASURED] + total[fuzz.REFUSED] == 3 * len(counts)


def test_a_run_killed_at_random_ends_as_an_undisturbed_one(imported, tmp_path):
    """Authority: the tables of the same study run without a kill, byte for byte."""
    chaos, small = imported("chaos"), imported("small_study")
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    for study in (calm, rough):
        small.write_small_study(study, 12)
    assert chaos.start(calm, 1).wait() == 0
    counts = chaos.disturb(rough, kills=3, jobs=2, seconds=4, seed=4)
    assert sum(counts.values()) == 3
    assert small.table_bytes(calm) == small.table_bytes(rough)
    assert small.stored(rough) == 12
