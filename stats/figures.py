"""Figures of groups: animals with mean and error, bars from printed summaries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .brackets import TEST_NAMES, bracket_test, format_p, place_brackets
from .columns import as_numbers, group_names, group_text, require_columns
from .figure_curves import growth_chart
from .figure_estimation import estimation_chart
from .figure_files import chart_svg, save_chart
from .figure_forest import forest_chart
from .figure_layers import (
    ERROR_NAMES,
    ErrorBar,
    Frame,
    animal_points,
    box_layers,
    bracket_layers,
    error_ends,
    mean_layers,
    point_layer,
    round_ticks,
)
from .figure_style import (
    LABEL_PX,
    axis,
    colours,
    group_labels,
    group_x,
    plain,
    rows,
    title_params,
)
from .summaries import Group

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = [
    "chart_svg",
    "estimation_chart",
    "forest_chart",
    "group_chart",
    "growth_chart",
    "save_chart",
    "summary_chart",
]


def group_chart(
    values: "pd.DataFrame",
    comparisons: "pd.DataFrame",
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    alpha: float = 0.05,
    centre: Literal["mean", "box"] = "mean",
    width: int = 360,
    height: int = 320,
) -> "alt.LayerChart":
    """Draw the animals of each group with mean ± SEM, or a box, and significance brackets.

    Parameters
    ----------
    values : pandas.DataFrame
        One row an animal: columns animal, group, value. Missing values are left out.
    comparisons : pandas.DataFrame
        Rows as `stats.compare.compare_groups` gives them; the brackets are of newman_keuls where
        it is there (with what Tukey's HSD says), else of student_t, else of the next pairwise
        test. May be empty.
    groups : sequence of str
        Groups from left to right.
    title, value_label : str
        Title of the figure; name and unit of the value.
    alpha : float
        Level of significance.
    centre : {"mean", "box"}
        Mean with SEM; or median, quartiles and Tukey's whiskers (to the last value within 1.5
        times the distance of the quartiles).
    width, height : int
        Size of the plot's area in pixels, without labels.

    Returns
    -------
    altair.LayerChart
        With n under each group, and the figure in words as its `description`.

    Raises
    ------
    ValueError
        If `centre` is none of the two, a column is missing, or a value is no number.
    """
    if centre not in ("mean", "box"):
        raise ValueError(f"centre is {centre!r}, expected 'mean' or 'box'.")
    require_columns(values, "animal", "group", "value")
    names = group_names(values["group"], groups)
    numbers, labels = as_numbers(values["value"], "value"), group_text(values["group"])
    finite = np.isfinite(numbers)
    own = [np.sort(numbers[(labels == name) & finite]) for name in names]
    summaries = [Group.from_values(name, part) for name, part in zip(names, own, strict=True)]
    brackets, legend = place_brackets(
        comparisons, names, slot_px=width / len(names), font_px=LABEL_PX - 1, alpha=alpha
    )
    ends = [bound for group in summaries for bound in error_ends(group, "sem")]
    frame = Frame(np.concatenate([*own, ends]), brackets, len(names), width, height)
    animals = values["animal"].astype("str").to_numpy()
    points = animal_points(names, numbers, labels, animals, frame)
    middle = mean_layers(summaries, "sem") if centre == "mean" else box_layers(summaries)
    layers = [point_layer(points, value_label), *middle]
    shown = {"mean": "line and bar: mean ± SEM", "box": "box: median and quartiles"}
    subtitle = _sentence(f"Points: animals; {shown[centre]}", legend)
    return _finish(
        layers + bracket_layers(brackets, frame),
        summaries,
        frame,
        title=title,
        subtitle=subtitle,
        value_label=value_label,
        description=_in_words(title, value_label, summaries, comparisons, "sem"),
    )


def summary_chart(
    groups: Sequence[Group],
    comparisons: "pd.DataFrame",
    *,
    title: str,
    value_label: str,
    error: ErrorBar = "sem",
    alpha: float = 0.05,
    width: int = 360,
    height: int = 320,
) -> "alt.LayerChart":
    """Draw groups known by their summaries as bars with errors, as papers print them.

    Parameters
    ----------
    groups : sequence of Group
        From left to right; raw values are not needed.
    comparisons : pandas.DataFrame
        Rows as of `group_chart`; may be empty.
    title, value_label : str
        Title of the figure; name and unit of the value.
    error : {"sem", "sd", "ci"}
        What the error bars show; the subtitle names it.
    alpha : float
        Level of significance.
    width, height : int
        Size of the plot's area in pixels, without labels.

    Returns
    -------
    altair.LayerChart

    Raises
    ------
    ValueError
        If `error` is none of the three.
    """
    import altair as alt

    if error not in ERROR_NAMES:
        raise ValueError(f"error is {error!r}, expected one of {', '.join(ERROR_NAMES)}.")
    names = [group.name for group in groups]
    brackets, legend = place_brackets(
        comparisons, names, slot_px=width / len(names), font_px=LABEL_PX - 1, alpha=alpha
    )
    ends = [bound for group in groups for bound in error_ends(group, error)]
    frame = Frame(np.array([0.0, *ends]), brackets, len(names), width, height)
    palette = colours(len(groups))
    records = [
        {"x": i, "mean": group.mean, "group": group.name, "colour": palette[i]}
        for i, group in enumerate(groups)
    ]
    bars = (
        alt.Chart(rows(records))
        .mark_bar(size=0.55 * frame.slot_px, opacity=0.55)
        .encode(
            x=alt.X("x:Q"),
            y=alt.Y("mean:Q"),
            y2=alt.datum(0.0),
            color=alt.Color("colour:N", scale=None),
        )
    )
    subtitle = _sentence(f"Bars: mean ± {ERROR_NAMES[error]}, from reported summaries", legend)
    return _finish(
        [bars, *mean_layers(groups, error), *bracket_layers(brackets, frame)],
        groups,
        frame,
        title=title,
        subtitle=subtitle,
        value_label=value_label,
        description=_in_words(title, value_label, groups, comparisons, error),
    )


def _finish(
    layers: Sequence[Any],
    summaries: Sequence[Group],
    frame: Frame,
    *,
    title: str,
    subtitle: str,
    value_label: str,
    description: str,
) -> "alt.LayerChart":
    """Put layers on common axes."""
    import altair as alt

    labels = group_labels(
        [group.name for group in summaries], [group.n for group in summaries], frame.slot_px
    )
    scale = alt.Scale(domain=[frame.low, frame.high], nice=False, zero=False)
    ticks = round_ticks(frame.low, frame.top)
    base = (
        alt.Chart(rows([{"x": 0, "y": frame.low}]))
        .mark_point(opacity=0)
        .encode(
            x=group_x(labels),
            y=alt.Y("y:Q", scale=scale, axis=axis(value_label, values=ticks)),
        )
    )
    return alt.layer(base, *layers).properties(
        width=frame.width,
        height=frame.height,
        title=title_params(title, subtitle, frame.width),
        description=description,
        view=plain(),
    )


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _in_words(
    title: str,
    value_label: str,
    summaries: Sequence[Group],
    comparisons: "pd.DataFrame",
    error: ErrorBar,
) -> str:
    """Say what the figure shows, for readers who can't see it."""
    groups = []
    for group in summaries:
        low, high = error_ends(group, error)
        spread = f" ± {(high - low) / 2:.3g} ({ERROR_NAMES[error]})" if group.n > 1 else ""
        mean = f"mean {group.mean:.4g}{spread}, " if group.n else ""
        groups.append(f"{group.name}: {mean}n = {group.n}")
    text = f"{title}. {value_label} by group. {'; '.join(groups)}."
    test = bracket_test(comparisons)
    own = comparisons[comparisons["test"] == test] if test else comparisons.iloc[:0]
    pairs = [
        f"{a} and {b} {format_p(p)}"
        for a, b, p in zip(own["group_a"], own["group_b"], own["p_adjusted"], strict=True)
        if np.isfinite(p)
    ]
    return f"{text} {TEST_NAMES[test]}: {'; '.join(pairs)}." if pairs else text
