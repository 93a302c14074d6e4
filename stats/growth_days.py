"""Groups compared day by day, with the day from which they differ; tumour growth inhibition."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .comparison import COMPARISON_COLUMNS, check_alpha, join_notes
from .growth import area_under_curve, first_removal_day, follow_up
from .layout import absent_note
from .multiplicity import holm
from .summaries import Group

if TYPE_CHECKING:
    import pandas as pd

DAY_COLUMNS = ("day", *COMPARISON_COLUMNS, "p_over_days", "flag")
ONSET_COLUMNS = (
    *("test", "group_a", "group_b", "days_tested"),
    *("first_day", "lasting_from_day", "first_day_holm", "lasting_from_day_holm"),
)
INHIBITION_COLUMNS = (
    *("definition", "group", "reference", "first_day", "last_day"),
    *("percent", "ci_low", "ci_high", "note"),
)

DEFINITIONS = {
    "volume_change": "100 · (1 − mean(V_t − V_0) / the reference's)",
    "relative_volume": "100 · (1 − mean(V_t / V_0) / the reference's)",
    "final_volume": "100 · (1 − mean(V_t) / the reference's), the T/C of older papers",
    "auc": "100 · (1 − mean area under the curve / the reference's)",
}
"""Definitions of tumour growth inhibition in use, which give different numbers."""

_TESTABLE = 2


def comparable_days(values: "pd.DataFrame", groups: Sequence[str]) -> list[float]:
    """Give the days on which two groups or more have two animals or more.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3.
    groups : sequence of str
        The groups to compare.

    Returns
    -------
    list of float
        Days, the first first.
    """
    sizes = values[values["group"].isin(groups)].groupby(["day", "group"])["animal"].nunique()
    able = (sizes >= _TESTABLE).groupby("day").sum()
    return [float(day) for day in able.index[able >= _TESTABLE]]


def day_tests(
    values: "pd.DataFrame",
    *,
    groups: Sequence[str],
    reference: str | None = None,
    tests: Sequence[str] | None = None,
    alpha: float = 0.05,
    size_limit_mm3: float | None = None,
) -> "pd.DataFrame":
    """Compare the groups on every day.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3; one row an animal and day.
    groups : sequence of str
        The groups in their order.
    reference : str, optional
        The group that the others are compared with.
    tests : sequence of str, optional
        Tests of each day; by default those of `compare_groups`.
    alpha : float
        Level of significance.
    size_limit_mm3 : float, optional
        The volume at which animals have to be removed.

    Returns
    -------
    pandas.DataFrame
        `DAY_COLUMNS`: the day, the columns of a comparison, ``p_over_days`` (Holm over the days,
        for each test and pair) and ``flag`` (``after_removal`` on days on which an animal
        was no longer measured). Empty where no day can be tested.

    Notes
    -----
    Looking on many days finds a difference on some day by chance: `p` and `p_adjusted` are each
    day's own, as papers print them; ``p_over_days`` holds for all days together.
    """
    import pandas as pd

    from .compare import compare_groups

    check_alpha(alpha)
    named = list(groups)
    left = first_removal_day(follow_up(values, size_limit_mm3=size_limit_mm3))
    tables = []
    for day in comparable_days(values, groups):
        held = values[values["day"] == day]
        present = [group for group in groups if (held["group"] == group).any()]
        table = compare_groups(
            held,
            value="volume_mm3",
            groups=present,
            reference=reference if reference in present else None,
            alpha=alpha,
            tests=tests,
        )
        absent = [group for group in named if group not in present]
        note = removal_note(day, left) if day > left else ""
        more = join_notes(absent_note(absent), note)
        table["note"] = [join_notes(text, more) for text in table["note"]]
        table.insert(0, "day", day)
        tables.append(table.assign(flag="after_removal" if note else ""))
    if not tables:
        return pd.DataFrame(columns=list(DAY_COLUMNS))
    joined = pd.concat(tables, ignore_index=True)
    joined["p_over_days"] = math.nan
    for rows in joined.groupby(["test", "group_a", "group_b"], sort=False).indices.values():
        adjusted = holm(joined["p_adjusted"].to_numpy(float)[rows])
        joined.loc[joined.index[rows], "p_over_days"] = adjusted
    return joined[list(DAY_COLUMNS)]


def removal_note(day: float, left: float) -> str:
    """Say why a day's plain mean is doubtful."""
    return (
        f"day {day:g} is after the first animal left (day {left:g}): means are of the animals that "
        "remained; the mixed model on ln volume uses all"
    )


