"""The demo's Western blot: E-cadherin over α-tubulin, a lane an animal, not pooled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..imgproc.phantom_blots import BlotScene, render_blot
from .demo_tables import truth_table
from .writers import write_csv

IMAGE, SHEET = "blots/ecadherin.tif", "lanes.csv"
# The paper's direction (Figure 2B: E-cadherin falls with iron deficiency); the size is chosen.
_LEVELS = {"350 ppm": 0.40, "35 ppm": 0.37, "3.5 ppm": 0.15}
_TUBULIN = 0.40
_SPREAD = 0.08  # of animals' levels, and of lanes' loading; standard deviation of the logarithm
_LANES_A_GROUP = 3
_ROWS = (0.3, 0.7)  # heights of both bands, as shares of the image


def write_blot(
    folder: Path, animals: Sequence[tuple[str, str]], rng: np.random.Generator
) -> pd.DataFrame:
    """Render the blot, write it with its lane sheet, and give the truth about its animals."""
    shown = [a for group in _LEVELS for a in [x for x in animals if x[1] == group][:_LANES_A_GROUP]]
    loading = np.exp(rng.normal(0, _SPREAD, len(shown)))
    levels = np.array([_LEVELS[group] for _, group in shown])
    levels = levels * np.exp(rng.normal(0, _SPREAD, len(shown)))
    peaks = (tuple(levels * loading), tuple(_TUBULIN * loading))
    scene = BlotScene(size_px=(240, 80 * len(shown)), lanes=len(shown), rows=_ROWS, peaks=peaks)
    phantom = render_blot(int(rng.integers(0, 2**31)), scene=scene)
    _write_image(folder / IMAGE, phantom.image)
    write_csv(folder / SHEET, _sheet(shown, scene.size_px[0]))
    volumes = phantom.bands.pivot(index="lane", columns="row", values="volume")
    ratios = (volumes[1] / volumes[2]).to_numpy()
    reference = np.array([group == "350 ppm" for _, group in shown])
    return truth_table(shown, "relative_volume.E-cadherin", ratios / ratios[reference].mean())


def _write_image(file: Path, image: np.ndarray) -> None:
    import tifffile

    file.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(file, image, compression="zlib")


def _sheet(shown: Sequence[tuple[str, str]], height_px: int) -> pd.DataFrame:
    middle = round(sum(_ROWS) / 2 * height_px)
    proteins = (
        ("E-cadherin", "target", 0, middle),
        ("alpha-tubulin", "loading_control", middle, height_px),
    )
    rows = [
        (IMAGE, lane, animal, group, protein, role, top, bottom)
        for lane, (animal, group) in enumerate(shown, start=1)
        for protein, role, top, bottom in proteins
    ]
    columns = ["image", "lane", "animal", "diet", "protein", "role", "top_px", "bottom_px"]
    return pd.DataFrame(rows, columns=columns)
