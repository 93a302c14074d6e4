"""How strongly each cell's membrane is stained, apart from what its neighbours add."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from .membranes import N_ARCS, arc_means, arc_of

_SWEEPS = 60  # the shares change by less than 1 % after thirty
_ROUNDS = 6  # and the levels by less than 3 %
# Arcs differ from what explains them by this share of it, and by this share of the image's bright
# arcs: staining is uneven along a membrane, and outlines run beside it by a fraction of its width.
_UNEVEN = 0.15
_NOISE_OF_BRIGHT = 0.05
_BRIGHT_PERCENTILE = 90
_LEAST_PIXELS = 2.0  # of an explained outline, to take a level from
_STAINED_QUANTILE = 0.9  # the brightest tenth of the outline: stained, if any of it is


@njit(cache=True)
def _shares(
    first: np.ndarray, other: np.ndarray, level: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Fit non-negative shares to border levels that are sums of two, by Gauss-Seidel.

    The borders are sorted by cell; `first` says where each cell's begin. Background's share is 0.
    """
    own = np.zeros(first.size - 1)
    for _ in range(_SWEEPS):
        for i in range(1, own.size):
            above, below = 0.0, 0.0
            for k in range(first[i], first[i + 1]):
                above += weight[k] * (level[k] - own[other[k]])
                below += weight[k]
            if below > 0:
                own[i] = max(above / below, 0.0)
    return own


def _even_shares(
    cells: np.ndarray, facing: np.ndarray, image: np.ndarray, n_labels: int
) -> np.ndarray:
    """Give each cell's share of the signal about its outlines, as if it were even all round."""
    here, there = cells[facing >= 0].astype(np.int64), facing[facing >= 0]
    pair = np.minimum(here, there) * (n_labels + 1) + np.maximum(here, there)
    pairs, where = np.unique(pair, return_inverse=True)
    weight = np.bincount(where, minlength=pairs.size).astype(np.float64)
    level = np.bincount(where, image[facing >= 0], minlength=pairs.size) / np.maximum(weight, 1)
    low, high = pairs // (n_labels + 1), pairs % (n_labels + 1)
    cell, other = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(n_labels + 2))
    both = np.concatenate([level, level])[order], np.concatenate([weight, weight])[order]
    return _shares(first, other[order], *both)


