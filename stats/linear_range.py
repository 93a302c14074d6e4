"""The range in which a signal rises in proportion to the amount, from a dilution series."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

TOLERANCE = 0.2
"""How far signal per amount may lie from the range's own, as a share of it."""

_FEWEST_LEVELS = 3  # two points lie in proportion or not by chance


@dataclass(frozen=True)
class LinearRange:
    """Where a signal is proportional to the amount.

    Attributes
    ----------
    low, high : float
        Least and largest signal of the range, NaN where there is none.
    low_amount, high_amount : float
        The same in amounts.
    slope : float
        Signal per amount in the range.
    r_squared : float
        Of the straight line through all levels (with an intercept), NaN with fewer than three.
    levels : int
        Levels of amount in the series.
    note : str
        Why there is no range, or at which end it is lost; empty where all levels are in it.
    """

    low: float
    high: float
    low_amount: float
    high_amount: float
    slope: float
    r_squared: float
    levels: int
    note: str = ""


def linear_range(
    amount: ArrayLike, signal: ArrayLike, *, tolerance: float = TOLERANCE
) -> LinearRange:
    """Find the longest run of amounts whose signals are proportional to them.

    Within a run of at least three levels, signal per amount (a level's mean) stays within
    `tolerance` of the run's mean signal per amount. Of runs of equal length the one at the lower
    end is taken: above it the detector saturates.

    Parameters
    ----------
    amount : array_like, shape (n,)
        Loaded amounts, any unit, above 0; levels may repeat.
    signal : array_like, shape (n,)
        Band volumes.
    tolerance : float
        Share of the run's mean signal per amount.

    Returns
    -------
    LinearRange

    Raises
    ------
    ValueError
        If the shapes differ, a number is missing, or an amount isn't above 0.

    References
    ----------
    Butler et al. (2019), PLoS ONE 14, e0211967: a ratio of bands is one of amounts only where
    both are directly proportional to the load.

    Examples
    --------
    >>> found = linear_range([1, 2, 4, 8, 16], [10, 20, 40, 80, 100])
    >>> found.low, found.high, found.note
    (10.0, 80.0, 'signal falls short of the amount above 8')
    """
    x, y = np.asarray(amount, dtype=float), np.asarray(signal, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(
            f"amount has shape {x.shape} and signal {y.shape}; give one of each a lane."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all()):
        raise ValueError("amounts have to be above 0, and no amount or signal may be missing.")
    levels = np.unique(x)
    means = np.array([y[x == level].mean() for level in levels])
    r_squared = _r_squared(x, y) if len(levels) >= _FEWEST_LEVELS else math.nan
    run = _longest_run(means / levels, tolerance) if len(levels) >= _FEWEST_LEVELS else None
    if run is None:
        reason = (
            f"{len(levels)} levels, at least 3 are needed"
            if len(levels) < _FEWEST_LEVELS
            else "no three levels in a row are in proportion"
        )
        nan = math.nan
        return LinearRange(nan, nan, nan, nan, nan, r_squared, len(levels), reason)
    first, last = run
    return LinearRange(
        low=float(means[first]),
        high=float(means[last]),
        low_amount=float(levels[first]),
        high_amount=float(levels[last]),
        slope=float((means[first : last + 1] / levels[first : last + 1]).mean()),
        r_squared=r_squared,
        levels=len(levels),
        note=_lost(levels, means, first, last),
    )


def _longest_run(response: np.ndarray, tolerance: float) -> tuple[int, int] | None:
    """Give first and last level of the longest run with an even response."""
    count = len(response)
    for length in range(count, _FEWEST_LEVELS - 1, -1):
        for first in range(count - length + 1):
            held = response[first : first + length]
            mean = held.mean()
            if mean > 0 and np.abs(held - mean).max() <= tolerance * mean:
                return first, first + length - 1
    return None


def _lost(levels: np.ndarray, means: np.ndarray, first: int, last: int) -> str:
    parts = []
    if first > 0:
        parts.append(f"signal isn't in proportion below {levels[first]:g}")
    if last + 1 < len(levels):
        slope = (means[first : last + 1] / levels[first : last + 1]).mean()
        short = means[last + 1] / levels[last + 1] < slope
        how = "falls short of the amount" if short else "outruns the amount"
        parts.append(f"signal {how} above {levels[last]:g}")
    return "; ".join(parts)


def _r_squared(x: np.ndarray, y: np.ndarray) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1] ** 2)
