"""Tumour growth of animals: volume from calipers, growth rate, doubling time, area under the curve.

Tables of this module have a row a measurement: animal, group, day, volume_mm3, and length_mm and
width_mm where those were measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from .columns import require_columns

if TYPE_CHECKING:
    import pandas as pd

Formula = Literal["half_lww", "pi_6_lww", "pi_6_lwh", "given"]
"""How a volume was made; "given" means that the table holds volumes."""

FORMULA_TEXTS = {
    "half_lww": "1/2 · length · width²",
    "pi_6_lww": "π/6 · length · width²",
    "pi_6_lwh": "π/6 · length · width · height",
    "given": "volumes as the table gives them",
}
"""What each formula computes, for people."""

FOLLOW_UP_COLUMNS = ("animal", "group", "first_day", "last_day", "last_volume_mm3", "end")

_DAYS_OF_A_RATE = 2
_DAYS_OF_AN_ERROR = 3


@dataclass(frozen=True)
class GrowthRate:
    """One animal's exponential growth.

    Attributes
    ----------
    rate_per_day : float
        Slope of ln(volume) over days; NaN where fewer than two days have a volume above 0.
    error : float
        Its standard error; NaN with fewer than three days.
    doubling_time_days : float
        ln 2 / rate; NaN where the tumour doesn't grow.
    r_squared : float
        Share of the variance of ln(volume) that the line explains.
    n : int
        Measurements used.
    note : str
        What was left out, or why there is no number.
    """

    rate_per_day: float
    error: float
    doubling_time_days: float
    r_squared: float
    n: int
    note: str = ""


def tumour_volume(
    length_mm: ArrayLike,
    width_mm: ArrayLike,
    height_mm: ArrayLike | None = None,
    *,
    formula: Formula = "half_lww",
) -> np.ndarray:
    """Volume of a tumour from caliper measurements.

    Parameters
    ----------
    length_mm, width_mm, height_mm : array_like
        Diameters in mm; the longer one is the length. Height for "pi_6_lwh" alone.
    formula : {"half_lww", "pi_6_lww", "pi_6_lwh"}
        ½LW² treats height as width and π as 3; π/6 LW² and π/6 LWH are ellipsoids.

    Returns
    -------
    numpy.ndarray
        Volumes in mm³, of the shape of the input.

    Raises
    ------
    ValueError
        If the formula is unknown, or needs a height that isn't given.

    References
    ----------
    Tomayko MM, Reynolds CP (1989). Determination of subcutaneous tumor size in athymic (nude)
    mice. Cancer Chemother Pharmacol 24:148-154.

    Examples
    --------
    >>> float(tumour_volume(12, 10)), round(float(tumour_volume(12, 10, formula="pi_6_lww")), 1)
    (600.0, 628.3)
    """
    length, width = np.asarray(length_mm, float), np.asarray(width_mm, float)
    if formula == "half_lww":
        return length * width**2 / 2
    if formula == "pi_6_lww":
        return math.pi / 6 * length * width**2
    if formula == "pi_6_lwh":
        if height_mm is None:
            raise ValueError("pi_6_lwh needs a height; give it, or take half_lww or pi_6_lww.")
        return math.pi / 6 * length * width * np.asarray(height_mm, float)
    known = ", ".join(name for name in get_args(Formula) if name != "given")
    raise ValueError(f"formula is {formula!r}; a volume is made from calipers by {known}.")


def growth_rate(days: ArrayLike, volumes_mm3: ArrayLike) -> GrowthRate:
    """Growth rate and doubling time of one animal, from a straight line through ln(volume).

    Parameters
    ----------
    days, volumes_mm3 : array_like, shape (n,)
        Measurements in any order. Volumes of 0 have no logarithm and are left out.

    Returns
    -------
    GrowthRate

    Raises
    ------
    ValueError
        If the shapes differ or a volume is below 0.

    Notes
    -----
    ln V = a + r · day by least squares; doubling time ln 2 / r.

    References
    ----------
    Mehrara E, Forssell-Aronsson E, Ahlman H, Bernhardt P (2007). Specific growth rate versus
    doubling time for quantitative characterization of tumor growth rate. Cancer Res 67:3970-3975.

    Examples
    --------
    >>> found = growth_rate([0, 2, 4], [100, 200, 400])
    >>> round(found.rate_per_day, 5), round(found.doubling_time_days, 5)
    (0.34657, 2.0)
    """
    day, volume = _curve(days, volumes_mm3)
    used = volume > 0
    zeros = int((~used).sum())
    note = f"{zeros} volumes of 0 left out: they have no logarithm" if zeros else ""
    day, logs = day[used], np.log(volume[used])
    if np.unique(day).size < _DAYS_OF_A_RATE:
        missing = "no rate: fewer than two days with a volume above 0"
        note = f"{note}; {missing}" if note else missing
        return GrowthRate(math.nan, math.nan, math.nan, math.nan, day.size, note)
    centred = day - day.mean()
    squares = float(centred @ centred)
    rate = float(centred @ logs) / squares
    residuals = logs - logs.mean() - rate * centred
    total = float(((logs - logs.mean()) ** 2).sum())
    left = float(residuals @ residuals)
    error = (
        math.sqrt(left / (day.size - 2) / squares) if day.size >= _DAYS_OF_AN_ERROR else math.nan
    )
    doubling = math.log(2) / rate if rate > 0 else math.nan
    r_squared = 1 - left / total if total > 0 else math.nan
    return GrowthRate(rate, error, doubling, r_squared, day.size, note)


def area_under_curve(
    days: ArrayLike,
    volumes_mm3: ArrayLike,
    *,
    first_day: float | None = None,
    last_day: float | None = None,
) -> float:
    """Area under one animal's curve by trapezoids.

    Parameters
    ----------
    days, volumes_mm3 : array_like, shape (n,)
        Measurements in any order.
    first_day, last_day : float, optional
        Window of the area; the curve is read off straight lines at its ends. By default the
        animal's own first and last day.

    Returns
    -------
    float
        mm³ · days; NaN where the animal has no measurement at or beyond an end of the window, or
        fewer than two days.

    Examples
    --------
    >>> area_under_curve([0, 2, 6], [10, 20, 40])
    150.0
    >>> area_under_curve([0, 2, 6], [10, 20, 40], last_day=4)
    80.0
    """
    day, volume = _curve(days, volumes_mm3)
    if np.unique(day).size < _DAYS_OF_A_RATE:
        return math.nan
    first = float(day[0] if first_day is None else first_day)
    last = float(day[-1] if last_day is None else last_day)
    if first < day[0] or last > day[-1] or first >= last:
        return math.nan
    inner = (day > first) & (day < last)
    x = np.concatenate([[first], day[inner], [last]])
    return float(np.trapezoid(np.interp(x, day, volume), x))


def _curve(days: ArrayLike, volumes_mm3: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Give days and volumes in the order of days, without missing ones."""
    day, volume = np.asarray(days, float), np.asarray(volumes_mm3, float)
    if day.shape != volume.shape or day.ndim != 1:
        raise ValueError(f"one volume a day is expected; got shapes {day.shape}, {volume.shape}.")
    known = np.isfinite(day) & np.isfinite(volume)
    day, volume = day[known], volume[known]
    if (volume < 0).any():
        raise ValueError(f"volumes are 0 or more; got {float(volume.min()):g} mm³.")
    order = np.argsort(day, kind="stable")
    return day[order], volume[order]


