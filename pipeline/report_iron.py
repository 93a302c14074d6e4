"""The page of iron status: who is deficient, and what goes with what."""

from typing import Any

from .feature_words import feature_label
from .report_claims import Claim
from .report_exhibits import Evidence, Exhibit, Exhibits, filled, flag_counts, flag_table
from .report_exhibits import held_tables as held
from .report_figures import Mark
from .report_links import links_exhibit, links_table
from .report_tables import Table, plain_table
from .report_view import AssayView
from .report_words import format_number, level_label

SATURATION = "transferrin_saturation_percent"


def iron_exhibits(evidence: Evidence) -> Exhibits:
    """Make the exhibits of iron status."""
    deficient = Exhibit(
        "Iron deficiency",
        claims=_deficient_claims(evidence),
        tables=held([_deficient_table(evidence)]),
    )
    together = Exhibit(
        "Quantities of iron status among themselves",
        caption="Spearman's rank correlation over the animals of all groups together: quantities "
        "that a diet moves both go together through it.",
        tables=held([_correlation_table(evidence)]),
    )
    links = links_exhibit(evidence)
    return Exhibits(
        after=filled([deficient, links, together]),
        folded=held([links_table(evidence), flag_table(evidence)]),
        claims=[*deficient.claims, *links.claims],
        flags=flag_counts(evidence.extra),
    )


def saturation_mark(assay: AssayView) -> Mark | None:
    """Give the line below which iron is deficient."""
    percent: Any = assay.calibration.get("deficient_below_percent")
    if percent is None:
        return None
    return Mark(float(percent), f"{float(percent):g} %: deficient below")


def _deficient_claims(evidence: Evidence) -> list[Claim]:
    table = evidence.extra.get("deficient")
    mark = evidence.assay.calibration.get("deficient_below_percent")
    if table is None or mark is None:
        return []
    counts = [
        f"{row['deficient']:.0f} of {row['n']:.0f} in {row['group']}"
        for row in table.to_dict("records")
        if row["n"] > 0
    ]
    if not counts:
        return []
    text = f"Transferrin saturation below {float(mark):g} %: {'; '.join(counts)}."
    return [Claim("described", text, "Counted, not tested.")]


def _deficient_table(evidence: Evidence) -> Table | None:
    if "deficient" not in evidence.extra:
        return None
    columns = {
        "group": ("Group", str),
        "n": ("n (animals)", format_number),
        "deficient": ("Deficient", format_number),
        "deficient_percent": ("%", format_number),
    }
    caption = "Animals below the mark of transferrin saturation"
    return plain_table(f"{evidence.key}-deficient", caption, evidence.extra["deficient"], columns)


def _correlation_table(evidence: Evidence) -> Table | None:
    table = evidence.extra.get("correlations")
    if table is None:
        return None
    level = level_label(evidence.study.alpha)
    columns = {
        "name": ("Pair", _pair_label),
        "value": ("Spearman's ρ", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "n": ("n (animals)", format_number),
        "note": ("Note", str),
    }
    if not (table["note"] != "").any():
        del columns["note"]
    methods = [method for method in dict.fromkeys(table["method"]) if method]
    caption = "Correlations" + (f"; intervals by {', '.join(methods)}" if methods else "")
    return plain_table(f"{evidence.key}-correlations", caption, table, columns)


def _pair_label(name: str) -> str:
    first, joint, second = name.partition(" and ")
    return f"{feature_label(first)}{joint}{feature_label(second)}" if joint else name
