"""Comparing groups of which some are a pooled sample: differences, and never a p for a pool."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .columns import require_columns
from .comparison import join_notes
from .layout import absent_note

if TYPE_CHECKING:
    import pandas as pd

POOLED_NOTE = (
    "no test: a pool is one sample (n = 1) however often it was measured; repeats show how well "
    "the assay repeats, not how animals differ, so a pool gives a ratio and no p"
)


_SIDES = ("group_a", "group_b")


def compare_with_pools(
    values: "pd.DataFrame",
    *,
    groups: Sequence[str],
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Compare groups as `compare_groups`, with no p wherever a pool is concerned.

    Groups of animals are tested among themselves as if the pools weren't there. A group with a
    pool in it counts as one sample; its rows give the difference of means and the reason why
    there is no p.

    Parameters
    ----------
    values : pandas.DataFrame
        animal, group, value, pooled (bool); a row a sample. Missing values are left out, which
        the notes of the rows that they concern say.
    groups : sequence of str
        Groups in their order; those without a value are left out, which the notes say.
    reference : str, optional
        Stands as group_b.
    alpha : float
        Level of significance.
    tests : sequence of str, optional
        As `compare_groups` takes them.

    Returns
    -------
    pandas.DataFrame
        The columns of comparisons.csv; where fewer than two groups have a value, rows without p
        that name those which have none.

    Raises
    ------
    ValueError
        If a column is missing, or as `compare_groups` does.
    """
    import pandas as pd

    from .compare import compare_groups, untested

    require_columns(values, "animal", "group", "value", "pooled")
    known = values[values["value"].notna() & values["group"].isin(list(groups))]
    present = [group for group in groups if (known["group"] == group).any()]
    absent = [group for group in groups if group not in present]
    if len(present) < 2:
        return untested(
            {group: int((known["group"] == group).sum()) for group in groups},
            reference=reference,
            tests=tests,
        )
    pools = set(known.loc[known["pooled"].astype(bool), "group"])
    # animals without a value stay, so that the notes count them
    units = _one_row_a_pool(values[values["group"].isin(present)], pools)

    def run(names: Sequence[str]) -> "pd.DataFrame":
        rows = units[units["group"].isin(list(names))]
        base = reference if reference in names else None
        table = compare_groups(rows, groups=names, reference=base, alpha=alpha, tests=tests)
        return table.assign(note=[join_notes(note, absent_note(absent)) for note in table["note"]])

    if not pools:
        return run(present)
    of_animals = [group for group in present if group not in pools]
    every = run(present)
    if len(of_animals) < 2:
        return without_p(every, POOLED_NOTE)
    concerned = every["group_a"].isin(pools) | every["group_b"].isin(pools)
    return pd.concat([run(of_animals), without_p(every[concerned], POOLED_NOTE)], ignore_index=True)


def compare_features(
    features: "Iterable[tuple[str, pd.DataFrame]]",
    noted: "Callable[[Mapping[str, object], pd.Series], str]",
    *,
    groups: Sequence[str],
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Compare the groups feature by feature, as `compare_with_pools` does each.

    Parameters
    ----------
    features : iterable of (str, pandas.DataFrame)
        Names and values, as `compare_with_pools` takes them.
    noted : callable
        The note of a comparison, of its row and the groups' means.
    groups, reference, alpha, tests
        As `compare_with_pools`.

    Returns
    -------
    pandas.DataFrame
        feature and the columns of comparisons.csv.
    """
    import pandas as pd

    from .comparison import COMPARISON_COLUMNS

    tables = []
    for name, values in features:
        table = compare_with_pools(
            values, groups=groups, reference=reference, alpha=alpha, tests=tests
        )
        means = values.groupby("group")["value"].mean()
        table["note"] = [
            noted(row, means) if _has_means(row, means) else str(row["note"])
            for row in table.to_dict("records")
        ]
        table.insert(0, "feature", name)
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=["feature", *COMPARISON_COLUMNS])
    return pd.concat(tables, ignore_index=True)


def _has_means(row: Mapping[str, object], means: "pd.Series") -> bool:
    """Whether both groups of a pair have a mean; true of all groups at once."""
    return all(math.isfinite(means.get(row[side], math.nan)) for side in _SIDES if row[side])


def _one_row_a_pool(known: "pd.DataFrame", pools: set[str]) -> "pd.DataFrame":
    """Give animal, group and value; all samples of a group with a pool together are one."""
    names = known["animal"].where(~known["group"].isin(pools), "pool of " + known["group"])
    table = known[["group", "value"]].assign(animal=names)
    return table.groupby(["group", "animal"], sort=False, as_index=False)["value"].mean()


def without_p(table: "pd.DataFrame", reason: str) -> "pd.DataFrame":
    """Take test and interval off rows whose differences stand but can't be tested, and say why.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of comparisons.csv.
    reason : str
        Their note.

    Returns
    -------
    pandas.DataFrame
        The rows with groups and effects of pairs alone.
    """
    bare = table.copy()
    # eta² of all groups at once says as little as its p; a pair's difference stands.
    bare.loc[bare["group_a"] == "", "effect"] = math.nan
    bare[["statistic", "p", "p_adjusted", "ci_low", "ci_high"]] = math.nan
    bare["df"] = ""
    bare["significant"] = False
    bare["note"] = join_notes(reason)
    return bare
