"""What is run on a table of groups: defaults, notes, and agreement with R on whole tables."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.compare import (
    MANY_GROUP_TESTS,
    RUN_HERE,
    SUMMARY_TESTS,
    TWO_GROUP_TESTS,
    compare_groups,
    compare_summaries,
    untested,
)
from xenoquant.stats.comparison import COMPARISON_COLUMNS, TESTS

RAW = {
    "a": [12.1, 9.8, 11.4, 10.6, 13.0],
    "b": [8.7, 10.1, 9.4, 7.9, 8.8, 9.9],
    "c": [6.2, 7.5, 8.8, 5.9],
}


def _table(*names: str) -> pd.DataFrame:
    rows = [(f"{name}{i}", name, v) for name in names for i, v in enumerate(RAW[name])]
    return pd.DataFrame(rows, columns=["animal", "group", "value"])


def test_two_groups_get_their_tests():
    """R 4.2.2: t.test and wilcox.test of a and b."""
    rows = compare_groups(_table("a", "b"), reference="b")
    assert tuple(rows.columns) == COMPARISON_COLUMNS
    assert tuple(rows["test"]) == TWO_GROUP_TESTS
    assert set(zip(rows["group_a"], rows["group_b"], strict=True)) == {("a", "b")}
    assert rows["p"].tolist() == pytest.approx(
        [0.0059213860678, 0.0114998847288, 0.0173160173160], rel=1e-9
    )
    # R: g and its noncentral-t interval as of test_effects.
    assert "Hedges g 1.98 (0.591 to 3.68)" in rows["note"][0]
    assert rows["df"].tolist() == ["9", "6.730056024", ""]
    assert rows["significant"].tolist() == [True, True, True]
    assert rows["significant"].dtype == bool
    assert rows["effect"][0] == pytest.approx(np.mean(RAW["a"]) - np.mean(RAW["b"]))


def test_three_groups_get_their_tests():
    """R 4.2.2: aov, oneway.test, ptukey, TukeyHSD, kruskal.test of a, b and c."""
    rows = compare_groups(_table("a", "b", "c"))
    assert tuple(dict.fromkeys(rows["test"])) == MANY_GROUP_TESTS
    assert rows["test"].value_counts().to_dict() == {
        "anova": 1,
        "welch_anova": 1,
        "newman_keuls": 3,
        "tukey_hsd": 3,
        "kruskal": 1,
    }
    expected = [3.599402611e-04, 7.817571833e-03]
    expected += [6.07822585e-03, 2.643497214e-04, 1.542819889e-02]
    expected += [1.553030621e-02, 2.643497214e-04, 3.813731147e-02, 6.209477080e-03]
    assert rows["p"].tolist() == pytest.approx(expected, rel=1e-6)
    omnibus = rows[rows["test"].isin(["anova", "welch_anova", "kruskal"])]
    assert (omnibus["group_a"] == "").all()
    assert rows["note"].str.len().gt(0).all()


@given(st.randoms(use_true_random=False), st.sampled_from([1e-3, 25.4]))
@settings(max_examples=6, deadline=None, derandomize=True, database=None)
def test_order_of_rows_and_units_of_measure_change_nothing(random, scale):
    table = _table("a", "b", "c")
    order = list(range(len(table)))
    random.shuffle(order)
    changed = table.iloc[order].assign(value=lambda t: t["value"] * scale)
    first, second = compare_groups(table), compare_groups(changed)
    assert second["p"].to_numpy() == pytest.approx(first["p"].to_numpy(), rel=1e-9)
    assert second["test"].tolist() == first["test"].tolist()
    pairs = first["group_a"] != ""
    assert second.loc[pairs, "effect"].to_numpy() == pytest.approx(
        scale * first.loc[pairs, "effect"].to_numpy(), rel=1e-9
    )


def test_order_of_groups_changes_signs_alone():
    first = compare_groups(_table("a", "b", "c"), groups=["a", "b", "c"], reference="a")
    turned = compare_groups(_table("a", "b", "c"), groups=["c", "b", "a"], reference="c")
    keys = ["test", "pair"]
    for table in (first, turned):
        ends = zip(table["group_a"], table["group_b"], strict=True)
        table["pair"] = ["".join(sorted(pair)) for pair in ends]
    both = first.merge(turned, on=keys)
    assert len(both) == len(first)
    assert both["p_x"].to_numpy() == pytest.approx(both["p_y"].to_numpy(), rel=1e-9)
    pairs = both["pair"] != ""
    assert both.loc[pairs, "effect_x"].abs().to_numpy() == pytest.approx(
        both.loc[pairs, "effect_y"].abs().to_numpy()
    )


@pytest.mark.parametrize("tests", [None, RUN_HERE])
def test_every_missing_p_has_its_reason(tests):
    """Bad values of every kind: rows stay, p is NaN, the note says why."""
    table = pd.concat(
        [
            _table("a", "b"),
            pd.DataFrame(
                {
                    "animal": ["s1", "f1", "f2", "n1"],
                    "group": ["single", "flat", "flat", "none"],
                    "value": [1.0, 5.0, 5.0, np.nan],
                }
            ),
        ]
    )
    rows = compare_groups(table, tests=tests, margin=1.0 if tests else None)
    unknown = rows[rows["p"].isna()]
    assert len(unknown) > 0
    assert unknown["note"].str.len().gt(0).all()
    assert not unknown["significant"].any()
    assert unknown["p_adjusted"].isna().all()
    pair = rows[(rows["group_a"] == "single") & (rows["group_b"] == "a")]
    assert pair["note"].str.contains("n = 1|0 matched pairs|nested|not counts").all()
    assert rows.loc[rows["group_a"] == "none", "note"].str.contains("1 missing value of none").all()


def test_all_values_equal_is_stated():
    table = pd.DataFrame({"animal": range(8), "group": list("aaaabbbb"), "value": 0})
    rows = compare_groups(table)
    assert rows["p"].isna().all()
    assert rows["note"].str.contains("all").all()


def test_exclusions_stand_in_every_row_they_concern():
    table = _table("a", "b", "c")
    table.loc[0, "value"] = np.nan
    rows = compare_groups(table)
    concerned = (rows["group_a"] == "") | (rows["group_a"] == "a") | (rows["group_b"] == "a")
    stated = rows["note"].str.contains("1 missing value of a left out")
    assert (stated == concerned).all()


def test_a_pooled_group_gets_a_fold_change_and_no_p():
    """By hand: the pool's mean 9.13333 over 11.38."""
    table = _table("a", "b").assign(pool=lambda t: t["group"] == "b")
    rows = compare_groups(table, pooled="pool")
    assert rows["p"].isna().all()
    assert rows["note"].str.contains("fold change b / a = 0.8026").all()
    assert rows["note"].str.contains("counts as n = 1").all()


