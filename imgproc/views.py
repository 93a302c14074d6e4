"""One lobe photographed from both sides: nodules at its rim that both photos show, counted once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FRAME_COLUMNS = (
    *("y_px", "x_px", "orientation_deg", "length_px", "breadth_px"),
    *("skew_along", "skew_across", "area_px"),
)
"""Columns that `lobe_frames` gives and `LobeFrame.from_region` reads."""

_SAMPLED_SIDE_PX = 800  # label images are thinned to this before moments are taken
_ROUND = 0.92  # breadth over length: above it a lobe has no long axis to go by
_SKEW_NOISE = 0.08  # between a lobe's two outlines, which differ by how it lies
_SURE_ODDS = 3.0  # log odds (20 to 1) that a way of laying the views on each other needs
_POSITION_NOISE = 0.05  # of the lobe's size (square root of its area), at best
_POSITION_NOISE_DIAMETER = 0.35  # of the nodule: each view shows another half of it
_SIZE_NOISE = 0.25  # natural logarithm; a rim nodule is seen from two directions
_SIZE_SCATTER = 0.7  # natural logarithm, between two nodules picked at random
_PERIMETER = 3.9  # of a lobe, in units of the square root of its area
_BOTH_AT_RIM = 0.8  # share of rim nodules that the other view shows, at its rim
_ONE_AT_RIM = 0.25  # share that the other view shows just inside its outline
_SURE = 0.9  # reliability of a pair that is counted once even in the high count
_POSSIBLE_Z = 3.0  # a pair further apart than this many standard deviations is none


@dataclass(frozen=True)
class LobeFrame:
    """Where a lobe lies on a photo, and which way it points.

    Attributes
    ----------
    y_px, x_px : float
        Centroid.
    orientation_deg : float
        Direction of the long axis towards the lobe's drawn-out end, clockwise from the photo's
        width.
    length_px, breadth_px : float
        Axes of the ellipse with the lobe's second moments.
    skew_along, skew_across : float
        Skewness of the tissue along the long axis (never negative) and across it.
    area_px : float
        The lobe's area.
    """

    y_px: float
    x_px: float
    orientation_deg: float
    length_px: float
    breadth_px: float
    skew_along: float
    skew_across: float
    area_px: float

    @classmethod
    def from_region(cls, region: pd.Series) -> "LobeFrame | None":
        """Read the frame from a lobe's row; None where the row lacks a column or a value."""
        if any(
            name not in region or not np.isfinite(float(region[name])) for name in FRAME_COLUMNS
        ):
            return None
        return cls(**{name: float(region[name]) for name in FRAME_COLUMNS})


@dataclass(frozen=True)
class ViewCount:
    """Nodules of one lobe, from its two sides.

    Attributes
    ----------
    count : int
        Nodules, those that both views show counted once.
    count_low : int
        With every pair that could be one nodule counted once, and only each view's sure nodules.
    count_high : int
        With only sure pairs counted once, and each view's doubtful nodules too.
    pairs : pandas.DataFrame
        Pairs taken for one nodule: ``dorsal``, ``ventral`` (objects' numbers), ``distance`` (after
        laying the views on each other, in units of the square root of the lobe's area; NaN without
        positions), ``size_ratio`` (ventral over dorsal), ``reliability`` (0 to 1).
    flags : tuple of str
        ``no_positions``: the lobe's frame isn't known, so pairs were found by size alone.
        ``views_ambiguous``: the lobe is too round or symmetric to tell how one view lies on the
        other; no pair is then sure.
    """

    count: int
    count_low: int
    count_high: int
    pairs: pd.DataFrame
    flags: tuple[str, ...] = ()


