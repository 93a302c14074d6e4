"""Rank correlation over animals, with intervals: of all, and within groups."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .columns import as_numbers, require_columns
from .estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

_SMALLEST_CORRELATION = 4  # Fisher's interval divides by n − 3
_EXACT_ABOVE = 1 - 1e-12
_FLAT_RANKS = 1e-9
_METHOD = "Fisher's z, variance of Bonett and Wright"


def spearman(
    x: ArrayLike, y: ArrayLike, *, name: str = "spearman", level: float = 0.95
) -> Estimate:
    """Spearman's rank correlation with an interval.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        A pair an animal; pairs with a missing value are left out, and the note says so.
    name : str
        What the correlation is of.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        Fisher's z with the variance (1 + ρ²/2) / (n − 3) of Bonett and Wright. NaN with a note
        where fewer than four pairs are complete or one side doesn't vary.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Bonett DG, Wright TA (2000). Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations. Psychometrika 65:23-28.

    Examples
    --------
    >>> found = spearman([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    >>> round(found.value, 4), round(found.ci_low, 3), round(found.ci_high, 3)
    (0.8286, -0.127, 0.986)
    """
    from .ranks import midranks

    a, b, note = _complete_pairs(x, y)
    reason = ""
    if a.size < _SMALLEST_CORRELATION:
        reason = f"no correlation: {a.size} complete pairs, four are needed"
    elif np.ptp(a) == 0 or np.ptp(b) == 0:
        reason = "no correlation: all values of one side are equal"
    if reason:
        return _no_correlation(name, a.size, reason, note)
    return _with_interval(name, midranks(a), midranks(b), a.size, level, note)


def spearman_within(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    *,
    name: str = "spearman",
    level: float = 0.95,
) -> Estimate:
    """Spearman's rank correlation within groups: what is left when groups' own levels are out.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        A pair an animal; pairs with a missing value are left out, and the note says so.
    groups : array_like, shape (n,)
        Each animal's group.
    name : str
        What the correlation is of.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        The partial correlation of the ranks given the group: each group's mean rank is taken off
        before they are correlated. Fisher's z as in `spearman`, with n less the k − 1 contrasts of
        k groups. NaN with a note where too few pairs are left or nothing varies within groups.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Fisher RA (1924). The distribution of the partial correlation coefficient. Metron 3:329-332,
    on the loss of one pair for each variable that is held.

    Examples
    --------
    >>> x, y = [1, 2, 3, 11, 12, 13], [12, 11, 13, 2, 1, 3]
    >>> round(spearman(x, y).value, 3)
    -0.657
    >>> round(spearman_within(x, y, list("aaabbb")).value, 3)
    0.5
    """
    from .ranks import midranks

    own = np.asarray(groups).astype(str)
    a, b, note = _complete_pairs(x, y)
    if own.shape != np.shape(x):
        raise ValueError(f"a group an animal is expected; got {own.shape} and {np.shape(x)}.")
    own = own[np.isfinite(np.asarray(x, float)) & np.isfinite(np.asarray(y, float))]
    names, number = np.unique(own, return_inverse=True)
    n = a.size - max(names.size - 1, 0)
    if n < _SMALLEST_CORRELATION:
        reason = f"no correlation within groups: {a.size} pairs in {names.size} groups"
        return _no_correlation(name, a.size, reason, note)
    left_a, left_b = (_less_mean(midranks(side), number) for side in (a, b))
    if min(float(np.ptp(left_a)), float(np.ptp(left_b))) < _FLAT_RANKS:
        reason = "no correlation: one side doesn't vary within groups"
        return _no_correlation(name, a.size, reason, note)
    return _with_interval(name, left_a, left_b, n, level, note)


def _less_mean(ranks: np.ndarray, number: np.ndarray) -> np.ndarray:
    means = np.bincount(number, weights=ranks) / np.bincount(number)
    return np.asarray(ranks - means[number])


def _complete_pairs(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray, str]:
    a, b = np.asarray(x, float), np.asarray(y, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a pair an animal is expected; got shapes {a.shape} and {b.shape}.")
    known = np.isfinite(a) & np.isfinite(b)
    note = "" if known.all() else f"{int((~known).sum())} pairs with a missing value left out"
    return a[known], b[known], note


def _no_correlation(name: str, n: int, reason: str, note: str) -> Estimate:
    said = "; ".join(part for part in (reason, note) if part)
    return Estimate(name, math.nan, math.nan, math.nan, int(n), _METHOD, said)


def _with_interval(
    name: str, a: np.ndarray, b: np.ndarray, n: int, level: float, note: str
) -> Estimate:
    """Correlate two sides; `n` is how many independent pairs the interval rests on."""
    from scipy import special

    rho = float(np.corrcoef(a, b)[0, 1])
    if abs(rho) > _EXACT_ABOVE:
        rho = math.copysign(1.0, rho)
        said = "; ".join(part for part in ("no interval: the ranks agree wholly", note) if part)
        return Estimate(name, rho, math.nan, math.nan, int(a.size), _METHOD, said)
    half = float(special.ndtri((1 + level) / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    z = math.atanh(rho)
    low, high = math.tanh(z - half), math.tanh(z + half)
    return Estimate(name, rho, low, high, int(a.size), _METHOD, note)


def correlate_animals(
    animals: "pd.DataFrame", first: str, second: str, *, level: float = 0.95
) -> tuple[Estimate, "pd.DataFrame"]:
    """Correlate two features over animals, of whatever assays.

    Parameters
    ----------
    animals : pandas.DataFrame
        Rows of animals.csv: feature, animal, group, value.
    first, second : str
        Features, such as ``transferrin_saturation_percent`` and ``nodules``.
    level : float
        Of the interval.

    Returns
    -------
    estimate : Estimate
        Spearman's correlation with the animal as the unit. All groups are together: it may stand
        for no more than that the groups differ in both.
    pairs : pandas.DataFrame
        animal, group, x, y of the animals that have both, for a figure.

    Raises
    ------
    ValueError
        If a feature isn't in the table, or an animal has it twice.
    """
    require_columns(animals, "feature", "animal", "group", "value")
    sides = []
    for feature in (first, second):
        held = animals[animals["feature"] == feature]
        if held.empty:
            known = ", ".join(dict.fromkeys(animals["feature"].astype(str)))
            raise ValueError(f"there is no feature {feature!r}; there are {known}.")
        if held["animal"].duplicated().any():
            raise ValueError(
                f"animals have {feature!r} more than once; give the rows of one assay."
            )
        values = as_numbers(held["value"], "value")
        sides.append(held[["animal", "group"]].assign(value=values).set_index("animal"))
    x, y = (side.rename(columns={"value": name}) for side, name in zip(sides, "xy", strict=True))
    pairs = x.join(y["y"], how="inner").reset_index()
    name = f"Spearman correlation of {first} and {second}"
    return spearman(pairs["x"], pairs["y"], name=name, level=level), pairs