def follow_up(values: "pd.DataFrame", *, size_limit_mm3: float | None = None) -> "pd.DataFrame":
    """How long each animal was measured, and how its curve ends.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3.
    size_limit_mm3 : float, optional
        The volume at which animals have to be removed.

    Returns
    -------
    pandas.DataFrame
        A row an animal, in the order of appearance: animal, group, first_day, last_day,
        last_volume_mm3, end. ``end`` is "size_limit" (its last volume, before the table's last
        day, is at or above the limit), "early" (others of its group were measured longer) or
        "complete".
    """
    import pandas as pd

    require_columns(values, "animal", "group", "day", "volume_mm3")
    limit = math.inf if size_limit_mm3 is None else float(size_limit_mm3)
    final, of_group = values["day"].max(), values.groupby("group")["day"].max()
    rows = []
    for animal, own in values.groupby("animal", sort=False):
        last = own.sort_values("day", kind="stable").iloc[-1]
        end = "early" if last["day"] < of_group[last["group"]] else "complete"
        if last["day"] < final and last["volume_mm3"] >= limit:
            end = "size_limit"
        ends = (own["day"].min(), last["day"], last["volume_mm3"], end)
        rows.append((str(animal), str(last["group"]), *ends))
    table = pd.DataFrame(rows, columns=list(FOLLOW_UP_COLUMNS))
    numbers = dict.fromkeys(("first_day", "last_day", "last_volume_mm3"), "float64")
    return table.astype(numbers | dict.fromkeys(("animal", "group", "end"), "str"))


def first_removal_day(ends: "pd.DataFrame") -> float:
    """Give the day after which animals are missing: the last day of the first that left.

    Parameters
    ----------
    ends : pandas.DataFrame
        As `follow_up` gives it.

    Returns
    -------
    float
        Infinite where every animal was measured to the end. Plain means of later days are
        of the animals that were left, which at a size limit are those that grew slowest.
    """
    left = ends[ends["end"] != "complete"]["last_day"]
    return float(left.min()) if len(left) else math.inf


def common_window(ends: "pd.DataFrame") -> tuple[float, float]:
    """Give the first and last day between which every animal was measured; NaN if there are none.

    Parameters
    ----------
    ends : pandas.DataFrame
        As `follow_up` gives it.
    """
    first, last = float(ends["first_day"].max()), float(ends["last_day"].min())
    return (first, last) if first < last else (math.nan, math.nan)


def mean_curves(values: "pd.DataFrame", groups: Sequence[str]) -> "pd.DataFrame":
    """Mean and SEM of each group on each day, with what makes a mean doubtful.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3.
    groups : sequence of str
        The groups in their order.

    Returns
    -------
    pandas.DataFrame
        group, day, n, animals (of the group in all), mean_mm3, sem_mm3, flag. The flag is
        ``after_removal`` where an animal of the group was no longer measured.
    """
    import pandas as pd

    last = values.groupby("animal")["day"].max()
    rows = []
    for group in groups:
        own = values[values["group"] == group]
        animals = own["animal"].unique()
        gone = float(last[animals].min()) if len(animals) else math.inf
        for day, held in own.groupby("day", sort=True):
            volumes = held["volume_mm3"].to_numpy(float)
            sem = volumes.std(ddof=1) / math.sqrt(volumes.size) if volumes.size > 1 else math.nan
            flag = "after_removal" if day > gone else ""
            rows.append((group, day, volumes.size, animals.size, volumes.mean(), sem, flag))
    columns = ["group", "day", "n", "animals", "mean_mm3", "sem_mm3", "flag"]
    return pd.DataFrame(rows, columns=columns)
