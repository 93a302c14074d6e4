"""Whole slides from the command line: regions, samples, bad tiles, batches that moved."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.dab_drift import batch_drift
from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.imgproc.slide_cells import BlockCells
from xenoquant.imgproc.slide_regions import RegionMap
from xenoquant.imgproc.tiles import read_region
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.regions_file import find_regions, read_regions
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.slide_files import OpenSlideTiles, open_slide
from xenoquant.pipeline.slides import open_whole_slide

GLASS = (241, 239, 236)


def measure(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["measure", "dab", *map(str, words), "--quiet"])
    assert result.exit_code == status, result.output
    return result.output


def features(out: Path) -> dict[str, float]:
    images = pd.read_csv(out / "images.csv")
    return dict(zip(images["feature"], images["value"], strict=True))


def flags(out: Path) -> set[str]:
    return set(pd.read_csv(out / "images.csv")["flag"][0].split(";"))


def write_slide(path: Path, pixels: np.ndarray, levels: int = 2) -> Path:
    how = {"tile": (128, 128), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(path) as writer:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(pixels, subifds=levels - 1, metadata={"axes": "YXS", **sizes}, **how)
        if levels > 1:
            size = (pixels.shape[1] // 8, pixels.shape[0] // 8)
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            writer.write(small, subfiletype=1, **how)
    return path


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """A square of rendered tissue, 640 pixels, in the middle of glass, 1024 by 1152 pixels."""
    tissue = render_dab(5, scene=DabScene(size_px=(640, 640), positive_fraction=0.5)).rgb
    slide = np.random.default_rng(0).normal(GLASS, 1, (1024, 1152, 3))
    slide[192:832, 256:896] = tissue
    return np.clip(np.rint(slide), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def slide(pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slide(tmp_path_factory.mktemp("slides") / "slide.ome.tif", pixels)


def square(name: str, x: int, y: int, side: int, **properties: object) -> dict[str, object]:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    about = {"objectType": "annotation", "name": name, **properties}
    return {"type": "Feature", "geometry": geometry, "properties": about}


def write_regions(path: Path, *found: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(found)}))
    return path


def test_a_slide_gives_the_tables_labels_and_maps_of_a_field(slide: Path, tmp_path: Path) -> None:
    """The tissue is a square of 0.1024 mm² less its lumens; label images hold the tables' numbers
    and the pixel size; the map is drawn.
    """
    measure(slide, "--out", tmp_path / "out")
    found = features(tmp_path / "out")
    assert 0.05 < found["tissue_area_mm2"] <= 0.1024 * 1.06
    objects = pd.read_parquet(tmp_path / "out" / "objects" / "dab.parquet")
    assert len(objects) == found["cells"] > 200
    assert objects["y_px"].between(188, 836).all()
    assert objects["x_px"].between(252, 900).all()
    for name in ("nuclei", "cells"):
        with tifffile.TiffFile(
            tmp_path / "out" / "labels" / "dab" / "slide.ome" / f"{name}.tif"
        ) as t:
            labels = t.asarray()
            assert 'PhysicalSizeX="0.5"' in (t.ome_metadata or "")
        assert labels.shape == (1024, 1152)
        assert set(np.unique(labels)) - {0} <= set(objects["object"])
    nuclei = tifffile.imread(tmp_path / "out" / "labels" / "dab" / "slide.ome" / "nuclei.tif")
    rows, columns = np.rint(objects[["y_px", "x_px"]].to_numpy()).astype(int).T
    assert (nuclei[rows, columns] == objects["object"]).mean() > 0.97  # a few aren't convex
    picture = cv2.imread(str(tmp_path / "out" / "overlays" / "dab" / "slide.ome.jpg"))
    assert picture.shape[1] > 1.5 * picture.shape[0]  # two panels


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
    with pytest.raises(InputError, match=r"GeoJSON|no area"):
        read_regions(path)
    assert find_regions(tmp_path, Path("a.ome.tif")) == path
    assert find_regions(tmp_path, Path("b.tif")) is None


def test_fields_are_recorded(slide: Path, tmp_path: Path) -> None:
    """The sample stands in run.json and its fields in the regions' table."""
    words = ("--no-cells", "--fields", 4, "--field-um", 60, "--seed", 3)
    measure(slide, "--out", tmp_path / "out", *words)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    record = run["calibrations"]["dab"]["sampling"]["slide.ome.tif"]
    table = pd.read_parquet(tmp_path / "out" / "regions" / "dab.parquet")
    assert record["method"] == "systematic"
    assert (record["seed"], record["side_px"], record["chosen"]) == (3, 120, len(table))
    assert ((table["y_px"] - record["start_y_px"]) % record["step_px"] == 0).all()
    assert "sampled_fields" in flags(tmp_path / "out")


