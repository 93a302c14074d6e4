"""`compare` on tables as people have them: forms, the guard, summaries, figures."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from typer.testing import CliRunner

from xenoquant.pipeline.cli import app
from xenoquant.stats.compare import compare_groups
from xenoquant.stats.comparison import COMPARISON_COLUMNS
from xenoquant.stats.summaries import SUMMARY_COLUMNS

VALUES = {"low": [12.1, 9.8, 11.4, 10.6, 13.0], "high": [8.7, 10.1, 9.4, 7.9, 8.8]}


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in ("compare", *words)])


def _table(shift: float = 0.0, scale: float = 1.0) -> pd.DataFrame:
    rows = [
        (f"{name}{i}", name, shift * (name == "low") + scale * value)
        for name, own in VALUES.items()
        for i, value in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["animal", "diet", "volume"])


def _written(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def test_alpha_is_the_level_of_every_interval(tmp_path):
    """scipy's t interval at 99 %, of the groups' means as of the differences."""
    path = _written(_table(), tmp_path / "t.csv")
    done = call(path, "--value", "volume", "--group", "diet", "--alpha", 0.01, "--format", "json")
    for row in json.loads(done.stdout)["groups"]:
        own = VALUES[row["group"]]
        known = stats.t.interval(0.99, 4, np.mean(own), stats.sem(own))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(known)


def test_json_keeps_every_digit(tmp_path):
    """The library on the same table: a p of 1e-40 and differences of 1e-13, digit for digit."""
    table = _table(shift=1.0, scale=1e-13)
    path = _written(table, tmp_path / "t.csv")
    result = call(path, "--value", "volume", "--group", "diet", "--format", "json")
    found = json.loads(result.stdout)
    assert list(found) == ["groups", "comparisons"]
    assert list(found["groups"][0]) == ["assay", "feature", *SUMMARY_COLUMNS]
    assert list(found["comparisons"][0]) == ["assay", "feature", *COMPARISON_COLUMNS]
    expected = compare_groups(table, value="volume", group="diet", unit=None)
    for column in ("statistic", "p", "effect", "ci_low", "ci_high"):
        assert [row[column] for row in found["comparisons"]] == expected[column].tolist()
    assert 0 < found["comparisons"][0]["p"] < 1e-40


def test_rows_of_an_animal_are_refused_though_no_unit_is_named(tmp_path):
    """Three rows of each animal: the guard works by the column's name, and can be overruled."""
    cells = pd.concat([_table()] * 3, ignore_index=True)
    path = _written(cells, tmp_path / "cells.csv")
    words = (path, "--value", "volume", "--group", "diet")
    refused = call(*words)
    assert refused.exit_code == 2
    assert "30 rows for 10 animals" in refused.stderr
    assert "--rows-are-units" in refused.stderr
    assert "aggregate=True" not in refused.stderr
    assert "Traceback" not in refused.stderr
    told = call(*words, "--rows-are-units", "--format", "csv")
    assert "every row counted as a unit, as asked: 30 rows of 10 animal names" in told.stdout
    averaged = call(*words, "--unit", "animal", "--aggregate", "--format", "json")
    assert [row["n"] for row in json.loads(averaged.stdout)["groups"]] == [5, 5]


def test_groups_that_look_like_formulas_are_guarded_in_csv(tmp_path):
    """As in every CSV of a run: what a spreadsheet would run gets an apostrophe in front."""
    table = _table().replace({"diet": {"low": "=1+1"}})
    path = _written(table, tmp_path / "t.csv")
    told = call(path, "--value", "volume", "--group", "diet", "--format", "csv")
    rows = list(csv.DictReader(told.stdout.splitlines()))
    named = {row[side] for row in rows for side in ("group_a", "group_b")}
    assert "'=1+1" in named
    assert not any(name.startswith("=") for name in named)


def test_rows_without_a_group_are_counted_in_the_notes(tmp_path):
    table = _table()
    table.loc[0, "diet"] = ""
    result = call(
        _written(table, tmp_path / "t.csv"),
        "--value",
        "volume",
        "--group",
        "diet",
        "--format",
        "csv",
    )
    assert result.stdout.count("1 row without a group left out") == 3


