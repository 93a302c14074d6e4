"""What the comparisons of one feature allow to be said, and no more."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from .report_words import MISSING, format_number, label_of_test, level_label, listed, p_clause

_OVERALL = ("anova", "welch_anova", "kruskal", "mixed_model", "negative_binomial")
_NO_CHANGE = {"wilcoxon": 0.0, "dunn": 0.0, "logistic": 1.0}
"""Tests that don't compare means, with the effect on whose side they say which group is higher."""
# tests whose effect is a difference of means; the first with an interval lends it to the pair
_EFFECT_FROM = ("tukey_hsd", "student_t", "welch_t", "dunnett", "paired_t", "newman_keuls")
_PAIRS_SHOWN = 6  # a line each; the table has all of them


@dataclass(frozen=True)
class PairTest:
    """One test's verdict on a pair.

    Attributes
    ----------
    test : str
        As in ``comparisons.csv``.
    p : float
        Adjusted for the family where the test says so.
    significant : bool
        The table's own verdict.
    note : str
        The table's note.
    towards : float
        Above 0 where the test itself finds the first group higher, below where lower; NaN where
        its direction is that of the means.
    """

    test: str
    p: float
    significant: bool
    note: str
    towards: float = math.nan


@dataclass(frozen=True)
class Pair:
    """Two groups, with every test that compared them.

    Attributes
    ----------
    group_a, group_b : str
        The effect is the mean of the first minus that of the second.
    effect, ci_low, ci_high : float
        Difference of means with the interval of `interval_from`; NaN where no test gives them.
    interval_from : str
        The test that the interval belongs to; empty where there is none.
    tests : tuple of PairTest
        In the table's order.
    """

    group_a: str
    group_b: str
    effect: float
    ci_low: float
    ci_high: float
    interval_from: str
    tests: tuple[PairTest, ...]

    @property
    def tested(self) -> bool:
        """Whether any test gave a p-value."""
        return any(not math.isnan(test.p) for test in self.tests)

    @property
    def verdict(self) -> str:
        """``all``, ``some`` or ``none`` of the tests call the pair different; ``untested``."""
        if not self.tested:
            return "untested"
        decided = [test.significant for test in self.tests if not math.isnan(test.p)]
        return "all" if all(decided) else "some" if any(decided) else "none"

    def p_of(self, test: str) -> float:
        """The p-value of a test; NaN if it did not compare this pair."""
        return next((held.p for held in self.tests if held.test == test), float("nan"))


@dataclass(frozen=True)
class Claim:
    """One line of the report.

    Attributes
    ----------
    kind : str
        ``overall``, or a pair's verdict.
    text : str
        The claim.
    evidence : str
        The numbers it stands on.
    groups : tuple of str
        The groups that it is of, if it is of a pair.
    """

    kind: str
    text: str
    evidence: str
    groups: tuple[str, ...] = ()


def pairs_of(comparisons: pd.DataFrame) -> list[Pair]:
    """Collect the tests of each pair of groups.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        Rows of ``comparisons.csv`` of one assay and feature.

    Returns
    -------
    list of Pair
        In the table's order; a pair given as (a, b) and (b, a) by different tests is one pair.
    """
    held: dict[frozenset[str], list[pd.Series]] = {}
    for _, row in comparisons[comparisons["group_b"] != ""].iterrows():
        held.setdefault(frozenset((row["group_a"], row["group_b"])), []).append(row)
    return [_pair(rows) for rows in held.values()]


def _pair(rows: list[pd.Series]) -> Pair:
    lead = _lead(rows)
    tests = tuple(
        PairTest(
            row["test"],
            row["p_adjusted"],
            bool(row["significant"]),
            row["note"],
            _towards(row, lead["group_a"]),
        )
        for row in rows
    )
    effect, low, high = (lead[name] for name in ("effect", "ci_low", "ci_high"))
    if lead["test"] not in _EFFECT_FROM:
        effect, low, high = math.nan, math.nan, math.nan
    source = "" if math.isnan(low) or math.isnan(high) else lead["test"]
    return Pair(lead["group_a"], lead["group_b"], effect, low, high, source, tests)


def _towards(row: pd.Series, first: str) -> float:
    """Give the side on which a test that doesn't compare means finds the group `first`."""
    if row["test"] not in _NO_CHANGE:
        return math.nan
    side = float(row["effect"]) - _NO_CHANGE[row["test"]]
    return side if row["group_a"] == first else -side


def _lead(rows: list[pd.Series]) -> pd.Series:
    """Give the row whose effect is a difference of means, best with an interval."""
    order = {test: place for place, test in enumerate(_EFFECT_FROM)}

    def rank(row: pd.Series) -> tuple[bool, bool, int]:
        place = order.get(row["test"], len(order))
        return place == len(order), math.isnan(row["ci_low"]), place

    return min(rows, key=rank)


