"""Small rendered photos with their lobes, kept on disk between runs."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from xenoquant.imgproc.phantoms import LungScene, random_lung_scene, render_lungs

from ..nodules.scenes import random_scene

RENDERED_PX_PER_MM = 12.0
"""Photos are rendered as small as this: the network sees half of it."""

KEPT_PX_PER_MM = 8.0


@dataclass(frozen=True)
class Photo:
    """A rendered photo at `KEPT_PX_PER_MM`.

    Attributes
    ----------
    rgb : numpy.ndarray of uint8, shape (h, w, 3)
    lobes : numpy.ndarray of uint8, shape (h, w)
        Lobes 1..n.
    """

    rgb: np.ndarray
    lobes: np.ndarray


def scene_of(kind: str, seed: int) -> LungScene:
    """A scene of yellow lungs: training's own ("own") or the phantoms' random one ("phantoms")."""
    if kind == "own":
        scene = random_scene(np.random.default_rng([seed, 78]))
    else:
        scene = replace(random_lung_scene(seed), appearance="bouin")
    factor = RENDERED_PX_PER_MM / scene.px_per_mm
    height, width = (round(side * factor) for side in scene.size_px)
    return replace(
        scene,
        size_px=(height, width),
        px_per_mm=RENDERED_PX_PER_MM,
        blur_px=max(0.3, scene.blur_px * factor),
    )


def photo_of(kind: str, seed: int, cache: Path) -> Photo:
    """Render a photo, or read it where an earlier run has kept it."""
    path = cache / kind / f"{seed}.npz"
    if not path.exists():
        lung = render_lungs(seed, scene=scene_of(kind, seed))
        height, width = lung.lobes.shape
        factor = KEPT_PX_PER_MM / RENDERED_PX_PER_MM
        size = (round(width * factor), round(height * factor))
        rgb = cv2.resize(lung.rgb, size, interpolation=cv2.INTER_AREA)
        lobes = cv2.resize(lung.lobes.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, rgb=rgb, lobes=lobes)
    with np.load(path) as kept:
        return Photo(kept["rgb"], kept["lobes"])
