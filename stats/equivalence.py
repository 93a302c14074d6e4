"""Equivalence of two means by two one-sided tests (TOST)."""

import math
from typing import Literal

from .comparison import Comparison, check_alpha, format_df
from .summaries import Group
from .two_groups import t_interval, t_probability, undefined_pair, unusable, welch_error


def equivalence(
    a: Group,
    b: Group,
    *,
    margin: float | tuple[float, float],
    alpha: float = 0.05,
    variance: Literal["welch", "pooled"] = "welch",
) -> Comparison:
    """Test whether two means differ by less than a margin.

    Two one-sided t tests, of a difference above the lower and below the upper margin; p is the
    larger of the two. Significant means equivalent, and that the interval of level 1 − 2 alpha
    lies inside the margins.

    Parameters
    ----------
    a, b : Group
        From raw values or from summaries; `b` is the reference.
    margin : float or tuple of float
        Largest difference that does not matter, in the units of the values: one positive number
        for both sides, or (lower, upper) with lower < 0 < upper. It comes from biology, never
        from the data.
    alpha : float
        Level of each one-sided test.
    variance : {"welch", "pooled"}
        Each group's own variance, or one for both.

    Returns
    -------
    Comparison
        Statistic: t against the nearer margin, the one that decides. Interval of level
        1 − 2 alpha.

    Raises
    ------
    ValueError
        If the margins do not lie on both sides of 0.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> a, b = Group.from_sd("a", 20, mean=10.2, sd=1), Group.from_sd("b", 20, mean=10, sd=1)
    >>> row = equivalence(a, b, margin=1)
    >>> round(row.statistic, 4), row.df, round(row.p, 5)
    (-2.5298, '38', 0.00784)
    """
    check_alpha(alpha)
    if variance not in ("welch", "pooled"):
        raise ValueError(f"variance is {variance!r}, expected 'welch' or 'pooled'.")
    lower, upper = _margins(margin)
    if reason := unusable(a, b):
        return undefined_pair("equivalence", a, b, reason)
    error, df = welch_error(a, b)
    if variance == "pooled":
        df = a.n + b.n - 2
        pooled = ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df
        error = math.sqrt(pooled * (1 / a.n + 1 / b.n))
    effect = a.mean - b.mean
    above, below = (effect - lower) / error, (effect - upper) / error
    p_above, p_below = t_probability(above, df, "greater"), t_probability(below, df, "less")
    p = max(p_above, p_below)
    low, high = t_interval(effect, error, df, "two-sided", 2 * alpha)
    return Comparison(
        test="equivalence",
        group_a=a.name,
        group_b=b.name,
        statistic=above if p_above >= p_below else below,
        df=format_df(df),
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=low,
        ci_high=high,
        significant=p < alpha,
        note=(
            f"equivalent if significant: difference between {lower:g} and {upper:g}; "
            f"{100 * (1 - 2 * alpha):g} % interval"
        ),
    )


def _margins(margin: float | tuple[float, float]) -> tuple[float, float]:
    lower, upper = margin if isinstance(margin, tuple | list) else (-margin, margin)
    if not lower < 0 < upper:
        raise ValueError(
            f"margin is {margin!r}, expected the largest difference that does not matter: one "
            "positive number, or (lower, upper) with lower < 0 < upper."
        )
    return float(lower), float(upper)
