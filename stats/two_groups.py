"""Comparisons of two means: Student's, Welch's and the paired t test."""

import math

from .comparison import Alternative, Comparison, check_alpha, check_alternative, format_df
from .layout import ROUNDING
from .summaries import Group

_LARGEST_T = 1e150
"""The square of more is no number in double precision."""


def student_t(
    a: Group, b: Group, *, alternative: Alternative = "two-sided", alpha: float = 0.05
) -> Comparison:
    """Student's t test with the pooled variance.

    t = (mean_a − mean_b) / √(s²(1/n_a + 1/n_b)), s² = (SS_a + SS_b) / (n_a + n_b − 2), df =
    n_a + n_b − 2. Assumes equal variances.

    Parameters
    ----------
    a, b : Group
        From raw values or from a summary; `b` is the reference.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether `a` lies above `b`.
    alpha : float
        The interval has level 1 − alpha (one bound is infinite in a one-sided test).

    Returns
    -------
    Comparison
        Effect mean_a − mean_b; NaN p with the reason in the note where a group has n < 2 or the
        values do not vary.

    References
    ----------
    Student (1908), Biometrika 6, 1-25.

    Examples
    --------
    >>> row = student_t(Group.from_sd("a", 9, mean=14, sd=6), Group.from_sd("b", 9, mean=8, sd=5))
    >>> round(row.statistic, 4), row.df, round(row.p, 5)
    (2.3047, '16', 0.03492)
    """
    reason = unusable(a, b)
    if reason:
        return undefined_pair("student_t", a, b, reason)
    df = a.n + b.n - 2
    pooled = ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df
    error = math.sqrt(pooled * (1 / a.n + 1 / b.n))
    return _t_row("student_t", a, b, error, df, alternative, alpha)


def welch_t(
    a: Group, b: Group, *, alternative: Alternative = "two-sided", alpha: float = 0.05
) -> Comparison:
    """Welch's t test, which lets the variances differ.

    t = (mean_a − mean_b) / √(s_a²/n_a + s_b²/n_b), with the Welch-Satterthwaite degrees of freedom.

    Parameters
    ----------
    a, b : Group
        From raw values or from a summary; `b` is the reference.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether `a` lies above `b`.
    alpha : float
        The interval has level 1 − alpha.

    Returns
    -------
    Comparison
        As `student_t`.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> row = welch_t(Group.from_sd("a", 9, mean=14, sd=6), Group.from_sd("b", 9, mean=8, sd=5))
    >>> round(row.statistic, 4), row.df, round(row.p, 5)
    (2.3047, '15.49609578', 0.0354)
    """
    reason = unusable(a, b)
    if reason:
        return undefined_pair("welch_t", a, b, reason)
    error, df = welch_error(a, b)
    return _t_row("welch_t", a, b, error, df, alternative, alpha)


def welch_error(a: Group, b: Group) -> tuple[float, float]:
    """Standard error of a difference of means and its Welch-Satterthwaite degrees of freedom.

    Parameters
    ----------
    a, b : Group
        Each of n ≥ 2, not both without spread.

    Returns
    -------
    error : float
        In the groups' unit.
    df : float
        Degrees of freedom.
    """
    part_a, part_b = a.variance / a.n, b.variance / b.n
    # Scaled by the sum, so that no unit of measure under- or overflows the squares.
    total = part_a + part_b
    share_a, share_b = part_a / total, part_b / total
    return math.sqrt(total), 1 / (share_a**2 / (a.n - 1) + share_b**2 / (b.n - 1))


def paired_t(
    a: Group, b: Group, *, alternative: Alternative = "two-sided", alpha: float = 0.05
) -> Comparison:
    """Student's t test on the differences of matched units.

    t = mean(d) / (SD(d)/√n), d = a − b unit by unit, df = n − 1.

    Parameters
    ----------
    a, b : Group
        Raw values, the same units in the same order.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether `a` lies above `b`.
    alpha : float
        The interval has level 1 − alpha.

    Returns
    -------
    Comparison
        Effect mean(d).

    Raises
    ------
    ValueError
        If the groups differ in n, or have no raw values: two means and SDs don't tell how the
        pairs go together. `paired_t_from_differences` takes the differences' own summary.

    Examples
    --------
    >>> a, b = Group.from_values("a", [3, 5, 8, 9]), Group.from_values("b", [1, 4, 5, 7])
    >>> row = paired_t(a, b)
    >>> round(row.statistic, 4), row.df, round(row.p, 5)
    (4.899, '3', 0.01628)
    """
    x, y = a.raw("paired_t"), b.raw("paired_t")
    if x.size != y.size:
        raise ValueError(
            f"paired_t needs the same units in both groups: {a.name!r} has {x.size}, {b.name!r} "
            f"has {y.size}. Match them first, and leave out units without a partner."
        )
    differences = Group.from_values("difference", x - y)
    return paired_t_from_differences(
        differences, a.name, b.name, alternative=alternative, alpha=alpha
    )


