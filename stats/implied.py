"""What two printed means and SDs imply, if each group is normally distributed.

For papers that print two groups' summaries but name a method (a rank test, a logistic regression)
whose result they don't print.
"""

import math

import numpy as np

from .estimate import Estimate
from .summaries import Group


def implied_odds_ratio(cases: Group, controls: Group, *, unit: float = 1.0) -> Estimate:
    """Odds ratio of being a case per `unit` of the measured quantity.

    Parameters
    ----------
    cases, controls : Group
        Summaries of the quantity.
    unit : float
        Per how much of it; negative for a fall.

    Returns
    -------
    Estimate
        exp(unit · (x̄₁ − x̄₀) / s²) with the pooled s², and its interval by the delta method.

    Notes
    -----
    With normal groups of one variance, the log-odds of being a case are linear in the quantity
    with this slope, so logistic regression of the unprinted data would have estimated it.

    References
    ----------
    Efron B (1975). The efficiency of logistic regression compared to normal discriminant analysis.
    J Am Stat Assoc 70:892-898.

    Examples
    --------
    >>> cases = Group.from_sd("positive", 62, mean=119.6, sd=14.5)
    >>> controls = Group.from_sd("negative", 74, mean=126.7, sd=13.6)
    >>> found = implied_odds_ratio(cases, controls, unit=-10)
    >>> round(found.value, 2), round(found.ci_low, 2), round(found.ci_high, 2)
    (1.44, 1.11, 1.85)
    """
    from scipy import special

    df = cases.n + controls.n - 2
    variance = ((cases.n - 1) * cases.variance + (controls.n - 1) * controls.variance) / df
    difference = cases.mean - controls.mean
    slope = difference / variance
    error = math.sqrt(
        (1 / cases.n + 1 / controls.n) / variance + 2 * difference**2 / (df * variance**2)
    )
    half = float(special.ndtri(0.975)) * error * abs(unit)
    value, low, high = (math.exp(slope * unit + s * half) for s in (0, -1, 1))
    n = cases.n + controls.n
    return Estimate(f"odds ratio per {unit:g}", value, low, high, n, "delta method")


def implied_auc(cases: Group, controls: Group) -> Estimate:
    """Area under the ROC curve that two normal distributions have; cases lie lower.

    Parameters
    ----------
    cases, controls : Group
        Summaries; above 0.5 where `cases` lie below `controls`.

    Returns
    -------
    Estimate
        Φ((x̄₀ − x̄₁) / √(s₀² + s₁²)), interval by the delta method on the argument.

    References
    ----------
    Reiser B, Guttman I (1986). Statistical inference for Pr(Y < X): the normal case.
    Technometrics 28:253-257.

    Examples
    --------
    >>> cases = Group.from_sd("positive", 62, mean=119.6, sd=14.5)
    >>> round(implied_auc(cases, Group.from_sd("negative", 74, mean=126.7, sd=13.6)).value, 2)
    0.64
    """
    from scipy import special

    total = cases.variance + controls.variance
    d = (controls.mean - cases.mean) / math.sqrt(total)
    spread = cases.variance**2 / (cases.n - 1) + controls.variance**2 / (controls.n - 1)
    means = cases.variance / cases.n + controls.variance / controls.n
    half = float(special.ndtri(0.975)) * math.sqrt(means / total + d**2 * spread / (2 * total**2))
    value, low, high = (float(special.ndtr(d + s * half)) for s in (0, -1, 1))
    return Estimate("auc", value, low, high, cases.n + controls.n, "delta method")


def share_below(group: Group, cutoff: float) -> Estimate:
    """Share of a normal group that lies below a cut-off.

    Parameters
    ----------
    group : Group
        Summary.
    cutoff : float
        In the units of its mean.

    Returns
    -------
    Estimate
        Share 0 to 1, with the exact interval from the noncentral t distribution.

    References
    ----------
    Owen DB (1968). A survey of properties and applications of the noncentral t-distribution.
    Technometrics 10:445-478.

    Examples
    --------
    >>> found = share_below(Group.from_sd("positive", 62, mean=119.6, sd=14.5), 120)
    >>> round(found.value, 2), round(found.ci_low, 2), round(found.ci_high, 2)
    (0.51, 0.41, 0.61)
    """
    from scipy import optimize, stats

    root = math.sqrt(group.n)
    z = (cutoff - group.mean) / group.sd

    # far enough for the tails wanted, near enough for scipy's noncentral t to stay a number
    reach = 6 * math.sqrt(1 / group.n + z**2 / (2 * (group.n - 1)))

    def limit(tail: float) -> float:
        def gap(true: float) -> float:
            return float(stats.nct.cdf(z * root, group.n - 1, true * root)) - tail

        return float(optimize.brentq(gap, z - reach, z + reach))

    low, high = limit(0.975), limit(0.025)
    value, low, high = (float(stats.norm.cdf(at)) for at in (z, low, high))
    return Estimate(f"share below {cutoff:g}", value, low, high, group.n, "noncentral t")


def wilcoxon_of_normal_samples(
    a: Group, b: Group, *, samples: int = 2000, seed: int = 0
) -> np.ndarray:
    """Two-sided p of Wilcoxon's rank-sum test over normal samples with exactly these summaries.

    Parameters
    ----------
    a, b : Group
        Summaries; ten or more in each, since the normal approximation is used.
    samples : int
        How many pairs of samples.
    seed : int
        Of the generator.

    Returns
    -------
    numpy.ndarray
        Shape (samples,), in ascending order: which p could have come out.
    """
    from scipy import special, stats

    rng = np.random.default_rng(seed)
    drawn = []
    for group in (a, b):
        raw = rng.standard_normal((samples, group.n))
        raw -= raw.mean(axis=1, keepdims=True)
        raw *= group.sd / raw.std(axis=1, ddof=1, keepdims=True)
        drawn.append(raw + group.mean)
    ranks = stats.rankdata(np.hstack(drawn), axis=1)[:, : a.n].sum(axis=1)
    centre, variance = a.n * (a.n + b.n + 1) / 2, a.n * b.n * (a.n + b.n + 1) / 12
    z = np.maximum(0, np.abs(ranks - centre) - 0.5) / math.sqrt(variance)
    return np.sort(2 * special.ndtr(-z))
