"""Comparing the groups of a study: every feature of every assay, on animals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from .problems import ProblemRow
from .table_assay import TableResult

if TYPE_CHECKING:
    from .study import Study


def compare_study(
    study: "Study", animals: pd.DataFrame, tables: Mapping[str, TableResult]
) -> tuple[pd.DataFrame, list[ProblemRow]]:
    """Compare the groups on each feature of animals.csv.

    Parameters
    ----------
    study : Study
        Names the groups, the reference, the level of significance and each assay's tests.
    animals : pandas.DataFrame
        The table of animals.csv.
    tables : mapping of str to TableResult
        The table assays' results: which of their features are compared, and their own tests.

    Returns
    -------
    comparisons : pandas.DataFrame
        The table of comparisons.csv.
    problems : list of ProblemRow
        Features that can't be compared, with the reason.
    """
    from ..stats.compare import compare_groups
    from ..stats.comparison import COMPARISON_COLUMNS
    from ..stats.multiplicity import adjust_comparisons

    header = study.header
    found, problems = [], []
    for (assay, feature), held in animals.groupby(["assay", "feature"], sort=False):
        if assay in tables and _is_described_only(tables[assay], feature):
            continue
        present = [group for group in header.groups if (held["group"] == group).any()]
        try:
            table = compare_groups(
                held,
                groups=present,
                reference=header.reference if header.reference in present else None,
                alpha=header.alpha,
                tests=study.assays[assay].tests,
            )
        except ValueError as error:
            remedy = "add animals to the groups named in study.toml, or leave the comparison out"
            problems.append(ProblemRow(assay, "", "compare", f"{feature}: {error}", remedy))
            continue
        table.insert(0, "feature", feature)
        table.insert(0, "assay", assay)
        found.append(table)
    columns = ["assay", "feature", *COMPARISON_COLUMNS]
    if found and header.adjust != "none":
        joined = pd.concat(found, ignore_index=True)[columns]
        found = [adjust_comparisons(joined, method=header.adjust, alpha=header.alpha)]
    for assay, result in tables.items():  # these state the family of their own adjustment
        if result.comparisons is not None and len(result.comparisons):
            found.append(result.comparisons.assign(assay=assay))
    if not found:
        return pd.DataFrame(columns=columns), problems
    return pd.concat(found, ignore_index=True)[columns], problems


def _is_described_only(result: TableResult, feature: object) -> bool:
    """Tell whether a feature is a table's own and not one that the table has compared."""
    own = "feature" in result.animals and feature in set(result.animals["feature"])
    return own and feature not in result.compared