def paired_t_from_differences(
    differences: Group,
    name_a: str,
    name_b: str,
    *,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
) -> Comparison:
    """Paired t test from the differences' n, mean and SD; see `paired_t`."""
    a, b = Group(name_a, 0, 0.0, 0.0), Group(name_b, 0, 0.0, 0.0)
    if differences.n < 2:
        return Comparison(
            test="paired_t",
            group_a=name_a,
            group_b=name_b,
            effect=differences.mean,
            note=f"no test: {differences.n} matched pairs, at least 2 are needed",
        )
    if differences.sd <= ROUNDING * abs(differences.mean):
        return Comparison(
            test="paired_t",
            group_a=name_a,
            group_b=name_b,
            effect=differences.mean,
            note="no test: all differences are equal, so t is undefined",
        )
    row = _t_row(
        "paired_t",
        a,
        b,
        differences.sem,
        differences.n - 1,
        alternative,
        alpha,
        difference=differences.mean,
    )
    return row.noted(f"{differences.n} pairs")


def t_probability(statistic: float, df: float, alternative: Alternative = "two-sided") -> float:
    """Return p of a t statistic, by the incomplete beta function (exact far into the tail).

    Parameters
    ----------
    statistic : float
        t.
    df : float
        Degrees of freedom.
    alternative : {"two-sided", "less", "greater"}
        The side.

    Returns
    -------
    float
        p.
    """
    from scipy import special

    if abs(statistic) > _LARGEST_T:
        both = 0.0
    else:
        # The complement keeps the digits where t is small against its degrees of freedom.
        ratio = statistic**2 / df
        both = float(special.betainc(df / 2, 0.5, 1 / (1 + ratio)))
        if ratio < 1:
            both = float(special.betaincc(0.5, df / 2, ratio / (1 + ratio)))
    if alternative == "two-sided":
        return both
    toward = statistic > 0 if alternative == "greater" else statistic < 0
    return both / 2 if toward else 1 - both / 2


def t_interval(
    estimate: float, error: float, df: float, alternative: Alternative, alpha: float
) -> tuple[float, float]:
    """Return the interval that goes with a t test: open on one side where the test is one-sided.

    Parameters
    ----------
    estimate, error : float
        The estimate and its standard error, in one unit.
    df : float
        Degrees of freedom.
    alternative : {"two-sided", "less", "greater"}
        The side of the test.
    alpha : float
        The interval has level 1 − alpha.

    Returns
    -------
    low, high : float
        In the estimate's unit; infinite on the open side.
    """
    from scipy import special

    tail = alpha / 2 if alternative == "two-sided" else alpha
    half = -float(special.stdtrit(df, tail)) * error
    low = -math.inf if alternative == "less" else estimate - half
    high = math.inf if alternative == "greater" else estimate + half
    return low, high


def unusable(a: Group, b: Group) -> str:
    """Say why two groups' means can't be tested, or return empty text."""
    small = [f"{group.name} has n = {group.n}" for group in (a, b) if group.n < 2]
    if small:
        return f"no test: {' and '.join(small)}, at least 2 are needed to know the spread"
    if max(a.sd, b.sd) <= ROUNDING * max(abs(a.mean), abs(b.mean)):
        return "no test: the values of each group are all equal, so there is no spread to test with"
    return ""


def undefined_pair(test: str, a: Group, b: Group, reason: str) -> Comparison:
    """Return a row without p for a pair that can't be tested, with the reason as its note."""
    return Comparison(
        test=test, group_a=a.name, group_b=b.name, effect=a.mean - b.mean, note=reason
    )


def side_note(alternative: Alternative, a: Group, b: Group, *, open_interval: bool = True) -> str:
    """Say the side of a one-sided test, and of its interval; nothing of a two-sided one."""
    if alternative == "two-sided":
        return ""
    side = _SIDES[alternative]
    words = f"one-sided: asks whether {a.name} lies {side} {b.name}"
    return f"{words}; interval open {side}" if open_interval else f"{words}; interval two-sided"


_SIDES = {"greater": "above", "less": "below"}


def _t_row(
    test: str,
    a: Group,
    b: Group,
    error: float,
    df: float,
    alternative: Alternative,
    alpha: float,
    *,
    difference: float | None = None,
) -> Comparison:
    check_alternative(alternative)
    check_alpha(alpha)
    effect = a.mean - b.mean if difference is None else difference
    statistic = effect / error
    p = t_probability(statistic, df, alternative)
    low, high = t_interval(effect, error, df, alternative, alpha)
    return Comparison(
        test=test,
        group_a=a.name,
        group_b=b.name,
        statistic=statistic,
        df=format_df(df),
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=low,
        ci_high=high,
        significant=p < alpha,
        note=side_note(alternative, a, b),
    )
