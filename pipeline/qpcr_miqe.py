"""The items of MIQE, as far as a table of Cq values fills them."""

from collections.abc import Sequence

import pandas as pd

from .qpcr_results import QpcrResults

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


def miqe_items(
    found: QpcrResults, controls: pd.DataFrame, calibrators: Sequence[str]
) -> dict[str, str]:
    """Fill the items of MIQE that the table can fill.

    Parameters
    ----------
    found : QpcrResults
        What was worked out from the wells.
    controls : pandas.DataFrame
        Wells without template: column cq.
    calibrators : sequence of str
        Samples that bring plates together.

    Returns
    -------
    dict of str to str
        By item.

    References
    ----------
    Bustin SA et al. (2009). The MIQE guidelines: minimum information for publication of
    quantitative real-time PCR experiments. Clin Chem 55:611-622.
    """
    judged, quantities, efficiencies = found.judged, found.quantities, found.efficiencies
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
        + ", ".join(
            f"{g} M {m:.3f}" for g, m in found.stability.stability[["gene", "m"]].to_numpy()
        ),
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
        "inter-run calibration": _calibration(found.plates, calibrators),
        "no-template controls": "none in the table"
        if controls.empty
        else f"{len(controls)} wells, {int(controls['cq'].notna().sum())} with a Cq",
        "statistics": "on log2 fold changes, Benjamini-Hochberg over the target genes",
    }


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


def _span(fewest: int, most: int) -> str:
    return f"{most} wells" if fewest == most else f"{fewest} to {most} wells"
