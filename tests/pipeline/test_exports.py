"""Exports read back with the programs' own libraries, against the tables and label images."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import roifile
import shapely.geometry
import tifffile
import zarr
from typer.testing import CliRunner

from xenoquant.pipeline.cli import app
from xenoquant.pipeline.export_objects import class_of, measurements
from xenoquant.pipeline.object_outlines import object_outlines, polygons


def export(study: Path, to: str) -> list[Path]:
    result = CliRunner().invoke(app, ["export", str(study), "--to", to])
    assert result.exit_code == 0, result.output
    return [Path(line) for line in result.stdout.splitlines()]


def areas(study: Path, assay: str, image: str, what: str) -> np.ndarray:
    labels = tifffile.imread(study / "results" / "labels" / assay / image / f"{what}.tif")
    return np.bincount(labels.ravel())


def test_qupath_objects(finished_study: Path) -> None:
    """Shapely reads the polygons: each as large as its label, valid and closed, with the table's
    numbers and QuPath's names of the classes; cells have their nucleus, nodules are detections.
    """
    files = export(finished_study, "qupath")
    for assay, what, kind in (("ferritin", "cells", "cell"), ("lungs", "nodules", "detection")):
        table = pd.read_parquet(finished_study / "results" / "objects" / f"{assay}.parquet")
        (file,) = [f for f in files if f.parent.parent.name == assay and f.stem == "m1"]
        held = table[table["image"].str.contains("m1")].set_index("object")
        size = areas(finished_study, assay, f"{assay}/m1", what)
        features = json.loads(file.read_text())["features"]
        found = [f for f in features if f["properties"]["objectType"] == kind]
        assert len(found) == len(held)
        assert len({f["id"] for f in features}) == len(features)
        for feature in found:
            values = feature["properties"]["measurements"]
            number = int(values["object"])
            shape = shapely.geometry.shape(feature["geometry"])
            assert shape.is_valid
            assert shape.area == size[number]
            name = feature["properties"]["classification"]["name"]
            if kind == "cell":
                assert values["dab_cell_od"] == held.loc[number, "dab_cell_od"]
                assert name == ["Negative", "1+", "2+", "3+"][held.loc[number, "class"]]
                nucleus = shapely.geometry.shape(feature["nucleusGeometry"])
                assert shape.contains(nucleus.representative_point())
            else:
                assert values["diameter_mm"] == held.loc[number, "diameter_mm"]
                assert name == "Nodule"
        assert any(f["properties"]["objectType"] == "annotation" for f in features)


def test_imagej_rois(finished_study: Path) -> None:
    """Roifile reads one ROI a nodule, its polygon as large as the label; twice exported, no more
    of them, and the same bytes.
    """
    (file,) = [f for f in export(finished_study, "imagej") if f.parent.parent.name == "lungs"
               and f.name.startswith("m1_")]  # fmt: skip
    size = areas(finished_study, "lungs", "lungs/m1", "nodules")
    first = file.read_bytes()
    rois = roifile.roiread(file)
    assert len(rois) == np.count_nonzero(size[1:])
    for roi in rois:
        assert shapely.Polygon(roi.coordinates()).area == size[int(roi.name.split()[0])]
    export(finished_study, "imagej")
    assert file.read_bytes() == first


def test_ome_zarr_labels(finished_study: Path) -> None:
    """Zarr reads the label images with their pixel size, under the metadata of OME-Zarr 0.5."""
    found = export(finished_study, "ome-zarr")
    (folder,) = [f for f in found if f.parent.parent.name == "ferritin" and f.name == "m1.ome.zarr"]
    group = zarr.open_group(str(folder), mode="r")
    assert "cells" in group["labels"].attrs["ome"]["labels"]
    scales = group["labels/cells"].attrs["ome"]["multiscales"][0]
    assert scales["axes"][0]["unit"] == "micrometer"
    first = scales["datasets"][0]
    assert first["coordinateTransformations"][0]["scale"] == pytest.approx([0.5, 0.5], rel=1e-3)
    file = finished_study / "results" / "labels" / "ferritin" / "ferritin" / "m1" / "cells.tif"
    stored = np.asarray(group[f"labels/cells/{first['path']}"])
    np.testing.assert_array_equal(stored, tifffile.imread(file))
    assert group["labels"].attrs["ome"]["version"] == "0.5"  # the specification wants it there, too
    image = group.attrs["ome"]["multiscales"][0]  # the image beside them: it must lie under them
    assert [axis["name"] for axis in image["axes"]] == ["c", "y", "x"]
    assert [axis.get("unit") for axis in image["axes"]] == [None, "micrometer", "micrometer"]
    scale = image["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale == pytest.approx([1, 0.5, 0.5], rel=1e-3)


def test_workbook_and_prism_tables(finished_study: Path) -> None:
    """Excel's sheets are the CSV tables; a Prism table has a column a group and all its animals."""
    (file,) = export(finished_study, "xlsx")
    sheets = pd.read_excel(file, sheet_name=None)
    for name in ("images", "animals", "comparisons"):
        table = pd.read_csv(finished_study / "results" / f"{name}.csv")
        assert sheets[name].shape == table.shape
    np.testing.assert_allclose(sheets["animals"]["value"], pd.read_csv(
        finished_study / "results" / "animals.csv")["value"])  # fmt: skip
    assert any(name.startswith("objects ") for name in sheets)
    animals = pd.read_csv(finished_study / "results" / "animals.csv", dtype={"animal": str})
    for path in export(finished_study, "prism"):
        columns = pd.read_csv(path)
        held = animals[(animals["assay"] == path.parent.name) & (animals["feature"] == path.stem)]
        for group, rows in held.groupby("group"):
            np.testing.assert_allclose(columns[group].dropna(), rows["value"].dropna())


