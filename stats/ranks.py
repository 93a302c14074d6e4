"""Tests on ranks: Wilcoxon's rank sum (exact with ties), Kruskal-Wallis, Dunn."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from .comparison import (
    Alternative,
    Comparison,
    check_alpha,
    check_alternative,
    join_notes,
)
from .layout import ordered_pairs, untestable_pair, usable_groups
from .multiplicity import holm
from .summaries import Group
from .two_groups import side_note, undefined_pair

EXACT_BELOW = 50
"""The exact distribution is used where both groups are smaller than this, as R's wilcox.test."""

# The table of counts grows with N³; at this size it takes seconds and a gigabyte.
_EXACT_LIMIT = 400
_ENOUGH = 5
"""Values a group from which chi² and the normal distribution serve the ranks of many groups."""


def wilcoxon(
    a: Group,
    b: Group,
    *,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    method: Literal["auto", "exact", "asymptotic"] = "auto",
) -> Comparison:
    """Wilcoxon's rank-sum test (Mann-Whitney).

    Parameters
    ----------
    a, b : Group
        Raw values; `b` is the reference.
    alternative : {"two-sided", "less", "greater"}
        "greater" asks whether `a` lies above `b`.
    alpha : float
        The interval has level 1 − alpha.
    method : {"auto", "exact", "asymptotic"}
        "exact" is the distribution of the rank sum over all ways to deal out the values seen, ties
        included, so it holds with ties too (scipy's and R's own exact forms ignore them);
        two-sided p = P(|W − E| ≥ |w − E|). "asymptotic" is the normal approximation with
        tie-corrected variance and continuity correction. "auto" is exact where both groups are
        smaller than 50.

    Returns
    -------
    Comparison
        Statistic W as R gives it: the pairs in which `a` lies above `b`, a tie counting half.
        Effect: the rank-biserial correlation 2 W / (n_a n_b) − 1 (Cliff's delta) with Newcombe's
        interval.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; Streitberg and Röhmel (1986), Statistical
    Software Newsletter 12, 10-17 (exact distribution with ties).

    Examples
    --------
    >>> a, b = Group.from_values("a", [2, 3, 3, 5]), Group.from_values("b", [1, 1, 2, 3])
    >>> row = wilcoxon(a, b)
    >>> row.statistic, round(row.p, 5), row.effect
    (13.5, 0.2, 0.6875)
    """
    from .rank_effects import rank_biserial_interval

    check_alternative(alternative)
    check_alpha(alpha)
    x, y = a.raw("wilcoxon"), b.raw("wilcoxon")
    reason = _unrankable(a, b, x, y)
    if reason:
        return undefined_pair("wilcoxon", a, b, reason)
    exact = _use_exact(x.size, y.size, method)
    ranks = midranks(np.concatenate([x, y]))
    w = float(ranks[: x.size].sum()) - x.size * (x.size + 1) / 2
    p = (_exact_p if exact else _normal_p)(ranks, x.size, alternative)
    effect = 2 * w / (x.size * y.size) - 1
    low, high = rank_biserial_interval(effect, x.size, y.size, level=1 - alpha)
    return Comparison(
        test="wilcoxon",
        group_a=a.name,
        group_b=b.name,
        statistic=w,
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=low,
        ci_high=high,
        significant=p < alpha,
        note=join_notes(
            _method_note(exact, ranks),
            "effect is the rank-biserial correlation",
            side_note(alternative, a, b, open_interval=False),
        ),
    )


def midranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1, ties sharing their mean rank.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Finite values.

    Returns
    -------
    numpy.ndarray, shape (n,), float64

    Examples
    --------
    >>> midranks(np.array([3, 1, 3, 7])).tolist()
    [2.5, 1.0, 2.5, 4.0]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse.ravel()]


def rank_sum_counts(ranks: np.ndarray, size: int) -> np.ndarray:
    """Count the subsets of each rank sum, by dynamic programming over doubled midranks.

    Parameters
    ----------
    ranks : numpy.ndarray, shape (n,)
        Midranks, multiples of one half.
    size : int
        Units in a subset.

    Returns
    -------
    numpy.ndarray, float64
        Entry s: number of subsets of `size` ranks whose doubled sum is s. Exact below 2^53, and
        within rounding beyond.
    """
    doubled = np.rint(2 * ranks).astype(int)
    largest = int(np.sort(doubled)[-size:].sum())
    counts = np.zeros((size + 1, largest + 1))
    counts[0, 0] = 1
    for taken, rank in enumerate(np.sort(doubled), start=1):
        for k in range(min(size, taken), 0, -1):
            counts[k, rank:] += counts[k - 1, : largest + 1 - rank]
    return counts[size]


