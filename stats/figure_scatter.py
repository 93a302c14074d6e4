"""Scatter plots of two features over animals, coloured by group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import as_numbers, group_names, group_text, require_columns
from .figure_style import FONT, LABEL_PX, SHAPES, axis, colours, plain, rows, title_params, wrap

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_POINT_AREA = 55
_MARGIN = 0.06  # of the data's range, so that no mark is cut by the frame


def scatter_chart(
    pairs: "pd.DataFrame",
    *,
    groups: Sequence[str],
    title: str,
    subtitle: str,
    x_label: str,
    y_label: str,
    legend: bool = True,
    width: int = 240,
    height: int = 220,
) -> "alt.Chart":
    """Draw two features of animals against one another: a point an animal, no line.

    No line is drawn: a rank correlation says nothing of a straight one.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns animal, group, x, y; animals that lack one of the two are left out.
    groups : sequence of str
        Groups in the order of the legend.
    title, subtitle : str
        Title of the figure; the correlation, in words.
    x_label, y_label : str
        Names and units of the axes.
    legend : bool
        Whether the groups' legend stands above the plot.
    width, height : int
        Size of the plot's area in pixels.

    Returns
    -------
    altair.Chart
    """
    import altair as alt

    require_columns(pairs, "animal", "group", "x", "y")
    names = group_names(pairs["group"], groups)
    records = _points(pairs)
    encoding = {
        "x": alt.X("x:Q", scale=_scale(records, "x"), axis=_axis(x_label, width)),
        "y": alt.Y("y:Q", scale=_scale(records, "y"), axis=_axis(y_label, height)),
        **_by_group(names, legend),
    }
    return (
        alt.Chart(rows(records))
        .mark_point(filled=True, size=_POINT_AREA, opacity=0.85)
        .encode(**encoding)
        .properties(
            width=width,
            height=height,
            title=title_params(title, subtitle, width),
            description=f"{title}. {x_label} across, {y_label} upwards, {len(records)} animals. "
            f"{subtitle}.",
            view=plain(),
        )
    )


def scatter_grid(charts: Sequence["alt.Chart"], *, columns: int = 3) -> "alt.ConcatChart":
    """Put scatter plots side by side, under one description.

    Parameters
    ----------
    charts : sequence of altair.Chart
        As `scatter_chart` gives them; one at least.
    columns : int
        Plots a row.

    Returns
    -------
    altair.ConcatChart
        With one legend; its description is all of theirs.
    """
    import altair as alt

    words = " ".join(str(chart.description) for chart in charts)
    return alt.concat(*charts, columns=columns, spacing=28, description=words).resolve_legend(
        color="shared", shape="shared"
    )


def _by_group(names: Sequence[str], legend: bool) -> dict[str, Any]:
    """Give the encodings that tell groups apart: colour and shape, in one legend."""
    import altair as alt

    shown = alt.Legend(title=None, orient="top", direction="horizontal", labelFont=FONT)
    common = {"sort": None, "legend": shown if legend else None}
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(names))]
    scales = {
        "color": alt.Scale(domain=names, range=colours(len(names))),
        "shape": alt.Scale(domain=names, range=shapes),
    }
    return {
        "color": alt.Color("group:N", scale=scales["color"], **common),
        "shape": alt.Shape("group:N", scale=scales["shape"], **common),
    }


def _points(pairs: "pd.DataFrame") -> list[dict[str, Any]]:
    x, y = as_numbers(pairs["x"], "x"), as_numbers(pairs["y"], "y")
    labels, animals = group_text(pairs["group"]), pairs["animal"].astype("str").to_numpy()
    return [
        {"animal": str(animals[i]), "group": str(labels[i]), "x": float(x[i]), "y": float(y[i])}
        for i in np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    ]


def _scale(records: Sequence[dict[str, Any]], side: str) -> Any:
    import altair as alt

    values = [record[side] for record in records] or [0.0, 1.0]
    low, high = min(values), max(values)
    room = _MARGIN * (high - low) or 0.5
    return alt.Scale(domain=[low - room, high + room], nice=False, zero=False)


def _axis(label: str, length_px: int) -> Any:
    return axis("\n".join(wrap(label, length_px, LABEL_PX)), tickCount=5, titleLimit=0)
