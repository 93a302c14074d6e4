"""What a reader should know of a qPCR: efficiencies, stability, exclusions, MIQE's items."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .qpcr_table import Wells

if TYPE_CHECKING:
    from ..stats.genorm import Genorm
    from .qpcr_assay import QpcrAssay

# Efficiencies of 90 to 110 % are what MIQE's authors ask for.
_LOW_PERCENT, _HIGH_PERCENT = 90.0, 110.0

NOT_IN_A_TABLE = (
    "primer and probe sequences, amplicon length and specificity",
    "RNA extraction, quantity, integrity and test for inhibition",
    "DNase treatment and reverse transcription (enzyme, priming, amount of RNA)",
    "reaction volume, chemistry, instrument and cycling",
    "limit of detection",
)
"""Items of MIQE that no table of Cq values holds."""

POLICY = {
    "technical_replicates": "of three wells or more, one that lies over 0.5 Cq from their median "
    "is left out if the others agree within 0.5 Cq; at most one a set; other sets that spread "
    "further are kept and marked",
    "undetermined": "a well without a Cq is left out, never set to a number of cycles; a sample "
    "with fewer than half of its wells determined has no quantity of the gene",
    "missing_reference_gene": "a sample that lacks a reference gene is left out, not normalised "
    "by the others",
}


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
    judged: pd.DataFrame,
    quantities: pd.DataFrame,
    stability: "Genorm",
    efficiencies: pd.DataFrame,
    plates: pd.DataFrame,
) -> dict[str, Any]:
    """Put together the notes of a qPCR, JSON-serialisable."""
    left_out = judged[~judged["used"]]
    return {
        "form": read.form,
        "ignored_columns": list(read.ignored_columns),
        "reference_genes": list(assay.reference_genes),
        "formula": "fold change = A^(mean Cq of the reference group - Cq), divided by the "
        "geometric mean of the same for the reference genes, relative to the geometric mean of "
        "the reference group (Pfaffl 2001, Vandesompele 2002, Hellemans 2007)",
        "amplification": dict(
            zip(efficiencies["gene"], efficiencies["amplification"].round(4), strict=True)
        ),
        "policy": dict(POLICY),
        "wells": {
            "read": len(judged),
            "left_out": len(left_out),
            "why": {str(key): int(n) for key, n in left_out["reason"].value_counts().items()},
            "rows": _left_out_rows(left_out),
        },
        "undetermined_samples": _undetermined(quantities),
        "genorm": _genorm(stability),
        "plates": _plates(plates),
        "pooled": _pooled(quantities),
        "controls_with_a_cq": _controls(read.controls),
        "standards_left_out": read.standards,
        "miqe": _miqe(
            judged,
            quantities,
            stability,
            efficiencies,
            plates,
            read.controls,
            assay.calibrators,
        ),
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


def _miqe(
    judged: pd.DataFrame,
    quantities: pd.DataFrame,
    stability: "Genorm",
    efficiencies: pd.DataFrame,
    plates: pd.DataFrame,
    controls: pd.DataFrame,
    calibrators: Sequence[str],
) -> dict[str, str]:
    """Fill the items of MIQE that the table can fill."""
    sizes = judged.groupby(["animal", "group", "gene", "plate"], sort=False).size()
    targets = quantities[~quantities["is_reference_gene"]]
    animals = quantities.groupby("group", sort=False)["animal"].nunique()
    spread = quantities["sd"].dropna()
    off = efficiencies[~efficiencies["efficiency_percent"].between(_LOW_PERCENT, _HIGH_PERCENT)]
    fitted = efficiencies[efficiencies["source"] == "dilutions"]
    references = quantities.loc[quantities["is_reference_gene"], "gene"].nunique()
    return {
        "biological replicates": ", ".join(f"{group}: {n}" for group, n in animals.items()),
        "technical replicates": f"{_span(sizes.min(), sizes.max())} a sample and gene",
        "repeatability": f"median SD of wells {spread.median():.3f} Cq, largest {spread.max():.3f}"
        if len(spread)
        else "one well a sample and gene",
        "target genes": str(targets["gene"].nunique()),
        "reference genes": f"{references}; "
        + ", ".join(f"{g} M {m:.3f}" for g, m in stability.stability[["gene", "m"]].to_numpy()),
        "normalisation": "geometric mean of the reference genes' efficiency-corrected quantities",
        "efficiency": ", ".join(
            f"{row['gene']} {row['efficiency_percent']:.1f} % ({row['source']})"
            for row in efficiencies.to_dict("records")
        ),
        "efficiency outside 90 to 110 %": ", ".join(off["gene"]) or "none",
        "r² of calibration curves": ", ".join(
            f"{row['gene']} {row['r_squared']:.4f}" for row in fitted.to_dict("records")
        )
        or "no dilution series",
        "outliers": POLICY["technical_replicates"] + f"; {int((~judged['used']).sum())} wells left "
        "out",
        "inter-run calibration": _calibration(plates, calibrators),
        "no-template controls": "none in the table"
        if controls.empty
        else f"{len(controls)} wells, {int(controls['cq'].notna().sum())} with a Cq",
        "statistics": "on log2 fold changes, Benjamini-Hochberg over the target genes",
    }


def _span(fewest: int, most: int) -> str:
    return f"{most} wells" if fewest == most else f"{fewest} to {most} wells"


def _calibration(plates: pd.DataFrame, calibrators: Sequence[str]) -> str:
    """Say how plates were brought together, and which genes' plates weren't."""
    if plates.empty:
        return "one plate a gene"
    runs = plates.groupby("gene", sort=False)["run"].nunique()
    apart = [str(gene) for gene in runs.index[runs > 1]]
    linked = f"by {', '.join(calibrators)}" if calibrators else "by shared samples"
    if len(apart) == len(runs):
        return "none: plates share no sample"
    return linked + (f", not of {', '.join(apart)}: their plates share no sample" if apart else "")


def _rounded(number: float) -> float | None:
    return round(float(number), 4) if np.isfinite(number) else None
