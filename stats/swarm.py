"""Where to put points so that each can be seen: a beeswarm without chance."""

from collections.abc import Sequence

import numpy as np

# Placing is quadratic in the number of points; beyond this, points are spread in a fixed pattern.
_LARGEST_SWARM = 400


def swarm_offsets(
    positions_px: Sequence[float] | np.ndarray, *, diameter_px: float, limit_px: float
) -> np.ndarray:
    """Return sideways offsets that keep points of one column from covering one another.

    Each point, from the lowest up, takes the free place nearest the middle, right before left. The
    same values give the same picture.

    Parameters
    ----------
    positions_px : array_like, shape (n,)
        Positions along the value's axis, in pixels.
    diameter_px : float
        Diameter of a point.
    limit_px : float
        Largest offset; where points would go beyond it, all draw closer and overlap.

    Returns
    -------
    numpy.ndarray, shape (n,), float64
        Offsets in pixels, in the order of the positions.

    Examples
    --------
    >>> swarm_offsets([0, 0, 30], diameter_px=8, limit_px=40).tolist()
    [0.0, 8.0, 0.0]
    """
    positions = np.asarray(positions_px, dtype=float)
    if positions.size > _LARGEST_SWARM:
        return _spread(positions, limit_px)
    offsets = np.zeros(positions.size)
    placed: list[int] = []
    for index in np.argsort(positions, kind="stable"):
        near = [i for i in placed if positions[index] - positions[i] < diameter_px]
        offsets[index] = _free_place(positions[index], positions[near], offsets[near], diameter_px)
        placed.append(int(index))
    widest = float(np.abs(offsets).max(initial=0.0))
    return offsets * (limit_px / widest) if widest > limit_px else offsets


def _free_place(
    position: float, neighbours: np.ndarray, offsets: np.ndarray, diameter: float
) -> float:
    """Return the offset nearest 0 at which a point touches no neighbour."""
    if neighbours.size == 0:
        return 0.0
    reach = np.sqrt(np.maximum(diameter**2 - (position - neighbours) ** 2, 0))
    candidates = np.concatenate([[0.0], offsets + reach, offsets - reach])
    gaps = np.abs(candidates[:, None] - offsets[None, :]) >= reach[None, :] - 1e-9
    free = candidates[gaps.all(axis=1)]
    return float(free[np.lexsort((-free, np.round(np.abs(free), 6)))[0]])


def _spread(positions: np.ndarray, limit: float) -> np.ndarray:
    """Spread many points by the golden ratio's sequence, which leaves no visible gaps."""
    order = np.argsort(np.argsort(positions, kind="stable"), kind="stable")
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray(limit * (2 * ((order * golden) % 1) - 1))
