"""Relative quantities of qPCR, corrected for efficiency, and their comparison between groups."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import require_columns
from .comparison import join_notes

if TYPE_CHECKING:
    import pandas as pd

DOUBLING = 2.0
"""Amplification a cycle where nothing else is known: every molecule copied, efficiency 100 %."""

FEATURE = "fold_change"

_FEWEST_LEVELS = 3  # a line through two dilutions fits whatever they are


def amplification_from_dilutions(dilutions: "pd.DataFrame") -> "pd.DataFrame":
    """Amplification of each gene from its dilution series.

    Cq = intercept + slope · log10(quantity) by least squares over the wells, amplification
    A = 10^(−1 / slope), efficiency = A − 1.

    Parameters
    ----------
    dilutions : pandas.DataFrame
        gene, quantity (any unit, above 0), cq; a row a well, wells without a Cq are left out.

    Returns
    -------
    pandas.DataFrame
        A row a gene: gene, slope, intercept, r_squared, amplification, efficiency_percent, levels,
        wells, lowest_quantity, highest_quantity (the range that the line was fitted on), note
        (why a number is missing).

    Raises
    ------
    ValueError
        If a column is missing or a quantity isn't above 0.

    References
    ----------
    Pfaffl (2001), Nucleic Acids Research 29, e45. Bustin et al. (2009), Clinical Chemistry 55,
    611-622.

    Examples
    --------
    >>> import pandas as pd
    >>> series = pd.DataFrame({"gene": "Actb", "quantity": [1, 10, 100], "cq": [30, 26.7, 23.4]})
    >>> amplification_from_dilutions(series)["amplification"].round(4).tolist()
    [2.0092]
    """
    import pandas as pd

    require_columns(dilutions, "gene", "quantity", "cq")
    if (dilutions["quantity"] <= 0).any():
        raise ValueError("a dilution's quantity is 0 or less; its logarithm needs one above 0.")
    rows = []
    for gene, held in dilutions[np.isfinite(dilutions["cq"])].groupby("gene", sort=False):
        quantity = held["quantity"].to_numpy(dtype=float)
        rows.append({"gene": gene, **_fit_dilution(quantity, held["cq"].to_numpy(dtype=float))})
    columns = ["gene", "slope", "intercept", "r_squared", "amplification", "efficiency_percent"]
    columns += ["levels", "wells", "lowest_quantity", "highest_quantity", "note"]
    return pd.DataFrame(rows, columns=columns)


def _fit_dilution(quantity: np.ndarray, cq: np.ndarray) -> dict[str, object]:
    levels = len(np.unique(quantity))
    found: dict[str, object] = {"levels": levels, "wells": cq.size}
    found |= {"lowest_quantity": quantity.min(), "highest_quantity": quantity.max(), "note": ""}
    if levels < _FEWEST_LEVELS:
        return found | {"note": f"no efficiency: {levels} dilutions, at least 3 are needed"}
    x = np.log10(quantity) - np.log10(quantity).mean()
    slope = float((x * cq).sum() / (x * x).sum())
    residual = cq - cq.mean() - slope * x
    total = float(((cq - cq.mean()) ** 2).sum())
    found["slope"] = slope
    found["intercept"] = float(cq.mean() - slope * np.log10(quantity).mean())
    found["r_squared"] = 1 - float((residual**2).sum()) / total if total > 0 else math.nan
    if slope >= 0:
        return found | {"note": "no efficiency: Cq doesn't fall as the quantity rises"}
    amplification = 10 ** (-1 / slope)
    return found | {
        "amplification": amplification,
        "efficiency_percent": 100 * (amplification - 1),
    }


def relative_quantities(
    samples: "pd.DataFrame",
    *,
    reference_genes: Sequence[str],
    reference_group: str,
    amplification: Mapping[str, float] | None = None,
) -> "pd.DataFrame":
    """Quantities relative to the reference group, normalised to the reference genes.

    RQ = A^(control − sample), control being the reference group's mean Cq of the gene; NRQ = RQ /
    geometric mean of the reference genes' RQ; fold change = NRQ / geometric mean of the reference
    group's NRQ. A sample that lacks a reference gene is not normalised by the others: its folds
    are missing.

    Parameters
    ----------
    samples : pandas.DataFrame
        A row a sample and gene: animal, group, gene, cq, sd (of the wells), wells; cq is NaN where
        undetermined. Further columns are kept.
    reference_genes : sequence of str
        Genes of the normalisation factor.
    reference_group : str
        Group with fold change 1.
    amplification : mapping of str to float, optional
        Amplification a cycle by gene (1 + efficiency); 2 where absent.

    Returns
    -------
    pandas.DataFrame
        The rows of `samples` with amplification, is_reference_gene, relative_quantity,
        normalisation_factor, fold_change, log2_fold_change, technical_sd_log2 (what the spread
        of the wells puts into the log2 fold change: one SD of a well), fold_low and fold_high
        (the fold change at one such SD below and above).

    Raises
    ------
    ValueError
        If there is no reference gene, one isn't in the table, a sample has two rows of a gene, or
        an amplification is 1 or less.

    References
    ----------
    Pfaffl (2001), Nucleic Acids Research 29, e45. Vandesompele et al. (2002), Genome Biology 3,
    research0034. Hellemans et al. (2007), Genome Biology 8, R19. The interval is that of Livak and
    Schmittgen (2001), Methods 25, 402-408, with amplifications other than 2 allowed.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"animal": ["a", "a", "b", "b"], "group": ["c", "c", "t", "t"],
    ...     "gene": ["Myc", "Actb"] * 2, "cq": [27.0, 20.0, 25.0, 21.0], "sd": 0.0, "wells": 3})
    >>> found = relative_quantities(table, reference_genes=["Actb"], reference_group="c")
    >>> found.loc[found["gene"] == "Myc", "fold_change"].tolist()
    [1.0, 8.0]
    """
    amplification = dict(amplification or {})
    require_columns(samples, "animal", "group", "gene", "cq", "sd", "wells")
    _check_genes(samples, reference_genes, amplification)
    table = samples.reset_index(drop=True)
    table["amplification"] = [float(amplification.get(gene, DOUBLING)) for gene in table["gene"]]
    table["is_reference_gene"] = table["gene"].isin(list(reference_genes))
    log_rq, log_a = _log_quantities(table, reference_group)
    log_factor, factor_variance = _factors(table, log_rq, log_a, len(reference_genes))
    log_nrq = log_rq - log_factor
    in_reference = (table["group"] == reference_group).to_numpy()
    log_fold = log_nrq - _means_by(table["gene"], np.where(in_reference, log_nrq, np.nan))
    own = (log_a * table["sd"].to_numpy(dtype=float)) ** 2
    sd = np.sqrt(own + factor_variance)
    # A reference gene's own wells are in the factor too; the two don't add as independent ones.
    sd[table["is_reference_gene"].to_numpy()] = np.nan
    table["relative_quantity"] = np.exp2(log_rq)
    table["normalisation_factor"] = np.exp2(log_factor)
    table["fold_change"] = np.exp2(log_fold)
    table["log2_fold_change"] = log_fold
    table["technical_sd_log2"] = sd
    table["fold_low"], table["fold_high"] = np.exp2(log_fold - sd), np.exp2(log_fold + sd)
    return table


def _check_genes(
    samples: "pd.DataFrame", reference_genes: Sequence[str], amplification: Mapping[str, float]
) -> None:
    if not reference_genes or len(set(reference_genes)) < len(reference_genes):
        raise ValueError(
            f"reference_genes is {list(reference_genes)}, expected one gene or more, each once."
        )
    there = list(dict.fromkeys(samples["gene"]))
    absent = [gene for gene in reference_genes if gene not in there]
    if absent:
        raise ValueError(
            f"the reference genes {', '.join(absent)} aren't in the table, whose genes are "
            f"{', '.join(map(str, there))}; mend the spelling in reference_genes or in the table."
        )
    weak = [f"{gene} = {factor}" for gene, factor in amplification.items() if not factor > 1]
    if weak:
        raise ValueError(
            f"amplification {', '.join(weak)}: it is 1 + efficiency, 2 where every molecule is "
            "copied in a cycle, and lies above 1."
        )
    repeated = samples[samples.duplicated(["animal", "group", "gene"])]
    if len(repeated):
        row = repeated.iloc[0]
        raise ValueError(
            f"sample {row['animal']} has several rows of {row['gene']}; average its wells first."
        )


def _log_quantities(table: "pd.DataFrame", reference_group: str) -> tuple[np.ndarray, np.ndarray]:
    """Log2 of each relative quantity, and log2 of the amplification."""
    cq = table["cq"].to_numpy(dtype=float)
    log_a = np.log2(table["amplification"].to_numpy(dtype=float))
    control = _means_by(table["gene"], np.where(table["group"] == reference_group, cq, np.nan))
    return log_a * (control - cq), log_a


def _means_by(keys: "pd.Series", values: np.ndarray) -> np.ndarray:
    """Give each row the mean of its key's finite values; NaN where it has none."""
    import pandas as pd

    return pd.Series(values).groupby(keys.to_numpy()).transform("mean").to_numpy(dtype=float)


