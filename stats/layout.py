"""A one-way layout: which groups can be tested, their sums of squares, their pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .summaries import Group

ROUNDING = 10 * float(np.finfo(float).eps)
"""A spread below this share of the largest mean is rounding error, as in R's t.test."""


@dataclass(frozen=True)
class Variation:
    """Sums of squares of a one-way layout.

    Attributes
    ----------
    between, within : float
        Sums of squares between and within groups.
    df_between, df_within : int
        Their degrees of freedom.
    """

    between: float
    within: float
    df_between: int
    df_within: int

    @property
    def mse(self) -> float:
        """Mean square within groups, the pooled variance."""
        return self.within / self.df_within

    @property
    def eta_squared(self) -> float:
        """Share of the variation that lies between groups."""
        return self.between / (self.between + self.within)

    @property
    def omega_squared(self) -> float:
        """Eta² with its bias taken off (Hays): (SSB − df MSE) / (SST + MSE)."""
        corrected = self.between - self.df_between * self.mse
        return corrected / (self.between + self.within + self.mse)


def variation(groups: Sequence[Group]) -> Variation:
    """Return the sums of squares of groups known by n, mean and SD, each of n ≥ 2."""
    total = sum(group.n for group in groups)
    grand = sum(group.n * group.mean for group in groups) / total
    between = sum(group.n * (group.mean - grand) ** 2 for group in groups)
    within = sum((group.n - 1) * group.variance for group in groups)
    return Variation(between, within, len(groups) - 1, total - len(groups))


def usable_groups(groups: Sequence[Group]) -> tuple[list[Group], str]:
    """Return the groups with n ≥ 2, and a note naming the others."""
    usable = [group for group in groups if group.n >= 2]
    others = [f"{group.name} (n = {group.n})" for group in groups if group.n < 2]
    return usable, f"left out, since n < 2: {', '.join(others)}" if others else ""


def no_spread(usable: Sequence[Group]) -> str:
    """Say why the means of groups with n ≥ 2 can't be tested together, or return empty text."""
    if len(usable) < 2:
        return f"no test: {len(usable)} groups with n of at least 2, two are needed"
    largest = max(abs(group.mean) for group in usable)
    if max(group.sd for group in usable) <= ROUNDING * largest:
        return "no test: the values of each group are all equal, so there is no spread to test with"
    return ""


def absent_note(names: Sequence[str]) -> str:
    """Name the groups that have no value at all, or return empty text."""
    return f"no animal of {', '.join(names)} has a value" if names else ""


def untestable_pair(a: Group, b: Group) -> str:
    """Say which group of a pair has n < 2, or return empty text."""
    pair = {group.name: group for group in (a, b)}.values()
    small = [f"{group.name} has n = {group.n}" for group in pair if group.n < 2]
    return f"no test: {' and '.join(small)}, at least 2 are needed" if small else ""


def ordered_pairs(
    groups: Sequence[Group], reference: str | None = None
) -> list[tuple[Group, Group]]:
    """Return all pairs (a, b) in the order of the groups; b is the reference or the earlier one.

    Raises
    ------
    ValueError
        If the reference is not among the groups.
    """
    check_reference(groups, reference)
    pairs = []
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            swap = second.name == reference
            pairs.append((first, second) if swap else (second, first))
    return pairs


def check_reference(groups: Sequence[Group], reference: str | None) -> None:
    """Refuse a reference that is not among the groups, with a ValueError that lists them.

    Parameters
    ----------
    groups : sequence of Group
        Those compared.
    reference : str or None
        None is always right.

    Raises
    ------
    ValueError
        If it isn't one of them.
    """
    names = [group.name for group in groups]
    if reference is not None and reference not in names:
        raise ValueError(
            f"The reference group {reference!r} is not among the groups compared "
            f"({', '.join(names)}); give one of these names."
        )


def f_probability(statistic: float, df_between: float, df_within: float) -> float:
    """Return P(F ≥ statistic)."""
    from scipy import special

    return float(special.fdtrc(df_between, df_within, statistic))
