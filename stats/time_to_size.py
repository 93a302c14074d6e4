"""Time until tumours reach a size: Kaplan-Meier curves and the log-rank test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .columns import require_columns

if TYPE_CHECKING:
    import pandas as pd

EVENT_COLUMNS = ("animal", "group", "day", "reached")
SURVIVAL_COLUMNS = ("group", "day", "at_risk", "reached", "survival", "ci_low", "ci_high")


@dataclass(frozen=True)
class LogRank:
    """A log-rank test of all groups.

    Attributes
    ----------
    statistic, p : float
        Chi-squared with groups − 1 degrees of freedom; NaN where it can't be run.
    df : int
        groups − 1.
    note : str
        Why there is no number; else empty.
    """

    statistic: float
    p: float
    df: int
    note: str = ""


def time_to_size(values: "pd.DataFrame", *, size_mm3: float) -> "pd.DataFrame":
    """Give the first day on which each animal's tumour had a size, or its last day without.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3.
    size_mm3 : float
        The size, above 0.

    Returns
    -------
    pandas.DataFrame
        A row an animal, in the order of appearance: animal, group, day, reached (bool). Animals
        that never had the size are censored at their last day.

    Raises
    ------
    ValueError
        If a column is missing, or the size isn't above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"animal": "m1", "group": "a", "day": [7, 10, 14],
    ...                       "volume_mm3": [200, 900, 1600]})
    >>> time_to_size(curve, size_mm3=900)[["day", "reached"]].values.tolist()
    [[10.0, True]]
    """
    import pandas as pd

    require_columns(values, "animal", "group", "day", "volume_mm3")
    if not size_mm3 > 0:
        raise ValueError(f"the size must be above 0 mm³; got {size_mm3}.")
    rows = []
    for (animal, group), own in values.groupby(["animal", "group"], sort=False):
        large = own.loc[own["volume_mm3"] >= size_mm3, "day"]
        day = float(large.min() if len(large) else own["day"].max())
        rows.append((str(animal), str(group), day, bool(len(large))))
    table = pd.DataFrame(rows, columns=list(EVENT_COLUMNS))
    return table.astype({"animal": "str", "group": "str", "day": "float64", "reached": "bool"})


def kaplan_meier(
    events: "pd.DataFrame", *, groups: Sequence[str], level: float = 0.95
) -> "pd.DataFrame":
    """Share of each group's animals still below the size, by Kaplan and Meier.

    Parameters
    ----------
    events : pandas.DataFrame
        As `time_to_size` gives it.
    groups : sequence of str
        The groups in their order.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        `SURVIVAL_COLUMNS`, a row a group and day on which an animal reached the size or was
        censored. The interval is Greenwood's on the log(−log) scale, NaN at 0 and 1.

    References
    ----------
    Kaplan EL, Meier P (1958). Nonparametric estimation from incomplete observations. J Am Stat
    Assoc 53:457-481.
    """
    import pandas as pd

    rows = []
    for group in groups:
        own = events[events["group"] == group]
        survival, greenwood = 1.0, 0.0
        for day in sorted(own["day"].unique()):
            at_risk = int((own["day"] >= day).sum())
            reached = int(own.loc[own["day"] == day, "reached"].sum())
            survival *= 1 - reached / at_risk
            if at_risk > reached:
                greenwood += reached / (at_risk * (at_risk - reached))
            low, high = _interval(survival, greenwood, level)
            rows.append((group, float(day), at_risk, reached, survival, low, high))
    return pd.DataFrame(rows, columns=list(SURVIVAL_COLUMNS))


def _interval(survival: float, greenwood: float, level: float) -> tuple[float, float]:
    from scipy import special

    if not 0 < survival < 1:
        return math.nan, math.nan
    half = float(special.ndtri((1 + level) / 2)) * math.sqrt(greenwood) / abs(math.log(survival))
    return survival ** math.exp(half), survival ** math.exp(-half)


def median_days(survival: "pd.DataFrame") -> dict[str, float]:
    """Give the day by which half of each group had the size; NaN where fewer than half had.

    Parameters
    ----------
    survival : pandas.DataFrame
        As `kaplan_meier` gives it.
    """
    medians = {}
    for group, own in survival.groupby("group", sort=False):
        half = own.loc[own["survival"] <= 0.5 + 1e-12, "day"]
        medians[str(group)] = float(half.min()) if len(half) else math.nan
    return medians


def log_rank(events: "pd.DataFrame", *, groups: Sequence[str]) -> LogRank:
    """Test whether the groups reach the size at the same pace.

    Parameters
    ----------
    events : pandas.DataFrame
        As `time_to_size` gives it.
    groups : sequence of str
        The groups to compare.

    Returns
    -------
    LogRank
        Without numbers, and with the reason, where fewer than two groups have animals or no
        animal reached the size.

    References
    ----------
    Mantel N (1966). Evaluation of survival data and two new rank order statistics arising in its
    consideration. Cancer Chemother Rep 50:163-170.
    """
    held = events[events["group"].isin(list(groups))]
    present = [group for group in groups if (held["group"] == group).any()]
    if len(present) < 2:
        return LogRank(math.nan, math.nan, 0, "no test: fewer than two groups have animals")
    df = len(present) - 1
    if not held["reached"].any():
        return LogRank(math.nan, math.nan, df, "no test: no animal reached the size")
    from statsmodels.duration.survfunc import survdiff

    days = held["day"].to_numpy(float)
    # the test knows the order of days alone; counted from the first they are never negative
    try:
        statistic, p = survdiff(
            days - days.min() + 1, held["reached"].to_numpy(int), held["group"].to_numpy(str)
        )
    except np.linalg.LinAlgError:
        return LogRank(math.nan, math.nan, df, "no test: the groups were never at risk together")
    return LogRank(float(statistic), float(p), df)
