"""Growth curves: each animal and the mean ± SEM of its group over days."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import as_numbers, group_names, group_text, require_columns
from .figure_style import (
    FONT,
    LABEL_PX,
    SHAPES,
    axis,
    colours,
    log_ticks,
    plain,
    rows,
    title_params,
    value_domain,
)
from .summaries import Group

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


def growth_chart(
    values: "pd.DataFrame",
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    day_label: str = "Day",
    log: bool = False,
    width: int = 420,
    height: int = 300,
) -> "alt.LayerChart":
    """Draw a value over days: a faint line an animal, mean ± SEM of each group in front.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, value; missing values are left out.
    groups : sequence of str
        Groups in the order of the legend.
    title, value_label, day_label : str
        Title of the figure; names and units of the axes.
    log : bool
        Logarithmic axis of the value, on which exponential growth is straight; values of 0 or
        less are left out, and the subtitle counts them.
    width, height : int
        Size of the plot's area in pixels.

    Returns
    -------
    altair.LayerChart
    """
    import altair as alt

    require_columns(values, "animal", "group", "day", "value")
    names = group_names(values["group"], groups)
    table, left_out = _clean(values, names, log)
    means = _means(table, names)
    ends = [record["high"] for record in means] + [record["low"] for record in means]
    domain = _domain([*table["value"], *ends], log)
    for record in means:
        record["low"] = max(record["low"], domain[0])
    days = _padded(table["day"])
    encodings = _encodings(names, days, domain, log, value_label, day_label)
    animals = (
        alt.Chart(rows(table.to_dict("records")))
        .mark_line(opacity=0.25, strokeWidth=1)
        .encode(**encodings["line"], detail="animal:N")
    )
    base = alt.Chart(rows(means))
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x="day:Q", y=alt.Y("low:Q"), y2="high:Q", color=encodings["line"]["color"]
    )
    curves = base.mark_line(strokeWidth=2.5).encode(**encodings["line"])
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        **encodings["line"], shape=encodings["shape"]
    )
    words = "Thin lines: animals; points and bars: mean ± SEM"
    subtitle = f"{words}; {left_out}" if left_out else words
    return alt.layer(animals, bars, curves, points).properties(
        width=width,
        height=height,
        title=title_params(title, subtitle, width),
        description=_in_words(title, value_label, day_label, means),
        view=plain(),
    )


def _clean(values: "pd.DataFrame", names: Sequence[str], log: bool) -> tuple["pd.DataFrame", str]:
    import pandas as pd

    table = pd.DataFrame(
        {
            "animal": values["animal"].astype("str").to_numpy(),
            "group": group_text(values["group"]),
            "day": as_numbers(values["day"], "day"),
            "value": as_numbers(values["value"], "value"),
        }
    )
    kept = table[
        table["group"].isin(names) & np.isfinite(table["value"]) & np.isfinite(table["day"])
    ]
    kept = kept.sort_values(["group", "animal", "day"], kind="stable")
    if not log:
        return kept, ""
    low = int((kept["value"] <= 0).sum())
    return kept[kept["value"] > 0], f"{low} values of 0 or less not on a log axis" if low else ""


def _means(table: "pd.DataFrame", names: Sequence[str]) -> list[dict[str, Any]]:
    """Return mean and SEM of each group and day; a single animal has no SEM."""
    records = []
    for name in names:
        own = table[table["group"] == name]
        for day, part in own.groupby("day", sort=True):
            group = Group.from_values(name, part["value"].to_numpy())
            half = group.sem if group.n > 1 else 0.0
            records.append(
                {
                    "group": name,
                    "day": float(day),
                    "value": group.mean,
                    "low": group.mean - half,
                    "high": group.mean + half,
                    "n": group.n,
                }
            )
    return records


def _padded(days: Sequence[float]) -> tuple[float, float]:
    """Return the days' range with room for the marks at its ends."""
    low, high = min(days, default=0.0), max(days, default=1.0)
    room = 0.03 * (high - low) or 1.0
    return float(low - room), float(high + room)


def _domain(values: Sequence[float], log: bool) -> tuple[float, float]:
    if not log:
        return value_domain(values)
    positive = [value for value in values if value > 0] or [1.0]
    return min(positive) / 1.2, max(positive) * 1.2


def _encodings(
    names: Sequence[str],
    days: tuple[float, float],
    domain: tuple[float, float],
    log: bool,
    value_label: str,
    day_label: str,
) -> dict[str, Any]:
    import altair as alt

    order = list(names)
    legend = alt.Legend(
        title=None,
        orient="top-left",
        labelFont=FONT,
        labelFontSize=LABEL_PX - 1,
        labelLimit=200,
        symbolOpacity=1,
    )
    scale = alt.Scale(type="log" if log else "linear", domain=list(domain), nice=False, zero=False)
    ticks = {"values": log_ticks(*domain)} if log else {"tickCount": 6}
    line = {
        "x": alt.X(
            "day:Q",
            axis=axis(day_label, tickMinStep=1),
            scale=alt.Scale(domain=list(days), nice=False, zero=False),
        ),
        "y": alt.Y("value:Q", axis=axis(value_label, **ticks), scale=scale),
        "color": alt.Color(
            "group:N",
            sort=order,
            scale=alt.Scale(domain=order, range=colours(len(order))),
            legend=legend,
        ),
    }
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(order))]
    shape = alt.Shape(
        "group:N", sort=order, scale=alt.Scale(domain=order, range=shapes), legend=legend
    )
    return {"line": line, "shape": shape}


def _in_words(title: str, value_label: str, day_label: str, means: list[dict[str, Any]]) -> str:
    last: dict[str, dict[str, Any]] = {record["group"]: record for record in means}
    ends = "; ".join(
        f"{name}: {day_label.lower()} {record['day']:g}, mean {record['value']:.4g}, "
        f"n = {record['n']}"
        for name, record in last.items()
    )
    return f"{title}. {value_label} over time by group. At the end: {ends}."
