"""Nodules of the lung phantoms: where they sit, what they cover, how they bulge."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

PLACEMENT_TRIES = 60
"""Random places tried for a nodule before it is made smaller."""

SHRINK = 0.85
"""Factor on the radius of a nodule for which no place was found."""

WAVES = 3
"""Orders (2, 3, 4) of the irregular outline."""


@dataclass(frozen=True)
class NoduleBumps:
    """Nodules on one lobe, as arrays of one entry each, lengths in pixels.

    Attributes
    ----------
    y, x : numpy.ndarray
        Centre in the lobe's window.
    radius : numpy.ndarray
        Radius of the disc on the surface.
    rise : numpy.ndarray
        Height of the bulge.
    roundness : numpy.ndarray
        Exponent of the profile: 0.5 a bead, 1 a soft cap, more a flat bell.
    waves : numpy.ndarray
        (n, 3, 2) amplitude and phase of the irregular outline.
    """

    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray
    rise: np.ndarray
    roundness: np.ndarray
    waves: np.ndarray


@dataclass(frozen=True)
class Relief:
    """What the nodules make of a lobe's window.

    Attributes
    ----------
    label : numpy.ndarray
        int32, 0 or the nodule's place in the table plus 1.
    depth : numpy.ndarray
        float32, 0 at a nodule's edge to 1 at its centre.
    normal : numpy.ndarray
        float32, (height, width, 3), of the nodule's surface where `label` is set.
    """

    label: np.ndarray
    depth: np.ndarray
    normal: np.ndarray


def diameters_mm(
    rng: np.random.Generator,
    count: int,
    *,
    median_mm: float,
    log_sd: float,
    limits_mm: tuple[float, float],
) -> np.ndarray:
    """Log-normal diameters within limits, largest first (values outside are drawn again)."""
    drawn = median_mm * np.exp(log_sd * rng.standard_normal(count))
    for _ in range(20):
        outside = (drawn < limits_mm[0]) | (drawn > limits_mm[1])
        if not outside.any():
            break
        drawn[outside] = median_mm * np.exp(log_sd * rng.standard_normal(int(outside.sum())))
    return np.sort(np.clip(drawn, *limits_mm))[::-1]


def place_nodules(
    rng: np.random.Generator,
    free: np.ndarray,
    radii_px: np.ndarray,
    *,
    clustering: float,
    rim_share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Centres for nodules on a lobe.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    free : numpy.ndarray
        bool, (height, width), where a centre may lie.
    radii_px : numpy.ndarray
        Wanted radii, largest first.
    clustering : float
        Share of nodules placed against an earlier one, so that the two merge.
    rim_share : float
        Share of nodules placed within a radius of the lobe's edge.

    Returns
    -------
    centres : numpy.ndarray
        (n, 2) y, x.
    radii : numpy.ndarray
        (n,) radii, smaller than wanted where the lobe was full.
    """
    edge = cv2.distanceTransform(np.pad(free, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inside_y, inside_x = np.nonzero(free)
    if len(radii_px) == 0 or len(inside_y) == 0:
        return np.zeros((0, 2)), np.zeros(0)
    by_depth = np.argsort(edge[inside_y, inside_x], kind="stable")
    depths = edge[inside_y, inside_x][by_depth]
    centres, radii = np.zeros((len(radii_px), 2)), np.array(radii_px, np.float64)
    for index in range(len(radii)):
        merge = index > 0 and rng.random() < clustering
        at_rim = rng.random() < rim_share
        for attempt in range(20 * PLACEMENT_TRIES):
            if attempt and attempt % PLACEMENT_TRIES == 0:
                radii[index] *= SHRINK
            if merge and attempt < PLACEMENT_TRIES:
                point = _beside(rng, centres[:index], radii[: index + 1])
            else:
                span = np.searchsorted(depths, 0.9 * radii[index]) if at_rim else len(depths)
                pick = by_depth[int(rng.integers(max(1, span)))]
                point = np.array([inside_y[pick], inside_x[pick]]) + rng.uniform(-0.5, 0.5, 2)
            if _fits(point, index, centres, radii, free, merge and attempt < PLACEMENT_TRIES):
                break
        centres[index] = point
    return centres, radii


def _beside(rng: np.random.Generator, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """A point at which the last nodule overlaps a random earlier one."""
    other = int(rng.integers(len(centres)))
    distance = rng.uniform(0.78, 1.0) * (radii[other] + radii[-1])
    angle = rng.uniform(0, 2 * np.pi)
    return centres[other] + distance * np.array([np.sin(angle), np.cos(angle)])


def _fits(
    point: np.ndarray,
    index: int,
    centres: np.ndarray,
    radii: np.ndarray,
    free: np.ndarray,
    merge: bool,
) -> bool:
    """Whether a nodule may stand here: on the lobe, and over no other (a merging one a little)."""
    row, column = round(point[0]), round(point[1])
    if not (0 <= row < free.shape[0] and 0 <= column < free.shape[1] and free[row, column]):
        return False
    if index == 0:
        return True
    distance = np.hypot(*(centres[:index] - point).T)
    closest = (0.74 if merge else 1.06) * (radii[:index] + radii[index])
    return bool(np.all(distance > closest))


def irregular_waves(rng: np.random.Generator, count: int, irregularity: float) -> np.ndarray:
    """Amplitudes and phases of outlines that enclose the area of a circle."""
    order = np.arange(2, 2 + WAVES)
    amplitude = irregularity * np.abs(rng.standard_normal((count, WAVES))) / (order - 1) ** 1.5
    amplitude = np.minimum(amplitude, 0.2 / (order - 1))
    phase = rng.uniform(0, 2 * np.pi, (count, WAVES))
    return np.stack([amplitude, phase], axis=2).astype(np.float32)


@numba.njit(cache=True)
def _raise_nodules(
    surface: np.ndarray,
    axes: np.ndarray,
    table: np.ndarray,
    waves: np.ndarray,
    label: np.ndarray,
    depth: np.ndarray,
    normal: np.ndarray,
) -> None:
    """Draw flattened ellipsoids on a surface, nearest to the camera wins.

    An ellipsoid of half-axes r (along the surface) and c (along its normal n) is the set
    |p|²/r² + (p·n)² (1/c² - 1/r²) = 1; each pixel takes its upper root for z.
    """
    height, width = surface.shape
    top = surface.copy()
    for index in range(table.shape[0]):
        cy, cx, radius, rise, roundness, z0 = table[index]
        nx, ny, nz = axes[index]
        power = 0.0
        for k in range(waves.shape[1]):
            power += 0.5 * waves[index, k, 0] ** 2
        unit = 1.0 / np.sqrt(1.0 + power)  # keeps the irregular outline's area at pi r²
        inv_r2 = 1.0 / radius**2
        extra = 1.0 / rise**2 - inv_r2
        a = inv_r2 + extra * nz * nz
        reach = 1.5 * radius + 2
        for y in range(max(0, int(cy - reach)), min(height, int(cy + reach) + 1)):
            for x in range(max(0, int(cx - reach)), min(width, int(cx + reach) + 1)):
                dy, dx = y - cy, x - cx
                phi = np.arctan2(dy, dx)
                stretch = 1.0
                for k in range(waves.shape[1]):
                    stretch += waves[index, k, 0] * np.cos((k + 2) * phi + waves[index, k, 1])
                stretch *= unit
                px, py = dx / stretch, dy / stretch
                along = px * nx + py * ny
                b = extra * nz * along
                c = (px * px + py * py) * inv_r2 + extra * along * along - 1.0
                inside = b * b - a * c
                if inside < 0:
                    continue
                z = (-b + np.sqrt(inside)) / a
                if z + z0 <= top[y, x]:
                    continue
                top[y, x] = z + z0
                up = along + z * nz
                rest = min(1.0, (up / rise) ** 2)
                slope = 2 * roundness * rise * inv_r2 * max(rest, 0.02) ** (roundness - 1)
                tx, ty, tz = px - up * nx, py - up * ny, z - up * nz
                vx, vy, vz = nx + slope * tx, ny + slope * ty, nz + slope * tz
                size = np.sqrt(vx * vx + vy * vy + vz * vz)
                label[y, x] = index + 1
                depth[y, x] = rest
                normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = vx / size, vy / size, vz / size


def raise_nodules(
    bumps: NoduleBumps, mask: np.ndarray, surface: np.ndarray, normals: np.ndarray
) -> Relief:
    """What the nodules cover and how their surfaces face.

    Parameters
    ----------
    bumps : NoduleBumps
        The nodules.
    mask : numpy.ndarray
        bool, (height, width), the lobe.
    surface : numpy.ndarray
        float32, (height, width), the lobe's height in pixels.
    normals : numpy.ndarray
        float32, (height, width, 3), the lobe's normals.

    Returns
    -------
    Relief
        Footprints as the camera sees them. A nodule at the rim stands out over the edge; one
        that faces the camera covers pi times its squared radius.
    """
    count = len(bumps.y)
    row = np.clip(np.rint(bumps.y).astype(np.intp), 0, mask.shape[0] - 1)
    column = np.clip(np.rint(bumps.x).astype(np.intp), 0, mask.shape[1] - 1)
    axes = normals[row, column].astype(np.float64).reshape(count, 3)
    table = np.stack(
        [bumps.y, bumps.x, bumps.radius, bumps.rise, bumps.roundness, surface[row, column]], axis=1
    ).astype(np.float64)
    label = np.zeros(mask.shape, np.int32)
    depth = np.zeros(mask.shape, np.float32)
    normal = np.zeros((*mask.shape, 3), np.float32)
    ground = np.where(mask, surface, np.float32(-1e6))
    _raise_nodules(ground, axes, table, bumps.waves, label, depth, normal)
    return Relief(label, depth, normal)
