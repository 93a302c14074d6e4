"""A study of many small rendered images, for the benchmarks and tests of the engine."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    render_dab,
    render_fluorescence,
)

GROUPS = ("350 ppm", "3.5 ppm")
RENDERED = 8  # the rest are these with other pixels here and there: rendering is slow
STUDY = """
[study]
title = "Many small sections"
group = "diet"
groups = ["350 ppm", "3.5 ppm"]
reference = "350 ppm"
rendered = true

"""
ASSAYS = {
    "dab": """[assays.ferritin]
method = "dab"
marker = "ferritin"
um_per_px = 0.5
""",
    "fluorescence": """[assays.ferritin]
method = "fluorescence"
marker = "ferritin"
channels = { marker = 0, nuclei = 1 }
um_per_px = 0.5
""",
}


def write_small_study(folder: Path, images: int, *, side_px: int = 64, method: str = "dab") -> None:
    """Write a study of so many images of one assay, ten an animal, each with bytes of its own."""
    (folder / method).mkdir(parents=True)
    render = {"dab": _sections, "fluorescence": _fields}[method]
    rendered = render(min(RENDERED, images), side_px)
    rows = ["assay,image,animal,diet,role"]
    for number in range(images):
        pixels = np.roll(rendered[number % RENDERED], number // RENDERED, axis=1)
        name = f"{method}/{number:05d}" + (".png" if method == "dab" else ".tif")
        pixels[0, 0] = (number % 251, number // 251 % 251, 128)  # no two files the same
        _write(folder / name, pixels)
        animal = number // 10
        role = "negative_control" if number == 0 else ""
        rows.append(f"ferritin,{name},m{animal},{GROUPS[animal % 2]},{role}")
    (folder / "study.toml").write_text(STUDY + ASSAYS[method], encoding="utf-8")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _sections(images: int, side_px: int) -> list[np.ndarray]:
    scene = DabScene(size_px=(side_px, side_px), jpeg_quality=None)
    return [render_dab(seed, scene=scene).rgb for seed in range(images)]


def _fields(images: int, side_px: int) -> list[np.ndarray]:
    """Render marker, nuclei and an empty channel; the first, without marker, is the control."""
    found = []
    for seed in range(images):
        scene = FluorescenceScene(size_px=(side_px, side_px), control=seed == 0)
        channels = render_fluorescence(seed, scene=scene).channels
        planes = channels["marker"], channels["nuclei"], np.zeros_like(channels["nuclei"])
        found.append(np.stack(planes, axis=-1))
    return found


def _write(file: Path, pixels: np.ndarray) -> None:
    if file.suffix == ".png":
        Image.fromarray(pixels).save(file, compress_level=1)
    else:
        planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
        tifffile.imwrite(file, planes, ome=True, metadata={"axes": "CYX"})


def table_bytes(study: Path) -> dict[str, bytes]:
    """Read every table of a study's results as bytes."""
    results = study / "results"
    files = [*results.glob("*.csv"), *results.glob("objects/*"), *results.glob("regions/*")]
    return {file.relative_to(results).as_posix(): file.read_bytes() for file in sorted(files)}


def stored(study: Path) -> int:
    """Count the images whose result is stored."""
    return len(list((study / "results" / "store").glob("??/*/measurement.bin")))