@njit(cache=True)
def _row_quantile(values: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile of each row's numbers (linear between ranks); NaN for a row without any."""
    out = np.full(values.shape[0], np.nan)
    for i in range(values.shape[0]):
        row = np.sort(values[i][np.isfinite(values[i])])
        if row.size:
            place = quantile * (row.size - 1)
            below = int(place)
            above = min(below + 1, row.size - 1)
            out[i] = row[below] + (row[above] - row[below]) * (place - below)
    return out


@dataclass(frozen=True)
class _Stretches:
    """The rim in pieces: of one cell, within one arc, facing one neighbour (0: background)."""

    cell: np.ndarray
    other: np.ndarray
    level: np.ndarray
    pixels: np.ndarray


@njit(cache=True)
def _stretch_keys(
    cells: np.ndarray, rim: np.ndarray, facing: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number the stretch of each rim pixel, with the pixel's flat index."""
    rows, columns = cells.shape
    n = centres.shape[0]
    keys, places = np.empty(rows * columns, np.int64), np.empty(rows * columns, np.int64)
    count = 0
    for y in range(rows):
        for x in range(columns):
            cell, other = cells[y, x], facing[y, x]
            if cell > 0 and rim[y, x] and other >= 0:
                arc = arc_of(y - centres[cell - 1, 0], x - centres[cell - 1, 1])
                keys[count] = (cell * (n + 1) + other) * N_ARCS + arc
                places[count] = y * columns + x
                count += 1
    return keys[:count], places[:count]


def _stretches(
    cells: np.ndarray, rim: np.ndarray, facing: np.ndarray, image: np.ndarray, centres: np.ndarray
) -> _Stretches:
    keys, places = _stretch_keys(cells, rim, facing, centres)
    kinds, which, pixels = np.unique(keys, return_inverse=True, return_counts=True)
    level = np.bincount(which, image.ravel()[places], minlength=kinds.size) / np.maximum(pixels, 1)
    pair = kinds // N_ARCS
    n = len(centres) + 1
    return _Stretches(pair // n, pair % n, level, pixels.astype(np.float64))


def _explained(stretches: _Stretches, level: np.ndarray) -> np.ndarray:
    """Fit the levels to stretches that show none, one, the other, or both of two membranes.

    Expectation and maximisation: the weight of each explanation from the levels, then each level
    from what its explanations leave for it, half a step at a time.
    """
    i, j, seen, pixels = stretches.cell, stretches.other, stretches.level, stretches.pixels
    if seen.size == 0:
        return level
    noise = max(_NOISE_OF_BRIGHT * float(np.percentile(seen, _BRIGHT_PERCENTILE)), 1e-9)
    for _ in range(_ROUNDS):
        own, others = level[i], level[j]
        supposed = np.stack([np.zeros_like(seen), own, others, own + others])
        spread = noise + _UNEVEN * supposed
        likely = -0.5 * ((seen - supposed) / spread) ** 2 - np.log(spread)
        likely = np.exp(likely - likely.max(axis=0))
        _, alone, faced, both = pixels * likely / likely.sum(axis=0)
        weight = np.bincount(i, alone + both, minlength=level.size)
        weight += np.bincount(j, faced + both, minlength=level.size)
        left = np.bincount(i, alone * seen + both * (seen - others), minlength=level.size)
        left += np.bincount(j, faced * seen + both * (seen - own), minlength=level.size)
        found = np.where(weight > _LEAST_PIXELS, left / np.maximum(weight, 1e-9), level)
        level = 0.5 * level + 0.5 * np.maximum(found, 0)
        level[0] = 0  # background has no membrane
    return level


def stained_membrane_levels(
    cells: np.ndarray,
    rim: np.ndarray,
    facing: np.ndarray,
    image: np.ndarray,
    centres: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Level of the stained part of each cell's membrane, with and without its neighbours' stain.

    The level is the 90th percentile of the cell's arcs, so that a membrane that is stained only in
    part has the level of that part. Two membranes that touch can't be resolved: the signal about a
    shared outline is taken as the sum of both. The own level starts from the shares that explain
    all borders of the image best (non-negative least squares, each cell even all round), goes on
    as the 90th percentile of the arcs less the level of the cell that each faces, and ends as the
    mean of those stretches of outline that are best explained by this cell's stain, alone or with
    the neighbour's, over those that show neither or the neighbour's alone (a mixture, fitted by
    expectation and maximisation for all cells together).

    Parameters
    ----------
    cells : numpy.ndarray
        Label image, shape (H, W), numbers 1 to n.
    rim : numpy.ndarray
        bool, shape (H, W): the membrane bands.
    facing : numpy.ndarray
        What lies across the outline, as `facing_labels` gives it; -1 where not to look.
    image : numpy.ndarray
        Shape (H, W), signal over background.
    centres : numpy.ndarray
        Shape (n, 2), y and x of each cell's centre, in pixels.

    Returns
    -------
    own, shared : numpy.ndarray
        float64, shape (n,): the level without and with what neighbours add; NaN for a cell without
        a rim.

    References
    ----------
    Dempster AP, Laird NM, Rubin DB, Maximum likelihood from incomplete data via the EM algorithm.
    J R Stat Soc B 1977; 39: 1–38.
    """
    cells = np.ascontiguousarray(cells, np.int32)
    plane = np.ascontiguousarray(image, np.float32)
    centres = np.asarray(centres, np.float64)
    n = len(centres)
    level = _even_shares(cells, facing, plane, n)
    nothing = np.zeros(n + 1)
    arcs = arc_means(cells, rim, plane, centres, facing, nothing, False)
    shared = _row_quantile(arcs, _STAINED_QUANTILE)
    for _ in range(_ROUNDS):
        arcs = arc_means(cells, rim, plane, centres, facing, level, False)
        found = np.nan_to_num(_row_quantile(arcs, _STAINED_QUANTILE))
        level[1:] = 0.5 * (level[1:] + np.maximum(found, 0))
    level = _explained(_stretches(cells, rim, facing, plane, centres), level)
    return np.where(np.isfinite(shared), level[1:], np.nan), shared
