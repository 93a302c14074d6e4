"""Printed numbers and what their rounding leaves open.

A mean printed as 13.9 may have been anything from 13.85 to 13.95. A p-value recomputed from
printed numbers is therefore a range, and a conclusion that changes inside it is not settled by
what was printed.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_NUMBER = re.compile(r"[+-]?\d+(?:\.(?P<decimals>\d+))?")
_ROUNDS_OF_CLOSING = 1000
"""More than enough: the closest means settle within about ten."""


@dataclass(frozen=True)
class Printed:
    """A number as it stands in print, with what its rounding allows.

    Attributes
    ----------
    text : str
        The number as printed; its decimals say how it was rounded.

    Examples
    --------
    >>> Printed("13.9").low, Printed("13.9").high
    (13.85, 13.95)
    """

    text: str

    def __post_init__(self) -> None:
        if _NUMBER.fullmatch(self.text.strip()) is None:
            raise ValueError(
                f"a printed number was expected, such as '13.9'; got {self.text!r}. "
                "Write it with a decimal point, without sign of error or unit."
            )

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.text)

    @property
    def decimals(self) -> int:
        """How many digits stand behind the decimal point."""
        match = _NUMBER.fullmatch(self.text.strip())
        return len((match and match["decimals"]) or "")

    @property
    def low(self) -> float:
        """The smallest number that could be printed so (either rule of rounding halves)."""
        return round(self.value - 0.5 * 10.0**-self.decimals, self.decimals + 1)

    @property
    def high(self) -> float:
        """The largest number that could be printed so."""
        return round(self.value + 0.5 * 10.0**-self.decimals, self.decimals + 1)

    def could_be(self, number: float, *, tolerance: float = 1e-9) -> bool:
        """Whether `number`, rounded as this one is, could have been printed so.

        Examples
        --------
        >>> Printed("123.2").could_be(123.209), Printed("123.2").could_be(123.282)
        (True, False)
        """
        return self.low - tolerance <= number <= self.high + tolerance


def closest_means(lows: Sequence[float], highs: Sequence[float], n: Sequence[int]) -> np.ndarray:
    """Group means within their rounding that lie as near to each other as they can.

    Parameters
    ----------
    lows, highs : sequence of float
        Limits of each group's mean.
    n : sequence of int
        Animals in each group.

    Returns
    -------
    numpy.ndarray
        Shape (groups,): the means with the least sum of squares between groups.

    Notes
    -----
    The sum of squares between groups is convex in the means, so moving each mean to the limit
    nearest the weighted grand mean, and the grand mean after them, ends at its minimum.

    Examples
    --------
    >>> closest_means([1.0, 1.9, 3.0], [2.0, 3.0, 4.0], [9, 9, 9]).round(6).tolist()
    [2.0, 2.5, 3.0]
    """
    low, high = np.asarray(lows, float), np.asarray(highs, float)
    weights = np.asarray(n, float) / np.sum(n)
    means = (low + high) / 2
    for _ in range(_ROUNDS_OF_CLOSING):
        moved = np.clip(weights @ means, low, high)
        if np.array_equal(moved, means):
            break
        means = moved
    return means


def p_range(
    p_of: Callable[[Sequence[float], Sequence[float]], float],
    means: Sequence[Printed],
    errors: Sequence[Printed],
    n: Sequence[int],
    *,
    pair: tuple[int, int] | None = None,
) -> tuple[float, float]:
    """Smallest and largest p that the rounding of printed means and errors allows.

    Parameters
    ----------
    p_of : callable
        Takes the groups' means and their errors (SD or SEM, as printed), gives p. It must fall
        as a mean moves away from the others and rise with every error, as the p of t, ANOVA,
        Newman-Keuls and Tukey do.
    means, errors : sequence of Printed
        One of each per group.
    n : sequence of int
        Animals in each group.
    pair : tuple of int, optional
        Which two groups p compares, where it compares two among others. All corners of the box of
        means are looked at without it, with it only the two that matter.

    Returns
    -------
    tuple of float
        Smallest and largest p.

    Raises
    ------
    ValueError
        If an error is printed as zero, which leaves p open.

    Notes
    -----
    With the errors at one end, p is smallest at a corner of the box of means; it is largest where
    the means lie closest, which is a corner or, where roundings overlap, inside. For a pair the
    corners are the one with every mean moved away from the pair's middle and the one with every
    mean moved towards it.

    Examples
    --------
    >>> from scipy import stats
    >>> def p_of(means, sems):
    ...     difference, error = means[0] - means[1], (sems[0] ** 2 + sems[1] ** 2) ** 0.5
    ...     return float(2 * stats.t.sf(abs(difference) / error, 16))
    >>> means, sems = [Printed("925.6"), Printed("638.8")], [Printed("147.4"), Printed("90.3")]
    >>> [round(p, 4) for p in p_range(p_of, means, sems, [9, 9])]
    [0.1163, 0.1168]
    """
    small, large = [e.low for e in errors], [e.high for e in errors]
    if min(small) < 0:
        raise ValueError("an error that is printed as zero leaves p open; it can't be recomputed.")
    corners = _corners(means, pair)
    near = tuple(closest_means([m.low for m in means], [m.high for m in means], n))
    lowest = min(p_of(corner, small) for corner in corners)
    highest = max(p_of(corner, large) for corner in [*corners, near])
    return lowest, highest


def _corners(means: Sequence[Printed], pair: tuple[int, int] | None) -> list[tuple[float, ...]]:
    """Corners of the box of means between which p has its extremes."""
    if pair is None:
        return list(itertools.product(*((mean.low, mean.high) for mean in means)))
    middle = (means[pair[0]].value + means[pair[1]].value) / 2
    above = [mean.value >= middle for mean in means]
    apart = tuple(m.high if up else m.low for m, up in zip(means, above, strict=True))
    together = tuple(m.low if up else m.high for m, up in zip(means, above, strict=True))
    return [apart, together]
