"""Figures of the report: the statistics' charts as static SVG inside the page."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pandas as pd
from markupsafe import Markup

_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)')
_FORBIDDEN = ("script", "foreignObject", "image", "a")


def figure_svg(
    values: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    alpha: float,
    name: str,
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

    Returns
    -------
    markupsafe.Markup or None
        The ``svg`` element, with a text alternative; None where there is no value to draw.
    """
    known = values[values["value"].notna()]
    if known.empty:
        return None
    import vl_convert

    from ..stats.figures import group_chart

    chart = group_chart(
        known, comparisons, groups=list(groups), title=title, value_label=value_label, alpha=alpha
    )
    specification = chart.to_dict()
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
