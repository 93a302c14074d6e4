"""Tests of equal variances: Bartlett's and Levene's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .comparison import format_df
from .layout import f_probability, no_spread, usable_groups, variation
from .summaries import Group


@dataclass(frozen=True)
class SpreadTest:
    """Result of a test of equal variances.

    Attributes
    ----------
    statistic : float
        Bartlett's K² or Levene's F.
    df : str
        Degrees of freedom as text.
    p : float
        NaN where the test can't be run.
    note : str
        Why there is no p.
    """

    statistic: float
    df: str
    p: float
    note: str = ""


def bartlett(groups: Sequence[Group]) -> SpreadTest:
    """Bartlett's test of equal variances, from n and SD (scipy's takes raw values only).

    Sensitive to non-normal values; see `levene` for a robust one.

    References
    ----------
    Bartlett (1937), Proceedings of the Royal Society A 160, 268-282.

    Examples
    --------
    >>> groups = [Group.from_sd(str(sd), 6, mean=10, sd=sd) for sd in (1.7, 2.1, 0.9)]
    >>> test = bartlett(groups)
    >>> round(test.statistic, 4), test.df, round(test.p, 5)
    (2.9803, '2', 0.22534)
    """
    from scipy import special

    usable, _ = usable_groups(groups)
    if len(usable) < 2:
        return SpreadTest(math.nan, "", math.nan, "fewer than two groups of n ≥ 2")
    if any(group.sd == 0 for group in usable):
        return SpreadTest(math.nan, "", math.nan, "a group's values are all equal")
    freedom = np.array([group.n - 1 for group in usable])
    logs = np.array([math.log(group.variance) for group in usable])
    total, k = freedom.sum(), len(usable)
    pooled = math.log(variation(usable).mse)
    correction = 1 + ((1 / freedom).sum() - 1 / total) / (3 * (k - 1))
    statistic = max(float((total * pooled - (freedom * logs).sum()) / correction), 0.0)
    return SpreadTest(statistic, str(k - 1), float(special.chdtrc(k - 1, statistic)))


def levene(groups: Sequence[Group], *, center: str = "median") -> SpreadTest:
    """Levene's test of equal variances: analysis of variance of the distances from the center.

    Parameters
    ----------
    groups : sequence of Group
        Raw values.
    center : {"median", "mean"}
        "median" is the robust form of Brown and Forsythe, "mean" Levene's own.

    Returns
    -------
    SpreadTest
        F, its degrees of freedom and p; NaN with the reason where there is no test.

    Raises
    ------
    ValueError
        If `center` is none of the two, or a group has no raw values.

    References
    ----------
    Levene (1960); Brown and Forsythe (1974), Journal of the American Statistical Association 69,
    364-367.

    Examples
    --------
    >>> groups = [Group.from_values(name, values) for name, values in
    ...           {"a": [1, 2, 6], "b": [4, 5, 6], "c": [7, 8, 12]}.items()]
    >>> test = levene(groups)
    >>> round(test.statistic, 4), test.df, round(test.p, 5)
    (0.3333, '2, 6', 0.729)
    """
    if center not in ("median", "mean"):
        raise ValueError(f"center is {center!r}, expected 'median' or 'mean'.")
    usable, _ = usable_groups(groups)
    middle = np.median if center == "median" else np.mean
    distances = []
    for group in usable:
        values = group.raw("Levene's test")
        distances.append(Group.from_values(group.name, np.abs(values - middle(values))))
    if reason := no_spread(distances):
        return SpreadTest(math.nan, "", math.nan, reason)
    parts = variation(distances)
    statistic = parts.between / parts.df_between / parts.mse
    p = f_probability(statistic, parts.df_between, parts.df_within)
    return SpreadTest(statistic, format_df(parts.df_between, parts.df_within), p)