def test_what_cant_be_exported(tmp_path: Path, finished_study: Path) -> None:
    """No results, or no such format: a sentence and exit status 2."""
    for words, expected in (
        ([str(tmp_path), "--to", "xlsx"], "no results"),
        ([str(finished_study), "--to", "omero"], "qupath"),
    ):
        result = CliRunner().invoke(app, ["export", *words])
        assert result.exit_code == 2
        assert expected in result.output


def test_classes_and_numbers_by_hand() -> None:
    """NaN is the text that QuPath wants; a class beats positivity, a protein names a band."""
    row = {"image": "a", "object": 3, "ctcf": math.nan, "class": 2, "positive": True, "lobe": "L"}
    assert measurements(row) == {"object": 3.0, "ctcf": "NaN", "class": 2.0, "positive": 1.0}
    assert class_of(row) == "2+"
    assert class_of({"positive": False}) == "Negative"
    assert class_of({"positive": None, "protein": "actin"}) == "actin"
    assert class_of({"diameter_mm": 0.4}) == "Nodule"


def test_outlines_of_a_large_image_are_cut_out_of_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects on and off the lines between windows, one with a hole: all traced once, whole."""
    from xenoquant.pipeline import object_outlines as module

    monkeypatch.setattr(module, "WINDOW_PX", 64)
    monkeypatch.setattr(module, "MARGIN_PX", 24)
    labels = np.zeros((200, 300), np.int32)
    chance = np.random.default_rng(0)
    rows = []
    for number, (y, x) in enumerate([(20, 60), (63, 64), (128, 130), (150, 255), (64, 190)], 1):
        labels[y - 9 : y + 10, x - 12 : x + 13] = number
        rows.append({"object": number, "y_px": y, "x_px": x + chance.uniform(-1, 1)})
    labels[60:68, 62:66] = 0
    file = tmp_path / "labels.tif"
    tifffile.imwrite(file, labels, tile=(64, 64), compression="zlib")
    found = dict(object_outlines(file, pd.DataFrame(rows)))
    assert sorted(found) == [1, 2, 3, 4, 5]
    for number, rings in found.items():
        parts = polygons(rings)
        shape = shapely.Polygon(parts[0][0], parts[0][1:])
        assert shape.area == (labels == number).sum()
        assert len(parts[0]) == (2 if number == 2 else 1)