def _factors(
    table: "pd.DataFrame", log_rq: np.ndarray, log_a: np.ndarray, genes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Log2 of each sample's normalisation factor, and what the wells put into its variance."""
    import pandas as pd

    is_reference = table["is_reference_gene"].to_numpy()
    parts = pd.DataFrame(
        {
            "sample": table.groupby(["animal", "group"], sort=False).ngroup(),
            "log_rq": log_rq,
            "variance": (log_a * table["sd"].to_numpy(dtype=float)) ** 2,
        }
    )
    held = parts[is_reference].groupby("sample")
    sums = held[["log_rq", "variance"]].sum(min_count=genes)
    sums = sums.reindex(parts["sample"])
    return (
        sums["log_rq"].to_numpy(dtype=float) / genes,
        sums["variance"].to_numpy(dtype=float) / genes**2,
    )


def reference_matrix(quantities: "pd.DataFrame", reference_genes: Sequence[str]) -> "pd.DataFrame":
    """Give the reference genes' relative quantities as geNorm takes them: samples by genes.

    Parameters
    ----------
    quantities : pandas.DataFrame
        Columns group, animal, gene, relative_quantity, is_reference_gene (bool).
    reference_genes : sequence of str
        Those wanted.

    Returns
    -------
    pandas.DataFrame
        A row a sample (index group, animal), a column a gene, in the order given.
    """
    held = quantities[quantities["is_reference_gene"]]
    table = held.pivot(index=["group", "animal"], columns="gene", values="relative_quantity")
    return table[list(reference_genes)]


def group_folds(
    quantities: "pd.DataFrame", groups: Sequence[str], *, level: float = 0.95
) -> "pd.DataFrame":
    """Each gene's fold change by group, with intervals made on log2 over animals.

    Parameters
    ----------
    quantities : pandas.DataFrame
        As `relative_quantities` gives it, with pooled (bool).
    groups : sequence of str
        Groups in their order.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        A row a target gene and group: gene, group, n, fold_change (geometric mean), ci_low,
        ci_high (of `level`, NaN where n is under 2 or the group is a pool), pooled, technical_low,
        technical_high (one SD of the wells, for groups of a single sample).
    """
    import pandas as pd

    from .summaries import Group, mean_interval

    targets = quantities[~quantities["is_reference_gene"]]
    rows = []
    for gene, held in targets.groupby("gene", sort=False):
        for group in groups:
            own = held[(held["group"] == group) & np.isfinite(held["log2_fold_change"])]
            pooled = bool(own["pooled"].any())
            logs = own["log2_fold_change"].to_numpy(dtype=float)
            n = min(len(logs), 1) if pooled else len(logs)
            mean = float(logs.mean()) if n else math.nan
            unit = Group.from_values(group, logs)
            low, high = (math.nan, math.nan) if n < 2 else mean_interval(unit, level=level)
            single = own.iloc[0] if len(own) == 1 else {"fold_low": math.nan, "fold_high": math.nan}
            numbers = (2**mean, 2**low, 2**high, pooled, single["fold_low"], single["fold_high"])
            rows.append((gene, group, n, *numbers))
    columns = ["gene", "group", "n", "fold_change", "ci_low", "ci_high", "pooled"]
    return pd.DataFrame(rows, columns=[*columns, "technical_low", "technical_high"])


def compare_folds(
    quantities: "pd.DataFrame",
    *,
    groups: Sequence[str],
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Compare the groups on log2 fold changes, gene by gene, adjusted over the genes.

    Parameters
    ----------
    quantities : pandas.DataFrame
        As `relative_quantities` gives it, with pooled (bool).
    groups : sequence of str
        Groups in their order; those without a sample of a gene are left out for that gene.
    reference : str, optional
        Stands as group_b.
    alpha : float
        Level of significance.
    tests : sequence of str, optional
        As `compare_groups` takes them.

    Returns
    -------
    pandas.DataFrame
        feature (``fold_change.<gene>``) and the columns of comparisons.csv. effect, ci_low and
        ci_high are log2 differences in tests of means; the note of every pair gives the fold
        change (ratio of geometric means). p_adjusted is Benjamini-Hochberg's over the genes of
        one test of one pair. Rows that concern a pool have no p, and say why.
    """
    from .multiplicity import adjust_comparisons
    from .pools import compare_features

    targets = quantities[~quantities["is_reference_gene"]]
    features = (
        (f"{FEATURE}.{gene}", held.assign(value=held["log2_fold_change"]))
        for gene, held in targets.groupby("gene", sort=False)
    )
    together = compare_features(
        features, _on_log2, groups=groups, reference=reference, alpha=alpha, tests=tests
    )
    if together.empty:
        return together
    together = _say_lacking_reference(together, targets, reference)
    adjusted = adjust_comparisons(together, family=("test", "group_a", "group_b"), alpha=alpha)
    genes = together.loc[together["p"].notna(), "feature"].nunique()
    if genes > 1:
        family = " rows of one test, group_a, group_b"
        adjusted["note"] = [
            note.replace(family, " genes, within one test of one pair") for note in adjusted["note"]
        ]
    return adjusted


def _say_lacking_reference(
    together: "pd.DataFrame", targets: "pd.DataFrame", reference: str | None
) -> "pd.DataFrame":
    """Name the reason of genes that the reference group lacks: no fold is relative to anything."""
    base = targets[(targets["group"] == reference) & targets["relative_quantity"].notna()]
    lacking = set(targets["gene"]) - set(base["gene"]) if reference is not None else set()
    features = {f"{FEATURE}.{gene}" for gene in lacking}
    reason = (
        f"no test: no sample of the reference group {reference} has a quantity of it, and fold "
        "changes are relative to that group's"
    )
    concerned = together["feature"].isin(features)
    return together.assign(note=together["note"].where(~concerned, reason))


def _on_log2(row: Mapping[str, object], means: "pd.Series") -> str:
    """Say the scale, and a pair's fold change, whatever its test calls effect."""
    notes = [str(row["note"]), "on log2 fold changes"]
    a, b = row["group_a"], row["group_b"]
    if a:
        notes.append(f"fold change {a} / {b} = {2 ** (means[a] - means[b]):.4g}")
    return join_notes(*notes)
