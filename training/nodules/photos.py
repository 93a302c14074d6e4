"""Rendered photos to learn from and to check on, kept on disk between runs."""

from pathlib import Path

import numpy as np
import pandas as pd
from samples import Photo
from scenes import random_scene

from xenoquant.imgproc.phantoms import LungScene, random_lung_scene, render_lungs

COLUMNS = ["lobe", "y_px", "x_px", "radius_px", "visible_fraction", "at_rim", "contrast"]


def drawn_scene(kind: str, seed: int) -> LungScene:
    """The scene of a seed: this folder's own ("own") or the phantoms' random one ("phantoms")."""
    if kind == "own":
        return random_scene(np.random.default_rng([seed, 77]))
    return random_lung_scene(seed)


def photo(kind: str, seed: int, cache: Path) -> Photo | None:
    """Render a photo, or read it where an earlier run has kept it; None for inked lungs."""
    path = cache / kind / f"{seed}.npz"
    if not path.exists():
        scene = drawn_scene(kind, seed)
        if scene.appearance != "bouin":
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        lung = render_lungs(seed, scene=scene)
        np.savez_compressed(
            path,
            rgb=lung.rgb,
            nodules=lung.nodules.astype(np.uint16),
            table=lung.table[COLUMNS].to_numpy(float),
            px=lung.px_per_mm,
        )
    with np.load(path) as kept:
        table = pd.DataFrame(kept["table"], columns=COLUMNS)
        return Photo(kept["rgb"], kept["nodules"], table, float(kept["px"]))