def test_a_bad_tile_is_a_row_of_problems(slide: Path, tmp_path: Path) -> None:
    """One tile overwritten: exit status 1, its place in problems.csv, the rest measured."""
    with tifffile.TiffFile(slide) as tiff:
        page = tiff.pages[0]
        offset, count = page.dataoffsets[4 * 9 + 4], page.databytecounts[4 * 9 + 4]
    data = bytearray(slide.read_bytes())
    data[offset : offset + count] = bytes(count)
    broken = tmp_path / "broken.ome.tif"
    broken.write_bytes(data)
    measure(broken, "--out", tmp_path / "out", "--no-cells", status=1)
    measure(slide, "--out", tmp_path / "whole", "--no-cells")
    problems = pd.read_csv(tmp_path / "out" / "problems.csv")
    assert len(problems) == 1
    assert "128 × 128 pixels at x 512, y 512" in problems["error"][0]
    areas = [features(tmp_path / name)["tissue_area_mm2"] for name in ("whole", "out")]
    assert 0 < areas[0] - areas[1] <= 128**2 * 0.25e-6 + 1e-9


def test_a_file_cut_short(slide: Path, tmp_path: Path) -> None:
    """Half a slide is a problem in words, or half a measurement with its bad tiles."""
    cut = tmp_path / "cut.ome.tif"
    cut.write_bytes(slide.read_bytes()[: slide.stat().st_size // 2])
    measure(cut, "--out", tmp_path / "out", "--no-cells", status=1)
    errors = pd.read_csv(tmp_path / "out" / "problems.csv")["error"]
    assert len(errors) > 0
    assert not errors.str.contains("fault of the program").any()


def test_a_header_with_more_pixels_than_tiles_is_refused_at_once(tmp_path: Path) -> None:
    """By hand: 1,073,741,824 × 48 pixels in tiles of 16² would be 201,326,592 tiles; 9 are there.

    The length is written over in the first directory's entry 257 (TIFF 6.0, section 8).
    """
    path = tmp_path / "tall.ome.tif"
    pixels = np.full((48, 48, 3), 200, np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(16, 16), ome=True)
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages[0].tags[257].valueoffset
        size = tiff.pages[0].tags[257].valuebytecount
    data = bytearray(path.read_bytes())
    data[place : place + size] = (1 << 30 if size == 4 else 1 << 14).to_bytes(size, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"201326592 tiles, and it lists 9|3072 tiles"):
        open_slide(path)


def test_without_pyramid_the_overview_is_made(pixels: np.ndarray, tmp_path: Path) -> None:
    """The same slide without reduced copies: the fallback is flagged and gives the same area
    within the difference of an overview at 4 and at 8 µm.
    """
    path = write_slide(tmp_path / "flat.ome.tif", pixels, levels=1)
    opened = open_whole_slide(path)
    assert opened.flags == ("no_pyramid",)
    plain = pixels.reshape(64, 16, 72, 16, 3).mean(axis=(1, 3))
    assert np.abs(opened.pixels - plain).mean() < 2  # JPEG


def test_a_slide_in_printing_colours_says_so(pixels: np.ndarray, tmp_path: Path) -> None:
    """CMYK by the textbook, no black in its inks: the colours that were put in, and the flag, as
    photos have it.
    """
    inks = np.dstack([255 - pixels, np.zeros(pixels.shape[:2], np.uint8)])
    how = {"tile": (128, 128), "photometric": "separated"}
    with tifffile.TiffWriter(tmp_path / "cmyk.tif") as writer:
        writer.write(inks, subifds=1, **how)
        writer.write(np.ascontiguousarray(inks[::4, ::4]), subfiletype=1, **how)
    opened = open_whole_slide(tmp_path / "cmyk.tif")
    assert "cmyk_converted" in opened.flags
    corner = read_region(opened.tiles, (100, 200, 64, 64))
    np.testing.assert_allclose(corner, pixels[100:164, 200:264], atol=1)
    measure(tmp_path / "cmyk.tif", "--out", tmp_path / "out", "--no-cells")
    assert "cmyk_converted" in flags(tmp_path / "out")


def test_slides_that_cant_be_measured(pixels: np.ndarray, tmp_path: Path) -> None:
    """16-bit, grey and fluorescence slides: refused with a sentence, each for its own reason."""
    grey = pixels.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    cases = {
        "sixteen.ome.tif": (pixels.astype(np.uint16) * 257, "8-bit RGB was expected"),
        "grey.ome.tif": (grey, "grey"),
        "dark.ome.tif": (255 - pixels, "fluorescence"),
    }
    for name, (image, words) in cases.items():
        how = {"tile": (128, 128), "photometric": "rgb"}
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(image, subifds=1, metadata={"axes": "YXS"}, **how)
            writer.write(np.ascontiguousarray(image[::8, ::8]), subfiletype=1, **how)
        measure(tmp_path / name, "--out", tmp_path / f"{name}.out", status=1)
        problems = pd.read_csv(tmp_path / f"{name}.out" / "problems.csv")
        assert words in problems["error"][0]


def test_batches_that_moved_by_hand() -> None:
    """Whites 10 % apart are 0.046 OD: moved; 2 %: 0.009, not. Controls 0.1 OD browner: moved. One
    batch has nothing to be compared with, and one image is no batch that lacks a control.
    """
    whites = {"a": [(0.9, 0.9, 0.9)], "b": [(0.9, 0.9, 0.882)], "c": [(0.9, 0.81, 0.9)] * 2}
    whites["d"] = [(0.9, 0.9, 0.9)]
    brown = {"a": np.full(30, 0.05), "b": np.full(30, 0.15)}
    found = batch_drift(whites, brown)
    assert found["b"].white_od == pytest.approx(np.log10(0.9 / 0.882))
    assert found["c"].white_od == pytest.approx(np.log10(0.9 / 0.81))
    assert found["c"].flags == ("white_moved", "batch_without_control")
    assert found["d"].flags == ()
    assert found["a"].control_od == pytest.approx(-0.05)
    brown["c"] = np.full(30, 0.05)
    found = batch_drift(whites, brown)
    assert found["b"].flags == ("control_moved",)
    assert found["a"].flags == ()
    assert batch_drift({"": [(0.9, 0.9, 0.7)]}, {})[""].flags == ()


def label_bytes(study: Path) -> dict[str, bytes]:
    folder = study / "results" / "labels"
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*.tif"))}


def test_a_slide_shared_out_to_two_processes_is_the_slide_of_one(
    measured_slide, fresh_slide, tables, shared_out
):
    """Authority: the run in one process: tables, label images and the bad tile, byte for byte."""
    summary = run_study(fresh_slide, RunOptions(jobs=2))
    assert shared_out == ["slides/m1.ome.tif"]
    assert summary.measured == 1
    assert any("tile" in row.error for row in summary.problems)  # the damaged one
    assert tables(fresh_slide) == tables(measured_slide)
    assert label_bytes(fresh_slide) == label_bytes(measured_slide)
    assert len(pd.read_parquet(fresh_slide / "results" / "objects" / "ferritin.parquet")) > 300


def test_sources_of_tiles_go_to_other_processes_as_paths(slide: Path, shared_data: Path) -> None:
    """Pickled and back: no pixels in the pickle, and the same tiles."""
    aperio = shared_data / "whole_slide" / "cmu_small_region.svs"
    for source in (open_slide(slide).full, OpenSlideTiles(aperio, (2967, 2220))):
        data = pickle.dumps(source)
        assert len(data) < 2000
        again = pickle.loads(data)
        np.testing.assert_array_equal(
            read_region(again, (500, 400, 200, 300)), read_region(source, (500, 400, 200, 300))
        )


def test_labels_and_overviews_are_packed_on_their_way() -> None:
    """Label images are nearly all alike: a hundredth of their bytes, and the same numbers."""
    labels = np.zeros((1600, 1600), np.int32)
    labels[100:120, 200:230] = 7
    for held in (
        BlockCells(pd.DataFrame({"object": [7]}), (0, 0, 1600, 1600), labels, labels),
        RegionMap((16000, 16000), labels, (), ((0, 0, 10, 10),)),
    ):
        data = pickle.dumps(held)
        again = pickle.loads(data)
        assert len(data) < labels.nbytes / 100
        for name in ("nuclei", "cells") if isinstance(held, BlockCells) else ("coarse",):
            np.testing.assert_array_equal(getattr(again, name), labels)
            assert getattr(again, name).dtype == np.int32
    assert again.fields == ((0, 0, 10, 10),)