def onset_days(days: "pd.DataFrame", *, alpha: float = 0.05) -> "pd.DataFrame":
    """Give the first day from which groups differ, for each test and pair.

    Parameters
    ----------
    days : pandas.DataFrame
        As `day_tests` gives it.
    alpha : float
        Level of significance.

    Returns
    -------
    pandas.DataFrame
        `ONSET_COLUMNS`. ``first_day`` is the first with p below alpha; ``lasting_from_day`` the
        first from which every later tested day has it too, which "from day 18 on" says. The
        columns ending in _holm are the same for the p-values corrected for looking on many
        days. NaN where there is no such day.
    """
    import pandas as pd

    check_alpha(alpha)
    rows = []
    for names, held in days.groupby(["test", "group_a", "group_b"], sort=False):
        ordered = held.sort_values("day", kind="stable")
        ordered = ordered[np.isfinite(ordered["p_adjusted"].to_numpy(float))]
        day = ordered["day"].to_numpy(float)
        plain = _onset(day, ordered["p_adjusted"].to_numpy(float) < alpha)
        corrected = _onset(day, ordered["p_over_days"].to_numpy(float) < alpha)
        rows.append((*names, day.size, *plain, *corrected))
    return pd.DataFrame(rows, columns=list(ONSET_COLUMNS))


def _onset(days: np.ndarray, differs: np.ndarray) -> tuple[float, float]:
    """Give the first day, and the first of the unbroken run that reaches the last day."""
    if not differs.any():
        return math.nan, math.nan
    first = float(days[np.argmax(differs)])
    if not differs[-1]:
        return first, math.nan
    run = int(np.argmin(differs[::-1])) if not differs.all() else differs.size
    return first, float(days[differs.size - run])


def growth_inhibition(
    values: "pd.DataFrame",
    *,
    groups: Sequence[str],
    reference: str,
    last_day: float | None = None,
    alpha: float = 0.05,
) -> "pd.DataFrame":
    """Tumour growth inhibition of each group against the reference, by every definition in use.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3.
    groups : sequence of str
        The groups in their order.
    reference : str
        The untreated group.
    last_day : float, optional
        V_t is of this day; by default the last on which every animal was measured. V_0 is of the
        first day on which every animal was.
    alpha : float
        Intervals have level 1 − alpha.

    Returns
    -------
    pandas.DataFrame
        `INHIBITION_COLUMNS`, a row a definition (`DEFINITIONS`) and group; empty where no two
        days have all animals. Negative where tumours grew more than the reference's.

    Raises
    ------
    ValueError
        If the reference has no row.

    Notes
    -----
    Each definition is 1 − mean(x) / mean(x of the reference) of a number x of each animal; the
    interval is Fieller's with the two groups' own variances.

    References
    ----------
    Fieller EC (1954). Some problems in interval estimation. J R Stat Soc B 16:175-185.
    """
    import pandas as pd

    if not (values["group"] == reference).any():
        raise ValueError(f"the reference {reference!r} has no measurement; its group is needed.")
    first, last = _shared_days(values[values["group"].isin(groups)], last_day)
    if math.isnan(first):
        return pd.DataFrame(columns=list(INHIBITION_COLUMNS))
    numbers = _per_animal(values, first, last)
    rows = []
    for definition in DEFINITIONS:
        x = {group: numbers.loc[numbers["group"] == group, definition] for group in groups}
        base = Group.from_values(reference, _finite(x[reference]))
        for group in groups:
            own = Group.from_values(group, _finite(x[group]))
            if group == reference or not own.n:
                continue
            percent, low, high, note = _inhibition(own, base, alpha)
            rows.append((definition, group, reference, first, last, percent, low, high, note))
    return pd.DataFrame(rows, columns=list(INHIBITION_COLUMNS))


