"""Regions drawn on slides and fields, from the command line."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.geometry
from slide_runs import features, flags, measure
from typer.testing import CliRunner

from xenoquant.pipeline.cli import app
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.regions_file import find_regions, read_regions


def square(name: str, x: int, y: int, side: int, **properties: object) -> dict[str, object]:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    about = {"objectType": "annotation", "name": name, **properties}
    return {"type": "Feature", "geometry": geometry, "properties": about}


def write_regions(path: Path, *found: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(found)}))
    return path


def test_regions_of_interest(slide: Path, tmp_path: Path) -> None:
    """Areas drawn in QuPath: two squares less an ignored one, each as large as drawn where it lies
    on tissue; other regions are another measurement.
    """
    regions = write_regions(
        tmp_path / "slide.geojson",
        square("tumour", 300, 240, 200),
        square("rim", 600, 240, 100),
        square("", 300, 240, 80, classification={"name": "Ignore*"}),
        {**square("", 0, 0, 900), "properties": {"objectType": "detection"}},
    )
    out = tmp_path / "out"
    words = (slide, "--out", out, "--no-cells", "--regions")
    measure(*words, regions)
    table = pd.read_parquet(out / "regions" / "dab.parquet")
    assert table["name"].tolist() == ["tumour", "rim"]
    assert (table["area_px"] <= [200**2 - 80**2, 100**2]).all()
    assert (table["area_px"] > [0.6 * (200**2 - 80**2), 0.6 * 100**2]).all()
    described = json.loads((out / "run.json").read_text())["images"][0]
    assert described["beside"][0]["file"].endswith("slide.geojson")
    write_regions(tmp_path / "slide.geojson", square("tumour", 300, 240, 100))
    measure(*words, tmp_path)  # the folder: the file is found by the slide's name
    table = pd.read_parquet(out / "regions" / "dab.parquet")
    assert table["area_px"].tolist()[0] <= 100**2


def test_a_field_has_regions_too(pixels: np.ndarray, tmp_path: Path) -> None:
    """A PNG of the tissue with a square drawn in it: no tissue outside the square is measured."""
    cv2.imwrite(str(tmp_path / "field.png"), pixels[192:832, 256:896, ::-1])
    write_regions(tmp_path / "field.geojson", square("tumour", 100, 100, 200))
    out = tmp_path / "out"
    measure(
        tmp_path / "field.png",
        "--out",
        out,
        "--um-per-px",
        0.5,
        "--no-cells",
        "--regions",
        tmp_path,
    )
    assert 0.6 * 0.01 < features(out)["tissue_area_mm2"] <= 0.01


def test_a_region_on_glass_has_its_row(slide: Path, tmp_path: Path) -> None:
    """One drawn on glass is a row of zero, not dropped; alone, it leaves the slide flagged."""
    squares = [square("glass", 4, 4, 60), square("tumour", 300, 240, 100)]
    for drawn, areas in ((squares, [0, 100**2]), (squares[:1], [0])):
        regions = write_regions(tmp_path / "slide.geojson", *drawn)
        out = tmp_path / f"out{len(drawn)}"
        measure(slide, "--out", out, "--no-cells", "--regions", regions)
        table = pd.read_parquet(out / "regions" / "dab.parquet")
        assert table["name"].tolist() == ["glass", "tumour"][: len(drawn)]
        assert (table["area_px"] <= areas).all()
        assert table["mean_od"].isna().tolist() == [area == 0 for area in areas]
        assert ("no_tissue" in flags(out)) == (len(drawn) == 1)


def test_a_region_outside_the_image_is_refused(slide: Path, tmp_path: Path) -> None:
    """Annotations of another slide must not pass for a slide without tissue: the row says which
    of them lies where, also of a field; one that only reaches over the edge is measured.
    """
    cv2.imwrite(str(tmp_path / "field.png"), cv2.imread(str(slide))[192:832, 256:896])
    regions = write_regions(
        tmp_path / "roi.geojson", square("in", 300, 240, 100), square("far", 5000, 10, 100)
    )
    for image in (slide, tmp_path / "field.png"):
        out = tmp_path / image.stem
        measure(image, "--out", out, "--um-per-px", 0.5, "--regions", regions, status=1)
        error = pd.read_csv(out / "problems.csv")["error"][0]
        assert "'far' in roi.geojson lies outside the image of" in error
        assert "x 5000 to 5100" in error
    over = read_regions(
        write_regions(tmp_path / "o.geojson", square("over", -50, -50, 100)), (9, 9)
    )
    assert [area.name for area in over] == ["over"]


def test_a_missing_regions_file_is_a_problem(slide: Path, tmp_path: Path) -> None:
    """A study of regions doesn't measure a slide without any, and says so."""
    (tmp_path / "rois").mkdir()
    words = ("--out", tmp_path / "out", "--regions", tmp_path / "rois")
    measure(slide, *words, status=1)
    error = pd.read_csv(tmp_path / "out" / "problems.csv")["error"][0]
    assert "has none for this image" in error


