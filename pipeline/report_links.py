"""What goes with iron status, on its page: scatter plots, correlations and what they say."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from .feature_words import feature_label
from .report_claims import Claim
from .report_exhibits import Evidence, Exhibit
from .report_figures import chart_svg, specification_of
from .report_tables import Table, plain_table
from .report_words import format_number, level_label

_COLUMNS = 3


def links_exhibit(evidence: Evidence) -> Exhibit:
    """Show the correlations of iron status with the other assays; empty where there are none."""
    links = evidence.extra.get("links")
    if links is None or links.empty:
        return Exhibit("Iron status and the other evidence")
    leading = links[links["feature"] == links["feature"].iloc[0]]
    return Exhibit(
        "Iron status and the other evidence",
        figure=_scatter(leading, evidence),
        caption="Each point is an animal that has both. Spearman's rank correlation over the "
        "animals of all groups, which groups that differ in both bring about by themselves; and "
        "within groups, each group's mean rank taken off.",
        claims=[_claim(row, evidence) for row in leading.to_dict("records")],
        wide=True,
    )


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['other_assay']}: {feature_label(row['other_feature'])}"


def _bare(feature: str) -> str:
    """Give a feature's label without its unit."""
    return feature_label(feature).partition(" (")[0]


def _within_sentence(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _interval(low: float, high: float, evidence: Evidence) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    level = level_label(evidence.study.alpha)
    return f" ({level} {format_number(low)} to {format_number(high)})"


def _claim(row: Mapping[str, Any], evidence: Evidence) -> Claim:
    other = f"{row['other_assay']}, {_within_sentence(_bare(row['other_feature']))}"
    iron = _within_sentence(_bare(row["feature"]))
    if math.isnan(row["rho"]):
        return Claim("untested", f"{other}: no correlation with {iron}.", row["note"])
    said = f"Spearman's ρ {format_number(row['rho'])}"
    said += _interval(row["ci_low"], row["ci_high"], evidence) + f", n = {row['n']:.0f} animals"
    if math.isfinite(row["rho_within"]):
        said += f"; within groups {format_number(row['rho_within'])}"
        said += _interval(row["within_low"], row["within_high"], evidence)
    if not _apart(row["ci_low"], row["ci_high"]):
        text = f"{other}: no association with {iron} is shown; this is no evidence of none."
        return Claim("none", text, f"{said}.")
    side = "higher" if row["rho"] > 0 else "lower"
    text = f"{other}: {side} where {iron} is higher"
    if _apart(row["within_low"], row["within_high"]):
        if row["rho_within"] * row["rho"] > 0:
            return Claim("all", f"{text}, within groups too.", f"{said}.")
        text += ", over all groups; the other way round within them."
        return Claim("some", text, f"{said}.")
    return Claim("some", f"{text}, over all groups; not shown within them.", f"{said}.")


def _apart(low: float, high: float) -> bool:
    """Tell whether an interval leaves 0 out."""
    return math.isfinite(low) and math.isfinite(high) and low * high > 0


def _scatter(leading: pd.DataFrame, evidence: Evidence) -> Markup | None:
    pairs = evidence.extra.get("linked_animals")
    if pairs is None or pairs.empty:
        return None
    from ..stats.figure_scatter import scatter_chart, scatter_grid

    charts = []
    for row in leading.to_dict("records"):
        own = pairs[
            (pairs["other_assay"] == row["other_assay"])
            & (pairs["other_feature"] == row["other_feature"])
        ]
        if own.empty:
            continue
        charts.append(
            scatter_chart(
                own,
                groups=evidence.groups,
                title=_named(row).partition(" (")[0],
                subtitle=f"ρ = {format_number(row['rho'])}, n = {row['n']:.0f}",
                x_label=feature_label(row["feature"]),
                y_label=feature_label(row["other_feature"]),
            )
        )
    if not charts:
        return None
    grid = scatter_grid(charts, columns=_COLUMNS)
    return chart_svg(
        specification_of(grid), name=f"{evidence.key}-links", title="Iron status and others"
    )


def links_table(evidence: Evidence) -> Table | None:
    """Lay out every correlation of iron status with the other assays."""
    links = evidence.extra.get("links")
    if links is None or links.empty:
        return None
    level = level_label(evidence.study.alpha)
    columns = {
        "feature": ("Iron status", feature_label),
        "other": ("And", str),
        "n": ("n (animals)", format_number),
        "rho": ("Spearman's ρ", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "rho_within": ("ρ within groups", format_number),
        "within_low": (f"{level} from", format_number),
        "within_high": ("to", format_number),
        "note": ("Note", str),
    }
    if not (links["note"] != "").any():
        del columns["note"]
    table = links.assign(other=[_named(row) for row in links.to_dict("records")])
    methods = ", ".join(method for method in dict.fromkeys(links["method"]) if method)
    caption = f"Correlations over animals; intervals by {methods}; none is corrected for the others"
    return plain_table(f"{evidence.key}-links", caption, table, columns)
