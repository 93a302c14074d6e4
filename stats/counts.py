"""Counts of nodules: the negative binomial model, and whether counts spread more than Poisson's.

Counts of metastases vary more from mouse to mouse than chance alone (Poisson) would have them;
the negative binomial says by how much, with variance = mean + dispersion · mean².

With one factor the likelihood has its maximum at the groups' means whatever the dispersion, so one
unknown is left and is found here by bracketing. statsmodels' general fit works in all coefficients
at once, starts from a Poisson fit and fails to converge where the counts spread no more than
Poisson's, which is a case that a lung study meets.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .comparison import Comparison, check_alpha, join_notes
from .estimate import Estimate
from .multiplicity import holm_over_pairs

_SMALL = 1e-4
"""Below this, dispersion · mean enters by its power series, where the closed form cancels."""

_LARGEST_DISPERSION = 1e8
_FEW = 10
"""Animals a group below which the likelihood-ratio test rejects noticeably too often."""


@dataclass(frozen=True)
class CountFit:
    """Negative binomial fit of counts in groups with one dispersion.

    Attributes
    ----------
    means : numpy.ndarray
        Shape (groups,): the fitted means, which are the groups' own.
    dispersion : float
        variance = mean + dispersion · mean². 0 where the counts spread no more than Poisson's.
    log_likelihood : float
        At the maximum.
    """

    means: np.ndarray
    dispersion: float
    log_likelihood: float


def _as_counts(values: ArrayLike, name: str) -> np.ndarray:
    counts = np.asarray(values, float)
    if counts.ndim != 1 or counts.size < 2:
        raise ValueError(f"group {name!r} needs at least 2 counts; got {counts.size}.")
    if not np.all(np.isfinite(counts)) or np.any(counts < 0) or np.any(counts != np.rint(counts)):
        raise ValueError(
            f"group {name!r} has values that are not counts (whole numbers from 0, none missing). "
            "Give each animal's total, not a mean of several lobes."
        )
    return counts


@dataclass(frozen=True)
class _Counted:
    """One group's counts as the likelihood needs them.

    `above[j]` is how many counts lie above j: the ratio of gamma functions of the likelihood is
    Σ above[j] · log(1 + dispersion · j), which stays exact as the dispersion goes to 0.
    """

    n: int
    total: float
    mean: float
    above: np.ndarray
    constant: float

    @classmethod
    def of(cls, counts: np.ndarray) -> "_Counted":
        from scipy.special import gammaln, xlogy

        total, mean = float(counts.sum()), float(counts.mean())
        above = counts.size - np.cumsum(np.bincount(counts.astype(np.int64)))
        constant = float(xlogy(total, mean)) - float(gammaln(counts + 1).sum())
        return cls(counts.size, total, mean, above, constant)

    def log_likelihood(self, dispersion: float) -> float:
        """At the group's own mean."""
        a = dispersion
        rising = float(self.above @ np.log1p(a * np.arange(self.above.size)))
        per_count = math.log1p(a * self.mean) / a if a > 0 else self.mean
        falling = self.n * per_count + self.total * math.log1p(a * self.mean)
        return rising - falling + self.constant

    def score(self, dispersion: float) -> float:
        """Slope of the log-likelihood in the dispersion."""
        a, mean = dispersion, self.mean
        x = a * mean
        if x < _SMALL:
            closing = mean**2 * (0.5 - 2 * x / 3 + 0.75 * x**2)
        else:
            closing = (math.log1p(x) - x / (1 + x)) / a**2
        j = np.arange(self.above.size)
        rising = float(self.above @ (j / (1 + a * j)))
        return rising + self.n * closing - self.total * mean / (1 + x)


def fit_counts(groups: Sequence[ArrayLike]) -> CountFit:
    """Maximum likelihood of counts in groups: own means, one dispersion.

    Parameters
    ----------
    groups : sequence of array_like
        Each group's counts, whole numbers, at least two in each.

    Returns
    -------
    CountFit
        With dispersion 0 (Poisson) where the likelihood rises towards it.

    Examples
    --------
    >>> fit = fit_counts([[2, 9, 4, 15], [20, 11, 30, 41]])
    >>> round(fit.dispersion, 4)
    0.2323
    """
    from scipy import optimize

    counted = [_Counted.of(_as_counts(values, str(i + 1))) for i, values in enumerate(groups)]

    def score(dispersion: float) -> float:
        return sum(group.score(dispersion) for group in counted)

    dispersion = 0.0
    if score(0.0) > 0:
        high = 1.0
        while score(high) > 0 and high < _LARGEST_DISPERSION:
            high *= 4
        dispersion = float(optimize.brentq(score, 0.0, high, xtol=1e-14, rtol=1e-13))
    log_likelihood = sum(group.log_likelihood(dispersion) for group in counted)
    return CountFit(np.array([group.mean for group in counted]), dispersion, log_likelihood)


