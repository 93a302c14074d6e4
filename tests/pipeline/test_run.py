"""Runs: tables as promised, nothing measured twice, nothing lost without a row."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.store import hash_file

ONE = RunOptions(jobs=1)

# The columns that the design promises to whoever reads the tables.
COLUMNS = {
    "images": "assay,image,animal,group,role,feature,value,flag",
    "animals": "assay,feature,animal,group,value,n_images,n_objects",
    "groups": "assay,feature,group,n,mean,sd,sem,ci_low,ci_high,median,q1,q3",
    "comparisons": "assay,feature,test,group_a,group_b,statistic,df,p,p_adjusted,effect,ci_low,"
    "ci_high,significant,note",
    "problems": "assay,image,stage,error,remedy",
}
OBJECTS = {
    "lungs": "lobe,diameter_mm,area_mm2,circularity,contrast,confidence,at_rim",
    "snai1": "area_um2,marker_nucleus_mean,marker_cytoplasm_mean,marker_membrane_mean,"
    "marker_cell_mean,nuclei_nucleus_mean,ctcf,nuclear_cytoplasmic_ratio,membrane_completeness,"
    "positive",
    "ferritin": "area_um2,dab_nucleus_od,dab_cytoplasm_od,dab_cell_od,hematoxylin_nucleus_od,class,"
    "positive",
}
FEATURES = {
    "lungs": "nodules_per_lobe,nodules,burden,lobe_area_mm2,median_diameter_mm",
    "snai1": "positive_fraction,mean_intensity,cells,membrane_completeness,"
    "nuclear_cytoplasmic_ratio",
    "ferritin": "h_score,positive_cell_fraction,positive_area_fraction,mean_od,cells,"
    "tissue_area_mm2",
}


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "study.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", COLUMNS)
def test_tables_have_the_columns_of_the_design(first_run, name):
    header = (first_run.results / f"{name}.csv").read_text().splitlines()[0]
    assert header == COLUMNS[name]


@pytest.mark.parametrize("assay", OBJECTS)
def test_objects_have_the_columns_of_the_design(first_run, assay):
    objects = pd.read_parquet(first_run.results / "objects" / f"{assay}.parquet")
    leading = ["assay", "image", "animal", "group", "object", "y_px", "x_px"]
    assert list(objects.columns[:7]) == leading
    assert set(OBJECTS[assay].split(",")) <= set(objects.columns)
    assert "007" in set(objects["animal"])  # identifiers are text


@pytest.mark.parametrize("assay", FEATURES)
def test_features_stand_in_the_designs_order(first_run, assay):
    images = pd.read_csv(first_run.results / "images.csv", dtype={"animal": str})
    features = list(dict.fromkeys(images.loc[images["assay"] == assay, "feature"]))
    expected = FEATURES[assay].split(",")
    assert features[: len(expected)] == expected


def test_each_image_animal_and_control_has_its_rows(first_run):
    images = pd.read_csv(first_run.results / "images.csv", dtype={"animal": str})
    # four animals, and one control for each of the two stains; blanks are no measurements
    assert images.groupby("assay")["image"].nunique().to_dict() == {
        "ferritin": 5,
        "lungs": 4,
        "snai1": 5,
    }
    animals = pd.read_csv(first_run.results / "animals.csv", dtype={"animal": str})
    assert set(animals["animal"]) == {"m1", "m2", "007", "m4"}
    assert not first_run.problems
    assert not first_run.failed


@pytest.mark.parametrize(
    ("assay", "what"), [("lungs", "nodules"), ("snai1", "nuclei"), ("ferritin", "cells")]
)
def test_label_images_carry_the_tables_numbers_and_areas(first_run, assay, what):
    objects = pd.read_parquet(first_run.results / "objects" / f"{assay}.parquet")
    for image, held in objects.groupby("image"):
        name = str(Path(image).with_suffix(""))
        labels = tifffile.imread(first_run.results / "labels" / assay / name / f"{what}.tif")
        numbers, areas = np.unique(labels[labels > 0], return_counts=True)
        assert numbers.tolist() == held["object"].tolist()
        assert areas.tolist() == held["area_px"].tolist()


def test_overlays_report_and_provenance_are_there(first_run):
    results = first_run.results
    assert len(list((results / "overlays").rglob("*.jpg"))) == 14  # 4 photos, 5 fields, 5 sections
    assert first_run.report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    run = json.loads((results / "run.json").read_text())
    assert run["calibrations"]["snai1"]["threshold"]["images"] == 1
    assert run["parameters"]["ferritin"]["cutoffs_od"] == [0.2, 0.4, 0.6]
    assert all(len(image["sha256"]) == 64 for image in run["images"])
    crate = json.loads((results / "ro-crate-metadata.json").read_text())
    files = {item["@id"]: item.get("sha256") for item in crate["@graph"] if item["@type"] == "File"}
    named = {"images.csv", "objects/lungs.parquet", "report.html", "run.json"}
    assert {name: files[name] for name in named} == {
        name: hash_file(results / name) for name in named
    }


def test_a_second_run_measures_nothing_and_changes_no_table(finished_study, tables):
    before = tables(finished_study)
    summary = run_study(finished_study, ONE)
    assert (summary.measured, summary.reused) == (0, 14)
    assert tables(finished_study) == before


def test_two_workers_give_the_same_tables_as_one(fresh_study, finished_study, tables):
    run_study(fresh_study, RunOptions(jobs=2))
    assert tables(fresh_study) == tables(finished_study)


def test_changed_cut_offs_measure_nothing_and_change_the_score(finished_study):
    edit(finished_study, "um_per_px = 0.5", "um_per_px = 0.5\ncutoffs_od = [0.1, 0.2, 0.3]")
    before = pd.read_csv(finished_study / "results" / "images.csv").set_index(["image", "feature"])
    summary = run_study(finished_study, ONE)
    after = pd.read_csv(finished_study / "results" / "images.csv").set_index(["image", "feature"])
    assert summary.measured == 0
    key = ("ferritin/m1.png", "h_score")
    assert after.loc[key, "value"] > before.loc[key, "value"]  # lower cut-offs, higher classes


def test_a_changed_option_measures_only_its_own_assay(finished_study):
    edit(finished_study, "um_per_px = 0.5", "um_per_px = 0.5\ncell_distance_um = 2")
    summary = run_study(finished_study, ONE)
    assert (summary.measured, summary.reused) == (5, 9)  # the five sections; photos and fields stay


def test_one_bad_image_is_a_row_and_the_rest_is_done(finished_study):
    photo = finished_study / "lungs" / "m1.jpg"
    photo.write_bytes(photo.read_bytes()[:500])
    (finished_study / "snai1" / "m2.ome.tif").unlink()
    shutil.copy(finished_study / "snai1" / "m4.ome.tif", finished_study / "ferritin" / "m4.png")
    summary = run_study(finished_study, ONE)
    problems = pd.read_csv(summary.results / "problems.csv")
    assert summary.failed
    assert problems[["assay", "image", "stage"]].to_numpy().tolist() == [
        ["ferritin", "ferritin/m4.png", "measure"],
        ["lungs", "lungs/m1.jpg", "read"],
        ["snai1", "snai1/m2.ome.tif", "read"],
    ]
    assert problems["error"].notna().all()
    assert problems["remedy"].notna().all()
    images = pd.read_csv(summary.results / "images.csv")
    assert images["image"].nunique() == 14 - 3


def test_two_names_for_the_same_bytes_are_flagged(finished_study):
    shutil.copy(finished_study / "lungs" / "m1.jpg", finished_study / "lungs" / "m2.jpg")
    summary = run_study(finished_study, ONE)
    images = pd.read_csv(summary.results / "images.csv")
    flags = images.loc[images["image"] == "lungs/m2.jpg", "flag"]
    assert set(flags) == {"same_bytes_as:lungs/m1.jpg"}


def test_an_assay_alone_leaves_the_others_named_as_pending(fresh_study):
    summary = run_study(fresh_study, RunOptions(jobs=1, assays=("lungs",)))
    assert summary.measured == 4
    assert {row.stage for row in summary.problems} == {"plan"}
    assert len(summary.problems) == 10  # five fields and five sections, each with its row
    assert not summary.failed


def test_an_unknown_assay_is_refused_before_any_work(fresh_study):
    with pytest.raises(StudyError, match="liver"):
        run_study(fresh_study, RunOptions(assays=("liver",)))
    assert not (fresh_study / "results").exists()


def test_results_of_images_that_left_the_study_are_cleared(finished_study):
    sheet = finished_study / "samples.csv"
    rows = [row for row in sheet.read_text().splitlines() if "lungs/m1.jpg" not in row]
    sheet.write_text("\n".join(rows) + "\n")
    results = run_study(finished_study, ONE).results
    assert not (results / "overlays" / "lungs" / "lungs" / "m1.jpg").exists()
    assert not (results / "labels" / "lungs" / "lungs" / "m1").exists()
    assert (results / "overlays" / "lungs" / "lungs" / "m2.jpg").exists()


def test_a_damaged_store_entry_is_said_and_measured_anew(finished_study, tables):
    before = tables(finished_study)
    entry = next((finished_study / "results" / "store").rglob("measurement.bin"))
    entry.write_bytes(b"damaged")
    assert run_study(finished_study, ONE).failed
    summary = run_study(finished_study, ONE)
    assert summary.measured == 1
    assert tables(finished_study) == before


def test_deleted_overlays_come_back(finished_study):
    shutil.rmtree(finished_study / "results" / "overlays")
    summary = run_study(finished_study, ONE)
    assert summary.measured == 0
    assert len(list((summary.results / "overlays").rglob("*.jpg"))) == 14


def test_holm_over_the_features_of_an_assay_is_said_in_note_and_report(finished_study):
    """By hand: Holm multiplies the smallest p of a family by the number of its features."""
    edit(finished_study, "rendered = true", 'rendered = true\nadjust = "holm"')
    report = run_study(finished_study, ONE).report.read_text(encoding="utf-8")
    table = pd.read_csv(finished_study / "results" / "comparisons.csv")
    family = table[(table["assay"] == "ferritin") & (table["test"] == "student_t")]
    smallest = family.loc[family["p"].idxmin()]
    expected = min(1.0, smallest["p"] * family["p"].notna().sum())
    assert smallest["p_adjusted"] == pytest.approx(expected)
    assert "Holm" in smallest["note"]
    assert "adjusted by Holm" in report
