"""What goes with iron status: its quantities beside the other assays', animal by animal."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from .problems import ProblemRow
from .table_assay import TableResult
from .views import leading_features

if TYPE_CHECKING:
    from .study import Study

IRON, CLINICAL = "iron", "clinical"
LINK_COLUMNS = [
    *("feature", "other_assay", "other_feature", "n", "rho", "ci_low", "ci_high"),
    *("rho_within", "within_low", "within_high", "method", "note"),
]
PAIR_COLUMNS = ["feature", "other_assay", "other_feature", "animal", "group", "x", "y"]
_SEVERAL = ("qpcr", "blot")  # a feature a gene or protein, all of them asked about


def link_iron(
    study: "Study", animals: pd.DataFrame, tables: Mapping[str, TableResult]
) -> dict[str, TableResult]:
    """Correlate iron status with the leading features of the other assays, over animals.

    Parameters
    ----------
    study : Study
        Names the assays, the groups and the level of significance.
    animals : pandas.DataFrame
        The table of animals.csv.
    tables : mapping of str to TableResult
        The assays' further results, by assay.

    Returns
    -------
    dict of str to TableResult
        The same; those of iron assays with the tables ``<assay>_links`` (`LINK_COLUMNS`) and, for
        figures, ``<assay>_linked_animals`` (`PAIR_COLUMNS`, of the first feature of iron status).
        Nothing is added where no other assay has animals in common.
    """
    others = [
        (name, feature)
        for name, assay in study.assays.items()
        if assay.method not in (IRON, CLINICAL)
        for feature in _asked_about(study, name, animals, tables.get(name))
    ]
    found = dict(tables)
    for name, result in tables.items():
        if study.assays[name].method == IRON:
            links, pairs = _links(name, result, animals, others, 1 - study.header.alpha)
            if len(links):
                further = {f"{name}_links": links, f"{name}_linked_animals": pairs}
                found[name] = replace(result, tables={**result.tables, **further})
    return found


def _asked_about(
    study: "Study", name: str, animals: pd.DataFrame, result: TableResult | None
) -> list[str]:
    """Give the features of another assay that iron status is held against: the leading ones."""
    known = list(dict.fromkeys(animals.loc[animals["assay"] == name, "feature"]))
    named = [
        feature for feature in leading_features(study.assays[name], result) if feature in known
    ]
    method = study.assays[name].method
    if method in _SEVERAL:
        return named
    return named[: 2 if method == "growth" else 1]  # of growth the last day and the rate


def _links(
    name: str,
    result: TableResult,
    animals: pd.DataFrame,
    others: Sequence[tuple[str, str]],
    level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from ..stats.correlation import correlate_animals, spearman_within

    own = animals[animals["assay"] == name]
    features = [feature for feature in result.compared if (own["feature"] == feature).any()]
    rows, tables = [], []
    for feature in features:
        for assay, other in others:
            held = pd.concat(
                [
                    own[own["feature"] == feature],
                    animals[(animals["assay"] == assay) & (animals["feature"] == other)],
                ]
            )
            found, pairs = correlate_animals(held, feature, other, level=level)
            if pairs.empty:
                continue
            within = spearman_within(pairs["x"], pairs["y"], pairs["group"], level=level)
            notes = [found.note, within.note if within.note != found.note else ""]
            rows.append(
                (
                    *(feature, assay, other, found.n, found.value, found.ci_low, found.ci_high),
                    *(within.value, within.ci_low, within.ci_high, found.method),
                    "; ".join(note for note in notes if note),
                )
            )
            if feature == features[0]:
                named = {"feature": feature, "other_assay": assay, "other_feature": other}
                tables.append(pairs.assign(**named)[PAIR_COLUMNS])
    pairs = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PAIR_COLUMNS)
    return pd.DataFrame(rows, columns=LINK_COLUMNS), pairs


def conflicting_groups(study: "Study", animals: pd.DataFrame) -> list[ProblemRow]:
    """Name the animals that two assays put into different groups.

    Parameters
    ----------
    study : Study
        Tells which assays are of animals.
    animals : pandas.DataFrame
        assay, animal, group; as in animals.csv.

    Returns
    -------
    list of ProblemRow
        One an animal.
    """
    people = [name for name, assay in study.assays.items() if assay.method == CLINICAL]
    held = animals[~animals["assay"].isin(people)][["assay", "animal", "group"]].drop_duplicates()
    counts = held.groupby("animal")["group"].nunique()
    problems = []
    for animal in counts.index[counts > 1]:
        own = held[held["animal"] == animal]
        said = ", ".join(
            f"{group} in {' and '.join(part['assay'])}"
            for group, part in own.groupby("group", sort=False)
        )
        problems.append(
            ProblemRow(
                "",
                "",
                "compare",
                f"animal {animal!r} is of different groups in different assays: {said}",
                "mend the table or the sample sheet that is wrong; each assay was compared as its "
                "own says",
            )
        )
    return problems
