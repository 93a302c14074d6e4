"""Tables that a run no longer makes don't stand among its results; a person's own files do."""

import json

import pandas as pd

from xenoquant.pipeline.run import RunOptions, run_study

ONE = RunOptions(jobs=1)


def rename_assay(study, old, new):
    (study / "study.toml").write_text(
        (study / "study.toml").read_text().replace(f"[assays.{old}]", f"[assays.{new}]")
    )
    sheet = study / "samples.csv"
    sheet.write_text(sheet.read_text().replace(f"\n{old},", f"\n{new},"))


def test_tables_of_an_assay_that_was_renamed_are_gone(small_run):
    """Authority: the folder's tables name only assays of the study."""
    (name,) = set(pd.read_csv(small_run / "results" / "images.csv")["assay"])
    results = small_run / "results"
    (results / "my notes.csv").write_text("kept\n")
    rename_assay(small_run, name, "renamed")
    run_study(small_run, ONE)
    kinds = ("objects", "regions")
    assert {f.stem for kind in kinds for f in (results / kind).iterdir()} == {"renamed"}
    assert (results / "my notes.csv").read_text() == "kept\n"
    crate = (results / "ro-crate-metadata.json").read_text()
    assert f"objects/{name}.parquet" not in crate


def test_a_table_that_somebody_edited_stays(small_run):
    results = small_run / "results"
    (name,) = set(pd.read_csv(results / "images.csv")["assay"])
    table = results / "objects" / f"{name}.parquet"
    table.write_bytes(b"somebody's own")
    rename_assay(small_run, name, "renamed")
    for _ in range(2):
        run_study(small_run, ONE)
        assert table.read_bytes() == b"somebody's own"
    written = json.loads((results / "store" / "tables.json").read_text())
    assert f"objects/{name}.parquet" not in written
