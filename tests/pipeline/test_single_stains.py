"""Stain vectors from sections with one stain each, from the command line and in a study."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.pipeline.cli import app

WHITE = np.array([242.0, 240.0, 236.0])


@pytest.fixture(scope="module")
def field() -> DabPhantom:
    """A rendered field whose vectors are turned away from the usual ones."""
    scene = DabScene(size_px=(384, 384), positive_fraction=0.5)
    return render_dab(21, scene=scene)


def section(vector: np.ndarray, seed: int) -> np.ndarray:
    """One stain by Beer and Lambert's law: blurred noise of 0 to 1.2 OD, on glass all around."""
    chance = np.random.default_rng(seed)
    amount = cv2.GaussianBlur(chance.normal(0, 1, (300, 300)), (0, 0), 4)
    amount = np.clip(0.5 + 0.35 * amount / amount.std(), 0, 1.2)
    amount[:60] = amount[-60:] = amount[:, :60] = amount[:, -60:] = 0
    light = WHITE * 10 ** -(amount[..., None] * vector)
    noisy = light + chance.normal(0, 1, light.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.fixture
def images(field: DabPhantom, tmp_path: Path) -> Path:
    for name, pixels in (
        ("field", field.rgb),
        ("blue", section(np.asarray(field.vectors[0]), 1)),
        ("brown", section(np.asarray(field.vectors[1]), 2)),
    ):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels[..., ::-1])
    return tmp_path


def measure(images: Path, *words: object, status: int = 0) -> str:
    given = ("measure", "dab", images / "field.png", "--out", images / "out", "--um-per-px", "0.5")
    result = CliRunner().invoke(app, [*map(str, (*given, *words)), "--quiet"])
    assert result.exit_code == status, result.output
    return result.output


def angle_deg(first: list[float], second: np.ndarray) -> float:
    cosine = np.dot(first, second) / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(min(cosine, 1))))


def test_the_vectors_of_single_stains_are_the_drawn_ones(images: Path, field: DabPhantom) -> None:
    """Within a degree of the vectors that the sections were drawn with; they stand in run.json,
    with their images, and the cells are measured with them.
    """
    only = ("--hematoxylin-only", images / "blue.png", "--dab-only", images / "brown.png")
    measure(images, *only)
    record = json.loads((images / "out" / "run.json").read_text())
    held = record["calibrations"]["dab"]["single_stains"]
    for name, vector in zip(("hematoxylin_vector", "dab_vector"), field.vectors, strict=True):
        assert angle_deg(held[name]["vector"], np.asarray(vector)) < 1
    assert held["dab_vector"]["image"].endswith("brown.png")
    given = [f"--{name.replace('_', '-')}={','.join(map(str, each['vector']))}"
             for name, each in held.items()]  # fmt: skip
    first = pd.read_csv(images / "out" / "images.csv")
    measure(images, *given, "--fresh")
    second = pd.read_csv(images / "out" / "images.csv")
    pd.testing.assert_frame_equal(first, second)


def test_another_image_is_another_measurement(images: Path, field: DabPhantom) -> None:
    """The same path with other pixels: the vector changes, so the image is measured again."""
    only = ("--hematoxylin-only", images / "blue.png")

    def vector() -> tuple[float, ...]:
        record = json.loads((images / "out" / "run.json").read_text())
        return tuple(record["calibrations"]["dab"]["single_stains"]["hematoxylin_vector"]["vector"])

    def stored() -> set[str]:
        return {held.name for held in (images / "out" / "store").rglob("*") if held.is_dir()}

    measure(images, *only)
    first, before = vector(), stored()
    turned = np.asarray(field.vectors[0]) + np.array([0.08, 0, -0.08])
    cv2.imwrite(str(images / "blue.png"), section(turned, 1)[..., ::-1])
    measure(images, *only)
    assert vector() != first
    assert stored() != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--hematoxylin-only", "brown.png"), "has the colour of DAB"),
        (("--dab-only", "blue.png"), "has the colour of hematoxylin"),
        (("--dab-only", "glass.png"), "pixels are stained"),
        (("--dab-only", "none.png"), "isn't there"),
        (("--dab-only", "grey.png"), "grey"),
        (("--dab-only", "brown.png", "--dab-vector", "0.3,0.5,0.8"), "both this image and"),
    ],
)
def test_what_isnt_a_single_stain(images: Path, words: tuple[str, ...], said: str) -> None:
    """A sentence that names the image and what is wrong; nothing is measured with other vectors."""
    glass = np.clip(np.random.default_rng(3).normal(WHITE, 1, (200, 200, 3)), 0, 255)
    cv2.imwrite(str(images / "glass.png"), glass.astype(np.uint8)[..., ::-1])
    cv2.imwrite(str(images / "grey.png"), section(np.ones(3), 4)[..., :1].repeat(3, axis=2))
    flag, name, *rest = words
    measure(images, flag, images / name, *rest, status=1)
    problems = pd.read_csv(images / "out" / "problems.csv")
    assert name in problems["image"][0]
    assert said in problems["error"][0]
    assert len(pd.read_parquet(images / "out" / "objects" / "dab.parquet")) == 0
