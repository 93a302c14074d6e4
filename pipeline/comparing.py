"""Comparing the groups of a study: every feature of every assay, on animals."""

from collections.abc import Mapping, Sequence
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
    from ..stats.comparison import COMPARISON_COLUMNS, join_notes
    from ..stats.layout import absent_note
    from ..stats.multiplicity import adjust_comparisons

    header = study.header
    found, problems = [], []
    for (assay, feature), held in animals.groupby(["assay", "feature"], sort=False):
        if assay in tables and _is_described_only(tables[assay], feature):
            continue
        if assay in tables and _lacks_groups(held):
            found.append(_untested(study, str(assay), feature, held))
            continue
        present = [group for group in header.groups if (held["group"] == group).any()]
        try:
            table = compare_groups(
                held,
                groups=present,
                reference=header.reference if header.reference in present else None,
                alpha=header.alpha,
                tests=_tests(study, str(assay), feature, present),
            )
        except ValueError as error:
            remedy = "add animals to the groups named in study.toml, or leave the comparison out"
            problems.append(ProblemRow(assay, "", "compare", f"{feature}: {error}", remedy))
            continue
        absent = [group for group in header.groups if group not in present]
        if absent:
            table["note"] = [join_notes(note, absent_note(absent)) for note in table["note"]]
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


def _tests(
    study: "Study", assay: str, feature: object, groups: Sequence[str]
) -> tuple[str, ...] | None:
    """Give the tests asked for; or the usual ones, with that of counts beside them."""
    from ..stats.compare import MANY_GROUP_TESTS, TWO_GROUP_TESTS

    options = study.assays[assay]
    if options.tests is not None or feature not in getattr(options, "counts", ()):
        return options.tests
    usual = MANY_GROUP_TESTS if len(groups) > 2 else TWO_GROUP_TESTS
    return (*usual, "negative_binomial")


def _lacks_groups(held: pd.DataFrame) -> bool:
    return held.loc[held["value"].notna(), "group"].nunique() < 2


def _untested(study: "Study", assay: str, feature: object, held: pd.DataFrame) -> pd.DataFrame:
    """Give a feature that fewer than two groups have the row that says so."""
    from ..stats.compare import untested

    header, known = study.header, held[held["value"].notna()]
    sizes = {group: int((known["group"] == group).sum()) for group in header.groups}
    table = untested(sizes, reference=header.reference, tests=study.assays[assay].tests)
    table.insert(0, "feature", feature)
    table.insert(0, "assay", assay)
    return table


def _is_described_only(result: TableResult, feature: object) -> bool:
    """Tell whether a feature is a table's own and not one that the table has compared."""
    own = feature in set(result.animals["feature"])
    return own and feature not in result.compared
