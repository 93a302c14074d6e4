"""Comparisons of several means: one-way analysis of variance, Welch's, Tukey's HSD."""

import math
from collections.abc import Sequence

import numpy as np

from .comparison import Comparison, check_alpha, format_df, join_notes
from .layout import (
    ROUNDING,
    Variation,
    f_probability,
    no_spread,
    ordered_pairs,
    untestable_pair,
    usable_groups,
    variation,
)
from .noncentral import eta_squared_interval
from .spread import bartlett, levene
from .studentized_range import range_probability, range_quantile
from .summaries import Group
from .two_groups import undefined_pair


def anova(groups: Sequence[Group], *, alpha: float = 0.05, intervals: bool = True) -> Comparison:
    """One-way analysis of variance.

    F = (SSB / (k − 1)) / (SSW / (N − k)). The note gives omega² and, beside it, Bartlett's and
    Levene's tests of equal variances (Levene's from medians, also called Brown-Forsythe's; it
    needs raw values).

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries. Groups of n < 2 are left out, and the note says so.
    alpha : float
        Level of significance; the interval of eta² has level 1 − alpha.
    intervals : bool
        Whether to find the interval of eta² and the tests of spread (a few milliseconds).

    Returns
    -------
    Comparison
        Effect eta² with its noncentral-F interval.

    References
    ----------
    Fisher (1925), Statistical Methods for Research Workers.

    Examples
    --------
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=1.7) for mean in (10, 10.15, 12.45)]
    >>> row = anova(groups)
    >>> row.df, round(row.statistic, 4), round(row.p, 5)
    ('2, 15', 3.9152, 0.04284)
    """
    check_alpha(alpha)
    usable, left_out = usable_groups(groups)
    reason = no_spread(usable)
    if reason:
        return Comparison(test="anova", note=join_notes(reason, left_out))
    parts = variation(usable)
    statistic = parts.between / parts.df_between / parts.mse
    p = f_probability(statistic, parts.df_between, parts.df_within)
    low = high = math.nan
    notes = [left_out]
    if intervals:
        low, high = eta_squared_interval(
            statistic, parts.df_between, parts.df_within, level=1 - alpha
        )
        notes = [_effect_note(parts), _spread_note(usable), left_out]
    return Comparison(
        test="anova",
        statistic=statistic,
        df=format_df(parts.df_between, parts.df_within),
        p=p,
        p_adjusted=p,
        effect=parts.eta_squared,
        ci_low=low,
        ci_high=high,
        significant=p < alpha,
        note=join_notes(*notes),
    )


def welch_anova(groups: Sequence[Group], *, alpha: float = 0.05) -> Comparison:
    """Welch's analysis of variance, which lets the variances differ.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries. Groups of n < 2 are left out, and the note says so.
    alpha : float
        Level of significance.

    Returns
    -------
    Comparison
        Effect eta², as of `anova`; it has no interval here, since it assumes equal variances.

    References
    ----------
    Welch (1951), Biometrika 38, 330-336.

    Examples
    --------
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=1.7) for mean in (10, 10.15, 12.45)]
    >>> row = welch_anova(groups)
    >>> row.df, round(row.statistic, 4), round(row.p, 5)
    ('2, 10', 3.6705, 0.06377)
    """
    check_alpha(alpha)
    usable, left_out = usable_groups(groups)
    reason = no_spread(usable) or _constant_group(usable)
    if reason:
        return Comparison(test="welch_anova", note=join_notes(reason, left_out))
    k = len(usable)
    weights = np.array([group.n / group.variance for group in usable])
    means = np.array([group.mean for group in usable])
    freedom = np.array([group.n - 1 for group in usable])
    shares = weights / weights.sum()
    spread = float((weights * (means - (shares * means).sum()) ** 2).sum() / (k - 1))
    unevenness = float(((1 - shares) ** 2 / freedom).sum() / (k**2 - 1))
    statistic = spread / (1 + 2 * (k - 2) * unevenness)
    df = 1 / (3 * unevenness)
    p = f_probability(statistic, k - 1, df)
    return Comparison(
        test="welch_anova",
        statistic=statistic,
        df=format_df(k - 1, df),
        p=p,
        p_adjusted=p,
        effect=variation(usable).eta_squared,
        significant=p < alpha,
        note=join_notes(
            "effect is eta² (no interval where variances differ)", _spread_note(usable), left_out
        ),
    )