def test_chosen_tests_run_in_their_order():
    table = _table("a", "b", "c")
    rows = compare_groups(table, tests=["dunn", "dunnett", "welch_t"], reference="b")
    assert list(dict.fromkeys(rows["test"])) == ["dunn", "dunnett", "welch_t"]
    assert rows["test"].value_counts().to_dict() == {"dunn": 3, "welch_t": 3, "dunnett": 2}
    welch = rows[rows["test"] == "welch_t"]
    assert welch["note"].str.contains("Holm over 3 pairs").all()
    assert (welch["p_adjusted"] >= welch["p"]).all()
    assert set(RUN_HERE) <= set(TESTS)
    one = compare_groups(_table("a", "b"), tests="student_t", alternative="less")
    assert one["p"].tolist() == pytest.approx([0.0029606930339], rel=1e-9)


def test_pairs_are_matched_by_their_unit():
    """R 4.2.2: t.test(a, b[1:5], paired = TRUE); the sixth unit of b has no partner."""
    table = _table("a", "b").assign(animal=lambda t: t["animal"].str[1:])
    rows = compare_groups(table.iloc[::-1], tests=["paired_t"], reference="b")
    assert rows["p"].tolist() == pytest.approx([0.0352809548233], rel=1e-9)
    assert "1 units without a partner left out" in rows["note"][0]
    assert "stand in more than one group" not in rows["note"][0]
    assert "stand in more than one group" in compare_groups(table)["note"][0]


def test_cells_by_animal_mean_and_by_mixed_model(shared_data: Path):
    """R: the t test of animal means, and lme's with animals − groups degrees of freedom."""
    folder = shared_data / "statistics"
    truth = json.loads((folder / "mixed.json").read_text())["nested_cells"]
    table = pd.read_csv(folder / "lmm_nested_cells.csv")
    means = compare_groups(table, value="y", aggregate=True)
    assert means["p"][0] == pytest.approx(truth["animal_level_t"]["p"], rel=1e-9)
    mixed = compare_groups(table, value="y", tests=["mixed_model"])
    assert mixed["p"][0] == pytest.approx(truth["animal_level_t"]["p"], rel=1e-6)
    assert "mean of its rows" not in mixed["note"][0]
    cells = compare_groups(table, value="y", rows_are_units=True)
    assert cells["p"][0] == pytest.approx(truth["naive_cell_level_t"]["p"], rel=1e-9)


