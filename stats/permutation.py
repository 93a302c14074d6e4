"""Permutation test of a difference of means: exact where small, Monte Carlo beyond."""

import math

import numpy as np

from .comparison import (
    Alternative,
    Comparison,
    check_alpha,
    check_alternative,
    join_notes,
)
from .layout import untestable_pair
from .summaries import Group
from .two_groups import side_note, undefined_pair, welch_t

EXACT_WAYS = 1_000_000
"""Up to so many ways of dealing out the values, all are tried (11 against 11 are 705,432)."""

# Sums that differ by less than this share of the largest value differ by rounding alone.
_SAME = 1e-12
_CHUNK_VALUES = 5_000_000


def permutation(
    a: Group,
    b: Group,
    *,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    resamples: int = 99_999,
    seed: int = 20130613,
) -> Comparison:
    """Fisher's permutation test of a difference of means.

    Parameters
    ----------
    a, b : Group
        Raw values; `b` is the reference.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether `a` lies above `b`. Two-sided counts the differences at least as
        far from 0 as the one seen.
    alpha : float
        Level of significance; the interval has level 1 − alpha.
    resamples : int
        Random permutations where there are too many to try all; p = (1 + as extreme) /
        (1 + resamples), so that it is never 0.
    seed : int
        Seed of those permutations: the same data give the same p.

    Returns
    -------
    Comparison
        Statistic and effect: mean_a − mean_b; the interval is Welch's.

    Raises
    ------
    ValueError
        If an option isn't one that is known, `resamples` is under 1, or a group has no raw values.

    References
    ----------
    Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Statistical Applications
    in Genetics and Molecular Biology 9, article 39 (the ones added).

    Examples
    --------
    >>> a, b = Group.from_values("a", [5, 6, 7]), Group.from_values("b", [1, 2, 3])
    >>> permutation(a, b).p
    0.1
    """
    check_alternative(alternative)
    check_alpha(alpha)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected 1 or more.")
    x, y = a.raw("permutation"), b.raw("permutation")
    values = np.concatenate([x, y])
    if reason := _unpermutable(a, b, values):
        return undefined_pair("permutation", a, b, reason)
    ways = math.comb(values.size, x.size)
    exact = ways <= EXACT_WAYS
    p = (
        _exact_p(values, x.size, alternative)
        if exact
        else _monte_carlo_p(values, x.size, alternative, resamples, seed)
    )
    interval = welch_t(a, b, alternative=alternative, alpha=alpha)
    drawn = f"exact, all {ways:,} ways" if exact else f"{resamples:,} permutations, seed {seed}"
    return Comparison(
        test="permutation",
        group_a=a.name,
        group_b=b.name,
        statistic=a.mean - b.mean,
        p=p,
        p_adjusted=p,
        effect=a.mean - b.mean,
        ci_low=interval.ci_low,
        ci_high=interval.ci_high,
        significant=p < alpha,
        note=join_notes(
            drawn,
            "interval is Welch's" if interval.df else "no interval: no spread within the groups",
            side_note(alternative, a, b),
        ),
    )


def subset_sums(values: np.ndarray, size: int) -> np.ndarray:
    """Return the sum of every subset of a size, shape (comb(n, size),), in no particular order.

    Built up value by value: the sums with a value are those without it, one smaller, plus it.
    """
    sums = [np.zeros(1)] + [np.zeros(0) for _ in range(size)]
    for value in values:
        for k in range(size, 0, -1):
            sums[k] = np.concatenate([sums[k], sums[k - 1] + value])
    return sums[size]


def _unpermutable(a: Group, b: Group, values: np.ndarray) -> str:
    if min(a.n, b.n) < 2:
        return untestable_pair(a, b)
    return "no test: all values are equal" if np.ptp(values) == 0 else ""


def _exact_p(values: np.ndarray, n_a: int, alternative: Alternative) -> float:
    centred = values - values.mean()
    size = min(n_a, values.size - n_a)
    sums = subset_sums(centred, size)
    # The other group's sum is the opposite, since all centred values add up to 0.
    sums = sums if size == n_a else -sums
    return float(_as_extreme(sums, centred, n_a, alternative).mean())


def _monte_carlo_p(
    values: np.ndarray, n_a: int, alternative: Alternative, resamples: int, seed: int
) -> float:
    generator = np.random.default_rng(seed)
    centred = values - values.mean()
    hits, left = 0, resamples
    while left:
        count = min(left, max(1, _CHUNK_VALUES // values.size))
        dealt = generator.permuted(np.broadcast_to(centred, (count, values.size)), axis=1)
        hits += int(_as_extreme(dealt[:, :n_a].sum(axis=1), centred, n_a, alternative).sum())
        left -= count
    return (1 + hits) / (1 + resamples)


def _as_extreme(
    sums: np.ndarray, centred: np.ndarray, n_a: int, alternative: Alternative
) -> np.ndarray:
    """Which sums of group a are at least as extreme as the one seen."""
    seen = float(centred[:n_a].sum())
    same = _SAME * float(np.abs(centred).sum())
    if alternative == "greater":
        return sums >= seen - same
    if alternative == "less":
        return sums <= seen + same
    return np.abs(sums) >= abs(seen) - same
