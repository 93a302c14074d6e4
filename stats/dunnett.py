"""Dunnett's comparisons of several groups with one reference.

Written by hand: scipy's takes raw values only and integrates by random points, so that its p
carries noise in the fourth digit; here the two integrals are done by Gauss's rule.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .comparison import (
    Alternative,
    Comparison,
    check_alpha,
    check_alternative,
    format_df,
    join_notes,
)
from .layout import (
    Variation,
    check_reference,
    no_spread,
    untestable_pair,
    usable_groups,
    variation,
)
from .summaries import Group
from .two_groups import side_note, undefined_pair

# Nodes for each integral: four times as many change no p by more than 1e-12 of itself.
_NODES = 100
# Normal deviates beyond this and spreads rarer than this carry less than the rounding of p.
_LARGEST_Z = 9.0
_RAREST = 1e-18


def dunnett(
    groups: Sequence[Group],
    *,
    reference: str | None = None,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
) -> list[Comparison]:
    """Dunnett's test of each group against the reference.

    t_i = (mean_i − mean_ref) / √(MSE(1/n_i + 1/n_ref)), p from the largest of the correlated t's,
    exact for unequal n. Controls the family-wise error over the k − 1 comparisons.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries.
    reference : str, optional
        The control; by default the first group.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether the groups lie above the reference.
    alpha : float
        Level of significance; intervals are simultaneous, level 1 − alpha.

    Returns
    -------
    list of Comparison
        One row for each group but the reference, in their order.

    References
    ----------
    Dunnett (1955), Journal of the American Statistical Association 50, 1096-1121.

    Examples
    --------
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=1.7) for mean in (10, 10.15, 12.45)]
    >>> [(row.group_a, round(row.p, 4)) for row in dunnett(groups, reference="10")]
    [('10.15', 0.983), ('12.45', 0.0448)]
    """
    check_alpha(alpha)
    check_alternative(alternative)
    check_reference(groups, reference)
    control = next((g for g in groups if g.name == reference), groups[0])
    usable, left_out = usable_groups(groups)
    others = [group for group in usable if group.name != control.name]
    reason = no_spread(usable) or untestable_pair(control, control)
    rows = []
    for group in groups:
        if group.name == control.name:
            continue
        why = reason or untestable_pair(group, control)
        if why:
            rows.append(undefined_pair("dunnett", group, control, why))
        else:
            row = _row(group, control, others, variation(usable), alternative, alpha)
            rows.append(row.noted(left_out))
    return rows


@lru_cache(maxsize=1024)
def largest_t_probability(
    t: float, loadings: tuple[float, ...], df: float, two_sided: bool = True
) -> float:
    """Return P(max |T_i| ≥ t), or P(max T_i ≥ t), of Dunnett's correlated t's.

    Parameters
    ----------
    t : float
        Bound.
    loadings : tuple of float
        b_i = √(n_i / (n_i + n_ref)); T_i and T_j correlate by b_i b_j.
    df : float
        Degrees of freedom of the common variance.
    two_sided : bool
        Whether absolute values are meant.

    Returns
    -------
    float
    """
    b = np.array(loadings)[:, None, None]
    z, weight_z = _normal_nodes()
    s, weight_s = _spread_nodes(df)
    own = np.sqrt(1 - b**2)
    outside = _upper((t * s[:, None] - b * z) / own)
    if two_sided:
        outside = outside + _upper((t * s[:, None] + b * z) / own)
    # 1 − Π(1 − outside), by logarithms, which keeps the digits of a small p.
    with np.errstate(divide="ignore"):
        missed = -np.expm1(np.log1p(-np.minimum(outside, 1.0)).sum(axis=0))
    return float(min(max(weight_s @ missed @ weight_z, 0.0), 1.0))


def largest_t_quantile(
    alpha: float, loadings: tuple[float, ...], df: float, two_sided: bool = True
) -> float:
    """Return t with P(max |T_i| ≥ t) = alpha (or of T_i): Dunnett's table value.

    Examples
    --------
    Three treatments and a control of equal n, 20 degrees of freedom:

    >>> round(largest_t_quantile(0.05, (0.5**0.5,) * 3, 20), 2)
    2.54
    """
    from scipy import optimize, special

    # One comparison alone and Bonferroni's bound lie on either side.
    sides = 2 if two_sided else 1
    low = -float(special.stdtrit(df, alpha / sides))
    high = -float(special.stdtrit(df, alpha / sides / len(loadings)))
    if len(loadings) == 1:
        return low
    return float(
        optimize.brentq(
            lambda t: largest_t_probability(t, loadings, df, two_sided) - alpha,
            low - 1e-6,
            high + 1e-6,
            xtol=1e-12,
        )
    )


def _row(
    group: Group,
    control: Group,
    others: Sequence[Group],
    parts: Variation,
    alternative: Alternative,
    alpha: float,
) -> Comparison:
    loadings = tuple(math.sqrt(other.n / (other.n + control.n)) for other in others)
    error = math.sqrt(parts.mse * (1 / group.n + 1 / control.n))
    effect = group.mean - control.mean
    t = effect / error
    two_sided = alternative == "two-sided"
    bound = abs(t) if two_sided else (t if alternative == "greater" else -t)
    p = largest_t_probability(bound, loadings, parts.df_within, two_sided)
    half = largest_t_quantile(alpha, loadings, parts.df_within, two_sided) * error
    return Comparison(
        test="dunnett",
        group_a=group.name,
        group_b=control.name,
        statistic=t,
        df=format_df(parts.df_within),
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=-math.inf if alternative == "less" else effect - half,
        ci_high=math.inf if alternative == "greater" else effect + half,
        significant=p < alpha,
        note=join_notes(
            f"family: {len(others)} comparisons with {control.name}; intervals simultaneous",
            side_note(alternative, group, control),
        ),
    )


def _upper(x: np.ndarray) -> np.ndarray:
    from scipy import special

    return np.asarray(special.ndtr(-x))


@lru_cache(maxsize=1)
def _gauss() -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's nodes and weights on −1 to 1."""
    return np.polynomial.legendre.leggauss(_NODES)


def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = _gauss()
    z = _LARGEST_Z * nodes
    return z, _LARGEST_Z * weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _spread_nodes(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes over s = √(χ²/df) with the weight of its density."""
    from scipy import special

    low = math.sqrt(2 * float(special.gammaincinv(df / 2, _RAREST)) / df)
    high = math.sqrt(2 * float(special.gammainccinv(df / 2, _RAREST)) / df)
    nodes, weights = _gauss()
    s = low + (high - low) * (nodes + 1) / 2
    log_density = (
        math.log(2)
        + df / 2 * math.log(df / 2)
        - math.lgamma(df / 2)
        + (df - 1) * np.log(s)
        - df * s**2 / 2
    )
    return s, (high - low) / 2 * weights * np.exp(log_density)
