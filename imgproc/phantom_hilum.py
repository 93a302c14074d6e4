"""Bronchus, vessels' stumps and fat at the hilum of the lung phantoms."""

from dataclasses import dataclass

import numpy as np

from .phantom_lobes import LobeShape
from .phantom_optics import smooth_noise, to_linear, unit_normals

HILUM_SRGB = ((236, 224, 190), (228, 206, 176), (240, 232, 214), (214, 196, 160), (206, 176, 150))
"""Fat, bronchus and connective tissue after fixation."""


HILUM_REACH_MM = 1.0
"""Bodies stand on the lobe's outline within this distance of the hilum."""


@dataclass(frozen=True)
class Hilum:
    """Pale elongated bodies at a lobe's edge.

    Attributes
    ----------
    mask : numpy.ndarray
        bool, (height, width), what they cover.
    albedo : numpy.ndarray
        float32, (height, width, 3), valid inside the mask.
    normal : numpy.ndarray
        float32, (height, width, 3), valid inside the mask.
    """

    mask: np.ndarray
    albedo: np.ndarray
    normal: np.ndarray


def hilum_bodies(
    rng: np.random.Generator, lobe: LobeShape, shape: tuple[int, int], px_per_mm: float
) -> Hilum:
    """One to four sausages of fat and bronchus about the hilum, across or out of the lobe.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    lobe : LobeShape
        The lobe in its window.
    shape : tuple of int
        Height and width of the window.
    px_per_mm : float
        Scale.

    Returns
    -------
    Hilum
        Mask, reflectance, normals.
    """
    mask = np.zeros(shape, bool)
    albedo = np.zeros((*shape, 3), np.float32)
    normal = np.zeros((*shape, 3), np.float32)
    along = np.array([-lobe.inward[1], lobe.inward[0]])
    from_hilum = np.hypot(*(lobe.outline - lobe.hilum).T)
    nearby = lobe.outline[from_hilum < HILUM_REACH_MM * px_per_mm]
    for _ in range(int(rng.integers(1, 5))):
        long_axis = rng.uniform(0.5, 1.5) * px_per_mm
        short_axis = long_axis * rng.uniform(0.25, 0.55)
        outward = rng.random() < 0.35
        depth = 0.5 * long_axis if outward else 0.3 * short_axis
        centre = nearby[int(rng.integers(len(nearby)))] - lobe.inward * depth
        axis = lobe.inward if outward else along
        turn = np.arctan2(axis[1], axis[0]) + rng.normal(0, 0.3)
        colour = to_linear(HILUM_SRGB[int(rng.integers(len(HILUM_SRGB)))])
        _add_body(rng, (mask, albedo, normal), centre, (long_axis, short_axis, turn), colour)
    return Hilum(mask, albedo, normal)


def _add_body(
    rng: np.random.Generator,
    layers: tuple[np.ndarray, np.ndarray, np.ndarray],
    centre: np.ndarray,
    axes: tuple[float, float, float],
    colour: np.ndarray,
) -> None:
    """Lay one sausage over the layers, in place (axes: long, short, turn)."""
    long_axis, short_axis, turn = axes
    reach = int(1.4 * long_axis) + 2
    rows = slice(max(0, int(centre[1]) - reach), max(0, int(centre[1]) + reach))
    columns = slice(max(0, int(centre[0]) - reach), max(0, int(centre[0]) + reach))
    mask, albedo, normal = (layer[rows, columns] for layer in layers)
    if mask.size == 0:
        return
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    dx, dy = x + columns.start - centre[0], y + rows.start - centre[1]
    u = (np.cos(turn) * dx + np.sin(turn) * dy) / long_axis
    v = (np.cos(turn) * dy - np.sin(turn) * dx) / short_axis
    v = v + rng.uniform(-0.5, 0.5) * (u**2 - 0.3)
    lumps = smooth_noise(rng, mask.shape, max(2.0, 0.8 * short_axis))
    level = np.abs(u) ** 2.6 + np.abs(v) ** 2.2 + 0.12 * lumps
    inside = level < 1
    slope_u, slope_v = 1.1 * u / long_axis * short_axis, 1.2 * v
    nx = np.cos(turn) * slope_u - np.sin(turn) * slope_v
    ny = np.sin(turn) * slope_u + np.cos(turn) * slope_v
    facing = unit_normals(np.stack([nx, ny, np.ones_like(nx)], axis=2))
    mask |= inside
    albedo[inside] = (colour * (1 + 0.06 * lumps[inside])[:, None]).astype(np.float32)
    normal[inside] = facing[inside]
