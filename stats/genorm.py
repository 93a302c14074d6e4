"""geNorm: how stable candidate reference genes are, and how many of them are enough."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ENOUGH_V = 0.15
"""Vandesompele's cut-off: below it one more reference gene changes the factor too little."""

_FEWEST_GENES = 2  # M compares a gene with another one
_FEWEST_SAMPLES = 3  # an SD of two ratios says nothing about stability


@dataclass(frozen=True)
class Genorm:
    """What geNorm says of a set of reference genes.

    Attributes
    ----------
    stability : pandas.DataFrame
        A row a gene, the most stable first: gene, m (its M among all genes), m_at_exclusion (its M
        when it was the worst of those left, the last two share theirs), rank.
    variation : pandas.DataFrame
        A row a step: genes (n), v (V of n against n + 1 genes), enough (v below 0.15).
    recommended : tuple of str
        The n most stable genes with the least n whose V is below 0.15; all of them where no V is
        or where there are too few to have one.
    samples : int
        Samples that have a quantity of every gene.
    note : str
        Why a number is missing, or what limits it; empty where nothing does.
    """

    stability: "pd.DataFrame"
    variation: "pd.DataFrame"
    recommended: tuple[str, ...]
    samples: int
    note: str = ""


def genorm(quantities: "pd.DataFrame") -> Genorm:
    """Rank reference genes by geNorm's M, and count how many are needed by its V.

    M of gene j is the mean over the other genes k of the SD over samples of log2(a_j / a_k). The
    gene with the highest M is put last and left out, and so on down to two genes. V(n/n+1) is the
    SD over samples of log2(NF_n / NF_n+1), where NF_n is the geometric mean of the n most stable
    genes.

    Parameters
    ----------
    quantities : pandas.DataFrame, shape (samples, genes)
        Relative quantities on a linear scale, above 0; samples with a missing one are left out.

    Returns
    -------
    Genorm

    Raises
    ------
    ValueError
        If a quantity is zero or negative.

    References
    ----------
    Vandesompele et al. (2002), Genome Biology 3, research0034.
    Hellemans et al. (2007), Genome Biology 8, R19.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"A": [1, 2, 4, 8], "B": [1, 2, 4, 8], "C": [1, 4, 4, 16]})
    >>> genorm(table).stability[["gene", "m"]].round(4).values.tolist()
    [['A', 0.2887], ['B', 0.2887], ['C', 0.5774]]
    """
    complete = quantities.dropna()
    if (complete.to_numpy(dtype=float) <= 0).any():
        raise ValueError(
            "geNorm takes relative quantities above 0, and the table holds a zero or negative "
            "one; give amplification to the power of a Cq difference, not the Cq."
        )
    logs = np.log2(complete.to_numpy(dtype=float))
    genes = [str(gene) for gene in quantities.columns]
    reason = _unusable(genes, len(complete))
    if reason:
        return _undefined(genes, len(complete), reason)
    ratios = _ratio_spread(logs)
    order, excluded_at = _rank(ratios, genes)
    variation = _variation(logs[:, order])
    enough = next((n for n, v in variation if v < ENOUGH_V), len(genes))
    return Genorm(
        stability=_stability_table(genes, order, _mean_spread(ratios), excluded_at),
        variation=_variation_table(variation),
        recommended=tuple(genes[j] for j in order[:enough]),
        samples=len(complete),
        note=_limit(variation),
    )


def _unusable(genes: list[str], samples: int) -> str:
    if len(genes) < _FEWEST_GENES:
        return f"no M: {len(genes)} reference gene, and M compares it with another one"
    if samples < _FEWEST_SAMPLES:
        return f"no M: {samples} samples have every reference gene, at least 3 are needed"
    return ""


def _limit(variation: list[tuple[int, float]]) -> str:
    if not variation:
        return "no V: it needs three reference genes or more"
    if min(v for _, v in variation) >= ENOUGH_V:
        return f"no V is below {ENOUGH_V}: all genes are needed, and more would help"
    return ""


def _ratio_spread(logs: np.ndarray) -> np.ndarray:
    """SD over samples of the log2 ratio of each pair of genes, shape (genes, genes)."""
    ratios = logs[:, :, None] - logs[:, None, :]
    return ratios.std(axis=0, ddof=1)


def _mean_spread(spread: np.ndarray) -> np.ndarray:
    return spread.sum(axis=1) / (len(spread) - 1)


def _rank(spread: np.ndarray, genes: list[str]) -> tuple[list[int], dict[int, float]]:
    """Exclude the worst gene until two are left; ties leave the later one in the list out."""
    left = list(range(len(genes)))
    last: list[int] = []
    excluded_at: dict[int, float] = {}
    while len(left) > _FEWEST_GENES:
        m = _mean_spread(spread[np.ix_(left, left)])
        worst = len(left) - 1 - int(np.argmax(m[::-1]))
        excluded_at[left[worst]] = float(m[worst])
        last.insert(0, left.pop(worst))
    for gene in left:
        excluded_at[gene] = float(spread[left[0], left[1]])
    return left + last, excluded_at


def _variation(logs: np.ndarray) -> list[tuple[int, float]]:
    """V(n/n+1) for genes in the order of their stability."""
    count = logs.shape[1]
    factors = np.cumsum(logs, axis=1) / np.arange(1, count + 1)
    steps = range(_FEWEST_GENES, count)
    return [(n, float((factors[:, n - 1] - factors[:, n]).std(ddof=1))) for n in steps]


def _stability_table(
    genes: list[str], order: list[int], m: np.ndarray, excluded_at: dict[int, float]
) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "gene": [genes[j] for j in order],
            "m": [float(m[j]) for j in order],
            "m_at_exclusion": [excluded_at[j] for j in order],
            # No step of the procedure tells the last two genes apart.
            "rank": [1 if place <= 2 else place for place in range(1, len(order) + 1)],
        }
    )


def _variation_table(variation: list[tuple[int, float]]) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame(variation, columns=["genes", "v"])
    table = table.astype({"genes": "int64", "v": "float64"})
    return table.assign(enough=table["v"] < ENOUGH_V)


def _undefined(genes: list[str], samples: int, reason: str) -> Genorm:
    import pandas as pd

    stability = pd.DataFrame(
        {
            "gene": genes,
            "m": math.nan,
            "m_at_exclusion": math.nan,
            "rank": range(1, len(genes) + 1),
        }
    )
    return Genorm(stability, _variation_table([]), tuple(genes), samples, reason)
