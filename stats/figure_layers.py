"""The layers of a figure of groups: points, means with errors, brackets, and their geometry."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .brackets import INSET_PX, Bracket
from .figure_style import FONT, INK, LABEL_PX, colours, rows, value_domain
from .summaries import Group, mean_interval
from .swarm import swarm_offsets

ErrorBar = Literal["sem", "sd", "ci"]


ERROR_NAMES = {"sem": "SEM", "sd": "SD", "ci": "95 % interval"}


_LEVEL_PX = 24.0


_POINT_PX = 7.0


class Frame:
    """Geometry of a figure: value axis, room for brackets above it, pixels of a value."""

    def __init__(
        self, values: np.ndarray, brackets: Sequence[Bracket], count: int, width: int, height: int
    ) -> None:
        self.width, self.height, self.count = width, height, count
        self.low, self.top = value_domain(values)
        levels = 1 + max((bracket.level for bracket in brackets), default=-1)
        free = height - levels * _LEVEL_PX
        self.per_px = (self.top - self.low) / max(free, height / 3)
        self.high = self.top + levels * _LEVEL_PX * self.per_px
        self.slot_px = width / count

    def pixels(self, values: np.ndarray) -> np.ndarray:
        """Return heights in pixels above the bottom."""
        return (values - self.low) / self.per_px

    def level(self, level: int) -> float:
        """Return the value at which a row of brackets stands."""
        return self.top + (level + 0.25) * _LEVEL_PX * self.per_px


def animal_points(
    names: Sequence[str],
    numbers: np.ndarray,
    labels: np.ndarray,
    animals: np.ndarray,
    frame: Frame,
) -> list[dict[str, Any]]:
    """Return one record an animal, set side by side where points would cover one another."""
    palette, records = colours(len(names)), []
    for i, name in enumerate(names):
        chosen = np.flatnonzero((labels == name) & np.isfinite(numbers))
        # By value and name, so that the order of rows changes nothing.
        chosen = chosen[np.lexsort((animals[chosen], numbers[chosen]))]
        offsets = swarm_offsets(
            frame.pixels(numbers[chosen]), diameter_px=_POINT_PX, limit_px=0.36 * frame.slot_px
        )
        for row, offset in zip(chosen, offsets, strict=True):
            records.append(
                {
                    "x": i + float(offset) / frame.slot_px,
                    "value": float(numbers[row]),
                    "animal": str(animals[row]),
                    "group": name,
                    "colour": palette[i],
                }
            )
    return records


def point_layer(points: list[dict[str, Any]], value_label: str) -> Any:
    """Draw the animals, with their names on hovering."""
    import altair as alt

    return (
        alt.Chart(rows(points))
        .mark_point(size=_POINT_PX**2, filled=True, opacity=0.75)
        .encode(
            x=alt.X("x:Q"),
            y=alt.Y("value:Q"),
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                alt.Tooltip("animal:N"),
                alt.Tooltip("group:N"),
                alt.Tooltip("value:Q", title=value_label),
            ],
        )
    )


def error_ends(group: Group, error: ErrorBar) -> tuple[float, float]:
    """Return the ends of a group's error bar; both at the mean where n is under 2."""
    if group.n < 2:
        return group.mean, group.mean
    if error == "ci":
        return mean_interval(group)
    half = group.sem if error == "sem" else group.sd
    return group.mean - half, group.mean + half


def mean_layers(summaries: Sequence[Group], error: ErrorBar) -> list[Any]:
    """Draw each group's mean as a line and its error as a capped bar."""
    import altair as alt

    line, cap = 0.22, 0.08
    across, upright = [], []
    for i, group in enumerate(summaries):
        if group.n == 0:
            continue
        low, high = error_ends(group, error)
        across.append({"x": i - line, "x2": i + line, "y": group.mean, "size": 2.5})
        if group.n > 1:
            upright.append({"x": i, "y": low, "y2": high})
            across += [{"x": i - cap, "x2": i + cap, "y": end, "size": 1.5} for end in (low, high)]
    flat = (
        alt.Chart(rows(across))
        .mark_rule(color=INK)
        .encode(
            x=alt.X("x:Q"),
            x2="x2:Q",
            y=alt.Y("y:Q"),
            strokeWidth=alt.StrokeWidth("size:Q", scale=None),
        )
    )
    rods = (
        alt.Chart(rows(upright))
        .mark_rule(color=INK, strokeWidth=1.5)
        .encode(x=alt.X("x:Q"), y=alt.Y("y:Q"), y2="y2:Q")
    )
    return [flat, rods]


def box_layers(summaries: Sequence[Group]) -> list[Any]:
    """Draw each group's quartiles as a box, its median as a line, and Tukey's whiskers."""
    import altair as alt

    half, boxes, medians, whiskers = 0.26, [], [], []
    for i, group in enumerate(summaries):
        if group.n == 0:
            continue
        own = group.raw("a box")
        q1, median, q3 = (float(q) for q in np.quantile(own, [0.25, 0.5, 0.75]))
        inside = own[(own >= q1 - 1.5 * (q3 - q1)) & (own <= q3 + 1.5 * (q3 - q1))]
        boxes.append({"x": i - half, "x2": i + half, "y": q1, "y2": q3})
        medians.append({"x": i - half, "x2": i + half, "y": median})
        whiskers.append({"x": i, "y": float(inside.min()), "y2": q1})
        whiskers.append({"x": i, "y": q3, "y2": float(inside.max())})
    x, y = alt.X("x:Q"), alt.Y("y:Q")
    return [
        alt.Chart(rows(boxes))
        .mark_rect(filled=False, stroke=INK, strokeWidth=1.2)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q"),
        alt.Chart(rows(medians)).mark_rule(color=INK, strokeWidth=2.5).encode(x=x, x2="x2:Q", y=y),
        alt.Chart(rows(whiskers)).mark_rule(color=INK, strokeWidth=1.2).encode(x=x, y=y, y2="y2:Q"),
    ]


def bracket_layers(brackets: Sequence[Bracket], frame: Frame) -> list[Any]:
    """Draw the brackets with their p-values."""
    import altair as alt

    if not brackets:
        return []
    inset, foot = INSET_PX / frame.slot_px, 4 * frame.per_px
    bars, feet, texts = [], [], []
    for bracket in brackets:
        y, left, right = frame.level(bracket.level), bracket.left + inset, bracket.right - inset
        bars.append({"x": left, "x2": right, "y": y})
        feet += [{"x": x, "y": y - foot, "y2": y} for x in (left, right)]
        texts.append({"x": (left + right) / 2, "y": y, "text": bracket.label})
    rule = {"color": INK, "strokeWidth": 1}
    x, y = alt.X("x:Q"), alt.Y("y:Q")
    return [
        alt.Chart(rows(bars)).mark_rule(**rule).encode(x=x, x2="x2:Q", y=y),
        alt.Chart(rows(feet)).mark_rule(**rule).encode(x=x, y=y, y2="y2:Q"),
        alt.Chart(rows(texts))
        .mark_text(dy=-7, font=FONT, fontSize=LABEL_PX - 1, color=INK)
        .encode(x=x, y=y, text="text:N"),
    ]


def round_ticks(low: float, high: float) -> list[float]:
    """Return round values inside the data's range, so that brackets stand above the axis' ticks."""
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(power * next(s for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999))
    first = int(np.ceil(low / step - 1e-9))
    return [float(f"{i * step:.12g}") for i in range(first, int(high / step + 1e-9) + 1)]
