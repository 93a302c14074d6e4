"""Groups as their n, mean and SD, from raw values or from what a paper prints."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SUMMARY_COLUMNS = (
    "group",
    "n",
    "mean",
    "sd",
    "sem",
    "ci_low",
    "ci_high",
    "median",
    "q1",
    "q3",
)
"""Columns of a table of groups, in their order."""


@dataclass(frozen=True)
class Group:
    """A group's n, mean and standard deviation, with its raw values where they are known.

    Tests on means run from a group made either way with the same result; tests on ranks and
    permutations need the raw values and say so.

    Attributes
    ----------
    name : str
        The group's name as it is to stand in tables.
    n : int
        Number of experimental units.
    mean : float
        Arithmetic mean; NaN where n is 0.
    sd : float
        Standard deviation with n − 1 below; NaN where n is under 2.
    values : numpy.ndarray or None
        Raw values, shape (n,), float64; None for a group known by its summary alone.

    Examples
    --------
    >>> Group.from_sem("low iron", 9, mean=14.0, sem=2.0).sd
    6.0
    >>> Group.from_values("a", [1, 2, 3, 4]).mean
    2.5
    """

    name: str
    n: int
    mean: float
    sd: float
    values: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can't be a group."""
        if self.n < 0 or int(self.n) != self.n:
            raise ValueError(f"Group {self.name!r}: n is {self.n!r}, expected a whole number.")
        if self.n >= 1 and not math.isfinite(self.mean):
            raise ValueError(f"Group {self.name!r}: the mean is {self.mean!r}, expected a number.")
        if self.sd < 0 or math.isinf(self.sd):
            raise ValueError(
                f"Group {self.name!r}: the SD is {self.sd!r}, expected a number of 0 or more."
            )

    @classmethod
    def from_values(cls, name: str, values: Iterable[float]) -> "Group":
        """Make a group from raw values, one an experimental unit.

        Raises
        ------
        ValueError
            If a value is missing or infinite.
        """
        array = np.array(list(values) if not isinstance(values, np.ndarray) else values, float)
        array = array.ravel()
        bad = int(array.size - np.isfinite(array).sum())
        if bad:
            raise ValueError(
                f"Group {name!r}: {bad} of {array.size} values are missing or infinite; "
                "leave them out first, and say so."
            )
        n = int(array.size)
        mean = float(array.mean()) if n else math.nan
        sd = float(array.std(ddof=1)) if n > 1 else math.nan
        if n > 1 and (array == array[0]).all():
            # The mean of n equal values can differ from them in the last bit.
            mean, sd = float(array[0]), 0.0
        return cls(name, n, mean, sd, array)

    @classmethod
    def from_sd(cls, name: str, n: int, *, mean: float, sd: float) -> "Group":
        """Make a group from a printed mean and standard deviation."""
        return cls(name, n, float(mean), float(sd) if n > 1 else math.nan)

    @classmethod
    def from_sem(cls, name: str, n: int, *, mean: float, sem: float) -> "Group":
        """Make a group from a printed mean and standard error of the mean: SD = SEM · √n."""
        return cls.from_sd(name, n, mean=mean, sd=float(sem) * math.sqrt(n))

    @property
    def sem(self) -> float:
        """Standard error of the mean, SD / √n; NaN where n is under 2."""
        return self.sd / math.sqrt(self.n) if self.n > 1 else math.nan

    @property
    def variance(self) -> float:
        """Variance with n − 1 below."""
        return self.sd**2

    def raw(self, test: str) -> np.ndarray:
        """Return the raw values for a test that can't do without.

        Raises
        ------
        ValueError
            If the group is known by its summary alone.
        """
        if self.values is None:
            raise ValueError(
                f"{test} needs each unit's own value, and group {self.name!r} is given by its n, "
                "mean and SD alone; give the raw values, or use a test on means such as welch_t."
            )
        return self.values


def mean_interval(
    group: Group, *, level: float = 0.95, method: Literal["t", "z"] = "t"
) -> tuple[float, float]:
    """Confidence interval of a mean, mean ± quantile · SEM.

    Parameters
    ----------
    group : Group
        At least two units.
    level : float
        Confidence level.
    method : {"t", "z"}
        "t" takes Student's quantile with n − 1 degrees of freedom (right for a sample's own SD);
        "z" the normal quantile (1.96 at 95 %), which is too short in small groups: at n = 9 by
        15 %.

    Returns
    -------
    low, high : float
        NaN where n is under 2.

    Raises
    ------
    ValueError
        If `level` isn't between 0 and 1, or `method` is none of the two.

    Examples
    --------
    >>> low, high = mean_interval(Group.from_sd("a", 9, mean=10, sd=3))
    >>> round(low, 4), round(high, 4)
    (7.694, 12.306)
    >>> low, high = mean_interval(Group.from_sd("a", 9, mean=10, sd=3), method="z")
    >>> round(low, 4), round(high, 4)
    (8.04, 11.96)
    """
    from scipy import special

    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}, expected a number between 0 and 1, such as 0.95.")
    if method not in ("t", "z"):
        raise ValueError(f"method is {method!r}, expected 't' or 'z'.")
    if group.n < 2:
        return math.nan, math.nan
    tail = (1 + level) / 2
    quantile = special.stdtrit(group.n - 1, tail) if method == "t" else special.ndtri(tail)
    half = float(quantile) * group.sem
    return group.mean - half, group.mean + half


def summarise(group: Group, *, level: float = 0.95) -> dict[str, object]:
    """Describe one group by the columns `SUMMARY_COLUMNS`; quartiles by linear interpolation.

    Parameters
    ----------
    group : Group
        From raw values or from a summary.
    level : float
        Of the interval of the mean.

    Returns
    -------
    dict of str to object
        By column; quartiles are NaN where the raw values aren't known.
    """
    low, high = mean_interval(group, level=level)
    q1 = median = q3 = math.nan
    if group.values is not None and group.n:
        q1, median, q3 = (float(q) for q in np.quantile(group.values, [0.25, 0.5, 0.75]))
    numbers = (group.name, group.n, group.mean, group.sd, group.sem, low, high, median, q1, q3)
    return dict(zip(SUMMARY_COLUMNS, numbers, strict=True))


def summarise_groups(
    values: "pd.DataFrame",
    *,
    value: str = "value",
    group: str = "group",
    groups: Sequence[str] | None = None,
    level: float = 0.95,
) -> "pd.DataFrame":
    """Describe each group of a table with one row an experimental unit.

    Parameters
    ----------
    values : pandas.DataFrame
        One row a unit.
    value, group : str
        Columns of the value and of the group's name.
    groups : sequence of str, optional
        The groups in their order; by default those in the table, in natural order.
    level : float
        Confidence level of the interval of the mean (Student's t).

    Returns
    -------
    pandas.DataFrame
        One row a group: group, n, mean, sd, sem, ci_low, ci_high, median, q1, q3. n counts the
        finite values; a group with none stands there with n = 0. Quartiles interpolate linearly
        (type 7 of Hyndman and Fan, as numpy and R).
    """
    import pandas as pd

    from .columns import as_numbers, group_names, group_text, require_columns

    require_columns(values, value, group)
    names = group_names(values[group], groups)
    numbers = as_numbers(values[value], value)
    labels = group_text(values[group])
    rows = []
    for name in names:
        own = numbers[labels == name]
        rows.append(summarise(Group.from_values(name, own[np.isfinite(own)]), level=level))
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    return table.astype({"group": "str", "n": "int64"})
