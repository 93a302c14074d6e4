"""Effects of two groups' means: differences, ratios, and differences in SDs."""

import math
from typing import Literal

from .effect import Effect, unknown_effect
from .noncentral import t_noncentrality
from .summaries import Group
from .two_groups import t_interval, unusable, welch_error


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
        return unknown_effect("mean_difference", estimate, level, method, reason)
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
        return unknown_effect(name, estimate, level, how, "no ratio: both means must lie above 0")
    if reason := unusable(a, b):
        return unknown_effect(name, estimate, level, how, reason)
    if method == "fieller":
        return _fieller(a, b, level, how)
    relative_a = Group(a.name, a.n, 1.0, a.sd / a.mean)
    relative_b = Group(b.name, b.n, 1.0, b.sd / b.mean)
    error, df = welch_error(relative_a, relative_b)
    low, high = t_interval(math.log(estimate), error, df, "two-sided", 1 - level)
    if high > _LARGEST_LOG:
        return unknown_effect(
            name, estimate, level, how, "no interval: a mean can't be told from 0"
        )
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
        return unknown_effect(name, math.nan, level, how, reason)
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
        return unknown_effect("ratio_of_means", estimate, level, how, reason)
    middle = a.mean * b.mean
    root = math.sqrt(middle**2 - lead * (a.mean**2 - noise / a.n))
    low, high = (middle - root) / lead, (middle + root) / lead
    return Effect("ratio_of_means", estimate, low, high, level, how)