def _note(fit: CountFit, counts: Sequence[np.ndarray]) -> str:
    spread = f"dispersion {fit.dispersion:.4g} (variance = mean + dispersion · mean²)"
    if fit.dispersion == 0:
        spread = (
            "dispersion 0: the counts spread no more than Poisson's, "
            "so this is the Poisson likelihood-ratio test"
        )
    smallest = min(group.size for group in counts)
    few = (
        f"p is asymptotic: below {_FEW} animals a group (here {smallest}) it is somewhat too small"
    )
    return join_notes(spread, few if smallest < _FEW else "")


def _twice_the_gap(full: CountFit, null: CountFit) -> float:
    """Likelihood-ratio statistic; rounding must not put it below 0."""
    return max(0.0, float(2 * (full.log_likelihood - null.log_likelihood)))


def _pair(
    names: Sequence[str],
    counts: Sequence[np.ndarray],
    full: CountFit,
    pair: tuple[int, int],
    alpha: float,
) -> Comparison:
    """Test one pair, the other groups left as they are; the effect is the ratio of means."""
    from scipy import stats

    i, j = pair
    merged = [c for k, c in enumerate(counts) if k not in pair]
    null = fit_counts([*merged, np.concatenate([counts[i], counts[j]])])
    statistic = _twice_the_gap(full, null)
    a, b = full.means[i], full.means[j]
    p = float(stats.chi2.sf(statistic, 1))
    ratio, low, high = math.nan, math.nan, math.nan
    note = "effect: ratio of means, Wald interval on the log scale"
    if a > 0 and b > 0:
        variance = (1 / a + full.dispersion) / counts[i].size
        variance += (1 / b + full.dispersion) / counts[j].size
        half = stats.norm.isf(alpha / 2) * math.sqrt(variance)
        ratio, low, high = (math.exp(math.log(a / b) + s * half) for s in (0, -1, 1))
    else:
        note = "all counts of a group are 0, so no ratio of means"
    return Comparison(
        test="negative_binomial",
        group_a=names[i],
        group_b=names[j],
        statistic=statistic,
        df="1",
        p=p,
        p_adjusted=p,
        effect=ratio,
        ci_low=low,
        ci_high=high,
        significant=p < alpha,
        note=join_notes(note, _note(full, counts)),
    )


def negative_binomial(groups: Mapping[str, ArrayLike], *, alpha: float = 0.05) -> list[Comparison]:
    """Likelihood-ratio tests of counts in groups.

    Parameters
    ----------
    groups : mapping of str to array_like
        Each group's counts, one an animal, whole numbers. Two groups or more.
    alpha : float
        Level of significance and, as 1 − alpha, of the intervals.

    Returns
    -------
    list of Comparison
        All groups at once first (for three groups or more), then each pair; a pair's effect is
        mean(a) / mean(b), its p_adjusted Holm's over the pairs. The dispersion stands in the note
        and is fitted again under the null, as MASS does in R.

    Raises
    ------
    ValueError
        With fewer than two groups, fewer than two counts in one, or values that are not counts.

    Notes
    -----
    The test is asymptotic; below ten animals a group it rejects too often, which the note says. In
    1,500 simulated studies of two equal groups (mean 14, dispersion 0.3) p was below 0.05 in 13 %
    with 3 animals a group, 8 % with 5, 7 % with 9 and 5 % with 15.

    References
    ----------
    Lawless JF (1987). Negative binomial and mixed Poisson regression. Can J Stat 15:209-225.

    Examples
    --------
    >>> low, high = [2, 9, 4, 15], [20, 11, 30, 41]
    >>> test = negative_binomial({"a": low, "b": high})[0]
    >>> round(test.statistic, 3), round(test.p, 4), round(test.effect, 3)
    (6.108, 0.0135, 0.294)
    """
    from scipy import stats

    check_alpha(alpha)
    names = list(groups)
    if len(names) < 2:
        raise ValueError(f"two groups or more are needed; got {len(names)}: {names}.")
    counts = [_as_counts(groups[name], name) for name in names]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    full = fit_counts(counts)
    rows = holm_over_pairs([_pair(names, counts, full, pair, alpha) for pair in pairs], alpha=alpha)
    if len(names) == 2:
        return rows
    null = fit_counts([np.concatenate(counts)])
    statistic = _twice_the_gap(full, null)
    p = float(stats.chi2.sf(statistic, len(names) - 1))
    overall = Comparison(
        test="negative_binomial",
        statistic=statistic,
        df=str(len(names) - 1),
        p=p,
        p_adjusted=p,
        significant=p < alpha,
        note=join_notes("likelihood-ratio test of all groups; no effect size", _note(full, counts)),
    )
    return [overall, *rows]


