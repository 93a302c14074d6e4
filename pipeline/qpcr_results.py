"""What is worked out from the wells of a qPCR."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from ..stats.genorm import Genorm


@dataclass(frozen=True)
class QpcrResults:
    """Tables that lead from wells to fold changes.

    Attributes
    ----------
    judged : pandas.DataFrame
        Every well, as `stats.qpcr_wells.judge_wells` gives them.
    quantities : pandas.DataFrame
        A row a sample and gene, as `stats.qpcr.relative_quantities` gives them.
    stability : Genorm
        What geNorm says of the reference genes.
    efficiencies : pandas.DataFrame
        A row a gene: its amplification, and where that comes from.
    plates : pandas.DataFrame
        How plates were brought together; empty where there is one.
    """

    judged: pd.DataFrame
    quantities: pd.DataFrame
    stability: "Genorm"
    efficiencies: pd.DataFrame
    plates: pd.DataFrame

    def tables(self, name: str, groups: tuple[str, ...], alpha: float) -> dict[str, pd.DataFrame]:
        """Give the further tables that the assay writes, by name.

        Parameters
        ----------
        name : str
            The assay's name, with which the tables' names begin.
        groups : tuple of str
            The study's groups in their order.
        alpha : float
            Intervals have the level 1 − alpha.
        """
        from ..stats.qpcr import group_folds

        return {
            f"{name}_wells": self.judged.rename_axis("row").reset_index(),
            f"{name}_quantities": self.quantities,
            f"{name}_folds": group_folds(self.quantities, groups, level=1 - alpha),
            f"{name}_efficiencies": self.efficiencies,
            f"{name}_genorm": self.stability.stability,
            **({f"{name}_plates": self.plates} if len(self.plates) else {}),
        }
