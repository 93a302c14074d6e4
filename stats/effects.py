"""Effect sizes, each with its interval and the name of the method that made it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .layout import no_spread, usable_groups, variation
from .noncentral import eta_squared_interval, t_noncentrality
from .summaries import Group
from .two_groups import t_interval, unusable, welch_error


@dataclass(frozen=True)
class Effect:
    """An effect size.

    Attributes
    ----------
    name : str
        What it is, such as "hedges_g".
    estimate, ci_low, ci_high : float
        The estimate and its interval; NaN where the note says why.
    level : float
        Confidence level.
    method : str
        How the interval was made.
    note : str
        Why a number is missing; empty where none is.
    """

    name: str
    estimate: float
    ci_low: float
    ci_high: float
    level: float
    method: str
    note: str = ""


def mean_difference(
    a: Group, b: Group, *, level: float = 0.95, variance: Literal["welch", "pooled"] = "welch"
) -> Effect:
    """Difference of means, mean_a − mean_b, with Student's t interval.

    Parameters
    ----------
    a, b : Group
        From raw values or from summaries; `b` is the reference.
    level : float
        Confidence level.
    variance : {"welch", "pooled"}
        Each group's own variance, or one for both.

    Returns
    -------
    Effect
        In the groups' unit; where no interval can be had, its reason.

    Raises
    ------
    ValueError
        If `variance` is none of the two.

    Examples
    --------
    >>> effect = mean_difference(Group.from_sd("a", 9, mean=14, sd=6),
    ...                          Group.from_sd("b", 9, mean=8, sd=5))
    >>> effect.estimate, round(effect.ci_low, 3), round(effect.ci_high, 3)
    (6.0, 0.466, 11.534)
    """
    if variance not in ("welch", "pooled"):
        raise ValueError(f"variance is {variance!r}, expected 'welch' or 'pooled'.")
    estimate = a.mean - b.mean
    method = f"Student's t, {'own variances' if variance == 'welch' else 'pooled variance'}"
    if reason := unusable(a, b):
        return _unknown("mean_difference", estimate, level, method, reason)
    error, df = welch_error(a, b)
    if variance == "pooled":
        error, df = math.sqrt(pooled_variance(a, b) * (1 / a.n + 1 / b.n)), a.n + b.n - 2
    low, high = t_interval(estimate, error, df, "two-sided", 1 - level)
    return Effect("mean_difference", estimate, low, high, level, method)


def ratio_of_means(
    a: Group, b: Group, *, level: float = 0.95, method: Literal["log", "fieller"] = "log"
) -> Effect:
    """Ratio of means (fold change), mean_a / mean_b.

    Parameters
    ----------
    a, b : Group
        Positive means; `b` is the reference.
    level : float
        Confidence level.
    method : {"log", "fieller"}
        "log": interval of log(mean_a / mean_b) by the delta method, each group's own coefficient
        of variation, t with Satterthwaite's degrees of freedom. "fieller": the set of ratios that
        a t test with pooled variance does not reject, exact for normal values of equal variance;
        unbounded, and so left out, where the reference's mean does not differ from 0.

    Returns
    -------
    Effect
        Without unit; where no interval can be had, its reason.

    Raises
    ------
    ValueError
        If `method` is none of the two.

    References
    ----------
    Fieller (1954), Journal of the Royal Statistical Society B 16, 175-185; Friedrich, Adhikari
    and Beyene (2008), BMC Medical Research Methodology 8, 32.

    Examples
    --------
    >>> effect = ratio_of_means(Group.from_sd("a", 9, mean=14, sd=6),
    ...                         Group.from_sd("b", 9, mean=8, sd=5))
    >>> effect.estimate, round(effect.ci_low, 3), round(effect.ci_high, 3)
    (1.75, 1.019, 3.007)
    """
    if method not in ("log", "fieller"):
        raise ValueError(f"method is {method!r}, expected 'log' or 'fieller'.")
    estimate = a.mean / b.mean if b.mean else math.nan
    how = "delta method on the log" if method == "log" else "Fieller, pooled variance"
    name = "ratio_of_means"
    if a.mean <= 0 or b.mean <= 0:
        return _unknown(name, estimate, level, how, "no ratio: both means must lie above 0")
    if reason := unusable(a, b):
        return _unknown(name, estimate, level, how, reason)
    if method == "fieller":
        return _fieller(a, b, level, how)
    relative_a = Group(a.name, a.n, 1.0, a.sd / a.mean)
    relative_b = Group(b.name, b.n, 1.0, b.sd / b.mean)
    error, df = welch_error(relative_a, relative_b)
    low, high = t_interval(math.log(estimate), error, df, "two-sided", 1 - level)
    if high > _LARGEST_LOG:
        return _unknown(name, estimate, level, how, "no interval: a mean can't be told from 0")
    return Effect(name, estimate, math.exp(low), math.exp(high), level, how)


_LARGEST_LOG = math.log(1e300)  # beyond it a ratio is no number


def cohen_d(a: Group, b: Group, *, level: float = 0.95) -> Effect:
    """Cohen's d, (mean_a − mean_b) / pooled SD, with the noncentral-t interval.

    Parameters
    ----------
    a, b : Group
        From raw values or from summaries; `b` is the reference.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        In pooled SDs; where no interval can be had, its reason.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences.

    Examples
    --------
    >>> effect = cohen_d(Group.from_sd("a", 9, mean=14, sd=6), Group.from_sd("b", 9, mean=8, sd=5))
    >>> round(effect.estimate, 4)
    1.0864
    """
    return _standardised("cohen_d", a, b, 1.0, level)


def hedges_g(a: Group, b: Group, *, level: float = 0.95) -> Effect:
    """Hedges' g: Cohen's d times the exact correction of its bias.

    J = Γ(m/2) / (√(m/2) Γ((m − 1)/2)), m = n_a + n_b − 2. The interval is that of the population's
    standardised difference by the noncentral t, which d and g both estimate.

    Parameters
    ----------
    a, b : Group
        From raw values or from summaries; `b` is the reference.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        In pooled SDs; where no interval can be had, its reason.

    References
    ----------
    Hedges (1981), Journal of Educational Statistics 6, 107-128.

    Examples
    --------
    >>> effect = hedges_g(Group.from_sd("a", 9, mean=14, sd=6), Group.from_sd("b", 9, mean=8, sd=5))
    >>> round(effect.estimate, 4), round(effect.ci_low, 4), round(effect.ci_high, 4)
    (1.0346, 0.0754, 2.0684)
    """
    df = a.n + b.n - 2
    return _standardised("hedges_g", a, b, bias_correction(df) if df > 1 else math.nan, level)


def bias_correction(df: float) -> float:
    """Return Hedges' exact factor J for so many degrees of freedom.

    Examples
    --------
    >>> round(bias_correction(18), 10)
    0.957646427
    """
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def rank_biserial(a: Group, b: Group, *, level: float = 0.95) -> Effect:
    """Rank-biserial correlation (Cliff's delta): P(a > b) − P(a < b) over all pairs.

    Parameters
    ----------
    a, b : Group
        Raw values; `b` is the reference.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        From −1 to 1; where no interval can be had, its reason.

    References
    ----------
    Cliff (1993), Psychological Bulletin 114, 494-509; interval: see `rank_biserial_interval`.

    Examples
    --------
    >>> a, b = Group.from_values("a", [2, 3, 3, 5]), Group.from_values("b", [1, 1, 2, 3])
    >>> rank_biserial(a, b).estimate
    0.6875
    """
    import numpy as np

    from .ranks import midranks

    x, y = a.raw("rank_biserial"), b.raw("rank_biserial")
    how = "Newcombe's method 5"
    if min(x.size, y.size) < 2:
        reason = "no interval: each group needs at least 2 values"
        return _unknown("rank_biserial", math.nan, level, how, reason)
    ranks = midranks(np.concatenate([x, y]))
    w = float(ranks[: x.size].sum()) - x.size * (x.size + 1) / 2
    estimate = 2 * w / (x.size * y.size) - 1
    low, high = rank_biserial_interval(estimate, x.size, y.size, level=level)
    return Effect("rank_biserial", estimate, low, high, level, how)


def rank_biserial_interval(
    estimate: float, n_a: int, n_b: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a rank-biserial correlation by Newcombe's method 5.

    With θ = (r + 1) / 2, the θ for which |θ̂ − θ| = z √V(θ), V(θ) = θ(1 − θ)(1 + N((1 − θ)/(2 − θ)
    + θ/(1 + θ))) / (n_a n_b), N = (n_a + n_b)/2 − 1. It stays inside −1 to 1 and keeps its width
    where the groups do not overlap.

    Parameters
    ----------
    estimate : float
        Rank-biserial correlation.
    n_a, n_b : int
        Sizes of the groups.
    level : float
        Confidence level.

    Returns
    -------
    low, high : float

    References
    ----------
    Newcombe (2006), Statistics in Medicine 25, 559-573.

    Examples
    --------
    >>> low, high = rank_biserial_interval(-0.49, 10, 10)
    >>> round(low, 4), round(high, 4)
    (-0.7882, 0.0283)
    """
    from scipy import optimize, special

    z2 = float(special.ndtri((1 + level) / 2)) ** 2
    seen, extra = (estimate + 1) / 2, (n_a + n_b) / 2 - 1

    def excess(theta: float) -> float:
        shape = 1 + extra * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (seen - theta) ** 2 - z2 * theta * (1 - theta) * shape / (n_a * n_b)

    # At 0 and 1 the estimate itself is a root, and not the one looked for.
    inside = min(max(seen, 1e-12), 1 - 1e-12)
    low = 0.0 if excess(0.0) <= 0 else float(optimize.brentq(excess, 0.0, inside, xtol=1e-14))
    high = 1.0 if excess(1.0) <= 0 else float(optimize.brentq(excess, inside, 1.0, xtol=1e-14))
    return 2 * low - 1, 2 * high - 1


def eta_squared(groups: Sequence[Group], *, level: float = 0.95) -> Effect:
    """Eta²: the share of the sample's variation that lies between groups, SSB / SST.

    The interval, by the noncentral F, is that of the population's share.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries; groups of n < 2 are left out.
    level : float
        Confidence level, two-sided.

    Returns
    -------
    Effect
        A share of 1; where no interval can be had, its reason.

    References
    ----------
    Steiger (2004), Psychological Methods 9, 164-182.

    Examples
    --------
    >>> spreads = {10: 1.7, 10.15: 2.1, 12.45: 0.9}
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=sd) for mean, sd in spreads.items()]
    >>> effect = eta_squared(groups)
    >>> round(effect.estimate, 4), round(effect.ci_low, 4), round(effect.ci_high, 4)
    (0.3582, 0.0, 0.5759)
    """
    return _share("eta_squared", groups, level)


def omega_squared(groups: Sequence[Group], *, level: float = 0.95) -> Effect:
    """Omega²: eta² with its bias taken off, (SSB − df MSE) / (SST + MSE); may fall below 0.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries; groups of n < 2 are left out.
    level : float
        Confidence level, two-sided; the interval is that of `eta_squared`, since both estimate
        the same share.

    Returns
    -------
    Effect
        A share of 1; where no interval can be had, its reason.

    References
    ----------
    Hays (1963), Statistics for Psychologists.

    Examples
    --------
    >>> spreads = {10: 1.7, 10.15: 2.1, 12.45: 0.9}
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=sd) for mean, sd in spreads.items()]
    >>> round(omega_squared(groups).estimate, 4)
    0.2614
    """
    return _share("omega_squared", groups, level)


def pooled_variance(a: Group, b: Group) -> float:
    """Variance of two groups taken together, each around its own mean.

    Parameters
    ----------
    a, b : Group
        With three units or more between them.

    Returns
    -------
    float
        In the square of the groups' unit.
    """
    return ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / (a.n + b.n - 2)


def _standardised(name: str, a: Group, b: Group, factor: float, level: float) -> Effect:
    how = "noncentral t"
    if reason := unusable(a, b):
        return _unknown(name, math.nan, level, how, reason)
    d = (a.mean - b.mean) / math.sqrt(pooled_variance(a, b))
    scale = math.sqrt(1 / a.n + 1 / b.n)
    low, high = t_noncentrality(d / scale, a.n + b.n - 2, level=level)
    return Effect(name, factor * d, low * scale, high * scale, level, how)


def _fieller(a: Group, b: Group, level: float, how: str) -> Effect:
    """Solve (mean_a − θ mean_b)² = t² s² (1/n_a + θ²/n_b) for θ."""
    from scipy import special

    t2 = float(special.stdtrit(a.n + b.n - 2, (1 + level) / 2)) ** 2
    noise = t2 * pooled_variance(a, b)
    estimate = a.mean / b.mean
    lead = b.mean**2 - noise / b.n
    if lead <= 0:
        reason = f"no bounded interval: the mean of {b.name} does not differ from 0 at this level"
        return _unknown("ratio_of_means", estimate, level, how, reason)
    middle = a.mean * b.mean
    root = math.sqrt(middle**2 - lead * (a.mean**2 - noise / a.n))
    low, high = (middle - root) / lead, (middle + root) / lead
    return Effect("ratio_of_means", estimate, low, high, level, how)


def _share(name: str, groups: Sequence[Group], level: float) -> Effect:
    how = "noncentral F"
    usable, left_out = usable_groups(groups)
    if reason := no_spread(usable):
        return _unknown(name, math.nan, level, how, reason)
    parts = variation(usable)
    statistic = parts.between / parts.df_between / parts.mse
    low, high = eta_squared_interval(statistic, parts.df_between, parts.df_within, level=level)
    estimate = parts.eta_squared if name == "eta_squared" else parts.omega_squared
    return Effect(name, estimate, low, high, level, how, left_out)


def _unknown(name: str, estimate: float, level: float, method: str, reason: str) -> Effect:
    return Effect(name, estimate, math.nan, math.nan, level, method, reason)
