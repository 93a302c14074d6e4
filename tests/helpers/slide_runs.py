"""Slides written to disk and measured from the command line."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.pipeline.cli import app

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


def tissue_in_glass() -> np.ndarray:
    """A square of rendered tissue, 640 pixels, in the middle of glass, 1024 by 1152 pixels."""
    tissue = render_dab(5, scene=DabScene(size_px=(640, 640), positive_fraction=0.5)).rgb
    slide = np.random.default_rng(0).normal(GLASS, 1, (1024, 1152, 3))
    slide[192:832, 256:896] = tissue
    return np.clip(np.rint(slide), 0, 255).astype(np.uint8)
