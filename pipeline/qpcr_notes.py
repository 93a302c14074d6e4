"""What a reader should know of a qPCR: efficiencies, stability, exclusions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .qpcr_miqe import NOT_IN_A_TABLE, POLICY, miqe_items
from .qpcr_results import QpcrResults
from .qpcr_table import Wells

if TYPE_CHECKING:
    from ..stats.genorm import Genorm
    from .qpcr_assay import QpcrAssay


def efficiency_table(
    genes: Sequence[str], given: Mapping[str, float], fitted: pd.DataFrame | None
) -> pd.DataFrame:
    """Give each gene's amplification, and whether it was given, fitted or taken as 2.

    What the study file gives wins over a dilution series, which wins over 2.
    """
    from ..stats.qpcr import DOUBLING

    series = {} if fitted is None else {row["gene"]: row for row in fitted.to_dict("records")}
    rows = []
    for gene in genes:
        row = series.get(gene, {})
        fit = row.get("amplification", np.nan)
        if gene in given:
            value, source, note = given[gene], "study file", ""
        elif np.isfinite(fit):
            value, source, note = fit, "dilutions", ""
        else:
            value, source, note = DOUBLING, "assumed", row.get("note", "")
        numbers = {key: row.get(key, np.nan) for key in ("slope", "r_squared", "levels", "wells")}
        rows.append(
            {
                "gene": gene,
                "amplification": float(value),
                "efficiency_percent": 100 * (float(value) - 1),
                "source": source,
                **numbers,
                "note": note,
            }
        )
    columns = ["gene", "amplification", "efficiency_percent", "source", "slope", "r_squared"]
    return pd.DataFrame(rows, columns=[*columns, "levels", "wells", "note"])


def qpcr_notes(
    assay: "QpcrAssay",
    read: Wells,
    found: QpcrResults,
) -> dict[str, Any]:
    """Put together the notes of a qPCR, JSON-serialisable.

    Parameters
    ----------
    assay : QpcrAssay
        The assay with its options.
    read : Wells
        The wells as read.
    found : QpcrResults
        What was worked out from them.

    Returns
    -------
    dict
        By note.
    """
    judged, rates = found.judged, found.efficiencies
    left_out = judged[~judged["used"]]
    return {
        "form": read.form,
        "ignored_columns": list(read.ignored_columns),
        "reference_genes": list(assay.reference_genes),
        "formula": "fold change = A^(mean Cq of the reference group - Cq), divided by the "
        "geometric mean of the same for the reference genes, relative to the geometric mean of "
        "the reference group (Pfaffl 2001, Vandesompele 2002, Hellemans 2007)",
        "amplification": dict(zip(rates["gene"], rates["amplification"].round(4), strict=True)),
        "policy": dict(POLICY),
        "wells": {
            "read": len(judged),
            "left_out": len(left_out),
            "why": {str(key): int(n) for key, n in left_out["reason"].value_counts().items()},
            "rows": _left_out_rows(left_out),
        },
        "undetermined_samples": _undetermined(found.quantities),
        "genorm": _genorm(found.stability),
        "plates": _plates(found.plates),
        "pooled": _pooled(found.quantities),
        "controls_with_a_cq": _controls(read.controls),
        "standards_left_out": read.standards,
        "miqe": miqe_items(found, read.controls, assay.calibrators),
        "miqe_not_in_the_table": list(NOT_IN_A_TABLE),
    }


def _left_out_rows(left_out: pd.DataFrame) -> list[str]:
    return [
        f"row {row}: {held['animal']}, {held['gene']}, "
        + ("no Cq" if np.isnan(held["cq"]) else f"Cq {held['cq']:g}")
        + f", {held['reason']}"
        for row, held in zip(left_out.index, left_out.to_dict("records"), strict=True)
    ]


def _undetermined(quantities: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count samples without a Cq by gene and group: missing by being low is not at random."""
    missing = quantities[quantities["cq"].isna()]
    counts = missing.groupby(["gene", "group"], sort=False).size()
    found: dict[str, dict[str, int]] = {}
    for (gene, group), count in counts.items():
        found.setdefault(str(gene), {})[str(group)] = int(count)
    return found


def _genorm(stability: "Genorm") -> dict[str, Any]:
    m = stability.stability
    return {
        "m": {row["gene"]: _rounded(row["m"]) for row in m.to_dict("records")},
        "v": {
            f"V{row['genes']}/{row['genes'] + 1}": _rounded(row["v"])
            for row in stability.variation.to_dict("records")
        },
        "recommended": list(stability.recommended),
        "samples": stability.samples,
        "note": stability.note,
    }


def _plates(plates: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "gene": row["gene"],
            "plate": row["plate"],
            "shared_samples": int(row["shared_samples"]),
            "offset_cq": _rounded(row["offset_cq"]),
        }
        for row in plates.to_dict("records")
    ]


def _pooled(quantities: pd.DataFrame) -> dict[str, Any]:
    from ..stats.pools import POOLED_NOTE

    groups = list(dict.fromkeys(quantities.loc[quantities["pooled"], "group"]))
    return {"groups": groups, "why_no_p": POOLED_NOTE} if groups else {}


def _controls(controls: pd.DataFrame) -> list[str]:
    """Name the wells without template that amplified."""
    held = controls[controls["cq"].notna()]
    return [f"{row['gene']}: Cq {row['cq']:g}" for row in held.to_dict("records")]


def _rounded(number: float) -> float | None:
    return round(float(number), 4) if np.isfinite(number) else None
