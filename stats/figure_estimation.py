"""Estimation plots: the animals, and the differences of means with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import as_numbers, group_names, group_text, require_columns
from .figure_style import (
    FAINT,
    INK,
    axis,
    colours,
    group_labels,
    group_x,
    plain,
    rows,
    title_params,
    value_domain,
)
from .layout import check_reference
from .summaries import Group
from .swarm import swarm_offsets

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_POINT_PX = 6.0
_SEED = 20130613
_DENSITY_STEPS = 60
_FEW = 10
"""Animals a group below which a bootstrap interval holds the difference noticeably too seldom."""


@dataclass(frozen=True)
class BootstrapDifference:
    """A difference of means with its bootstrap interval.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        mean(group_a) − mean(group_b) and its interval.
    distribution : numpy.ndarray
        Differences of the resamples, shape (resamples,).
    method : str
        "BCa", or "percentile" where BCa's acceleration is undefined.
    """

    estimate: float
    ci_low: float
    ci_high: float
    distribution: np.ndarray
    method: str


def bootstrap_difference(
    a: Group, b: Group, *, level: float = 0.95, resamples: int = 9_999, seed: int = _SEED
) -> BootstrapDifference:
    """Difference of means with a bias-corrected and accelerated bootstrap interval.

    Parameters
    ----------
    a, b : Group
        Raw values, n ≥ 2; `b` is the reference.
    level : float
        Confidence level.
    resamples : int
        Bootstrap samples.
    seed : int
        Seed of the resampling: the same data give the same interval.

    Returns
    -------
    BootstrapDifference

    Raises
    ------
    ValueError
        If a group has fewer than two values or is known by its summary alone.

    References
    ----------
    Efron (1987), Journal of the American Statistical Association 82, 171-185.

    Examples
    --------
    >>> found = bootstrap_difference(Group.from_values("a", [5, 6, 7, 9]),
    ...                              Group.from_values("b", [1, 2, 3, 3]))
    >>> found.estimate, round(found.ci_low, 2), round(found.ci_high, 2), found.method
    (4.5, 3.0, 6.5, 'BCa')
    """
    from scipy import stats

    x, y = a.raw("bootstrap_difference"), b.raw("bootstrap_difference")
    if min(x.size, y.size) < 2:
        raise ValueError(
            f"A bootstrap needs at least 2 values a group; {a.name} has {x.size}, "
            f"{b.name} {y.size}: leave the smaller group out, or measure more."
        )
    constant = np.ptp(x) == 0 and np.ptp(y) == 0
    method = "percentile" if constant else "BCa"
    result = stats.bootstrap(
        (x, y),
        lambda first, second, axis: first.mean(axis=axis) - second.mean(axis=axis),
        n_resamples=resamples,
        confidence_level=level,
        method=method,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    low, high = (float(bound) for bound in result.confidence_interval)
    return BootstrapDifference(
        a.mean - b.mean, low, high, np.asarray(result.bootstrap_distribution), method
    )


def estimation_chart(
    values: "pd.DataFrame",
    *,
    groups: Sequence[str],
    title: str,
    value_label: str,
    reference: str | None = None,
    level: float = 0.95,
    seed: int = _SEED,
    width: int = 360,
    height: int = 220,
) -> "alt.VConcatChart":
    """Draw the animals above, and each group's difference from the reference below.

    Parameters
    ----------
    values : pandas.DataFrame
        One row an animal: columns animal, group, value. Missing values are left out.
    groups : sequence of str
        Groups from left to right.
    title, value_label : str
        Title of the figure; name and unit of the value.
    reference : str, optional
        The group that the others are compared with; by default the first.
    level : float
        Confidence level of the BCa intervals.
    seed : int
        Seed of the bootstrap.
    width, height : int
        Size of each of the two plots' areas in pixels.

    Returns
    -------
    altair.VConcatChart
        The differences are left out where none can be drawn. The subtitle names groups without
        one, and says so where a group has so few animals that bootstrap intervals are too narrow.

    Notes
    -----
    In 600 simulated studies each, BCa's 95 % interval of the difference of two normal groups held
    the true one in 79 % with 3 animals a group, 88 % with 5, 92 % with 9.
    """
    import altair as alt

    require_columns(values, "animal", "group", "value")
    names = group_names(values["group"], groups)
    numbers, labels = as_numbers(values["value"], "value"), group_text(values["group"])
    finite = np.isfinite(numbers)
    summaries = [
        Group.from_values(name, np.sort(numbers[(labels == name) & finite])) for name in names
    ]
    check_reference(summaries, reference)
    base = next((group for group in summaries if group.name == reference), summaries[0])
    lacking = {group.name: _no_difference(group, base) for group in summaries if group is not base}
    found = {
        i: bootstrap_difference(group, base, level=level, seed=seed)
        for i, group in enumerate(summaries)
        if group is not base and not lacking[group.name]
    }
    axes = group_x(group_labels(names, [group.n for group in summaries], width / len(names)))
    upper = _animals(summaries, axes, value_label, width, height)
    panels = [upper]
    if found:
        panels.append(_differences(found, summaries, base, axes, level, width, height))
    subtitle = _subtitle(base, lacking, [summaries[i].n for i in found], level)
    words = "; ".join(
        f"{names[i]} − {base.name}: {d.estimate:.4g} ({d.ci_low:.4g} to {d.ci_high:.4g})"
        for i, d in found.items()
    )
    return alt.vconcat(*panels, spacing=14).properties(
        title=title_params(title, subtitle, width),
        description=f"{title}. {value_label}. Difference of means with interval: {words}.",
    )


def _no_difference(group: Group, base: Group) -> str:
    """Say why a group's difference has no bootstrap interval, or return empty text."""
    if group.n < 2:
        return f"n = {group.n}"
    if base.n > 1 and group.sd == base.sd == 0:
        return "all values equal"
    return "" if base.n > 1 else "no reference"