def test_whole_tables_agree_with_the_shared_results_of_r(shared_data: Path):
    folder, worst = shared_data / "statistics", 0.0
    for truth in json.loads((folder / "oneway.json").read_text()).values():
        table = pd.read_csv(folder / truth["csv"])
        rows = compare_groups(table, value=truth["response"], group=truth["group"], unit=None)
        by_test = rows.drop_duplicates("test").set_index("test")["p"]
        worst = max(worst, abs(by_test["anova"] / truth["anova"]["p"] - 1))
        worst = max(worst, abs(by_test["welch_anova"] / truth["welch_anova"]["p"] - 1))
        worst = max(worst, abs(by_test["kruskal"] / truth["kruskal"]["p"] - 1))
        keuls = rows[rows["test"] == "newman_keuls"]
        p = {
            frozenset((a, b)): p
            for a, b, p in zip(keuls["group_a"], keuls["group_b"], keuls["p"], strict=True)
        }
        for want in truth["snk_kramer"]["pairs"]:
            got = p[frozenset((want["low"], want["high"]))]
            assert got == pytest.approx(want["p_stepwise"], rel=1e-5, abs=1e-9)
    print(f"largest relative difference from R {worst:.1e}")
    assert worst < 1e-9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "z"}, "'z' is not among the groups compared"),
        ({"tests": ["t"]}, "no test is called t; the tests are student_t"),
        ({"tests": ["equivalence"]}, "needs a margin"),
        ({"alternative": "less", "tests": ["kruskal"]}, "no meaning for kruskal"),
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"groups": ["a"]}, "at least two groups"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare_groups(_table("a", "b"), **options)


def test_a_group_that_is_not_in_the_table_is_stated():
    rows = compare_groups(_table("a", "b"), groups=["a", "b", "absent"])
    absent = rows[rows["group_a"] == "absent"]
    assert absent["p"].isna().all()
    assert absent["note"].str.contains("absent has n = 0").all()
    assert rows.loc[rows["test"] == "anova", "note"].str.contains("absent \\(n = 0\\)").all()
    assert rows.loc[rows["test"] == "anova", "p"].notna().all()


