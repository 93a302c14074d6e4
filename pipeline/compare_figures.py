"""The figures of anybody's table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .compare_table import TableComparison
from .errors import Problem, StudyError

_MOST_POINTS = 2000
"""A figure of more units than this is a smear of points."""


def save_figures(found: TableComparison, folder: Path, *, alpha: float = 0.05) -> list[Path]:
    """Draw the groups, and the differences with their bootstrap intervals.

    Parameters
    ----------
    found : TableComparison
        As `compare_table` gives it.
    folder : pathlib.Path
        Where ``<value>.svg``, ``.pdf`` and ``.png`` are written, and ``<value>_differences.*``;
        made if it isn't there.
    alpha : float
        Level of the brackets; the intervals have level 1 − alpha.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    StudyError
        If a file is there already, or there are more units than a figure can show.
    """
    from ..stats.figures import save_chart

    total = sum(group.n for group in found.units.groups if group.values is not None)
    if total > _MOST_POINTS:
        expected = f"at most {_MOST_POINTS:,}, since each is a point"
        remedy = "leave --figures out, or draw a part"
        raise StudyError([Problem("--figures", "", f"{total:,} units", expected, remedy)])
    charts = _charts(found, alpha)
    paths = [folder / f"{name}.{kind}" for name in charts for kind in ("svg", "pdf", "png")]
    there = [path for path in paths if path.exists()]
    if there:
        remedy = "give another folder, or move the file away"
        raise StudyError(
            [Problem("--figures", "", str(path), "no such file yet", remedy) for path in there]
        )
    folder.mkdir(parents=True, exist_ok=True)
    return [save_chart(charts[path.stem], path) for path in paths]


def _charts(found: TableComparison, alpha: float) -> dict[str, Any]:
    """Charts by file name; of summaries there is the one of means alone."""
    from ..stats.figures import estimation_chart, group_chart, summary_chart

    units, value = found.units, str(found.groups["feature"].iloc[0])
    name = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in value)
    common: dict[str, Any] = {"title": value, "value_label": value}
    order = [group.name for group in units.groups]
    if any(group.values is None for group in units.groups):
        return {name: summary_chart(units.groups, found.comparisons, alpha=alpha, **common)}
    values = pd.DataFrame(
        [
            {"animal": str(unit), "group": group.name, "value": float(number)}
            for group in units.groups
            for unit, number in zip(units.names[group.name], group.raw("figures"), strict=True)
        ],
        columns=["animal", "group", "value"],
    )
    charts = {name: group_chart(values, found.comparisons, groups=order, alpha=alpha, **common)}
    if sum(group.n > 1 for group in units.groups) > 1:
        pairs = found.comparisons[found.comparisons["group_b"] != ""]
        # the reference stands as group_b in the last of its rows
        reference = _reference(pairs, order)
        charts[f"{name}_differences"] = estimation_chart(
            values, groups=order, reference=reference, level=1 - alpha, **common
        )
    return charts


def _reference(pairs: pd.DataFrame, order: Sequence[str]) -> str | None:
    """The group that stands as group_b in every pair it is in."""
    first, second = set(pairs["group_a"]), set(pairs["group_b"])
    return next((name for name in order if name in second and name not in first), None)
