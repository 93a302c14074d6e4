"""Intervals of noncentrality: the values of a noncentral t or F parameter that the data allow."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

_LARGEST_T, _LARGEST_F = 1e3, 1e6
"""Beyond these scipy's noncentral distributions lose digits, and in the end give NaN."""

_NODES, _LARGEST_Z = 200, 9.0


def t_noncentrality(statistic: float, df: float, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of the noncentrality of a t statistic, by inverting the noncentral t distribution.

    Parameters
    ----------
    statistic : float
        Observed t.
    df : float
        Degrees of freedom.
    level : float
        Confidence level.

    Returns
    -------
    low, high : float

    References
    ----------
    Steiger and Fouladi (1997), in Harlow et al., What If There Were No Significance Tests?

    Examples
    --------
    >>> low, high = t_noncentrality(2.0, 18)
    >>> round(low, 4), round(high, 4)
    (-0.0894, 4.0396)
    """
    # scipy's noncentral t gives NaN at large noncentrality of the other sign; mirrored to t ≥ 0
    # and searched outward from t, that corner is never asked for.
    t, tail = abs(statistic), (1 - level) / 2
    # Width of the answer to first order: the variance of t around its noncentrality.
    step = math.sqrt(1 + t**2 / (2 * df))
    low = _root(lambda nc: _t_above(t, df, nc) - tail, t, -step)
    high = _root(lambda nc: _t_above(t, df, nc) - (1 - tail), t, step)
    return (low, high) if statistic >= 0 else (-high, -low)


def _t_above(t: float, df: float, noncentrality: float) -> float:
    """P(T ≥ t) of the noncentral t, t ≥ 0.

    For large t as the mean over z of P(χ²/df ≤ ((z + noncentrality) / t)²), which is then smooth
    in z.
    """
    from scipy import special, stats

    if t <= _LARGEST_T:
        return float(stats.nct.sf(t, df, noncentrality))
    z, weight = _normal_nodes()
    bound = np.maximum(z + noncentrality, 0.0) / t
    return float(weight @ special.gammainc(df / 2, df * bound**2 / 2))


@lru_cache(maxsize=1)
def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's nodes over a standard normal variable, weighted by its density."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    z = _LARGEST_Z * nodes
    return z, _LARGEST_Z * weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def f_noncentrality(
    statistic: float, df_between: float, df_within: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the noncentrality of an F statistic, by inverting the noncentral F distribution.

    Parameters
    ----------
    statistic : float
        Observed F.
    df_between, df_within : float
        Degrees of freedom.
    level : float
        Confidence level, two-sided.

    Returns
    -------
    low, high : float
        A bound is 0 where no noncentrality gives so small an F.

    References
    ----------
    Steiger (2004), Psychological Methods 9, 164-182.
    """
    from scipy import special

    tail = (1 - level) / 2

    def below(nc: float) -> float:
        if nc == 0:
            return float(special.fdtr(df_between, df_within, statistic))
        if statistic > _LARGEST_F:
            # √χ²(df, λ) is normal around √λ + (df − 1) / (2 √λ) within 1/λ, so F is the square
            # of a noncentral t.
            root = math.sqrt(nc)
            centre = root + (df_between - 1) / (2 * root)
            return 1 - _t_above(math.sqrt(df_between * statistic), df_within, centre)
        return float(special.ncfdtr(df_between, df_within, nc, statistic))

    start = df_between * statistic
    step = 2 * math.sqrt(df_between + 2 * start + start**2 / df_within) + 1
    bounds = []
    for probability in (1 - tail, tail):
        if below(0) <= probability:
            bounds.append(0.0)
        else:
            bounds.append(_root(lambda nc, p=probability: p - below(nc), 0.0, step))  # type: ignore[misc]
    return bounds[0], bounds[1]


def eta_squared_interval(
    statistic: float, df_between: float, df_within: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the population's share of variation between groups, λ / (λ + N).

    Eta² and omega² both estimate this share, so the interval serves both.

    Parameters
    ----------
    statistic, df_between, df_within : float
        F and its degrees of freedom; N = df_between + df_within + 1.
    level : float
        Confidence level, two-sided.

    Returns
    -------
    low, high : float

    References
    ----------
    Steiger (2004), Psychological Methods 9, 164-182.

    Examples
    --------
    >>> low, high = eta_squared_interval(4.846088, 2, 27)
    >>> round(low, 4), round(high, 4)
    (0.0099, 0.4639)
    """
    total = df_between + df_within + 1
    low, high = f_noncentrality(statistic, df_between, df_within, level=level)
    return low / (low + total), high / (high + total)


def _root(function: Callable[[float], float], start: float, step: float) -> float:
    """Find where a function that grows with distance from `start` toward `step` changes sign."""
    from scipy import optimize

    inner, outer = start, start + step
    while function(outer) * function(inner) > 0:
        inner, outer = outer, outer + step
    return float(optimize.brentq(function, inner, outer, xtol=1e-14, rtol=1e-14))
