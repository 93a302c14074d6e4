"""The studentized range distribution, from scipy, with each answer kept.

A quantile costs scipy 0.1 s, and a study asks for the same few again and again.
"""

from functools import lru_cache


@lru_cache(maxsize=4096)
def range_probability(q: float, means: int, df: float) -> float:
    """Return P(Q ≥ q) for the studentized range of `means` means with `df` degrees of freedom.

    Examples
    --------
    >>> round(range_probability(3.5, 3, 27), 6)
    0.050491
    """
    from scipy import stats

    if q <= 0:
        return 1.0
    # scipy takes the complement of an integral, which can fall below 0 by its rounding.
    return min(max(float(stats.studentized_range.sf(q, means, df)), 0.0), 1.0)


@lru_cache(maxsize=1024)
def range_quantile(level: float, means: int, df: float) -> float:
    """Return q with P(Q < q) = level; the table value of the studentized range.

    Examples
    --------
    >>> round(range_quantile(0.95, 3, 24), 4)
    3.5317
    """
    from scipy import stats

    return float(stats.studentized_range.ppf(level, means, df))
