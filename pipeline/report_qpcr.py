"""The page of a qPCR: heat map, efficiencies, stability of the reference genes, wells, MIQE."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from .report_exhibits import Evidence, Exhibit, Exhibits, filled
from .report_exhibits import held_tables as held
from .report_figures import chart_svg, specification_of
from .report_tables import Cell, Table, plain_table
from .report_words import MISSING, format_number, level_label, listed

_POOLED = "pooled: n = 1, no p"


def qpcr_exhibits(evidence: Evidence) -> Exhibits:
    """Make the exhibits of a qPCR."""
    notes = evidence.assay.calibration
    folds = Exhibit(
        "Fold changes of all genes",
        figure=_heatmap(evidence),
        caption="Geometric means of the groups, relative to the reference group "
        f"({evidence.study.reference}); a colour as far from the middle means as many doublings.",
        tables=held([_fold_table(evidence)]),
        wide=True,
    )
    genes = Exhibit(
        "Reference genes and efficiencies",
        caption=_stability_sentence(notes.get("genorm", {})),
        tables=held(
            [_efficiency_table(evidence), _genorm_table(evidence), _variation_table(evidence)]
        ),
    )
    wells = Exhibit(
        "Wells left out",
        caption=_well_sentence(notes),
        tables=held([_well_table(evidence), _plate_table(evidence)]),
    )
    miqe = Exhibit(
        "MIQE: what the table tells",
        caption="Not in a table of Cq values, to be given elsewhere: "
        + "; ".join(notes.get("miqe_not_in_the_table", ()))
        + ".",
        tables=held([_miqe_table(evidence)]),
    )
    shown = [*filled([folds, genes]), *([wells] if wells.caption else []), *filled([miqe])]
    return Exhibits(notes=_sentences(notes), after=shown)


def _sentences(notes: Mapping[str, Any]) -> list[str]:
    said = [
        "Each point is an animal's fold change, on a logarithmic axis; the line is the geometric "
        "mean of its group and the bar one SEM of log2. The dashed line is no change."
    ]
    pooled = notes.get("pooled") or {}
    if pooled.get("groups"):
        why = str(pooled.get("why_no_p", "")).rstrip(".")
        groups = listed(list(pooled["groups"]))
        said.append(f"{groups} – {_POOLED}. {why[:1].upper()}{why[1:]}.")
    controls = notes.get("controls_with_a_cq") or ()
    if controls:
        said.append(f"Controls without template that amplified: {'; '.join(controls)}.")
    missing = notes.get("undetermined_samples") or {}
    for gene, groups in missing.items():
        counts = listed([f"{group}: {n}" for group, n in groups.items()])
        said.append(f"Samples without a quantity of {gene}: {counts}.")
    return said


def _heatmap(evidence: Evidence) -> Any:
    folds = evidence.extra.get("folds")
    if folds is None or not (folds["fold_change"] > 0).any():
        return None
    from ..stats.figure_heatmap import fold_heatmap

    title = "Fold changes by gene and group"
    present = [group for group in evidence.groups if (folds["group"] == group).any()]
    chart = fold_heatmap(folds, groups=present, title=title)
    return chart_svg(specification_of(chart), name=f"{evidence.key}-heat", title=title)


def _fold_table(evidence: Evidence) -> Table | None:
    folds = evidence.extra.get("folds")
    if folds is None:
        return None
    known = folds[folds["fold_change"].notna()]
    said = [_POOLED if pooled else "" for pooled in known["pooled"]]
    columns = {
        "gene": ("Gene", str),
        "group": ("Group", str),
        "n": ("n (animals)", format_number),
        "fold_change": ("Fold change", format_number),
        "ci_low": (f"{level_label(evidence.study.alpha)} from", format_number),
        "ci_high": ("to", format_number),
        "technical_low": ("Wells − 1 SD", format_number),
        "technical_high": ("Wells + 1 SD", format_number),
        "said": ("Note", str),
    }
    shown = known.assign(said=said)
    for name in ("technical_low", "technical_high"):
        if not shown[name].notna().any():
            del columns[name]
    if not any(said):
        del columns["said"]
    caption = "Fold changes: geometric means of groups, intervals made on log2 over animals"
    return plain_table(f"{evidence.key}-folds", caption, shown, columns)


def _efficiency_table(evidence: Evidence) -> Table | None:
    table = evidence.extra.get("efficiencies")
    if table is None:
        return None
    sources = {"assumed": "taken as 2", "dilutions": "dilution series", "study file": "study file"}
    columns = {
        "gene": ("Gene", str),
        "amplification": ("Amplification a cycle", format_number),
        "efficiency_percent": ("Efficiency (%)", format_number),
        "source": ("From", lambda code: sources.get(code, code)),
        "slope": ("Slope", format_number),
        "r_squared": ("r²", format_number),
        "levels": ("Dilutions", format_number),
        "note": ("Note", str),
    }
    if not table["slope"].notna().any():
        for name in ("slope", "r_squared", "levels"):
            del columns[name]
    if not (table["note"] != "").any():
        del columns["note"]
    caption = "Amplification of each gene"
    return plain_table(f"{evidence.key}-efficiencies", caption, table, columns)


def _genorm_table(evidence: Evidence) -> Table | None:
    if "genorm" not in evidence.extra:
        return None
    columns = {
        "gene": ("Reference gene", str),
        "m": ("M", format_number),
        "m_at_exclusion": ("M when left out", format_number),
        "rank": ("Rank", format_number),
    }
    caption = "geNorm: M of each reference gene, the smaller the steadier"
    return plain_table(f"{evidence.key}-genorm", caption, evidence.extra["genorm"], columns)


def _variation_table(evidence: Evidence) -> Table:
    """Lay out V, which says how much one more reference gene would change."""
    found = evidence.assay.calibration.get("genorm", {}).get("v", {})
    rows = []
    for name, value in found.items():
        number = math.nan if value is None else float(value)
        rows.append((Cell(str(name)), Cell(format_number(number), number)))
    caption = "geNorm: V, the change that one more reference gene makes"
    return Table(f"{evidence.key}-v", caption, ("Genes", "V"), (False, True), tuple(rows))


def _stability_sentence(genorm: Mapping[str, Any]) -> str:
    parts = []
    if genorm.get("recommended"):
        genes = listed(list(genorm["recommended"]))
        parts.append(f"geNorm recommends {genes}, over {genorm.get('samples', MISSING)} samples.")
    note = str(genorm.get("note", "")).strip()
    if note:
        parts.append(f"{note[:1].upper()}{note[1:].rstrip('.')}.")
    return " ".join(parts)


def _well_sentence(notes: Mapping[str, Any]) -> str:
    wells = notes.get("wells", {})
    if not wells:
        return ""
    policy = notes.get("policy", {})
    said = f"{wells.get('left_out', 0)} of {wells.get('read', 0)} wells were left out."
    rules = [policy[name] for name in ("technical_replicates", "undetermined") if name in policy]
    return " ".join([said, *(f"{rule[:1].upper()}{rule[1:]}." for rule in rules)])


def _well_table(evidence: Evidence) -> Table | None:
    wells = evidence.extra.get("wells")
    if wells is None:
        return None
    columns = {
        "row": ("Row", format_number),
        "animal": ("Animal", str),
        "group": ("Group", str),
        "gene": ("Gene", str),
        "plate": ("Plate", str),
        "cq": ("Cq", lambda cq: "no Cq" if math.isnan(cq) else format_number(cq)),
        "reason": ("Why", lambda code: str(code).replace("_", " ")),
    }
    left_out = wells[~wells["used"]]
    if not (left_out["plate"] != "").any():
        del columns["plate"]
    return plain_table(f"{evidence.key}-wells", "Wells left out, and why", left_out, columns)


def _plate_table(evidence: Evidence) -> Table | None:
    if "plates" not in evidence.extra:
        return None
    columns = {
        "gene": ("Gene", str),
        "plate": ("Plate", str),
        "shared_samples": ("Shared samples", format_number),
        "offset_cq": ("Offset taken off (Cq)", format_number),
    }
    caption = "Plates brought together by the samples that they share"
    return plain_table(f"{evidence.key}-plates", caption, evidence.extra["plates"], columns)


def _miqe_table(evidence: Evidence) -> Table:
    items = evidence.assay.calibration.get("miqe", {})
    table = pd.DataFrame(list(items.items()), columns=["item", "words"])
    columns = {"item": ("Item", _item), "words": ("Here", str)}
    return plain_table(f"{evidence.key}-miqe", "Items of MIQE", table, columns)


def _item(item: str) -> str:
    """Begin an item with a capital, except a symbol."""
    return item if item.startswith("r²") else item[:1].upper() + item[1:]