def test_messages_speak_of_the_tables_own_columns(tmp_path):
    path = _written(_table().query("diet == 'low'"), tmp_path / "t.csv")
    result = call(path, "--value", "volume", "--group", "diet")
    assert result.exit_code == 2
    assert "column 'diet' gives 1 (low)" in result.stderr


def test_printed_summaries_are_compared_like_their_values(tmp_path):
    """The library on the raw values."""
    rows = [(g, 5, np.mean(v), np.std(v, ddof=1) / 5**0.5) for g, v in VALUES.items()]
    path = _written(pd.DataFrame(rows, columns=["diet", "n", "mean", "sem"]), tmp_path / "s.csv")
    words = ("--value", "mean", "--group", "diet", "--n", "n", "--sem", "sem")
    found = json.loads(call(path, *words, "--reference", "high", "--format", "json").stdout)
    tests = ["student_t", "welch_t"]
    expected = compare_groups(_table(), value="volume", group="diet", reference="high", tests=tests)
    assert [row["test"] for row in found["comparisons"]] == tests
    for column in ("statistic", "p", "ci_low", "ci_high"):
        got = [row[column] for row in found["comparisons"]]
        assert got == pytest.approx(expected[column].tolist(), rel=1e-9)
    assert found["groups"][0]["median"] is None
    assert "--n" in call(path, *words[:4], "--sem", "sem").stderr


def test_pools_are_n_of_one(tmp_path):
    """By hand: two pools, 12 and 8: a fold change of 1.5 and no p."""
    table = pd.DataFrame({"diet": ["low", "high"] * 3, "fold": [12, 8] * 3, "pool": ["p"] * 6})
    path = _written(table, tmp_path / "p.csv")
    words = ("--value", "fold", "--group", "diet", "--pooled", "pool", "--reference", "high")
    found = json.loads(call(path, *words, "--format", "json").stdout)
    assert [row["n"] for row in found["groups"]] == [1, 1]
    assert all(row["p"] is None for row in found["comparisons"])
    assert "fold change low / high = 1.5" in found["comparisons"][0]["note"]


def test_notes_stand_numbered_below_the_table(tmp_path):
    path = _written(_table(), tmp_path / "t.csv")
    text = call(path, "--value", "volume", "--group", "diet").stdout
    table, notes = text.split("\n\n")[1:]
    assert len(table.splitlines()) == 4
    assert max(map(len, table.splitlines())) < 130
    assert "  2  ratio of means" in notes


def test_figures_are_written_once_and_never_over_another(tmp_path):
    path = _written(_table(), tmp_path / "t.csv")
    words = (path, "--value", "volume", "--group", "diet", "--figures", tmp_path / "figures")
    assert call(*words).exit_code == 0
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    kinds = ("svg", "pdf", "png")
    assert names == {f"volume{part}.{kind}" for part in ("", "_differences") for kind in kinds}
    with Image.open(tmp_path / "figures" / "volume.png") as picture:
        assert picture.size[0] > 1000
    assert (tmp_path / "figures" / "volume.pdf").read_bytes().startswith(b"%PDF")
    again = call(*words)
    assert again.exit_code == 2
    assert "no such file yet" in again.stderr


def test_a_table_of_several_features_is_not_averaged_over_them(tmp_path):
    """By hand: nodules of some 10 and a share below 1, of the same animals, have no common mean."""
    table = _table().assign(assay="lungs", feature="nodules")
    mixed = pd.concat([table, table.assign(feature="burden", volume=table["volume"] / 1000)])
    words = ("--value", "volume", "--group", "diet", "--unit", "animal", "--aggregate")
    refused = call(_written(mixed, tmp_path / "animals.csv"), *words)
    assert refused.exit_code == 2
    assert "2 features (lungs, nodules; lungs, burden" in refused.output
    assert call(_written(table, tmp_path / "one.csv"), *words).exit_code == 0