def kruskal(groups: Sequence[Group], *, alpha: float = 0.05) -> Comparison:
    """Kruskal-Wallis test, H with correction for ties, p from chi-squared.

    Parameters
    ----------
    groups : sequence of Group
        Raw values. Groups of n < 2 are left out, and the note says so.
    alpha : float
        Level of significance.

    Returns
    -------
    Comparison
        Effect eta² of the ranks, H / (N − 1) (also called epsilon²), without an interval.

    References
    ----------
    Kruskal and Wallis (1952), Journal of the American Statistical Association 47, 583-621: below
    five values a group chi-squared is rough, which the note says.

    Examples
    --------
    >>> groups = [Group.from_values(name, values) for name, values in
    ...           {"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}.items()]
    >>> row = kruskal(groups)
    >>> round(row.statistic, 4), row.df, round(row.p, 5)
    (7.2, '2', 0.02732)
    """
    from scipy import special

    check_alpha(alpha)
    for group in groups:
        group.raw("kruskal")
    usable, left_out = usable_groups(groups)
    reason = _unrankable_groups(usable)
    if reason:
        return Comparison(test="kruskal", note=join_notes(reason, left_out))
    ranks, sizes, _ = _joint_ranks(usable)
    means = np.array([part.mean() for part in np.split(ranks, np.cumsum(sizes)[:-1])])
    spread = float((sizes * (means - (ranks.size + 1) / 2) ** 2).sum())
    statistic = spread / float(ranks.var(ddof=1))
    p = float(special.chdtrc(len(usable) - 1, statistic))
    return Comparison(
        test="kruskal",
        statistic=statistic,
        df=str(len(usable) - 1),
        p=p,
        p_adjusted=p,
        effect=statistic / (ranks.size - 1),
        significant=p < alpha,
        note=join_notes(
            "effect is eta² of the ranks (no interval)", _rough("chi²", usable), left_out
        ),
    )


def dunn(
    groups: Sequence[Group], *, reference: str | None = None, alpha: float = 0.05
) -> list[Comparison]:
    """Dunn's test of all pairs after Kruskal-Wallis.

    z = (mean rank_a − mean rank_b) / √(s²(1/n_a + 1/n_b)), ranks of all values together, s² their
    variance (which corrects for ties).

    Parameters
    ----------
    groups : sequence of Group
        Raw values.
    reference : str, optional
        The group that stands as `group_b` in its pairs; by default the first.
    alpha : float
        Level of significance.

    Returns
    -------
    list of Comparison
        All pairs; p is the pair's own, p_adjusted Holm's over all pairs. Effect: difference of
        mean ranks, with the pair's own interval.

    References
    ----------
    Dunn (1964), Technometrics 6, 241-252.

    Examples
    --------
    >>> groups = [Group.from_values(name, values) for name, values in
    ...           {"a": [1, 2, 6], "b": [4, 5, 6], "c": [7, 8, 12]}.items()]
    >>> [(row.group_a, row.group_b, round(row.p, 5)) for row in dunn(groups)]
    [('b', 'a', 0.54932), ('c', 'a', 0.02033), ('c', 'b', 0.08516)]
    """
    from scipy import special

    check_alpha(alpha)
    for group in groups:
        group.raw("dunn")
    usable, left_out = usable_groups(groups)
    reason = _unrankable_groups(usable)
    pairs = ordered_pairs(groups, reference)
    whys = [reason or untestable_pair(a, b) for a, b in pairs]
    if all(whys):
        return [undefined_pair("dunn", a, b, why) for (a, b), why in zip(pairs, whys, strict=True)]
    ranks, sizes, names = _joint_ranks(usable)
    parts = dict(zip(names, np.split(ranks, np.cumsum(sizes)[:-1]), strict=True))
    variance = float(ranks.var(ddof=1))
    differences, errors = [], []
    for (a, b), why in zip(pairs, whys, strict=True):
        known = not why
        differences.append(
            float(parts[a.name].mean() - parts[b.name].mean()) if known else math.nan
        )
        errors.append(math.sqrt(variance * (1 / a.n + 1 / b.n)) if known else math.nan)
    z = np.array(differences) / np.array(errors)
    p = 2 * special.ndtr(-np.abs(z))
    adjusted = holm(p)
    half = float(special.ndtri(1 - alpha / 2))
    rows = []
    for i, ((a, b), why) in enumerate(zip(pairs, whys, strict=True)):
        if why:
            rows.append(undefined_pair("dunn", a, b, why))
            continue
        rows.append(
            Comparison(
                test="dunn",
                group_a=a.name,
                group_b=b.name,
                statistic=float(z[i]),
                p=float(p[i]),
                p_adjusted=float(adjusted[i]),
                effect=differences[i],
                ci_low=differences[i] - half * errors[i],
                ci_high=differences[i] + half * errors[i],
                significant=bool(adjusted[i] < alpha),
                note=join_notes(
                    f"p_adjusted: Holm over {int(np.isfinite(p).sum())} pairs",
                    "effect is the difference of mean ranks; interval of the pair alone",
                    _rough("the normal distribution", usable),
                    left_out,
                ),
            )
        )
    return rows


