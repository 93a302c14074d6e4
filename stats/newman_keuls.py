"""Newman-Keuls (Student-Newman-Keuls), stepwise as its authors meant it.

Written by hand: statsmodels has none, and packages that print each range's own p as Newman-Keuls
call pairs different that the stepwise rule protects.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .comparison import Comparison, check_alpha, format_df, join_notes
from .layout import no_spread, ordered_pairs, untestable_pair, usable_groups, variation
from .studentized_range import range_probability
from .summaries import Group
from .two_groups import t_interval, undefined_pair

ErrorForm = Literal["kramer", "harmonic"]


@dataclass(frozen=True)
class Step:
    """One range of ordered means.

    Attributes
    ----------
    low, high : str
        Groups at its ends.
    difference : float
        mean(high) − mean(low).
    means : int
        Means spanned, both ends counted.
    q : float
        Studentized range statistic of the ends.
    p_raw : float
        p of this range alone.
    p : float
        Stepwise p: the largest raw p of any range that contains this one.
    protected : bool
        Raw p below alpha, stepwise p not: a wider range closed this one.
    """

    low: str
    high: str
    difference: float
    means: int
    q: float
    p_raw: float
    p: float
    protected: bool


def newman_keuls_steps(
    groups: Sequence[Group], *, form: ErrorForm = "kramer", alpha: float = 0.05
) -> list[Step]:
    """Return every range of ordered means, widest first.

    Parameters
    ----------
    groups : sequence of Group
        Each of n ≥ 2, from raw values or from summaries.
    form : {"kramer", "harmonic"}
        With unequal n, "kramer" takes the two groups' own n in the standard error,
        √(MSE/2 · (1/n_i + 1/n_j)); "harmonic" the harmonic mean of all n, √(MSE/n_h).
    alpha : float
        Level of significance, which decides `Step.protected` alone.

    Returns
    -------
    list of Step
        k (k − 1) / 2 ranges.

    Raises
    ------
    ValueError
        If `form` is none of the two.
    """
    if form not in ("kramer", "harmonic"):
        raise ValueError(f"form is {form!r}, expected 'kramer' or 'harmonic'.")
    # Ties in order of their names, so that the order of the groups changes nothing.
    order = sorted(groups, key=lambda group: (group.mean, group.name))
    parts = variation(order)
    harmonic = len(order) / sum(1 / group.n for group in order)
    closed: dict[tuple[int, int], float] = {}
    steps = []
    for width in range(len(order), 1, -1):
        for i in range(len(order) - width + 1):
            j = i + width - 1
            low, high = order[i], order[j]
            inverse = 2 / harmonic if form == "harmonic" else 1 / low.n + 1 / high.n
            q = (high.mean - low.mean) / math.sqrt(parts.mse / 2 * inverse)
            raw = range_probability(q, width, parts.df_within)
            wider = (closed.get((i - 1, j), 0.0), closed.get((i, j + 1), 0.0))
            closed[i, j] = max(raw, *wider)
            p = closed[i, j]
            difference = high.mean - low.mean
            shut = raw < alpha <= p
            steps.append(Step(low.name, high.name, difference, width, q, raw, p, shut))
    return steps


def newman_keuls(
    groups: Sequence[Group],
    *,
    reference: str | None = None,
    alpha: float = 0.05,
    form: ErrorForm = "kramer",
) -> list[Comparison]:
    """Newman-Keuls test of all pairs.

    The means are put in order; a pair that spans r of them is held against the studentized range
    of r means, q = |mean_a − mean_b| / √(MSE/2 · (1/n_a + 1/n_b)), and a range that is not
    significant closes every range inside it. So p is the largest raw p of any range that contains
    the pair. The family-wise error is held for three groups only: see
    `newman_keuls_family_error`; report Tukey's HSD beside it.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries. Groups of n < 2 are left out.
    reference : str, optional
        The group that stands as `group_b` in its pairs; by default the first.
    alpha : float
        Level of significance.
    form : {"kramer", "harmonic"}
        Standard error with unequal n; see `newman_keuls_steps`.

    Returns
    -------
    list of Comparison
        All pairs in the order of the groups, statistic q with the sign of the difference. The
        intervals are each pair's own with the pooled variance, since the stepwise test has none.

    References
    ----------
    Newman (1939), Biometrika 31, 20-30; Keuls (1952), Euphytica 1, 112-122.

    Examples
    --------
    A to D, 2.6 apart, is not significant; so B to D, whose own range is 2.45 of three means, is
    closed too:

    >>> means = {"A": 10, "B": 10.15, "C": 12.45, "D": 12.6}
    >>> groups = [Group.from_sd(name, 6, mean=mean, sd=1.7) for name, mean in means.items()]
    >>> [round(row.p, 4) for row in newman_keuls(groups) if row.group_a == "D"]
    [0.0676, 0.0676, 0.8801]
    """
    check_alpha(alpha)
    usable, left_out = usable_groups(groups)
    reason = no_spread(usable)
    found = [] if reason else newman_keuls_steps(usable, form=form, alpha=alpha)
    steps = {frozenset((step.low, step.high)): step for step in found}
    general = join_notes(
        _letters_note(usable, found, alpha),
        _interval_note(form, usable),
        _error_note(len(usable), alpha),
        left_out,
    )
    rows = []
    for a, b in ordered_pairs(groups, reference):
        why = reason or untestable_pair(a, b)
        if why:
            rows.append(undefined_pair("newman_keuls", a, b, why))
        else:
            row = _row(a, b, steps[frozenset((a.name, b.name))], usable, alpha)
            rows.append(row.noted(general))
    return rows


def newman_keuls_family_error(groups: int, alpha: float = 0.05) -> float:
    """Return the family-wise error that Newman-Keuls can reach among so many groups.

    1 − (1 − alpha)^⌊k/2⌋, when the groups lie in pairs of equal means far from one another: each
    pair is then tested at alpha as if it were alone.

    References
    ----------
    Hochberg and Tamhane (1987), Multiple Comparison Procedures, chapter 2.

    Examples
    --------
    >>> [round(newman_keuls_family_error(k), 4) for k in (3, 4, 6)]
    [0.05, 0.0975, 0.1426]
    """
    return 1 - (1 - alpha) ** (groups // 2)


def homogeneous_subsets(
    groups: Sequence[Group], *, alpha: float = 0.05, form: ErrorForm = "kramer"
) -> dict[str, str]:
    """Return letters such that groups sharing one do not differ by Newman-Keuls.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries, each of n ≥ 2.
    alpha : float
        Level of significance.
    form : {"kramer", "harmonic"}
        As in `newman_keuls`.

    Returns
    -------
    dict of str to str
        Letters by group, in the order of the groups; "a" holds the highest mean.

    Raises
    ------
    ValueError
        If a group has fewer than two units, or no group has any spread.

    Examples
    --------
    >>> means = {"low": 4.661, "middle": 5.032, "high": 5.526}
    >>> sds = {"low": 0.794, "middle": 0.583, "high": 0.443}
    >>> groups = [Group.from_sd(name, 10, mean=means[name], sd=sds[name]) for name in means]
    >>> homogeneous_subsets(groups)
    {'low': 'b', 'middle': 'ab', 'high': 'a'}
    """
    if reason := no_spread(groups) or "".join(untestable_pair(g, g) for g in groups):
        raise ValueError(f"Newman-Keuls can't be run on these groups: {reason}.")
    return _letters(groups, newman_keuls_steps(groups, form=form, alpha=alpha), alpha)


def _letters(groups: Sequence[Group], steps: Sequence[Step], alpha: float) -> dict[str, str]:
    p = {frozenset((step.low, step.high)): step.p for step in steps}
    order = sorted(groups, key=lambda group: (group.mean, group.name), reverse=True)
    letters = {group.name: "" for group in groups}
    reached, count = -1, 0
    for start in range(len(order)):
        end = start
        while end + 1 < len(order) and not _apart(p, order[start], order[end + 1], alpha):
            end += 1
        # A run that ends where an earlier one did lies inside it and needs no letter.
        if end > reached:
            for group in order[start : end + 1]:
                letters[group.name] += subset_letter(count)
            reached, count = end, count + 1
    return letters


def subset_letter(number: int) -> str:
    """Name a subset: a to z, then a' to z', and so on."""
    return chr(ord("a") + number % 26) + "'" * (number // 26)


def _apart(p: dict[frozenset[str], float], a: Group, b: Group, alpha: float) -> bool:
    return p[frozenset((a.name, b.name))] < alpha


def _row(a: Group, b: Group, step: Step, usable: Sequence[Group], alpha: float) -> Comparison:
    parts = variation(usable)
    effect = a.mean - b.mean
    error = math.sqrt(parts.mse * (1 / a.n + 1 / b.n))
    low, high = t_interval(effect, error, parts.df_within, "two-sided", alpha)
    shut = (
        f"closed by a wider range that is not significant (its own p = {step.p_raw:.4g})"
        if step.protected
        else ""
    )
    return Comparison(
        test="newman_keuls",
        group_a=a.name,
        group_b=b.name,
        statistic=math.copysign(step.q, effect),
        df=format_df(parts.df_within),
        p=step.p,
        p_adjusted=step.p,
        effect=effect,
        ci_low=low,
        ci_high=high,
        significant=step.p < alpha,
        note=join_notes(f"q of a range of {step.means} means", shut),
    )


def _letters_note(usable: Sequence[Group], found: Sequence[Step], alpha: float) -> str:
    """Name each group's homogeneous subsets."""
    if not found:
        return ""
    letters = _letters(usable, found, alpha)
    return "letters: " + ", ".join(f"{name} {own}" for name, own in letters.items())


def _interval_note(form: ErrorForm, usable: Sequence[Group]) -> str:
    unequal = len({group.n for group in usable}) > 1
    return join_notes(
        "stepwise p; interval of the pair alone",
        f"unequal n, {form} form" if unequal else "",
    )


def _error_note(count: int, alpha: float) -> str:
    """Warn above three groups, where Newman-Keuls no longer holds its error."""
    if count <= 3:
        return ""
    return (
        f"warning: with {count} groups the family-wise error of Newman-Keuls can reach "
        f"{newman_keuls_family_error(count, alpha):.3f}, not {alpha:g}; read tukey_hsd beside it"
    )
