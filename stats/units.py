"""From a table's rows to one value an experimental unit, with every exclusion stated.

The guard stands here: rows that repeat a unit (cells, fields, technical replicates) are refused as
n unless the caller says what they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .columns import as_numbers, group_names, group_text, natural_key, require_columns
from .summaries import Group

if TYPE_CHECKING:
    import pandas as pd


class RepeatedUnits(ValueError):
    """Rows repeat a unit, and nothing says how they are to be counted.

    Attributes
    ----------
    finding : str
        What was found and what counting the rows would do, without the remedy.
    """

    def __init__(self, finding: str, unit: str) -> None:
        super().__init__(
            f"{finding}. Average them first: aggregate=True takes each {unit}'s mean; "
            "rows_are_units=True counts every row, if each truly is a unit of its own."
        )
        self.finding = finding


@dataclass(frozen=True)
class Units:
    """One value an experimental unit, by group.

    Attributes
    ----------
    groups : tuple of Group
        Groups in their order, raw values kept; n may be 0.
    names : dict of str to numpy.ndarray
        For each group the units' names, in the order of its values.
    group_notes : dict of str to str
        What was left out or changed in each group; empty text where nothing was.
    note : str
        What was left out of every group.
    unit_note : str
        How rows were counted, where units repeat.
    shared_note : str
        That names stand in several groups, which matters to every test but a paired one.
    pooled : frozenset of str
        Groups that hold a pooled sample.
    unit : str
        Name of the unit's column.
    rows : pandas.DataFrame or None
        The rows used, before averaging: group, unit, value.
    """

    groups: tuple[Group, ...]
    names: dict[str, np.ndarray]
    group_notes: dict[str, str] = field(default_factory=dict)
    note: str = ""
    unit_note: str = ""
    shared_note: str = ""
    pooled: frozenset[str] = frozenset()
    unit: str = "unit"
    rows: "pd.DataFrame | None" = field(default=None, repr=False, compare=False)


def units_of(
    values: "pd.DataFrame",
    *,
    value: str = "value",
    group: str = "group",
    unit: str | None = "animal",
    groups: Sequence[str] | None = None,
    pooled: str | None = None,
    aggregate: bool = False,
    rows_are_units: bool = False,
) -> Units:
    """Read one value an experimental unit from a table, or refuse.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows of values.
    value, group : str
        Columns of the value and of the group's name.
    unit : str or None
        Column of the experimental unit; None where each row is one.
    groups : sequence of str, optional
        The groups in their order; by default those in the table, in natural order.
    pooled : str, optional
        Column that tells pooled samples: the pool's name, or True where the row comes from the
        group's pool; empty or False where the row is a single unit's. All rows of one pool in one
        group are measurements of one sample, n = 1, and are averaged.
    aggregate : bool
        Average the rows of a unit.
    rows_are_units : bool
        Count every row, whatever the unit's column says.

    Returns
    -------
    Units

    Raises
    ------
    RepeatedUnits
        If a unit is repeated within a group and neither `aggregate` nor `rows_are_units` says how
        to count.
    ValueError
        If a column is missing, the values aren't numbers, there are fewer than two groups, or a
        row has no unit.
    """
    import pandas as pd

    if aggregate and rows_are_units:
        raise ValueError("aggregate and rows_are_units contradict each other: give one of them.")
    require_columns(values, value, group, *([unit] if unit else []), *([pooled] if pooled else []))
    order = group_names(values[group], groups)
    if len(order) < 2:
        raise ValueError(
            f"A comparison needs at least two groups, and column {group!r} gives "
            f"{len(order)} ({', '.join(order) or 'none'}); check the group's column."
        )
    rows = pd.DataFrame(
        {"group": group_text(values[group]), "value": as_numbers(values[value], value)}
    )
    rows["unit"] = _unit_text(values, unit)
    in_pool = _apply_pools(rows, values, pooled)
    notes, note = _exclusions(rows, order)
    kept = rows[rows["group"].isin(order) & np.isfinite(rows["value"])]
    kept, in_pool = kept.drop(columns="pool"), in_pool[kept.index]
    _require_units(kept, unit)
    pools, rows = frozenset(kept.loc[in_pool, "group"]), kept
    if pools:
        kept = _average(kept, in_pool)
    unit_note = shared_note = ""
    if unit is not None and not rows_are_units:
        kept, unit_note = _one_row_a_unit(kept, unit, aggregate)
        shared_note = _shared_units(kept, unit)
    elif unit is not None:
        unit_note = _counted_rows(kept, unit)
    for name in pools:
        notes[name] = _join(notes[name], f"{name} holds a pooled sample, which counts as n = 1")
    own, names = _pack(kept, order)
    # "group" and "value" are columns of the rows already.
    called = unit if unit not in (None, "group", "value") else "unit"
    return Units(own, names, notes, note, unit_note, shared_note, pools, called, rows)


def units_from_summaries(
    table: "pd.DataFrame",
    *,
    mean: str = "mean",
    n: str = "n",
    sd: str | None = None,
    sem: str | None = None,
    group: str = "group",
) -> Units:
    """Read groups of which only n, mean and SD or SEM are known.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a group.
    mean, n, group : str
        Columns.
    sd, sem : str, optional
        Column of the standard deviation, or of the standard error of the mean: one of the two.

    Returns
    -------
    Units
        Groups in the order of the rows, without raw values.

    Raises
    ------
    ValueError
        If not exactly one of `sd` and `sem` is given, a column is missing or no number, a group
        stands twice, or there are fewer than two.
    """
    if (sd is None) == (sem is None):
        raise ValueError(
            "what the error is must be said: give the column of the SD or the column of the SEM, "
            "one of the two."
        )
    error = sd if sd is not None else str(sem)
    require_columns(table, mean, n, error, group)
    names = list(group_text(table[group]))
    numbers = np.column_stack([as_numbers(table[column], column) for column in (n, mean, error)])
    wrong = [
        f"{name or '(no name)'} {reason}"
        for name, row in zip(names, numbers, strict=True)
        if (reason := _no_group(row, (n, mean, error)))
    ]
    wrong += ["a row has no name"] if "" in names else []
    wrong += [f"{name} stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if wrong:
        raise ValueError(
            f"every group needs one row with its name, n (a whole number from 1), mean and {error} "
            f"(from 0), all of them numbers; {'; '.join(wrong)}."
        )
    if len(names) < 2:
        raise ValueError(f"A comparison needs at least two groups; the table has {len(names)}.")
    make = Group.from_sd if sd is not None else _from_sem
    groups = tuple(
        make(name, int(row[0]), mean=row[1], sd=row[2])
        for name, row in zip(names, numbers, strict=True)
    )
    return Units(groups, {}, note=f"from n, means and {'SDs' if sd is not None else 'SEMs'}")


def _no_group(row: np.ndarray, columns: tuple[str, str, str]) -> str:
    """Say which of n, mean and error can't be right, or return empty text."""
    lacking = [column for column, number in zip(columns, row, strict=True) if np.isnan(number)]
    if lacking:
        return f"has no {' and no '.join(lacking)}"
    n, _, error = row
    if not np.isfinite(row).all():
        return "has a number that is infinite"
    if n < 1 or n != np.rint(n):
        return f"has {columns[0]} = {n:g}"
    return f"has {columns[2]} = {error:g}" if error < 0 else ""


