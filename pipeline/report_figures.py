"""Figures of the report: the statistics' charts as static SVG inside the page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from markupsafe import Markup

from .report_view import ANIMALS

_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)')
_FORBIDDEN = ("script", "foreignObject", "image", "a")
_MARK_COLOUR = "#767676"
_MARK_DASHES = (5, 3)
_WIDE_DOUBLINGS = 3.0  # from here on an axis of folds is marked at powers of two alone
_FOLDS_BETWEEN = (1.0, 1.5, 2.0, 3.0)  # of each power of four, where the range is small


@dataclass(frozen=True)
class Mark:
    """A line across a figure at a value that means something.

    Attributes
    ----------
    value : float
        Where it stands.
    words : str
        Written at its end; empty for a line without words.
    """

    value: float
    words: str = ""


def figure_svg(
    values: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    alpha: float,
    name: str,
    unit: str = ANIMALS,
    mark: Mark | None = None,
    centre: Literal["mean", "box"] = "mean",
) -> Markup | None:
    """Draw one feature's figure as SVG for the page.

    Parameters
    ----------
    values : pandas.DataFrame
        ``animal``, ``group``, ``value``.
    comparisons : pandas.DataFrame
        Rows of ``comparisons.csv`` of this assay and feature.
    groups : sequence of str
        Order of the groups.
    title, value_label : str
        Of the figure and of its value axis.
    alpha : float
        The level of significance.
    name : str
        Put before every id of the SVG, so that no two figures of a page share one.
    unit : str
        What a point is, in words: ``animals``, ``subjects``.
    mark : Mark, optional
        A line across the figure; left out where it lies beyond the axis.
    centre : {"mean", "box"}
        Mean with SEM, or a box of the quartiles.

    Returns
    -------
    markupsafe.Markup or None
        The ``svg`` element, with a text alternative; None where there is no value to draw.
    """
    specification = _group_figure(
        values,
        comparisons,
        groups=groups,
        title=title,
        value_label=value_label,
        alpha=alpha,
        unit=unit,
        centre=centre,
    )
    if specification is None:
        return None
    if mark is not None:
        _draw_mark(specification, mark)
    return chart_svg(specification, name=name, title=title)


def fold_svg(
    values: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    alpha: float,
    name: str,
    unit: str = ANIMALS,
) -> Markup | None:
    """Draw fold changes on a logarithmic axis, where a doubling and a halving are as far apart.

    Parameters and result are those of `figure_svg`. Each point is an animal; the line is the
    geometric mean and the bar one SEM of log2; a dashed line stands at 1, no change.
    """
    known = values[values["value"] > 0]
    specification = _group_figure(
        known.assign(value=np.log2(known["value"])),
        comparisons,
        groups=groups,
        title=title,
        value_label=f"log2 of {value_label[:1].lower()}{value_label[1:]}",
        alpha=alpha,
        unit=unit,
    )
    if specification is None:
        return None
    _reword(specification, "mean ± SEM", "geometric mean, ± SEM of log2")
    axis = specification["layer"][0]["encoding"]["y"]["axis"]
    axis["title"] = f"{value_label} (log axis)"
    axis["labelExpr"] = "format(pow(2, datum.value), '.3~g')"
    axis["values"] = _fold_ticks(*_drawn_range(specification))
    _draw_mark(specification, Mark(0.0))
    return chart_svg(specification, name=name, title=title)


def _group_figure(
    values: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    alpha: float,
    unit: str,
    centre: Literal["mean", "box"] = "mean",
) -> dict[str, Any] | None:
    from ..stats.figures import group_chart

    known = values[values["value"].notna()]
    if known.empty:
        return None
    chart = group_chart(
        known,
        comparisons,
        groups=list(groups),
        title=title,
        value_label=value_label,
        alpha=alpha,
        centre=centre,
    )
    specification = specification_of(chart)
    if unit != ANIMALS:
        _reword(specification, f"Points: {ANIMALS}", f"Points: {unit}")
    return specification


def _reword(specification: dict[str, Any], old: str, new: str) -> None:
    """Change words of a figure's subtitle, and break it into lines anew."""
    from ..stats.figure_style import LABEL_PX, wrap

    text = " ".join(specification["title"]["subtitle"]).replace(old, new)
    specification["title"]["subtitle"] = wrap(text, specification["width"] + 40, LABEL_PX - 1)


def _drawn_range(specification: dict[str, Any]) -> tuple[float, float]:
    """Give the range of the data: from the axis' start to its last tick or a little beyond."""
    y = specification["layer"][0]["encoding"]["y"]
    ticks = y["axis"]["values"]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    return float(y["scale"]["domain"][0]), float(max(ticks, default=0.0) + 0.9 * step)


