"""The studentized range distribution, with each answer kept.

Quantiles are scipy's, 0.1 s each, and a study asks for the same few again and again. Probabilities
are integrated here: scipy takes a small one as the complement of an integral, good to 1e-12 and
with a hundred degrees of freedom to 1e-10, so that groups far apart would get p = 0. As a tail,
every part of the integral is positive and small p keep their digits, at a tenth of the time.
"""

import math
from functools import lru_cache

import numpy as np

_MEAN_NODES, _SPREAD_NODES = 140, 200
"""Twice as many change no p of up to 20 means by more than 1e-13."""

_LARGEST_Z = 8.5
_LARGEST_SPAN = 80.0
"""Normal means never span so much in double precision."""
_LOST, _LEAST = 1e-18, 1e-300
"""Share of p that may be lost where the integral over the spread is cut; smallest number taken."""
_STIRLING_FROM = 50.0


@lru_cache(maxsize=4096)
def range_probability(q: float, means: int, df: float) -> float:
    """Return P(Q ≥ q) for the studentized range of `means` means with `df` degrees of freedom.

    Parameters
    ----------
    q : float
        The range over its standard error.
    means : int
        How many means it spans, 2 or more.
    df : float
        Degrees of freedom of the standard error.

    Returns
    -------
    float
        The probability, exact far into the tail.

    Examples
    --------
    >>> round(range_probability(3.5, 3, 27), 6)
    0.050491
    >>> f"{range_probability(20, 3, 66):.4g}"
    '3.559e-21'
    """
    if q <= 0:
        return 1.0
    return _tail(float(q), means, float(df))


@lru_cache(maxsize=1024)
def range_quantile(level: float, means: int, df: float) -> float:
    """Return q with P(Q < q) = level; the table value of the studentized range.

    Parameters
    ----------
    level : float
        Between 0 and 1.
    means : int
        How many means the range spans, 2 or more.
    df : float
        Degrees of freedom of the standard error.

    Returns
    -------
    float
        q.

    Examples
    --------
    >>> round(range_quantile(0.95, 3, 24), 4)
    3.5317
    """
    from scipy import stats

    return float(stats.studentized_range.ppf(level, means, df))


def _tail(q: float, means: int, df: float) -> float:
    """P(Q ≥ q), every part of the integral positive, so that small p keep their digits.

    The mean over s = √(χ²/df) of k ∫ φ(z) [Φ(z)^(k−1) − (Φ(z) − Φ(z − q s))^(k−1)] dz, the chance
    that k normal means span more than q s.
    """
    from scipy import special

    s, weight = _spread_nodes(q, df)
    span = (q * s)[:, None]
    nodes, weights = _gauss(_MEAN_NODES)
    # φ(z) Φ(z − span) is largest at half the span
    half = _LARGEST_Z + span / 4
    z = half * (nodes + 1) - _LARGEST_Z
    below = special.ndtr(z)
    with np.errstate(divide="ignore"):
        without = np.log1p(-np.minimum(special.ndtr(z - span) / below, 1.0))
    beyond = below ** (means - 1) * -np.expm1((means - 1) * without)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    inner = means * (half * weights * density * beyond).sum(axis=1)
    return float(min(weight @ inner, 1.0))


def _spread_nodes(q: float, df: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes over s = √(χ²/df), even in log s, weighted by its density, where the tail has mass."""
    from scipy import special

    # p is at least of the order of P(s < 1 / q): what is rarer than that by far can be left out
    rarest = max(float(special.gammainc(df / 2, df / 2 * (1 / q) ** 2)) * _LOST, _LEAST)
    lowest = max(float(special.gammaincinv(df / 2, rarest)), _LEAST)
    highest = float(special.gammainccinv(df / 2, _LOST))
    low, high = (math.log(2 * bound / df) / 2 for bound in (lowest, highest))
    high = max(min(high, math.log(_LARGEST_SPAN / q)), low)
    nodes, weights = _gauss(_SPREAD_NODES)
    log_s = (low + high) / 2 + (high - low) / 2 * nodes
    log_density = df * (log_s - np.expm1(2 * log_s) / 2) + _log_constant(df)
    return np.exp(log_s), (high - low) / 2 * weights * np.exp(log_density)


def _log_constant(df: float) -> float:
    """log(2 x^x e^−x / Γ(x)), x = df / 2, by Stirling's series where the terms would cancel."""
    x = df / 2
    if x < _STIRLING_FROM:
        return math.log(2) + x * (math.log(x) - 1) - math.lgamma(x)
    rest = 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5)
    return math.log(2) + math.log(x / (2 * math.pi)) / 2 - rest


@lru_cache(maxsize=2)
def _gauss(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's nodes and weights on −1 to 1."""
    return np.polynomial.legendre.leggauss(nodes)
