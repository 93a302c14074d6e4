"""A figure of effects with their intervals, one below the other."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import require_columns
from .figure_style import (
    FAINT,
    FONT,
    INK,
    LABEL_PX,
    PALETTE,
    axis,
    log_ticks,
    plain,
    rows,
    title_params,
)

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_ROW_PX = 28


def forest_chart(
    effects: "pd.DataFrame",
    *,
    title: str,
    effect_label: str,
    no_effect: float = 1.0,
    log: bool = True,
    width: int = 320,
) -> "alt.LayerChart":
    """Draw effects (odds ratios, fold changes, differences) with their intervals.

    Parameters
    ----------
    effects : pandas.DataFrame
        Columns label, estimate, ci_low, ci_high; one row an effect, drawn from the top. Intervals
        may be infinite (drawn to the frame) or missing (the point alone).
    title, effect_label : str
        Title of the figure; name of the effect, with its interval's level.
    no_effect : float
        Where the line of no effect stands: 1 for ratios, 0 for differences.
    log : bool
        Logarithmic axis, for ratios.
    width : int
        Width of the plot's area in pixels; the height follows the rows.

    Returns
    -------
    altair.LayerChart
    """
    import altair as alt

    require_columns(effects, "label", "estimate", "ci_low", "ci_high")
    records = _records(effects, log)
    domain = _domain(records, no_effect, log)
    for record in records:
        record["low"] = float(np.clip(record["low"], *domain))
        record["high"] = float(np.clip(record["high"], *domain))
    scale = alt.Scale(type="log" if log else "linear", domain=list(domain), nice=False, zero=False)
    ticks = {"values": log_ticks(*domain)} if log else {"tickCount": 6}
    x = alt.X("estimate:Q", scale=scale, axis=axis(effect_label, **ticks))
    described = "; ".join(f"{record['label']}: {record['words']}" for record in records)
    return alt.layer(_line(no_effect, x), *_marks(records, x, width)).properties(
        width=width,
        height=_ROW_PX * max(len(records), 1),
        title=title_params(title, "", width),
        description=f"{title}. {effect_label}. {described}.",
        view=plain(),
    )


def _line(no_effect: float, x: "alt.X") -> "alt.Chart":
    import altair as alt

    line = alt.Chart(rows([{"estimate": no_effect}]))
    return line.mark_rule(color=FAINT, strokeDash=[4, 3]).encode(x=x)


def _marks(records: list[dict[str, Any]], x: "alt.X", width: int) -> list["alt.Chart"]:
    """Give each effect's interval and point, and both in words to the right of the plot."""
    import altair as alt

    labels = axis(None, labelLimit=260, ticks=False, domain=False, offset=8, format=alt.Undefined)
    y = alt.Y("label:N", sort=None, axis=labels)
    base = alt.Chart(rows(records))
    interval = base.mark_rule(color=INK, strokeWidth=1.5)
    point = base.mark_point(filled=True, size=70, shape="square", color=PALETTE[0], opacity=1)
    words = base.mark_text(align="left", dx=width + 12, font=FONT, fontSize=LABEL_PX - 1, color=INK)
    return [
        interval.encode(x=alt.X("low:Q"), x2="high:Q", y=y),
        point.encode(x=x, y=y),
        words.encode(x=alt.value(0), y=y, text="words:N"),
    ]


def _records(effects: "pd.DataFrame", log: bool) -> list[dict[str, Any]]:
    records = []
    columns = (effects[name] for name in ("label", "estimate", "ci_low", "ci_high"))
    for label, estimate, low, high in zip(*columns, strict=True):
        if log and not estimate > 0:
            raise ValueError(
                f"The effect of {label!r} is {estimate!r}: a logarithmic axis needs effects above "
                "0; use log=False for differences."
            )
        known = not (np.isnan(low) or np.isnan(high))
        interval = f" ({_number(low)} to {_number(high)})" if known else ""
        record = {"label": str(label), "estimate": float(estimate)}
        record |= {"low": float(low if known else estimate)}
        record |= {"high": float(high if known else estimate), "words": f"{estimate:.3g}{interval}"}
        records.append(record)
    return records


def _number(value: float) -> str:
    return f"{value:.3g}".replace("inf", "∞")


def _domain(records: list[dict[str, Any]], no_effect: float, log: bool) -> tuple[float, float]:
    """Return an axis that holds every finite bound; infinite ones run to its end."""
    ends = [no_effect]
    for record in records:
        ends += [record[key] for key in ("low", "estimate", "high")]
    finite = np.array([end for end in ends if np.isfinite(end) and (end > 0 or not log)])
    if log:
        low, high = finite.min() / 1.25, finite.max() * 1.25
    else:
        margin = 0.08 * (finite.max() - finite.min()) or 1.0
        low, high = finite.min() - margin, finite.max() + margin
    return float(low), float(high)