def dispersion_interval(groups: Sequence[ArrayLike], *, level: float = 0.95) -> Estimate:
    """Dispersion of counts with its likelihood interval.

    Parameters
    ----------
    groups : sequence of array_like
        Each group's counts.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        The limits are where twice the log-likelihood has fallen by the quantile of chi-square; the
        lower one is 0 where Poisson is within it.

    Examples
    --------
    >>> found = dispersion_interval([[2, 9, 4, 15], [20, 11, 30, 41]])
    >>> round(found.ci_low, 3), round(found.ci_high, 3)
    (0.053, 0.898)
    """
    from scipy import optimize, stats

    counts = [_as_counts(values, str(i + 1)) for i, values in enumerate(groups)]
    counted = [_Counted.of(group) for group in counts]
    fit = fit_counts(counts)
    target = fit.log_likelihood - stats.chi2.ppf(level, 1) / 2

    def above(dispersion: float) -> float:
        return sum(group.log_likelihood(dispersion) for group in counted) - target

    low = 0.0
    if fit.dispersion > 0 and above(0.0) < 0:
        low = float(optimize.brentq(above, 0.0, fit.dispersion))
    high = max(1.0, 2 * fit.dispersion)
    while above(high) > 0 and high < _LARGEST_DISPERSION:
        high *= 4
    upper = float(optimize.brentq(above, fit.dispersion, high)) if above(high) < 0 else math.inf
    n = sum(group.size for group in counts)
    return Estimate("dispersion", fit.dispersion, low, upper, n, "likelihood ratio")


def poisson_spread(means: ArrayLike, sds: ArrayLike, n: ArrayLike) -> Estimate:
    """Variance over mean of counts, from groups' summaries.

    Parameters
    ----------
    means, sds : sequence of float
        Of each group; means above 0.
    n : sequence of int
        Animals in each group.

    Returns
    -------
    Estimate
        The pooled ratio with its interval under scaled Poisson counts; 1 is Poisson's. The note
        gives p, two-sided, against 1.

    Raises
    ------
    ValueError
        If a mean isn't above 0, or a group has fewer than 2 animals.

    References
    ----------
    Fisher RA (1950). The significance of deviations from expectation in a Poisson series.
    Biometrics 6:17-24.

    Examples
    --------
    SD of 2.6, 2.4 and 2.7 would be too small for counts with these means:

    >>> found = poisson_spread([22.9, 13.9, 13.7], [2.6, 2.4, 2.7], [9, 9, 9])
    >>> round(found.value, 3), found.note
    (0.414, 'p = 0.01 against Poisson')
    """
    from scipy import stats

    mean, sd, size = (np.asarray(values, float) for values in (means, sds, n))
    if np.any(mean <= 0) or np.any(size < 2):
        raise ValueError("means above 0 and at least 2 animals a group are needed.")
    df = float(np.sum(size - 1))
    statistic = float(np.sum((size - 1) * sd**2 / mean))
    p = 2 * min(stats.chi2.cdf(statistic, df), stats.chi2.sf(statistic, df))
    low, high = (statistic / stats.chi2.ppf(q, df) for q in (0.975, 0.025))
    note = "p < 0.0001" if p < 1e-4 else f"p = {min(1.0, p):.2g}"
    note += " against Poisson"
    return Estimate(
        "variance / mean", statistic / df, low, high, int(size.sum()), "chi-square", note
    )