def _finite(column: "pd.Series") -> np.ndarray:
    values = column.to_numpy(float)
    return values[np.isfinite(values)]


def _shared_days(values: "pd.DataFrame", last_day: float | None) -> tuple[float, float]:
    """Give the first and last day on which every animal was measured."""
    counts = values.groupby("day")["animal"].nunique()
    days = counts.index[counts == values["animal"].nunique()].to_numpy(float)
    days = days if last_day is None else days[days <= last_day]
    if days.size < _TESTABLE:
        return math.nan, math.nan
    return float(days.min()), float(days.max())


def _per_animal(values: "pd.DataFrame", first: float, last: float) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for (animal, group), own in values.groupby(["animal", "group"], sort=False):
        volume = own.groupby("day")["volume_mm3"].mean()
        if first not in volume.index or last not in volume.index:
            continue
        start, end = float(volume[first]), float(volume[last])
        area = area_under_curve(own["day"], own["volume_mm3"], first_day=first, last_day=last)
        relative = end / start if start > 0 else math.nan
        rows.append((animal, group, end - start, relative, end, area))
    return pd.DataFrame(rows, columns=["animal", "group", *DEFINITIONS])


def _inhibition(own: Group, base: Group, alpha: float) -> tuple[float, float, float, str]:
    """Percent, its Fieller interval, and what to know."""
    if not base.n or base.mean <= 0:
        return math.nan, math.nan, math.nan, "the reference didn't grow: no inhibition is defined"
    ratio = own.mean / base.mean
    low, high = ratio_interval(own, base, alpha=alpha)
    note = "" if math.isfinite(low) else "no interval: too few animals, or the reference's varies"
    return 100 * (1 - ratio), 100 * (1 - high), 100 * (1 - low), note


def ratio_interval(a: Group, b: Group, *, alpha: float = 0.05) -> tuple[float, float]:
    """Fieller's interval of mean_a / mean_b of two independent groups.

    Parameters
    ----------
    a, b : Group
        The groups, of two units at least.
    alpha : float
        The interval has level 1 − alpha.

    Returns
    -------
    low, high : float
        NaN where a group is too small or where mean_b isn't clearly apart from 0.

    Notes
    -----
    The limits are the ratios θ at which (mean_a − θ mean_b)² = t² (s_a²/n_a + θ² s_b²/n_b), t with
    the Welch-Satterthwaite degrees of freedom at the ratio found.

    Examples
    --------
    >>> a, b = Group.from_sd("a", 9, mean=50, sd=10), Group.from_sd("b", 9, mean=100, sd=10)
    >>> low, high = ratio_interval(a, b)
    >>> round(low, 3), round(high, 3)
    (0.421, 0.584)
    """
    from scipy import stats

    if min(a.n, b.n) < _TESTABLE or b.mean == 0:
        return math.nan, math.nan
    va, vb = a.variance / a.n, b.variance / b.n
    ratio = a.mean / b.mean
    parts = np.array([va, ratio**2 * vb])
    if parts.sum() == 0:
        return ratio, ratio
    df = parts.sum() ** 2 / float((parts**2 / (np.array([a.n, b.n]) - 1)).sum())
    square = float(stats.t.isf(alpha / 2, df)) ** 2
    leading = b.mean**2 - square * vb
    if leading <= 0:
        return math.nan, math.nan
    middle = a.mean * b.mean
    root = math.sqrt(max(0.0, middle**2 - leading * (a.mean**2 - square * va)))
    return (middle - root) / leading, (middle + root) / leading