def _from_sem(name: str, n: int, *, mean: float, sd: float) -> Group:
    return Group.from_sem(name, n, mean=mean, sem=sd)


def _unit_text(values: "pd.DataFrame", unit: str | None) -> np.ndarray:
    if unit is None:
        return np.array([str(number) for number in range(1, len(values) + 1)], dtype=object)
    return group_text(values[unit])


def _apply_pools(rows: "pd.DataFrame", values: "pd.DataFrame", pooled: str | None) -> "pd.Series":
    """Give the rows of a pool the pool's name as their unit; return which rows they are."""
    import pandas as pd

    if pooled is None:
        rows["pool"] = ""
        return pd.Series(False, index=rows.index)
    names = pd.Series(group_text(values[pooled]), index=rows.index)
    names = names.where(~names.str.casefold().isin(["false", "no", "0", "nan"]), "")
    rows["pool"] = names
    inside = names != ""
    rows.loc[inside, "unit"] = "pool " + names[inside]
    return inside


def _exclusions(rows: "pd.DataFrame", order: Sequence[str]) -> tuple[dict[str, str], str]:
    """Say what is left out: missing and infinite values by group, rows outside the groups."""
    notes = {}
    for name in order:
        own = rows.loc[rows["group"] == name, "value"].to_numpy()
        missing, infinite = int(np.isnan(own).sum()), int(np.isinf(own).sum())
        notes[name] = _join(
            f"{missing} missing {_plural('value', missing)} of {name} left out" if missing else "",
            f"{infinite} infinite {_plural('value', infinite)} of {name} left out"
            if infinite
            else "",
        )
    nameless = int((rows["group"] == "").sum())
    others = sorted(set(rows["group"]) - set(order) - {""}, key=natural_key)
    outside = int(rows["group"].isin(others).sum())
    note = _join(
        f"{nameless} {_plural('row', nameless)} without a group left out" if nameless else "",
        f"{outside} {_plural('row', outside)} of other groups ({', '.join(others)}) left out"
        if outside
        else "",
    )
    return notes, note


