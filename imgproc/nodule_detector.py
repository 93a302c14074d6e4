"""Pale nodules on a lobe found by a multi-scale Laplacian of Gaussian: the classical detector."""

from dataclasses import dataclass

import cv2
import numpy as np

from .glare import normalised_blur
from .lobe_patch import LobePatch
from .lung_tissue import Appearance
from .nodule_surface import surface

_SCALES = 12
_MIN_RESPONSE = 0.05  # in units of paleness; mottled tissue mostly stays below
_FULL_RESPONSE = 0.222  # a response that leaves no doubt
_OVERLAP = 0.55  # two blobs nearer than this share of the larger radius are one
_EDGE_SHARE = 0.45  # of a nodule's own contrast: where its outline is drawn


@dataclass(frozen=True)
class Detections:
    """Nodules on one lobe patch, in its pixels.

    Attributes
    ----------
    y, x, radius, confidence, contrast : numpy.ndarray of float, shape (n,)
        Centre, radius (pixels of the patch), belief that it is a nodule (0..1), and how much paler
        than its surroundings it is (see `Surface.pale`).
    labels : numpy.ndarray of int32, shape (h, w)
        Outlines; 1..n as the rows above.
    glare : numpy.ndarray of bool, shape (h, w)
        Reflections that were masked.
    """

    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray
    confidence: np.ndarray
    contrast: np.ndarray
    labels: np.ndarray
    glare: np.ndarray


def _radii(patch: LobePatch, min_diameter_mm: float, max_diameter_mm: float) -> np.ndarray:
    low, high = 0.5 * min_diameter_mm, 0.5 * max_diameter_mm
    return np.geomspace(low, high, _SCALES) * patch.px_per_mm


def _responses(pale: np.ndarray, inside: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Centre-minus-surround response at every radius; the lobe's outside has no say."""
    weight = inside.astype(np.float32)
    layers = []
    for radius in radii:
        sigma = radius / np.sqrt(2)
        centre = normalised_blur(pale, weight, 0.7 * sigma)
        surround = normalised_blur(pale, weight, 1.6 * sigma)
        layers.append(np.where(inside, centre - surround, 0))
    return np.stack(layers)


def _peaks(stack: np.ndarray, threshold: float) -> np.ndarray:
    """Local maxima over position and scale: rows of (scale, y, x), strongest first."""
    kernel = np.ones((3, 3), np.uint8)
    local = np.stack([cv2.dilate(layer, kernel) for layer in stack])
    padded = np.pad(local, ((1, 1), (0, 0), (0, 0)), constant_values=-np.inf)
    highest = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    found = np.argwhere((stack >= highest) & (stack > threshold))
    strength = stack[tuple(found.T)]
    return found[np.lexsort((found[:, 2], found[:, 1], -strength))]


def _without_overlaps(y: np.ndarray, x: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Keep the stronger of blobs that lie within each other (rows come strongest first)."""
    kept: list[int] = []
    for row in range(len(y)):
        others = np.array(kept, int)
        reach = np.maximum(radius[others], radius[row]) * _OVERLAP
        if not (np.hypot(y[others] - y[row], x[others] - x[row]) < reach).any():
            kept.append(row)
    return np.array(kept, int)


def outline(
    pale: np.ndarray,
    inside: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    radius: np.ndarray,
    peak: np.ndarray,
) -> np.ndarray:
    """Draw nodules: pixels go to the nearest centre (in radii) where they are pale enough.

    Parameters
    ----------
    pale : numpy.ndarray
        (H, W) float32: how much paler than the lung around it.
    inside : numpy.ndarray
        (H, W) bool: the lobes.
    y, x, radius : numpy.ndarray
        (n,) centres and radii, in pixels.
    peak : numpy.ndarray
        (n,) how pale each nodule is at its centre.

    Returns
    -------
    numpy.ndarray
        (H, W) int32, nodules from 1 in the order given, 0 elsewhere.
    """
    rows, columns = np.mgrid[: pale.shape[0], : pale.shape[1]].astype(np.float32)
    nearest = np.full(pale.shape, 1.3, np.float32)
    labels = np.zeros(pale.shape, np.int32)
    for number in range(len(y)):
        distance = np.hypot(rows - y[number], columns - x[number]) / max(radius[number], 1.0)
        taken = (
            (distance < nearest) & inside & ((pale > _EDGE_SHARE * peak[number]) | (distance < 0.5))
        )
        nearest[taken] = distance[taken]
        labels[taken] = number + 1
    return labels


def detect_classical(
    patch: LobePatch,
    *,
    appearance: Appearance = "bouin",
    min_diameter_mm: float = 0.2,
    max_diameter_mm: float = 3.0,
) -> Detections:
    """Find nodules as pale blobs at all scales between two diameters.

    Parameters
    ----------
    patch : LobePatch
        The lobe.
    appearance : {"bouin", "dark-lung"}
    min_diameter_mm, max_diameter_mm : float
        Range of sizes looked for.

    Returns
    -------
    Detections
        With a confidence each; weak ones are included.
    """
    lobe = surface(patch, appearance)
    pale, glare = lobe.pale, lobe.glare
    radii = _radii(patch, min_diameter_mm, max_diameter_mm)
    stack = _responses(pale, patch.mask, radii)
    found = _peaks(stack, _MIN_RESPONSE)
    strength = stack[tuple(found.T)]
    y, x, radius = found[:, 1], found[:, 2], radii[found[:, 0]]
    hidden = glare[y, x]
    keep = ~hidden
    y, x, radius, strength = y[keep], x[keep], radius[keep], strength[keep]
    kept = _without_overlaps(y, x, radius)
    y, x, radius, strength = y[kept], x[kept], radius[kept], strength[kept]
    labels = outline(pale, patch.mask, y, x, radius, pale[y, x])
    return Detections(
        y=y.astype(float),
        x=x.astype(float),
        radius=radius,
        confidence=np.clip(strength / _FULL_RESPONSE, 0, 1),
        contrast=strength.astype(float),
        labels=labels,
        glare=glare,
    )
