"""A drawn slide, its glass and its stains."""

import cv2
import numpy as np

from xenoquant.imgproc.optics import optical_density
from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.imgproc.stains import StainVectors, unmix

WHITE = np.array([241.0, 239.0, 236.0])
VECTORS = StainVectors((0.62, 0.72, 0.31), (0.25, 0.55, 0.79))


def plain_brown(rgb: np.ndarray) -> np.ndarray:
    """DAB by the formula: optical density times the inverse of the vectors."""
    return unmix(optical_density(rgb, WHITE), VECTORS)[..., 1]


def tissue_on_glass() -> np.ndarray:
    """Two pieces of rendered tissue of different strength on glass, 640 x 896 pixels."""
    fields = [
        render_dab(seed, scene=DabScene(size_px=(640, 448), positive_fraction=share)).rgb
        for seed, share in ((3, 0.2), (4, 0.7))
    ]
    tissue = np.concatenate(fields, axis=1)
    mask = np.zeros(tissue.shape[:2], np.uint8)
    cv2.ellipse(mask, (210, 330), (170, 260), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (680, 300), (170, 240), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)[..., None]
    glass = WHITE + np.random.default_rng(1).normal(0, 1, tissue.shape)
    return np.clip(np.rint(tissue * soft + glass * (1 - soft)), 0, 255).astype(np.uint8)