def _rough(distribution: str, usable: Sequence[Group]) -> str:
    """Say where the groups are too small for the distribution that p is from."""
    smallest = min(group.n for group in usable)
    if smallest >= _ENOUGH:
        return ""
    return f"p from {distribution}, rough below {_ENOUGH} values a group (here {smallest})"


def _unrankable(a: Group, b: Group, x: np.ndarray, y: np.ndarray) -> str:
    if min(x.size, y.size) < 2:
        return untestable_pair(a, b)
    if np.ptp(np.concatenate([x, y])) == 0:
        return "no test: all values are equal, so there is nothing to rank"
    return ""


def _unrankable_groups(usable: Sequence[Group]) -> str:
    if len(usable) < 2:
        return f"no test: {len(usable)} groups with n of at least 2, two are needed"
    if np.ptp(np.concatenate([group.raw("ranks") for group in usable])) == 0:
        return "no test: all values are equal, so there is nothing to rank"
    return ""


def _joint_ranks(usable: Sequence[Group]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    ranks = midranks(np.concatenate([group.raw("ranks") for group in usable]))
    return ranks, np.array([group.n for group in usable]), [group.name for group in usable]


def _use_exact(n_a: int, n_b: int, method: str) -> bool:
    if method not in ("auto", "exact", "asymptotic"):
        raise ValueError(f"method is {method!r}, expected 'auto', 'exact' or 'asymptotic'.")
    if method == "exact" and n_a + n_b > _EXACT_LIMIT:
        raise ValueError(
            f"The exact Wilcoxon distribution of {n_a + n_b} values is too large to compute "
            f"(limit {_EXACT_LIMIT}); method='asymptotic' agrees with it at this size."
        )
    return method == "exact" or (method == "auto" and max(n_a, n_b) < EXACT_BELOW)


def _exact_p(ranks: np.ndarray, n_a: int, alternative: Alternative) -> float:
    """p over all ways to deal out the ranks; the smaller group is counted, the sums mirror."""
    size = min(n_a, ranks.size - n_a)
    own = np.rint(2 * ranks[:n_a].sum())
    seen = own if size == n_a else np.rint(2 * ranks.sum()) - own
    counts = rank_sum_counts(ranks, size)
    sums = np.arange(counts.size)
    total = counts.sum()
    above = float(counts[sums >= seen].sum() / total)
    below = float(counts[sums <= seen].sum() / total)
    if alternative != "two-sided":
        return above if (alternative == "greater") == (size == n_a) else below
    # Twice the doubled sum minus its mean, in whole numbers: |W − E| compared without rounding.
    middle = size * (ranks.size + 1)
    return float(min(counts[np.abs(sums - middle) >= abs(seen - middle)].sum() / total, 1.0))


def _normal_p(ranks: np.ndarray, n_a: int, alternative: Alternative) -> float:
    from scipy import special

    n_b = ranks.size - n_a
    shift = float(ranks[:n_a].sum()) - n_a * (ranks.size + 1) / 2
    error = math.sqrt(n_a * n_b / ranks.size * float(ranks.var(ddof=1)))
    if alternative == "two-sided":
        z = max(abs(shift) - 0.5, 0.0) / error
        return min(2 * float(special.ndtr(-z)), 1.0)
    toward = shift if alternative == "greater" else -shift
    return float(special.ndtr(-(toward - 0.5) / error))


def _method_note(exact: bool, ranks: np.ndarray) -> str:
    tied = np.unique(ranks).size < ranks.size
    if exact:
        return "exact, with ties" if tied else "exact"
    return "normal approximation with continuity correction" + (", ties corrected" if tied else "")