def lobe_frames(labels: np.ndarray, count: int) -> pd.DataFrame:
    """Position, direction and shape of each lobe of a label image.

    Parameters
    ----------
    labels : numpy.ndarray, shape (H, W), int
        Lobes numbered from 1.
    count : int
        How many there are.

    Returns
    -------
    pandas.DataFrame
        A row a lobe, in the order of their numbers, with the columns `FRAME_COLUMNS`; NaN for a
        lobe that shows no pixel.

    Examples
    --------
    >>> labels = np.zeros((40, 60), int)
    >>> labels[10:20, 15:45] = 1
    >>> frame = lobe_frames(labels, 1).iloc[0]
    >>> float(frame["y_px"]), float(frame["x_px"]), float(frame["area_px"])
    (14.5, 29.5, 300.0)
    """
    step = max(1, max(labels.shape) // _SAMPLED_SIDE_PX)
    thinned = labels[step // 2 :: step, step // 2 :: step]
    rows, columns = np.nonzero(thinned)
    number = thinned[rows, columns]
    frames = []
    for lobe in range(1, count + 1):
        own = number == lobe
        frames.append(_frame(rows[own] * step + step // 2, columns[own] * step + step // 2, step))
    return pd.DataFrame(frames, columns=list(FRAME_COLUMNS), dtype="float64")


def _frame(y: np.ndarray, x: np.ndarray, step: int) -> tuple[float, ...]:
    """The columns of one lobe, from the moments of its pixels."""
    if len(y) == 0:
        return (float("nan"),) * len(FRAME_COLUMNS)
    middle_y, middle_x = float(y.mean()), float(x.mean())
    dy, dx = y - middle_y, x - middle_x
    square = step**2 / 12  # a pixel's own variance
    yy, xx = float((dy**2).mean()) + square, float((dx**2).mean()) + square
    xy = float((dy * dx).mean())
    turn = 0.5 * float(np.arctan2(2 * xy, xx - yy))
    along, across = _turned(dy, dx, turn)
    deviation_along, deviation_across = np.sqrt((along**2).mean()), np.sqrt((across**2).mean())
    skew_along = float((along**3).mean() / max(deviation_along, 1e-9) ** 3)
    skew_across = float((across**3).mean() / max(deviation_across, 1e-9) ** 3)
    if skew_along < 0:  # point the axis to the drawn-out end
        turn, skew_along, skew_across = turn + np.pi, -skew_along, -skew_across
    half, middle = float(np.hypot((xx - yy) / 2, xy)), (xx + yy) / 2
    return (
        middle_y,
        middle_x,
        float(np.rad2deg(np.arctan2(np.sin(turn), np.cos(turn)))),
        4 * float(np.sqrt(middle + half)),
        4 * float(np.sqrt(max(middle - half, 0.0))),
        skew_along,
        skew_across,
        float(len(y) * step**2),
    )


def _turned(dy: np.ndarray, dx: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    return dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)


@dataclass(frozen=True)
class _Side:
    """The nodules of one view, in the lobe's own frame and units."""

    number: np.ndarray
    along: np.ndarray
    across: np.ndarray
    diameter: np.ndarray
    at_rim: np.ndarray


def _side(objects: pd.DataFrame, frame: LobeFrame | None, size_px: float) -> _Side:
    if frame is None:
        along = across = np.full(len(objects), np.nan)
    else:
        dy = objects["y_px"].to_numpy(float) - frame.y_px
        dx = objects["x_px"].to_numpy(float) - frame.x_px
        along, across = (v / size_px for v in _turned(dy, dx, np.deg2rad(frame.orientation_deg)))
    return _Side(
        number=objects["object"].to_numpy(int),
        along=along,
        across=across,
        diameter=objects["diameter_px"].to_numpy(float) / size_px,
        at_rim=objects["at_rim"].to_numpy(bool),
    )


def _mirrored(side: _Side, turned: bool) -> _Side:
    """The view seen from the other side: mirrored about the long axis, or about the short one."""
    along, across = (-side.along, side.across) if turned else (side.along, -side.across)
    return _Side(side.number, along, across, side.diameter, side.at_rim)


def _shape_odds(dorsal: LobeFrame, ventral: LobeFrame, turned: bool) -> float:
    """Log likelihood that the mirrored outline is the dorsal one, from their skewness."""
    sign = -1.0 if turned else 1.0
    off = np.hypot(
        dorsal.skew_along - sign * ventral.skew_along,
        dorsal.skew_across + sign * ventral.skew_across,
    )
    return float(-0.5 * (off / _SKEW_NOISE) ** 2)


@dataclass(frozen=True)
class _Laid:
    """Two views laid on each other, and what that says about their nodules."""

    pairs: pd.DataFrame
    possible: int
    score: float


def _matched(dorsal: _Side, ventral: _Side) -> _Laid:
    """Pair rim nodules by likelihood ratio, each nodule in one pair at most."""
    from scipy.optimize import linear_sum_assignment

    ratio, distance, near = _ratios(dorsal, ventral)
    total = ratio.sum(axis=1, keepdims=True) + ratio.sum(axis=0, keepdims=True) - ratio
    reliability = ratio / (1 + total)
    gain = np.where(ratio > 0, np.log(np.maximum(ratio, 1e-300)), -1e3)
    rows, columns = linear_sum_assignment(-np.maximum(gain, 0))
    kept = gain[rows, columns] > 0
    rows, columns = rows[kept], columns[kept]
    first, second = linear_sum_assignment(~near)
    pairs = pd.DataFrame(
        {
            "dorsal": dorsal.number[rows].astype("int64"),
            "ventral": ventral.number[columns].astype("int64"),
            "distance": distance[rows, columns].astype("float64"),
            "size_ratio": (ventral.diameter[columns] / dorsal.diameter[rows]).astype("float64"),
            "reliability": reliability[rows, columns].astype("float64"),
        }
    )
    possible = max(int(near[first, second].sum()), len(rows))
    return _Laid(pairs, possible, float(gain[rows, columns].sum()))


def _ratios(dorsal: _Side, ventral: _Side) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pair: likelihood ratio of one nodule to two, distance, whether it may be one."""
    distance = np.hypot(
        dorsal.along[:, None] - ventral.along[None, :],
        dorsal.across[:, None] - ventral.across[None, :],
    )
    size = np.log(ventral.diameter[None, :] / dorsal.diameter[:, None])
    diameter = np.sqrt(ventral.diameter[None, :] * dorsal.diameter[:, None])
    noise = np.hypot(_POSITION_NOISE, _POSITION_NOISE_DIAMETER * diameter)
    both = dorsal.at_rim[:, None] & ventral.at_rim[None, :]
    one = dorsal.at_rim[:, None] ^ ventral.at_rim[None, :]
    share = np.where(both, _BOTH_AT_RIM, np.where(one, _ONE_AT_RIM, 0.0))
    # nodules lie along the rim by chance as densely as the fuller view shows them there
    density = max(int(dorsal.at_rim.sum()), int(ventral.at_rim.sum()), 1) / _PERIMETER
    known = np.isfinite(distance)
    z = np.where(known, distance, 0.0) / noise
    place = np.where(known, _normal(z) / noise / density, 1.0)
    alike = (_normal(size / _SIZE_NOISE) / _SIZE_NOISE) / (
        _normal(size / _SIZE_SCATTER) / _SIZE_SCATTER
    )
    near = (share > 0) & (z < _POSSIBLE_Z) & (np.abs(size) < _POSSIBLE_Z * _SIZE_NOISE)
    ratio = np.where(near, share / (1 - share) * place * alike, 0.0)
    return ratio, distance, near


def _normal(z: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)


def combine_views(
    dorsal: pd.DataFrame,
    ventral: pd.DataFrame,
    *,
    dorsal_region: pd.Series,
    ventral_region: pd.Series,
) -> ViewCount:
    """Count the nodules of one lobe photographed from both sides.

    A lobe turned over shows its outline mirrored. The views are laid on each other by the lobe's
    centroid, long axis and skewness, so it doesn't matter how it was turned on the table or at
    what scale each photo was taken. Nodules away from the rim lie on one side only. A nodule at
    the rim is paired with one of the other view by the likelihood ratio of their distance and
    sizes, against a chance neighbour on the rim.

    Parameters
    ----------
    dorsal, ventral : pandas.DataFrame
        Objects of the lobe in each view: ``object``, ``y_px``, ``x_px``, ``diameter_px``,
        ``at_rim``.
    dorsal_region, ventral_region : pandas.Series
        The lobe's row in each view: ``area_px``, ``nodules``, ``count_low``, ``count_high``, and
        the columns of `lobe_frames` (without them pairs are found by size alone).

    Returns
    -------
    ViewCount
        The count, its range and the pairs.

    References
    ----------
    .. [1] Sutherland W, Saunders W. On the likelihood ratio for source identification.
       Mon Not R Astron Soc. 1992;259:413-420.
    """
    frames = LobeFrame.from_region(dorsal_region), LobeFrame.from_region(ventral_region)
    sizes = [float(np.sqrt(region["area_px"])) for region in (dorsal_region, ventral_region)]
    known = None not in frames
    sides = [
        _side(objects, frame if known else None, size)
        for objects, frame, size in zip((dorsal, ventral), frames, sizes, strict=True)
    ]
    laid, flags = _laid(sides[0], sides[1], frames)
    sure = int((laid.pairs["reliability"] >= _SURE).sum()) if not flags else 0
    one, other = _range(dorsal, dorsal_region), _range(ventral, ventral_region)
    count = len(dorsal) + len(ventral) - len(laid.pairs)
    # a lobe has no fewer nodules than either view shows
    low = max(one[0] + other[0] - laid.possible, one[0], other[0])
    return ViewCount(
        count=count,
        count_low=min(count, low),
        count_high=max(count, one[1] + other[1] - sure),
        pairs=laid.pairs,
        flags=flags,
    )


def _laid(
    dorsal: _Side, ventral: _Side, frames: tuple[LobeFrame | None, LobeFrame | None]
) -> tuple[_Laid, tuple[str, ...]]:
    """The better way of laying the views on each other, and flags."""
    one, other = frames
    if one is None or other is None:
        return _matched(dorsal, ventral), ("no_positions",)
    ways = [_matched(dorsal, _mirrored(ventral, turned)) for turned in (False, True)]
    odds = [
        way.score + _shape_odds(one, other, turned)
        for way, turned in zip(ways, (False, True), strict=True)
    ]
    best = int(odds[1] > odds[0])
    round_lobe = max(f.breadth_px / max(f.length_px, 1e-9) for f in (one, other)) > _ROUND
    possible = max(way.possible for way in ways)
    if possible > 0 and (round_lobe or abs(odds[1] - odds[0]) < _SURE_ODDS):
        return _Laid(ways[best].pairs, possible, ways[best].score), ("views_ambiguous",)
    return ways[best], ()


def _range(objects: pd.DataFrame, region: pd.Series) -> tuple[int, int]:
    """Low and high count of one view; the count itself where the row has no range."""
    counted = len(objects)
    low = int(region.get("count_low", counted))
    return min(low, counted), max(int(region.get("count_high", counted)), counted)
