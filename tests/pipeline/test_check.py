"""What `check` says from headers alone: the very refusals that a run writes into problems.csv."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from xenoquant.pipeline.check import check_study
from xenoquant.pipeline.run import RunOptions, run_study

HEADER = """
[study]
title = "Headers"
group = "diet"
groups = ["a", "b"]
reference = "a"
max_megapixels = 0.01
"""
FLUORESCENCE = (
    'method = "fluorescence"\nmarker = "Snai1"\nchannels = { marker = "Alexa488", nuclei = "DAPI" }'
)
REFUSED = {
    "channel": (FLUORESCENCE, "named.ome.tif", "'Alexa488' is not the name of a channel"),
    "same channel": (
        FLUORESCENCE.replace("Alexa488", "DAPI"),
        "named.ome.tif",
        "nuclei and marker are the same channel",
    ),
    "export": (FLUORESCENCE, "colour.png", "'DAPI' is not the name of a channel"),
    "nodules": ('method = "nodules"', "named.ome.tif", "a colour photo was expected"),
    "scale": (
        'method = "nodules"\npx_per_mm = "metadata"',
        "colour.png",
        "the file's metadata give no scale",
    ),
    "dab": ('method = "dab"\nmarker = "ferritin"', "grey.png", "this image is grey"),
    "large": ('method = "dab"\nmarker = "ferritin"', "large.png", "above the limit of 0.01"),
    "large and not in tiles": (
        'method = "dab"\nmarker = "ferritin"',
        "huge.png",
        "25 megapixels, above the limit of 0.01",
    ),
    "slide of 16 bits": (
        'method = "dab"\nmarker = "ferritin"',
        "deep.tif",
        "a whole slide of 8-bit RGB was expected",
    ),
    "regions": (
        'method = "dab"\nmarker = "ferritin"\nregions = "regions"',
        "colour.png",
        "has none for this image",
    ),
    "absent": ('method = "dab"\nmarker = "ferritin"', "absent.png", "the file isn't there"),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("images")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "colour.png")
    Image.fromarray(noise[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(np.tile(noise, (2, 2, 1))).save(tmp_path / "large.png")
    Image.fromarray(np.zeros((5000, 5000, 3), np.uint8)).save(tmp_path / "huge.png")
    deep = np.zeros((5000, 5000, 3), np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, tile=(512, 512), compression="zlib")
    tifffile.imwrite(
        tmp_path / "named.ome.tif",
        np.moveaxis(noise[..., :2], -1, 0).astype(np.uint16),
        metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "ALEXA 555"]}},
    )
    (tmp_path / "regions").mkdir()
    return tmp_path


@pytest.fixture
def folder(images: Path, tmp_path: Path) -> Path:
    return shutil.copytree(images, tmp_path / "study")


def write_study(folder: Path, assay: str, image: str, *, role: str = "") -> None:
    (folder / "study.toml").write_text(f"{HEADER}\n[assays.one]\n{assay}\n")
    rows = ["assay,image,animal,diet,role", f"one,{image},m1,a,{role}"]
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("case", REFUSED)
def test_a_header_is_refused_with_the_words_of_a_run(folder: Path, case: str) -> None:
    """Authority: `problems.csv` of a run of the same study."""
    assay, image, reason = REFUSED[case]
    write_study(folder, assay, image)
    found = check_study(folder)
    assert found.exit_status == 1
    assert [reason in line for line in found.failures] == [True]
    run_study(folder, RunOptions(jobs=1))
    problems = pd.read_csv(folder / "results" / "problems.csv")
    assert len(problems) == 1
    if case != "absent":  # a run says how the opening failed
        assert problems["error"][0] in found.failures[0]
        assert problems["remedy"][0] in found.failures[0]


def test_images_without_a_pixel_size_are_counted(folder: Path) -> None:
    """By hand: one image, nothing says its scale; then the study does."""
    assay = 'method = "dab"\nmarker = "ferritin"'
    write_study(folder, assay, "colour.png")
    found = check_study(folder)
    assert not found.failures
    assert any("one: 1 of 1 images have no pixel size" in line for line in found.warnings)
    write_study(folder, assay + "\num_per_px = 0.5", "colour.png")
    assert not any("pixel size" in line for line in check_study(folder).warnings)


def test_a_blank_needs_no_scale_and_no_regions(folder: Path) -> None:
    """By hand: a blank field is only read, so nothing but its size is refused."""
    assay = 'method = "dab"\nmarker = "ferritin"\nregions = "regions"'
    write_study(folder, assay, "colour.png", role="blank")
    found = check_study(folder)
    assert not found.failures
    assert not any("pixel size" in line for line in found.warnings)
    write_study(folder, assay, "large.png", role="blank")
    assert "above the limit" in check_study(folder).failures[0]


def test_a_blank_of_another_size_is_refused_with_the_words_of_a_run(folder: Path) -> None:
    """Authority: `problems.csv` of a run; a slide's blank may have any size."""
    write_study(folder, 'method = "dab"\nmarker = "ferritin"\num_per_px = 1', "colour.png")
    noise = np.zeros((32, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "blank.png")
    with (folder / "samples.csv").open("a") as sheet:
        sheet.write("one,blank.png,,,blank\n")
    found = check_study(folder)
    run_study(folder, RunOptions(jobs=1))
    problems = pd.read_csv(folder / "results" / "problems.csv")
    assert list(problems["image"]) == ["colour.png"]
    assert len(found.failures) == 1
    assert problems["error"][0] in found.failures[0]
    assert problems["remedy"][0] in found.failures[0]


def test_photos_without_a_scale_are_counted(folder: Path) -> None:
    """By hand: of two photos the sheet gives one a scale."""
    write_study(folder, 'method = "nodules"', "colour.png")
    rows = ["assay,image,animal,diet,px_per_mm", "one,colour.png,m1,a,50", "one,large.png,m2,a,"]
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    assert any(
        "one: 1 of 2 images have no px_per_mm" in line for line in check_study(folder).warnings
    )


def test_columns_that_nothing_reads_are_named(folder: Path) -> None:
    """By hand: a sheet whose role and scale would be passed over without a word."""
    write_study(folder, 'method = "nodules"', "colour.png")
    rows = ["assay,image,animal,diet,Role,PX per mm,cage", "one,colour.png,m1,a,blank,50,7"]
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    told = [line for line in check_study(folder).warnings if line.startswith("samples.csv")]
    assert told == [
        "samples.csv: the column 'Role' isn't used; its name would be 'role'.",
        "samples.csv: the column 'PX per mm' isn't used; its name would be 'px_per_mm'.",
        "samples.csv: not used: 'cage'.",
    ]


def test_a_sheet_with_wrong_rows_is_not_said_to_lack_them(folder: Path) -> None:
    """By hand: the assay's one row has a wrong cell, which is what the check says."""
    write_study(folder, 'method = "nodules"', "colour.png", role="sampel")
    found = check_study(folder)
    assert found.exit_status == 2
    assert not any("has no image" in line or "tests need two" in line for line in found.warnings)