def _require_units(kept: "pd.DataFrame", unit: str | None) -> None:
    nameless = int((kept["unit"] == "").sum())
    if nameless:
        raise ValueError(
            f"{nameless} rows with a value have no {unit}: whether they are units of their own "
            f"can't be told; fill in column {unit!r}, or take the rows out."
        )


def _average(kept: "pd.DataFrame", which: "pd.Series") -> "pd.DataFrame":
    """Average the chosen rows by group and unit; leave the others as they are."""
    import pandas as pd

    means = kept[which].groupby(["group", "unit"], sort=False, as_index=False)["value"].mean()
    return pd.concat([kept[~which], means], ignore_index=True)


def _one_row_a_unit(kept: "pd.DataFrame", unit: str, aggregate: bool) -> tuple["pd.DataFrame", str]:
    """Average repeated units where that is asked for, and refuse them where it isn't."""
    repeated = kept.duplicated(["group", "unit"])
    if not repeated.any():
        return kept, ""
    means = kept.groupby(["group", "unit"], sort=False, as_index=False)["value"].mean()
    if not aggregate:
        raise RepeatedUnits(_refusal(kept, means, unit), unit)
    return means, f"each {unit}'s value is the mean of its rows ({len(kept):,} rows)"


def _refusal(rows: "pd.DataFrame", means: "pd.DataFrame", unit: str) -> str:
    """Say what counting rows as units would do to these very data."""
    from .nested import inflation

    n_units, n_rows = len(means), len(rows)
    consequence = (
        f"as n, the rows would claim {n_rows:,} independent {_plural(unit)} where there are "
        f"{n_units:,}"
    )
    by_rows, by_units = _anova_p(rows), _anova_p(means)
    if by_rows is not None and by_units is not None:
        consequence += (
            f", and the same groups would get p = {by_rows:.2g} by rows instead of "
            f"p = {by_units:.2g} by {_plural(unit)}"
        )
        # Units named alike in two groups are two units here, and one to `inflation`.
        apart = rows.assign(unit=rows["group"] + "/" + rows["unit"])
        rate = inflation(apart, value="value", animal="unit", group="group").false_positive_rate
        consequence += (
            f"; data like these would give p < 0.05 in {rate:.0%} of studies with no effect at all"
        )
    return (
        f"{n_rows:,} rows for {n_units:,} {_plural(unit)}: rows of one {unit} are not independent "
        f"(cells, fields or replicates); {consequence}"
    )


def _anova_p(rows: "pd.DataFrame") -> float | None:
    """Return the p-value of one-way analysis of variance, or None where there is none."""
    from .many_groups import anova

    parts = rows.groupby("group", sort=True)["value"]
    groups = [Group.from_values(str(name), part.to_numpy()) for name, part in parts]
    groups = [group for group in groups if group.n > 1]
    if len(groups) < 2:
        return None
    p = anova(groups, intervals=False).p
    return None if np.isnan(p) else p


def _shared_units(kept: "pd.DataFrame", unit: str) -> str:
    """Say that names stand in several groups, where a paired test may be meant."""
    counts = kept.groupby("unit")["group"].nunique()
    shared = int((counts > 1).sum())
    if not shared:
        return ""
    return (
        f"{shared} of {len(counts)} names in column {unit} stand in more than one group: taken as "
        "different units (paired_t is the test for the same ones)"
    )


def _counted_rows(kept: "pd.DataFrame", unit: str) -> str:
    n_units = len(kept.drop_duplicates(["group", "unit"]))
    if n_units == len(kept):
        return ""
    return f"every row counted as a unit, as asked: {len(kept):,} rows of {n_units:,} {unit} names"


def _pack(
    kept: "pd.DataFrame", order: Sequence[str]
) -> tuple[tuple[Group, ...], dict[str, np.ndarray]]:
    """Split by group, in order of value and unit, so that the order of rows changes no digit."""
    groups, names = [], {}
    for name in order:
        own = kept[kept["group"] == name].sort_values(["value", "unit"], kind="stable")
        groups.append(Group.from_values(name, own["value"].to_numpy()))
        names[name] = own["unit"].to_numpy()
    return tuple(groups), names


def _plural(noun: str, count: int = 2) -> str:
    return noun if count == 1 else "mice" if noun == "mouse" else f"{noun}s"


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