def test_without_its_folder_of_regions_nothing_is_measured(slide: Path, tmp_path: Path) -> None:
    """A mistyped path must not give the numbers of the whole slide."""
    words = ("--out", tmp_path / "out", "--regions", tmp_path / "rios", "--no-cells")
    measure(slide, *words, status=1)
    problems = pd.read_csv(tmp_path / "out" / "problems.csv")
    assert "no such file or folder of regions" in problems["error"][0]
    assert len(pd.read_csv(tmp_path / "out" / "images.csv")) == 0


@pytest.mark.parametrize(
    "text", ["not json", "[]", '{"type": "Point", "coordinates": [1, 2]}', '{"features": 3}',
             '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}'],
)  # fmt: skip
def test_what_isnt_regions(tmp_path: Path, text: str) -> None:
    """An error that names the file, never a traceback."""
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(InputError, match=r": a\.geojson (can't be read as GeoJSON|holds no area)"):
        read_regions(path)
    assert find_regions(tmp_path, Path("a.ome.tif")) == path
    assert find_regions(tmp_path, Path("b.tif")) is None


def exported(out: Path) -> dict[str, tuple[shapely.Geometry, dict[str, float]]]:
    """Shape and numbers of each annotation that the export to QuPath gives."""
    result = CliRunner().invoke(app, ["export", str(out), "--to", "qupath"])
    assert result.exit_code == 0, result.output
    (file,) = (Path(line) for line in result.stdout.splitlines())
    return {
        feature["properties"]["name"]: (
            shapely.geometry.shape(feature["geometry"]),
            feature["properties"]["measurements"],
        )
        for feature in json.loads(file.read_text())["features"]
        if feature["properties"]["objectType"] == "annotation"
    }


def test_regions_of_slides_are_exported(slide: Path, tmp_path: Path) -> None:
    """QuPath gets back each area as it was drawn, with its numbers; sampled fields where run.json
    says they are; pieces of tissue as large as measured. Cells needn't have been looked for. A
    drawn file that has changed since isn't taken for the one that was measured.
    """
    drawn = [square("tumour", 300, 240, 200), square("", 310, 250, 9, classification="Ignore")]
    regions = write_regions(tmp_path / "roi.geojson", *drawn, square("rim", 600, 240, 100))
    areas = (slide, "--no-cells", "--out")
    measure(*areas, tmp_path / "drawn", "--regions", regions)
    found = exported(tmp_path / "drawn")
    table = pd.read_parquet(tmp_path / "drawn" / "regions" / "dab.parquet").set_index("name")
    assert list(found) == ["tumour", "rim"]
    for name, bounds in (("tumour", (300, 240, 500, 440)), ("rim", (600, 240, 700, 340))):
        shape, numbers = found[name]
        assert shape.equals(shapely.box(*bounds))
        assert numbers["area_px"] == table.loc[name, "area_px"]
    write_regions(tmp_path / "roi.geojson", square("other", 0, 0, 300))
    result = CliRunner().invoke(app, ["export", str(tmp_path / "drawn"), "--to", "qupath"])
    assert "has neither label images nor outlines" in result.output

    measure(*areas, tmp_path / "fields", "--fields", 2, "--field-um", 40)
    run = json.loads((tmp_path / "fields" / "run.json").read_text())
    step = next(iter(run["calibrations"]["dab"]["sampling"].values()))["step_px"]
    shapes = [shape for shape, _ in exported(tmp_path / "fields").values()]
    assert all(shape.area == 80**2 for shape in shapes)
    assert all((shape.bounds[0] - shapes[0].bounds[0]) % step == 0 for shape in shapes)

    measure(*areas, tmp_path / "pieces")
    ((shape, numbers),) = exported(tmp_path / "pieces").values()
    assert shape.area == pytest.approx(numbers["area_px"], rel=0.01)
    assert shapely.box(256, 192, 896, 832).symmetric_difference(shape).area < 0.1 * shape.area
