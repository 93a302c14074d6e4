"""A study of many small rendered sections, for the benchmarks and tests of the engine."""

from pathlib import Path

import numpy as np
from PIL import Image

from xenoquant.imgproc.phantoms import DabScene, render_dab

GROUPS = ("350 ppm", "3.5 ppm")
RENDERED = 8  # the rest are these with other pixels here and there: rendering is slow
STUDY = """
[study]
title = "Many small sections"
group = "diet"
groups = ["350 ppm", "3.5 ppm"]
reference = "350 ppm"
rendered = true

[assays.ferritin]
method = "dab"
marker = "ferritin"
um_per_px = 0.5
"""


def write_small_study(folder: Path, images: int, *, side_px: int = 64) -> None:
    """Write a study of so many H-DAB images, ten an animal, each with bytes of its own."""
    (folder / "dab").mkdir(parents=True)
    scene = DabScene(size_px=(side_px, side_px), jpeg_quality=None)
    rendered = [render_dab(seed, scene=scene).rgb for seed in range(min(RENDERED, images))]
    rows = ["assay,image,animal,diet,role"]
    for number in range(images):
        pixels = np.roll(rendered[number % RENDERED], number // RENDERED, axis=1)
        name = f"dab/{number:05d}.png"
        pixels[0, 0] = (number % 251, number // 251 % 251, 128)  # no two files the same
        Image.fromarray(pixels).save(folder / name, compress_level=1)
        animal = number // 10
        role = "negative_control" if number == 0 else ""
        rows.append(f"ferritin,{name},m{animal},{GROUPS[animal % 2]},{role}")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def table_bytes(study: Path) -> dict[str, bytes]:
    """Read every table of a study's results as bytes."""
    results = study / "results"
    files = [*results.glob("*.csv"), *results.glob("objects/*"), *results.glob("regions/*")]
    return {file.relative_to(results).as_posix(): file.read_bytes() for file in sorted(files)}


def stored(study: Path) -> int:
    """Count the images whose result is stored."""
    return len(list((study / "results" / "store").glob("??/*/measurement.json")))