def _subtitle(base: Group, lacking: Mapping[str, str], sizes: Sequence[int], level: float) -> str:
    """Say what stands below, which differences don't, and where intervals are too narrow."""
    if base.n < 2:
        return f"Animals alone: no difference from {base.name}: n = {base.n}"
    without = ", ".join(f"{name} ({why})" for name, why in lacking.items() if why)
    smallest = min([base.n, *sizes])
    parts = [
        f"Below: difference from {base.name}, BCa bootstrap interval ({100 * level:g} %)"
        if sizes
        else f"Animals alone: no difference from {base.name}",
        f"too narrow below {_FEW} animals a group (here {smallest})"
        if sizes and smallest < _FEW
        else "",
        f"none for {without}" if without else "",
    ]
    return "; ".join(part for part in parts if part)


def _animals(
    summaries: Sequence[Group], axes: Any, value_label: str, width: int, height: int
) -> Any:
    import altair as alt

    low, high = value_domain([v for group in summaries for v in group.raw("estimation_chart")])
    slot, palette, records = width / len(summaries), colours(len(summaries)), []
    for i, group in enumerate(summaries):
        own = group.raw("estimation_chart")
        offsets = swarm_offsets(
            (own - low) / (high - low) * height, diameter_px=_POINT_PX, limit_px=0.4 * slot
        )
        records += [
            {"x": i + float(offset) / slot, "value": float(value), "colour": palette[i]}
            for value, offset in zip(own, offsets, strict=True)
        ]
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    return (
        alt.Chart(rows(records))
        .mark_point(filled=True, size=_POINT_PX**2, opacity=0.8)
        .encode(
            x=axes,
            y=alt.Y("value:Q", scale=scale, axis=axis(value_label, tickCount=5)),
            color=alt.Color("colour:N", scale=None),
        )
        .properties(width=width, height=height, view=plain())
    )


def _differences(
    found: dict[int, BootstrapDifference],
    summaries: Sequence[Group],
    base: Group,
    axes: Any,
    level: float,
    width: int,
    height: int,
) -> Any:
    import altair as alt

    ends = [end for d in found.values() for end in (*np.quantile(d.distribution, [0.001, 0.999]),)]
    low, high = _with_zero([float(end) for end in ends])
    palette = colours(len(summaries))
    shapes = [record for i, d in found.items() for record in _density(i, d, palette[i])]
    marks = [
        {"x": i, "y": d.estimate, "low": d.ci_low, "high": d.ci_high} for i, d in found.items()
    ]
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    label = axis(f"Difference from {base.name}", tickCount=5)
    y = alt.Y("y:Q", scale=scale, axis=label)
    zero = alt.Chart(rows([{"y": 0.0}])).mark_rule(color=FAINT, strokeDash=[4, 3]).encode(y=y)
    areas = (
        alt.Chart(rows(shapes))
        .mark_line(filled=True, opacity=0.35, strokeWidth=0)
        .encode(
            x=axes,
            y=y,
            order="order:Q",
            detail="group:N",
            fill=alt.Fill("colour:N", scale=None),
        )
    )
    points = alt.Chart(rows(marks))
    return alt.layer(
        zero,
        areas,
        points.mark_rule(color=INK, strokeWidth=2).encode(x=axes, y=alt.Y("low:Q"), y2="high:Q"),
        points.mark_point(filled=True, size=60, color=INK, opacity=1).encode(x=axes, y=y),
    ).properties(width=width, height=height, view=plain())


def _density(position: int, difference: BootstrapDifference, colour: str) -> list[dict[str, Any]]:
    """Outline half a violin, to the right of the group's middle."""
    from scipy import stats

    if np.ptp(difference.distribution) == 0:
        return []
    low, high = np.quantile(difference.distribution, [0.001, 0.999])
    steps = np.linspace(low, high, _DENSITY_STEPS)
    density = stats.gaussian_kde(difference.distribution)(steps)
    outline = position + 0.06 + 0.34 * density / density.max()
    edge = [(position + 0.06, float(low)), *zip(outline, steps, strict=True)]
    edge.append((position + 0.06, float(high)))
    return [
        {"x": float(x), "y": float(y), "order": k, "group": str(position), "colour": colour}
        for k, (x, y) in enumerate(edge)
    ]


def _with_zero(ends: Sequence[float]) -> tuple[float, float]:
    """Return an axis that holds the ends and 0, with a margin."""
    low, high = min([0.0, *ends]), max([0.0, *ends])
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
