"""Whole slides from the command line: tables, samples, bad tiles, what is refused."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from slide_runs import features, flags, measure, write_slide

from xenoquant.imgproc.tiles import read_region
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.slide_files import open_slide
from xenoquant.pipeline.slides import open_whole_slide


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