def _fold_ticks(low: float, high: float) -> list[float]:
    """Give the places, on log2, of round folds between two places."""
    if high - low >= _WIDE_DOUBLINGS:
        step = max(1, round((high - low) / 8))
        return [float(k) for k in range(int(np.ceil(low)), int(np.floor(high)) + 1, step)]
    powers = range(int(np.floor(low / 2)) - 1, int(np.ceil(high / 2)) + 1)
    folds = [4.0**power * step for power in powers for step in _FOLDS_BETWEEN]
    return [float(np.log2(fold)) for fold in folds if low <= np.log2(fold) <= high]


def _draw_mark(specification: dict[str, Any], mark: Mark, axis: str = "y") -> None:
    """Add a dashed line at a value of an axis, if the axis reaches it."""
    from ..stats.figure_style import FONT, LABEL_PX

    encoding = _first_encoding(specification, axis)
    low, high = encoding["scale"]["domain"]
    if not low <= mark.value <= high:
        return
    data = {"values": [{axis: mark.value, "words": mark.words}]}
    place = {"field": axis, "type": "quantitative"}
    line = {"type": "rule", "color": _MARK_COLOUR, "strokeDash": list(_MARK_DASHES)}
    specification["layer"].append({"data": data, "mark": line, "encoding": {axis: place}})
    if mark.words:
        text = {
            "type": "text",
            "align": "right",
            "dy": -6 if axis == "y" else 0,
            "dx": 0 if axis == "y" else -6,
            "font": FONT,
            "fontSize": LABEL_PX - 1,
            "color": _MARK_COLOUR,
        }
        other = {"x": {"value": specification["width"]}} if axis == "y" else {"y": {"value": 8}}
        words = {"text": {"field": "words", "type": "nominal"}}
        encodings = {axis: place, **other, **words}
        specification["layer"].append({"data": data, "mark": text, "encoding": encodings})


def _first_encoding(specification: dict[str, Any], axis: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        layer["encoding"][axis]
        for layer in specification["layer"]
        if "domain" in layer["encoding"].get(axis, {}).get("scale", {})
    )
    return found


def curves_svg(
    values: pd.DataFrame,
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    name: str,
    mark: Mark | None = None,
) -> Markup | None:
    """Draw values over days: each animal's line, and mean ± SEM of each group.

    Parameters
    ----------
    values : pandas.DataFrame
        ``animal``, ``group``, ``day``, ``value``.
    groups : sequence of str
        Order of the groups.
    title, value_label : str
        Of the figure and of its value axis.
    name : str
        Put before every id of the SVG.
    mark : Mark, optional
        A day with an upright line.

    Returns
    -------
    markupsafe.Markup or None
        None where there is no value to draw.
    """
    from ..stats.figures import growth_chart

    known = values[values["value"].notna() & values["day"].notna()]
    present = [group for group in groups if (known["group"] == group).any()]
    if not present:
        return None
    chart = growth_chart(known, groups=present, title=title, value_label=value_label)
    specification = specification_of(chart)
    if mark is not None:
        _draw_mark(specification, mark, axis="x")
    return chart_svg(specification, name=name, title=title)


def specification_of(chart: Any) -> dict[str, Any]:
    """Give a chart as Vega-Lite, unchecked: tests check every kind of chart against the schema.

    The check takes a third of the time of a report.
    """
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


def chart_svg(specification: dict[str, Any], *, name: str, title: str) -> Markup:
    """Draw a chart's specification as an element of the page, with its own words beside it."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(specification)
    words = str(specification.get("description", title))
    return embeddable(svg, name=name, title=title, description=words)


def embeddable(svg: str, *, name: str, title: str, description: str) -> Markup:
    """Make an SVG file an element of the page: own ids, a role and a text alternative.

    Parameters
    ----------
    svg : str
        An SVG document.
    name : str
        Put before every id.
    title, description : str
        The text alternative.

    Returns
    -------
    markupsafe.Markup
        The element.

    Raises
    ------
    ValueError
        If the document holds anything that could run or load something.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        handlers = [key for key in element.attrib if key.lower().startswith("on")]
        if tag in _FORBIDDEN or handlers:
            raise ValueError(f"The figure {title!r} holds <{tag}>, which a report must not carry.")
    body = _IDENTIFIER.sub(rf"\g<1>{name}-", svg[svg.index("<svg") :])
    width, height = root.get("width", "400"), root.get("height", "300")
    body = body[body.index(">") + 1 :]
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" class="figure" viewBox="{box}" '
        'width="{width}" height="{height}" aria-labelledby="{name}-t" aria-describedby="{name}-d">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{description}</desc>'
    ).format(
        box=root.get("viewBox", f"0 0 {width} {height}"),
        width=width,
        height=height,
        name=name,
        title=title,
        description=description,
    )
    return head + Markup(body)
