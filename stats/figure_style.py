"""What all figures share: colours, fonts, axes, scales; made for print and for every eye."""

import json
import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
"""Okabe and Ito's colours, told apart by colour-blind readers, without yellow and black."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
"""A second sign of the group, for print without colour."""

FONT = "Helvetica, Arial, sans-serif"
LABEL_PX = 12
TITLE_PX = 14
INK = "#222222"
FAINT = "#767676"
_CHARACTER = 0.55
# Marks closer to the frame than this share of the data's range look cut off.
_MARGIN = 0.06


def colours(count: int) -> list[str]:
    """Return so many colours, repeating the palette beyond its seven."""
    return [PALETTE[i % len(PALETTE)] for i in range(count)]


def title_params(title: str, subtitle: str, width: int) -> Any:
    """Return a title with its subtitle, both broken into lines that fit the figure."""
    import altair as alt

    return alt.TitleParams(
        text=wrap(title, width + 40, TITLE_PX),
        subtitle=wrap(subtitle, width + 40, LABEL_PX - 1) if subtitle else [],
        anchor="start",
        frame="bounds",
        font=FONT,
        fontSize=TITLE_PX,
        fontWeight="bold",
        color=INK,
        subtitleFont=FONT,
        subtitleFontSize=LABEL_PX - 1,
        subtitleColor=FAINT,
        offset=8,
    )


def wrap(text: str, width_px: float, font_px: float) -> list[str]:
    """Break text into lines of at most so many pixels, by the font's mean character."""
    characters = max(int(width_px / (font_px * _CHARACTER)), 6)
    return textwrap.wrap(text, characters, break_long_words=False) or [""]


def axis(title: str | None, **options: Any) -> Any:
    """Return an axis in the house's style."""
    import altair as alt

    style: dict[str, Any] = {
        "titleFont": FONT,
        "labelFont": FONT,
        "titleFontSize": LABEL_PX,
        "labelFontSize": LABEL_PX - 1,
        "titleFontWeight": "normal",
        "titleColor": INK,
        "labelColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "grid": False,
        "format": ",.6~g",
    }
    return alt.Axis(title=title, **(style | options))


def group_axis(labels: Sequence[Sequence[str]]) -> Any:
    """Return the axis of groups at 0, 1, 2 …, each with its lines of text."""
    return axis(
        None,
        values=list(range(len(labels))),
        labelExpr=f"{json.dumps([list(lines) for lines in labels])}[datum.value]",
        labelAngle=0,
        labelPadding=6,
        labelLineHeight=LABEL_PX + 3,
        labelOverlap=False,
        ticks=False,
    )


def group_x(labels: Sequence[Sequence[str]]) -> Any:
    """Return the x encoding of groups at 0, 1, 2 …, for a field called ``x``."""
    import altair as alt

    scale = alt.Scale(domain=[-0.5, len(labels) - 0.5], nice=False, zero=False)
    return alt.X("x:Q", scale=scale, axis=group_axis(labels))


def group_labels(names: Sequence[str], sizes: Sequence[int], slot_px: float) -> list[list[str]]:
    """Return each group's name, in lines that fit its slot, and its n below."""
    return [
        [*wrap(name, slot_px, LABEL_PX - 1), f"n = {n}"]
        for name, n in zip(names, sizes, strict=True)
    ]


def value_domain(values: Iterable[float]) -> tuple[float, float]:
    """Return the range of an axis of values.

    From 0 where no value lies below it and the smallest is under half the largest; otherwise the
    data's own range with a margin.
    """
    finite = np.array([v for v in values if math.isfinite(v)], dtype=float)
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low == high == 0:
        return 0.0, 1.0
    if low >= 0 and low < high / 2:
        return 0.0, high * (1 + _MARGIN)
    margin = _MARGIN * (high - low) or abs(high) * _MARGIN
    return low - margin, high + margin


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten in a range; beyond three decades the powers."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1,) if high / low > 1000 else (1, 2, 5)
    ticks = [float(f"{step * 10.0**power:.6g}") for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def rows(records: Iterable[dict[str, Any]]) -> Any:
    """Return altair's inline data, with missing numbers as null."""
    import altair as alt

    clean = [
        {
            key: (None if isinstance(entry, float) and not math.isfinite(entry) else entry)
            for key, entry in record.items()
        }
        for record in records
    ]
    return alt.Data(values=clean)


def plain() -> Any:
    """Return a view without a frame."""
    import altair as alt

    return alt.ViewBackground(stroke=None)
