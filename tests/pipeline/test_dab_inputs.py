"""Fields that a user may give to dab: measured alike whatever their container, or refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.pipeline.cli import app


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return render_dab(5, scene=DabScene(size_px=(256, 256), positive_fraction=0.5)).rgb


def with_alpha(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


CONTAINERS: dict[str, Callable[[Path, np.ndarray], object]] = {
    "plain.png": lambda path, rgb: Image.fromarray(rgb).save(path),
    "alpha.png": lambda path, rgb: Image.fromarray(with_alpha(rgb)).save(path),
    "alpha.tif": lambda path, rgb: tifffile.imwrite(
        path, with_alpha(rgb), photometric="rgb", extrasamples=["unassalpha"]
    ),
    "print.tif": lambda path, rgb: Image.fromarray(rgb).convert("CMYK").save(path),
    "sixteen.tif": lambda path, rgb: tifffile.imwrite(
        path, rgb.astype(np.uint16) * 257, photometric="rgb"
    ),
}


def measure(path: Path, *words: str, status: int = 0) -> Path:
    out = path.parent / "out"
    given = ("measure", "dab", str(path), "--out", str(out), "--no-cells", "--um-per-px", "0.5")
    result = CliRunner().invoke(app, [*given, *words, "--quiet"])
    assert result.exit_code == status, result.output
    return out


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_same_pixels_in_any_container(name: str, field: np.ndarray, tmp_path: Path) -> None:
    """Alpha, CMYK without a profile and 16 bits of the same pixels: the area of the plain image."""
    found = []
    for each in ("plain.png", name):
        (tmp_path / each.replace(".", "_")).mkdir(exist_ok=True)
        path = tmp_path / each.replace(".", "_") / each
        CONTAINERS[each](path, field)
        images = pd.read_csv(measure(path) / "images.csv").set_index("feature")
        found.append(images["value"].loc[["positive_area_fraction", "mean_od"]])
    assert found[0].to_numpy() == pytest.approx(found[1].to_numpy(), abs=2e-3)


REFUSED: dict[str, tuple[Callable[[Path, np.ndarray], object], str]] = {
    "one_channel.tif": (
        lambda path, rgb: tifffile.imwrite(path, rgb.mean(axis=2).astype(np.uint8)),
        "grey: it has one channel",
    ),
    "grey.png": (
        lambda path, rgb: Image.fromarray(rgb).convert("L").convert("RGB").save(path),
        "channels are equal everywhere",
    ),
    "dark.png": (
        lambda path, rgb: Image.fromarray((255 - rgb) // 3).save(path),
        "looks like fluorescence",
    ),
    "planes.ome.tif": (
        lambda path, rgb: tifffile.imwrite(
            path,
            np.moveaxis(rgb[..., :2], 2, 0).astype(np.uint16),
            metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC"]}},
        ),
        "has the channels DAPI, FITC",
    ),
    "float.tif": (
        lambda path, rgb: tifffile.imwrite(path, (rgb / 255).astype(np.float32), photometric="rgb"),
        "this one is float32",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_isnt_a_bright_field_is_refused(name: str, field: np.ndarray, tmp_path: Path) -> None:
    """A row of problems.csv in words, and no number."""
    write, said = REFUSED[name]
    write(tmp_path / name, field)
    out = measure(tmp_path / name, status=1)
    problems = pd.read_csv(out / "problems.csv")
    assert problems["image"].tolist() == [name]
    assert said in problems["error"][0]
    assert len(pd.read_csv(out / "images.csv")) == 0


def test_without_a_white_full_scale_stands_in_and_is_flagged(
    field: np.ndarray, tmp_path: Path
) -> None:
    """Through a brown filter: the fallback that the docs state."""
    brown = (field * np.array([0.8, 0.6, 0.4])).astype(np.uint8)
    Image.fromarray(brown).save(tmp_path / "brown.png")
    images = pd.read_csv(measure(tmp_path / "brown.png") / "images.csv")
    assert images["flag"].str.contains("no_white").all()


def test_no_score_is_missing_without_a_flag(field: np.ndarray, tmp_path: Path) -> None:
    """Empty glass has no tissue, pale tissue without nuclei no cell: zeros, no score, and why."""
    glass, pale = np.full((256, 256, 3), 240, np.uint8), np.full((256, 256, 3), 240, np.uint8)
    pale[64:192, 64:192] = (170, 140, 110)
    for name, pixels, flag in (("glass", glass, "no_tissue"), ("pale", pale, "no_cells")):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "field.png")
        out = measure(tmp_path / name / "field.png", "--cells")
        images = pd.read_csv(out / "images.csv").set_index("feature")
        assert images["value"]["cells"] == 0
        assert np.isnan(images["value"]["h_score"])
        assert all(flag in held.split(";") for held in images["flag"])
    Image.fromarray(field).save(tmp_path / "field.png")
    images = pd.read_csv(measure(tmp_path / "field.png") / "images.csv").set_index("feature")
    assert np.isnan(images["value"]["cells"])  # with --no-cells none was looked for
    assert images["value"]["tissue_area_mm2"] > 0
    assert not images["flag"].str.contains("no_cells|no_tissue").any()


def test_the_limit_on_pixels_holds_for_large_images_without_tiles(tmp_path: Path) -> None:
    """A PNG of more pixels than a field has is a slide that would be read whole: it is refused
    beyond the limit, as docs/reliability.md says, and read up to it.
    """
    Image.new("RGB", (5000, 5000), (240, 240, 240)).save(tmp_path / "large.png", compress_level=1)
    out = measure(tmp_path / "large.png", "--max-megapixels", "24.5", status=1)
    problem = pd.read_csv(out / "problems.csv").iloc[0]
    assert problem["error"].endswith("25 megapixels, above the limit of 24.5")
    assert problem["remedy"].startswith("if it really is that large, raise max_megapixels")
    out = measure(tmp_path / "large.png", "--max-megapixels", "25")
    assert "read_whole" in pd.read_csv(out / "images.csv")["flag"][0].split(";")