def test_a_hundred_thousand_rows_take_the_normal_form():
    """Simulation, seed 0: 100,000 units; every default test gives its p, none exact by counting."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "animal": np.arange(100_000),
            "group": rng.integers(0, 2, 100_000).astype(str),
            "value": rng.normal(size=100_000),
        }
    )
    rows = compare_groups(table)
    assert rows["p"].notna().all()
    assert "normal approximation" in rows["note"][2]
    assert not any(math.isnan(value) for value in rows["ci_low"])


def _summaries(*names: str) -> pd.DataFrame:
    rows = [(n, len(RAW[n]), np.mean(RAW[n]), np.std(RAW[n], ddof=1)) for n in names]
    table = pd.DataFrame(rows, columns=["group", "n", "mean", "sd"])
    return table.assign(sem=table["sd"] / np.sqrt(table["n"]))


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("error", ["sd", "sem"])
def test_summaries_give_the_numbers_of_the_raw_values(names, error):
    """The same groups by their values: every number of every test on means."""
    many = len(names) > 2
    tests = [*SUMMARY_TESTS[many], "dunnett", "equivalence"]
    raw = compare_groups(_table(*names), tests=tests, margin=1.5, reference="b")
    bare = compare_summaries(
        _summaries(*names), **{error: error}, tests=tests, margin=1.5, reference="b"
    )
    numbers = ["statistic", "p", "p_adjusted", "effect", "ci_low", "ci_high"]
    assert bare[numbers].to_numpy() == pytest.approx(
        raw[numbers].to_numpy(), rel=1e-9, abs=1e-300, nan_ok=True
    )
    assert bare["df"].tolist() == raw["df"].tolist()
    assert bare["note"].str.contains(f"from n, means and {error.upper()}s").all()
    usual = compare_summaries(_summaries(*names), **{error: error})
    assert tuple(dict.fromkeys(usual["test"])) == SUMMARY_TESTS[many]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {}, "SD or the column of the SEM"),
        ({}, {"sd": "sd", "sem": "sem"}, "one of the two"),
        ({}, {"sd": "sd", "tests": ["wilcoxon"]}, "wilcoxon needs each unit's own value"),
        ({"group": ["a", "a"]}, {"sd": "sd"}, "stands twice"),
        ({"n": [5, np.nan]}, {"sd": "sd"}, "b has no n"),
        ({"n": [5, 4.5], "group": ["a", "a"]}, {"sd": "sd"}, r"a has n = 4.5; a stands twice"),
        ({"sd": [1.0, -1.0]}, {"sd": "sd"}, "b has sd = -1"),
        ({"sem": [-2.6, 1.0]}, {"sem": "sem"}, "a has sem = -2.6"),
    ],
)
def test_what_summaries_cannot_give_is_refused(change, options, message):
    with pytest.raises(ValueError, match=message):
        compare_summaries(_summaries("a", "b").assign(**change), **options)


def test_untested_names_what_lacks_by_the_first_test():
    """By hand: all groups at once, pairs with the reference, and no row where nothing is run."""
    sizes = {"a": 3, "b": 0, "c": 1}
    every = untested(sizes)
    assert every["test"].tolist() == ["anova"]
    assert every["note"].tolist() == ["no test: no animal of b has a value; c has n = 1"]
    pairs = untested(sizes, reference="b", tests=["wilcoxon", "anova"])
    assert pairs[["test", "group_a", "group_b"]].values.tolist() == [
        ["wilcoxon", "a", "b"],
        ["wilcoxon", "c", "b"],
    ]
    assert untested(sizes, tests=[]).empty


def test_odds_ratios_per_nothing_are_refused():
    with pytest.raises(ValueError, match="per 0 of the value; expected an amount"):
        compare_groups(_table("a", "b"), tests=["logistic"], per=0)


def test_newman_keuls_never_stands_without_tukey():
    rows = compare_groups(_table("a", "b", "c"), tests=["newman_keuls"])
    assert rows["test"].tolist() == ["newman_keuls"] * 3 + ["tukey_hsd"] * 3


def test_odds_ratios_are_per_what_is_asked():
    """Identities: per 10 is the tenth power of per 1; the pair turned round is its inverse."""
    values = {"case": [118, 125, 109, 131, 114, 122.0], "free": [127, 121, 133, 119, 138, 126.0]}
    table = pd.DataFrame(
        [(f"{g}{i}", g, v) for g, own in values.items() for i, v in enumerate(own)],
        columns=["animal", "group", "value"],
    )
    one = compare_groups(table, tests=["logistic"], reference="free").iloc[0]
    ten = compare_groups(table, tests=["logistic"], reference="free", per=-10).iloc[0]
    turned = compare_groups(table, tests=["logistic"], reference="case").iloc[0]
    assert (one["group_a"], one["group_b"]) == ("case", "free")
    assert ten["effect"] == pytest.approx(one["effect"] ** -10)
    assert turned["effect"] == pytest.approx(1 / one["effect"])
    assert (turned["ci_low"], turned["ci_high"]) == pytest.approx(
        (1 / one["ci_high"], 1 / one["ci_low"]), rel=1e-6
    )
    assert turned["p"] == pytest.approx(one["p"])
    assert "per -10 of value" in ten["note"]
    assert "area under the ROC curve" in ten["note"]


def test_pairs_of_counts_and_of_a_mixed_model_are_one_family():
    """By hand: Holm's step-down of three and of two p-values."""
    counts = _table("a", "b", "c").assign(value=lambda t: (t["value"] * 3).round())
    rows = compare_groups(counts, tests=["negative_binomial"])
    pairs = rows[rows["group_a"] != ""].sort_values("p")
    p = pairs["p"].to_numpy()
    by_hand = np.minimum(np.maximum.accumulate(p * [3, 2, 1]), 1)
    assert pairs["p_adjusted"].to_numpy() == pytest.approx(by_hand)
    assert pairs["note"].str.contains("Holm over 3 pairs").all()
    cells = pd.concat([_table("a", "b", "c")] * 3, ignore_index=True)
    cells["value"] += np.random.default_rng(0).normal(size=len(cells))
    rows = compare_groups(cells, tests=["mixed_model"]).sort_values("p")
    p = rows["p"].to_numpy()
    assert rows["p_adjusted"].to_numpy() == pytest.approx(
        np.minimum([2 * p[0], max(2 * p[0], p[1])], 1)
    )


def test_ratios_are_told_of_values_that_have_a_zero_only():
    """By hand: mean of a over mean of b, 11.38 / 9.133."""
    rows = compare_groups(_table("a", "b"), tests=["welch_t"], reference="b")
    assert "ratio of means 1.25 (" in rows["note"][0]
    signed = _table("a", "b").assign(value=lambda t: t["value"] - 9)
    assert "ratio" not in compare_groups(signed, tests=["welch_t"])["note"][0]