def as_ratios(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Turn effects of pairs that are differences of log2 into the ratios that they stand for."""
    table = comparisons.copy()
    pairs = (table["group_b"] != "") & table["test"].isin(_EFFECT_FROM)
    for name in ("effect", "ci_low", "ci_high"):
        table.loc[pairs, name] = 2.0 ** table.loc[pairs, name].astype(float)
    return table


def claims(
    comparisons: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    reference: str,
    alpha: float,
    unit: str = "",
    ratios: bool = False,
) -> list[Claim]:
    """Say what the tests of one feature show.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        Rows of ``comparisons.csv`` of one assay and feature.
    groups : pandas.DataFrame
        Rows of ``groups.csv`` of the same.
    reference : str
        Pairs with this group come first.
    alpha : float
        The level of significance of the intervals.
    unit : str
        Written behind differences.
    ratios : bool
        Effects are ratios (see `as_ratios`) and the means of `groups` geometric.

    Returns
    -------
    list of Claim
        Tests of all groups at once first, then a line a pair.
    """
    pairs = pairs_of(comparisons)
    pairs.sort(key=lambda pair: reference not in (pair.group_a, pair.group_b))
    lines = list(_overall(comparisons))
    lines += [_pair_claim(pair, groups, alpha, unit, ratios) for pair in pairs[:_PAIRS_SHOWN]]
    if len(pairs) > _PAIRS_SHOWN:
        rest = f"{len(pairs) - _PAIRS_SHOWN} further pairs stand in the table."
        lines.append(Claim("untested", rest, ""))
    return lines


def _overall(comparisons: pd.DataFrame) -> Iterator[Claim]:
    rows = comparisons[comparisons["test"].isin(_OVERALL) & (comparisons["group_b"] == "")]
    if rows.empty:
        return
    evidence = "; ".join(
        f"{label_of_test(row['test'])}: {p_clause(row['p_adjusted'])}" for _, row in rows.iterrows()
    )
    decided = rows[rows["p_adjusted"].notna()]
    if decided.empty:
        text = "The groups could not be tested against each other."
    elif decided["significant"].all():
        text = "A difference between the groups is shown."
    elif decided["significant"].any():
        text = "The tests over all groups disagree on whether the groups differ."
    else:
        text = "No difference between the groups was shown."
    yield Claim("overall", text, evidence)


def _pair_claim(pair: Pair, groups: pd.DataFrame, alpha: float, unit: str, ratios: bool) -> Claim:
    a, b = pair.group_a, pair.group_b
    if pair.verdict in ("all", "some"):
        text = _different(pair, _direction(pair, groups, ratios))
    elif pair.verdict == "none":
        text = f"No difference shown between {a} and {b}; this is no evidence that they are equal."
    else:
        text = f"{a} and {b} could not be tested."
    return Claim(pair.verdict, text, _evidence(pair, groups, alpha, unit, ratios), (a, b))


def _different(pair: Pair, of_means: str) -> str:
    """Say in which direction the significant tests point; tests on ranks need not go with means."""
    a, b = pair.group_a, pair.group_b
    pointing: dict[str, list[str]] = {}
    for test in pair.tests:
        if test.significant:
            way = of_means if math.isnan(test.towards) else _way(test.towards)
            pointing.setdefault(way, []).append(label_of_test(test.test))
    by = f" {_by_some(pair)}" if pair.verdict == "some" else ""
    if len(pointing) == 1:
        return f"{next(iter(pointing))} in {a} than in {b}{by}."
    ways = ", ".join(f"{way.lower()} by {listed(said)}" for way, said in pointing.items())
    return f"{a} and {b} differ: {a} is {ways}."


def _way(difference: float) -> str:
    return "Higher" if difference > 0 else "Lower" if difference < 0 else "Different"


def _direction(pair: Pair, groups: pd.DataFrame, ratios: bool) -> str:
    means = dict(zip(groups["group"], groups["mean"], strict=True))
    difference = means.get(pair.group_a, math.nan) - means.get(pair.group_b, math.nan)
    if math.isnan(difference):
        difference = pair.effect - ratios  # a ratio of 1 is no difference
    return _way(difference)


def _by_some(pair: Pair) -> str:
    said = [label_of_test(test.test) for test in pair.tests if test.significant]
    unsaid = [label_of_test(t.test) for t in pair.tests if not (t.significant or math.isnan(t.p))]
    return f"by {listed(said)} alone, not by {listed(unsaid)}"


def _evidence(pair: Pair, groups: pd.DataFrame, alpha: float, unit: str, ratios: bool) -> str:
    means = " and ".join(_mean_of(groups, name) for name in (pair.group_a, pair.group_b))
    parts = [f"{'Geometric means' if ratios else 'Means'} {means}"]
    if not math.isnan(pair.effect) and ratios:
        parts.append(f"ratio {format_number(pair.effect)}" + _interval(pair, alpha))
    elif not math.isnan(pair.effect):
        parts.append(f"difference {_signed(pair.effect)}{unit}" + _interval(pair, alpha))
    parts += [f"{label_of_test(test.test)} {p_clause(test.p)}" for test in pair.tests]
    parts += dict.fromkeys(test.note for test in pair.tests if math.isnan(test.p) and test.note)
    return "; ".join(parts) + "."


def _mean_of(groups: pd.DataFrame, name: str) -> str:
    rows = groups[groups["group"] == name]
    if rows.empty:
        return MISSING
    row = rows.iloc[0]
    return f"{format_number(row['mean'])} (n = {format_number(row['n'])})"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + format_number(value)


def _interval(pair: Pair, alpha: float) -> str:
    if not pair.interval_from:
        return ""
    low, high = format_number(pair.ci_low), format_number(pair.ci_high)
    return f" ({level_label(alpha)} {low} to {high}, {label_of_test(pair.interval_from)})"
