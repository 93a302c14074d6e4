"""A heat map of fold changes: genes by groups, on log2."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import as_numbers, group_names, group_text, require_columns
from .figure_style import FAINT, FONT, INK, LABEL_PX, axis, plain, rows, title_params, wrap

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

DIVERGING = ("#0072B2", "#F7F7F7", "#D55E00")
"""Lower, unchanged, higher: two of the palette's colours that every eye tells apart."""

_ROW_PX = 28
_COLUMN_PX = 84
_LEAST_RANGE = 1.0  # a doubling: smaller ranges would paint noise in full colour
_DARK_FROM = 0.6  # share of the range from which words stand in white
_MISSING = "#D9D9D9"


def fold_heatmap(
    folds: "pd.DataFrame",
    *,
    groups: Sequence[str],
    title: str,
    column_px: int = _COLUMN_PX,
) -> "alt.LayerChart":
    """Draw fold changes as colours, a row a gene and a column a group, with the folds in words.

    Parameters
    ----------
    folds : pandas.DataFrame
        Columns gene, group, fold_change (above 0; missing where a group has none). One row a gene
        and group; genes are drawn from the top in the table's order.
    groups : sequence of str
        Groups from left to right.
    title : str
        Title of the figure.
    column_px : int
        Width of a group's column in pixels.

    Returns
    -------
    altair.LayerChart
        The colour is log2 of the fold, its range the same on both sides of no change and never
        narrower than a halving to a doubling.

    Raises
    ------
    ValueError
        If a fold is 0 or less, or a gene and group stand twice.
    """
    import altair as alt

    require_columns(folds, "gene", "group", "fold_change")
    names = group_names(folds["group"], groups)
    genes = list(dict.fromkeys(folds["gene"].astype(str)))
    held = _by_cell(folds)
    cells = [
        _cell(gene, group, held.get((gene, group), math.nan)) for gene in genes for group in names
    ]
    reach = max(
        [_LEAST_RANGE, *(abs(cell["log2"]) for cell in cells if math.isfinite(cell["log2"]))]
    )
    for cell in cells:
        cell["ink"] = "#FFFFFF" if abs(cell["log2"]) >= _DARK_FROM * reach else INK
    x, y = _axes(names, genes, column_px)
    base = alt.Chart(rows(cells)).encode(x=x, y=y)
    known = [cell for cell in cells if math.isfinite(cell["log2"])]
    box = {"stroke": "#FFFFFF", "strokeWidth": 2}
    empty = base.mark_rect(color=_MISSING, **box)
    squares = alt.Chart(rows(known)).mark_rect(**box).encode(x=x, y=y, color=_colour(reach))
    words = base.mark_text(font=FONT, fontSize=LABEL_PX - 1).encode(
        text="words:N", color=alt.Color("ink:N", scale=None)
    )
    return (
        alt.layer(empty, squares, words)
        .resolve_scale(color="independent")
        .properties(
            width=column_px * max(len(names), 1),
            height=_ROW_PX * max(len(genes), 1),
            title=title_params(title, "Colour: log2 of the fold change; number: the fold", 280),
            description=_in_words(title, cells, genes),
            view=plain(),
        )
    )


def _axes(names: Sequence[str], genes: Sequence[str], column_px: int) -> tuple[Any, Any]:
    """Return the encodings of groups, named above, and of genes."""
    import altair as alt

    labels = {name: wrap(name, column_px, LABEL_PX - 1) for name in names}
    bare: dict[str, Any] = {"ticks": False, "domain": False, "format": alt.Undefined}
    words = f"{json.dumps(labels)}[datum.value]"
    above = axis(None, orient="top", labelAngle=0, labelExpr=words, labelLimit=0, **bare)
    x = alt.X("group:N", sort=list(names), scale=alt.Scale(domain=list(names)), axis=above)
    beside = axis(None, labelLimit=160, **bare)
    y = alt.Y("gene:N", sort=list(genes), scale=alt.Scale(domain=list(genes)), axis=beside)
    return x, y


def _by_cell(folds: "pd.DataFrame") -> dict[tuple[str, str], float]:
    """Give each gene's and group's fold."""
    numbers = as_numbers(folds["fold_change"], "fold_change")
    keys = list(zip(folds["gene"].astype(str), group_text(folds["group"]), strict=True))
    if len(set(keys)) < len(keys):
        raise ValueError("a gene and group stand twice: a heat map has one fold for each.")
    low = [key for key, number in zip(keys, numbers, strict=True) if number <= 0]
    if low:
        raise ValueError(
            f"the fold change of {low[0][0]!r} in {low[0][1]!r} is 0 or less, and has no logarithm."
        )
    return dict(zip(keys, map(float, numbers), strict=True))


def _cell(gene: str, group: str, fold: float) -> dict[str, Any]:
    known = math.isfinite(fold)
    return {
        "gene": gene,
        "group": group,
        "log2": float(np.log2(fold)) if known else math.nan,
        "words": f"{fold:.3g}" if known else "–",
    }


def _colour(reach: float) -> Any:
    import altair as alt

    return alt.Color(
        "log2:Q",
        scale=alt.Scale(domain=[-reach, 0.0, reach], range=list(DIVERGING)),
        legend=alt.Legend(
            title="log2",
            titleFont=FONT,
            titleFontWeight="normal",
            titleFontSize=LABEL_PX - 1,
            titleColor=FAINT,
            labelFont=FONT,
            labelFontSize=LABEL_PX - 1,
            gradientLength=max(2 * _ROW_PX, 56),
            tickCount=3,
        ),
    )


def _in_words(title: str, cells: Sequence[dict[str, Any]], genes: Sequence[str]) -> str:
    parts = []
    for gene in genes:
        own = ", ".join(f"{c['group']} {c['words']}" for c in cells if c["gene"] == gene)
        parts.append(f"{gene}: {own}")
    return f"{title}. Fold changes by gene and group. {'; '.join(parts)}."