def tukey_hsd(
    groups: Sequence[Group], *, reference: str | None = None, alpha: float = 0.05
) -> list[Comparison]:
    """Tukey's honestly significant difference for all pairs (Tukey-Kramer with unequal n).

    q = (mean_a − mean_b) / √(MSE/2 · (1/n_a + 1/n_b)), p from the studentized range of all k
    means, with simultaneous intervals. Controls the family-wise error over all pairs.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries.
    reference : str, optional
        The group that stands as `group_b` in its pairs; by default the first.
    alpha : float
        Level of significance; intervals are simultaneous, level 1 − alpha.

    Returns
    -------
    list of Comparison
        All pairs in the order of the groups; a pair with a group of n < 2 without p.

    References
    ----------
    Kramer (1956), Biometrics 12, 307-310.

    Examples
    --------
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=1.7) for mean in (10, 10.15, 12.45)]
    >>> [(row.group_a, row.group_b, round(row.p, 4)) for row in tukey_hsd(groups)]
    [('10.15', '10', 0.9872), ('12.45', '10', 0.0605), ('12.45', '10.15', 0.0801)]
    """
    check_alpha(alpha)
    usable, left_out = usable_groups(groups)
    reason = no_spread(usable)
    rows = []
    for a, b in ordered_pairs(groups, reference):
        why = reason or untestable_pair(a, b)
        if why:
            rows.append(undefined_pair("tukey_hsd", a, b, why))
        else:
            rows.append(_tukey_row(a, b, usable, alpha).noted(left_out))
    return rows


def _tukey_row(a: Group, b: Group, usable: Sequence[Group], alpha: float) -> Comparison:
    parts = variation(usable)
    error = math.sqrt(parts.mse / 2 * (1 / a.n + 1 / b.n))
    effect = a.mean - b.mean
    p = range_probability(abs(effect) / error, len(usable), parts.df_within)
    half = range_quantile(1 - alpha, len(usable), parts.df_within) * error
    return Comparison(
        test="tukey_hsd",
        group_a=a.name,
        group_b=b.name,
        statistic=effect / error,
        df=format_df(parts.df_within),
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=effect - half,
        ci_high=effect + half,
        significant=p < alpha,
        note=(
            f"q of {len(usable)} means; family: all {math.comb(len(usable), 2)} pairs; "
            "intervals simultaneous"
        ),
    )


def _constant_group(usable: Sequence[Group]) -> str:
    constant = [group.name for group in usable if group.sd <= ROUNDING * abs(group.mean)]
    if not constant:
        return ""
    return (
        f"no test: the values of {', '.join(constant)} are all equal, and Welch's weights need "
        "every group's own variance"
    )


def _effect_note(parts: Variation) -> str:
    return f"effect is eta²; omega² = {parts.omega_squared:.4g}"


def _spread_note(usable: Sequence[Group]) -> str:
    """Say what the tests of equal variances give."""
    spread = bartlett(usable)
    texts = [f"Bartlett p = {spread.p:.4g}" if spread.df else f"no Bartlett test: {spread.note}"]
    if all(group.values is not None for group in usable):
        robust = levene(usable)
        known = not math.isnan(robust.p)
        texts.append(
            f"Levene (median) p = {robust.p:.4g}" if known else "no Levene test: no spread"
        )
    else:
        texts.append("no Levene test without raw values")
    return f"equal variances: {', '.join(texts)}"
