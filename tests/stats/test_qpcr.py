"""qPCR: Livak's published fold, hand computations, and other packages' formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xenoquant.stats.multiplicity import benjamini_hochberg
from xenoquant.stats.qpcr import (
    amplification_from_dilutions,
    compare_folds,
    group_folds,
    reference_matrix,
    relative_quantities,
)
from xenoquant.stats.qpcr_wells import calibrate_plates, combine_wells, judge_wells


def wells(rows, columns=("animal", "group", "gene", "cq")) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    for column, default in (("plate", ""), ("pooled", False)):
        if column not in table:
            table[column] = default
    return table


def samples(table: pd.DataFrame) -> pd.DataFrame:
    return calibrate_plates(combine_wells(judge_wells(table)))[0]


def one_set(*cq: float) -> pd.DataFrame:
    return judge_wells(wells([("a", "c", "Myc", value) for value in cq]))


# Technical replicates --------------------------------------------------------------------------


def test_one_odd_well_of_three_is_left_out_by_name():
    """Authority: the rule; 21.5 lies 1.4 from the median, the others agree within 0.1."""
    judged = one_set(20.0, 20.1, 21.5)
    assert judged["used"].tolist() == [True, True, False]
    assert judged["reason"].tolist() == ["", "", "outlier"]
    combined = combine_wells(judged).iloc[0]
    assert (combined["cq"], combined["wells"], combined["left_out"]) == (
        pytest.approx(20.05),
        2,
        1,
    )


@pytest.mark.parametrize(
    "cq",
    [(20.0, 21.0), (20.0, 20.6, 21.2), (20.0, 20.0, 21.0, 21.0), (20.0, 20.4, 20.9)],
    ids=["two wells", "a ladder", "two camps", "none far from the median"],
)
def test_wells_that_disagree_without_a_culprit_are_kept_and_marked(cq):
    """Authority: the rule; nothing tells which well is wrong."""
    judged = one_set(*cq)
    assert judged["used"].all()
    assert set(judged["reason"]) == {"wide spread"}


def test_a_spread_of_exactly_the_limit_is_inside_it():
    assert set(one_set(24.8, 25.0, 25.3)["reason"]) == {""}


def test_undetermined_wells_are_left_out_and_never_become_a_number():
    """Authority: the policy; half determined is enough, less is not."""
    nan = float("nan")
    assert one_set(30.0, 30.2, nan)["used"].tolist() == [True, True, False]
    assert combine_wells(one_set(30.0, 30.2, nan))["cq"].tolist() == pytest.approx([30.1])
    mostly = one_set(30.0, nan, nan)
    assert mostly["reason"].tolist() == ["mostly undetermined", "undetermined", "undetermined"]
    assert combine_wells(mostly)["cq"].isna().all()


def test_rows_keep_their_order_and_number():
    table = wells([("a", "c", "Myc", 20.0), ("b", "c", "Myc", 22.0), ("a", "c", "Myc", 20.2)])
    table.index = [7, 3, 9]
    assert judge_wells(table).index.tolist() == [7, 3, 9]


# Plates ----------------------------------------------------------------------------------------


def on_plates(rows) -> pd.DataFrame:
    columns = ("animal", "group", "gene", "plate", "cq")
    return combine_wells(judge_wells(wells(rows, columns)))


def test_calibrators_bring_plates_together():
    """Authority: hand computation; plate 2 runs 1 cycle late, seen on two shared samples."""
    rows = [("s", "c", "Myc", "1", 20.0), ("t", "c", "Myc", "1", 22.0), ("u", "x", "Myc", "1", 25)]
    rows += [("s", "c", "Myc", "2", 21.1), ("t", "c", "Myc", "2", 22.9), ("v", "x", "Myc", "2", 26)]
    found, plates = calibrate_plates(on_plates(rows))
    assert plates["offset_cq"].tolist() == pytest.approx([-0.5, 0.5])
    assert plates["shared_samples"].tolist() == [2, 2]
    cq = found.set_index("animal")["cq"]
    assert cq["u"] == pytest.approx(25.5)
    assert cq["v"] == pytest.approx(25.5)
    assert cq["s"] == pytest.approx((20.5 + 20.6) / 2)


def test_three_plates_linked_in_a_chain():
    """Authority: offsets put in (0, 1, 3 around their mean), exact without noise."""
    level = {"a": 20.0, "b": 23.0, "c": 21.0, "d": 24.0}
    offset = {"1": 0.0, "2": 1.0, "3": 3.0}
    held = [("a", "1"), ("b", "1"), ("b", "2"), ("c", "2"), ("c", "3"), ("d", "3")]
    rows = [(s, "g", "Myc", p, level[s] + offset[p]) for s, p in held]
    found, plates = calibrate_plates(on_plates(rows))
    mean = 4 / 3
    assert plates["offset_cq"].tolist() == pytest.approx([0 - mean, 1 - mean, 3 - mean])
    cq = found.set_index("animal")["cq"]
    assert (cq - cq["a"]).tolist() == pytest.approx([0, 3, 1, 4])


def test_plates_without_a_shared_sample_stay_as_they_are_and_say_so():
    rows = [("a", "c", "Myc", "1", 20.0), ("b", "c", "Myc", "2", 21.0)]
    found, plates = calibrate_plates(on_plates(rows))
    assert found["cq"].tolist() == [20.0, 21.0]
    assert plates["offset_cq"].isna().all()
    assert plates["run"].nunique() == 2


# Quantities ------------------------------------------------------------------------------------


def livak(folder) -> pd.DataFrame:
    table = pd.read_csv(folder / "qpcr" / "pcr" / "ct1.csv")
    table["group"] = ["brain"] * 6 + ["kidney"] * 6
    table["animal"] = "pool of " + table["group"]
    table["pooled"] = True
    long = table.melt(["animal", "group", "pooled"], var_name="gene", value_name="cq")
    return long.assign(plate="")


def test_livaks_fold(shared_data):
    """Authority: Livak and Schmittgen 2001, c-myc in kidney over brain: 5.6 (5.3 to 6.0)."""
    found = relative_quantities(
        samples(livak(shared_data)), reference_genes=["GAPDH"], reference_group="brain"
    )
    row = found[(found["gene"] == "c_myc") & (found["group"] == "kidney")].iloc[0]
    print(f"fold {row['fold_change']:.4f} ({row['fold_low']:.3f} to {row['fold_high']:.3f})")
    assert round(row["fold_change"], 3) == 5.637
    assert round(row["fold_low"], 1) == 5.3
    assert round(row["fold_high"], 1) == 6.0


def test_slopes_of_the_dilution_series(shared_data):
    """Authority: numpy's polyfit on Yuan's four series of 12 wells."""
    file = shared_data / "qpcr" / "pcr" / "ct4_raw.tsv"
    table = pd.read_csv(file, sep="\t", names=["quantity", "cq", "gene"], header=None)
    found = amplification_from_dilutions(table.assign(gene=table["gene"].astype(str)))
    for row in found.to_dict("records"):
        held = table[table["gene"].astype(str) == row["gene"]]
        slope, intercept = np.polyfit(np.log10(held["quantity"]), held["cq"], 1)
        assert row["slope"] == pytest.approx(slope)
        assert row["intercept"] == pytest.approx(intercept)
        assert row["amplification"] == pytest.approx(10 ** (-1 / slope))
        r = np.corrcoef(np.log10(held["quantity"]), held["cq"])[0, 1]
        assert row["r_squared"] == pytest.approx(r**2)
        print(row["gene"], round(row["amplification"], 4), round(row["r_squared"], 4))


PFAFFL = [
    ("a", "c", "T", 30.0),
    ("a", "c", "R1", 20.0),
    ("a", "c", "R2", 18.0),
    ("b", "x", "T", 27.0),
    ("b", "x", "R1", 21.0),
    ("b", "x", "R2", 17.0),
]


def test_efficiencies_and_two_reference_genes_by_hand():
    """Authority: Pfaffl's ratio by hand: 1.9^3 / √(2^−1 · 1.8^1)."""
    found = relative_quantities(
        samples(wells(PFAFFL)),
        reference_genes=["R1", "R2"],
        reference_group="c",
        amplification={"T": 1.9, "R2": 1.8},
    )
    row = found[(found["gene"] == "T") & (found["animal"] == "b")].iloc[0]
    assert row["relative_quantity"] == pytest.approx(1.9**3)
    assert row["normalisation_factor"] == pytest.approx((0.5 * 1.8) ** 0.5)
    assert row["fold_change"] == pytest.approx(1.9**3 / (0.5 * 1.8) ** 0.5)
    matrix = reference_matrix(found, ["R2", "R1"])
    assert matrix.columns.tolist() == ["R2", "R1"]
    assert matrix.loc[("x", "b")].tolist() == pytest.approx([1.8, 0.5])


def test_the_reference_groups_geometric_mean_is_one():
    """Authority: the definition, also where an animal lacks the gene."""
    rows = [("a", "c", "T", 25.0), ("b", "c", "T", 27.0), ("d", "c", "T", np.nan)]
    rows += [("e", "x", "T", 24.0)]
    rows += [(animal, "c", "R", cq) for animal, cq in (("a", 20.0), ("b", 20.5), ("d", 17.0))]
    rows += [("e", "x", "R", 20.25)]
    found = relative_quantities(samples(wells(rows)), reference_genes=["R"], reference_group="c")
    target = found[found["gene"] == "T"].set_index("animal")
    own = target.loc[["a", "b"], "fold_change"]
    assert float(np.prod(own)) == pytest.approx(1)
    assert np.isnan(target.loc["d", "fold_change"])
    # 25 − 20 and 27 − 20.5: mean ΔCq 5.75; the treated one has 3.75
    assert target.loc["e", "fold_change"] == pytest.approx(4.0)


def test_a_sample_without_a_reference_gene_has_no_fold():
    """Authority: the policy; the other gene alone would be another normalisation."""
    rows = [row if row[:3] != ("b", "x", "R2") else (*row[:3], np.nan) for row in PFAFFL]
    found = relative_quantities(
        samples(wells(rows)), reference_genes=["R1", "R2"], reference_group="c"
    )
    assert np.isnan(found.loc[found["animal"] == "b", "fold_change"]).all()


def test_a_dropped_row_does_not_pass_for_a_missing_gene():
    """Authority: as before, with the well not in the table at all."""
    rows = [row for row in PFAFFL if row[:3] != ("b", "x", "R2")]
    found = relative_quantities(
        samples(wells(rows)), reference_genes=["R1", "R2"], reference_group="c"
    )
    assert np.isnan(found.loc[found["animal"] == "b", "fold_change"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference_genes": ["Actb"]}, "aren't in the table"),
        ({"reference_genes": []}, "one gene or more"),
        ({"amplification": {"T": 0.95}}, "1 \\+ efficiency"),
    ],
)
def test_what_cant_be_is_refused_with_the_reason(options, message):
    with pytest.raises(ValueError, match=message):
        relative_quantities(
            samples(wells(PFAFFL)),
            **({"reference_genes": ["R1"], "reference_group": "c"} | options),
        )


def test_dilutions_that_give_no_efficiency_say_why():
    rows = [("two", 1, 30), ("two", 10, 27), ("up", 1, 20), ("up", 10, 23), ("up", 100, 26)]
    found = amplification_from_dilutions(pd.DataFrame(rows, columns=["gene", "quantity", "cq"]))
    assert found["amplification"].isna().all()
    assert "2 dilutions" in found["note"][0]
    assert "fall" in found["note"][1]


# Comparisons -----------------------------------------------------------------------------------


def study(genes: int = 3, animals: int = 5, pooled: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(11)
    rows = []
    for group, shift in (("c", 0.0), ("x", 1.0)):
        for number in range(animals):
            animal = f"{group}{number}"
            rows.append((animal, group, "R", 20 + random.normal(0, 0.1), "", pooled))
            rows += [
                (animal, group, f"T{g}", 25 - shift * g + random.normal(0, 0.5), "", pooled)
                for g in range(genes)
            ]
    table = wells(rows, ("animal", "group", "gene", "cq", "plate", "pooled"))
    return relative_quantities(samples(table), reference_genes=["R"], reference_group="c")


def test_tests_are_those_of_scipy_on_log2():
    """Authority: scipy's t tests on the log2 fold changes; Benjamini-Hochberg over genes."""
    from scipy import stats

    quantities = study()
    rows = compare_folds(quantities, groups=["c", "x"], reference="c")
    p = []
    for gene in ("T0", "T1", "T2"):
        held = quantities[quantities["gene"] == gene]
        log = {g: held.loc[held["group"] == g, "log2_fold_change"] for g in ("c", "x")}
        p.append(stats.ttest_ind(log["x"], log["c"]).pvalue)
        row = rows[(rows["feature"] == f"fold_change.{gene}") & (rows["test"] == "student_t")]
        assert row["p"].item() == pytest.approx(p[-1])
        effect = log["x"].mean() - log["c"].mean()
        assert row["effect"].item() == pytest.approx(effect)
        assert f"fold change x / c = {2**effect:.4g}" in row["note"].item()
        assert row["ci_low"].item() < effect < row["ci_high"].item()
    student = rows[rows["test"] == "student_t"]
    assert student["p_adjusted"].tolist() == pytest.approx(benjamini_hochberg(p).tolist())
    assert student["note"].str.contains("Benjamini-Hochberg over 3 genes").all()


def test_a_pool_gives_a_fold_and_never_a_p():
    """Authority: n = 1 a group; however many wells and pools stand in the table."""
    rows = compare_folds(study(pooled=True), groups=["c", "x"], reference="c")
    assert rows["p"].isna().all()
    assert rows["ci_low"].isna().all()
    assert not rows["significant"].any()
    assert rows["effect"].notna().all()
    assert rows["note"].str.contains("a pool is one sample").all()
    folds = group_folds(study(pooled=True), ["c", "x"])
    assert (folds["n"] == 1).all()
    assert folds["ci_low"].isna().all()


def test_one_pooled_group_takes_only_its_own_rows_p():
    """Authority: the tests of the two groups of animals alone, untouched by the pool."""
    quantities = study()
    pool = quantities[quantities["animal"] == "x0"].assign(animal="p", group="y", pooled=True)
    together = pd.concat([quantities, pool], ignore_index=True)
    tests = ["welch_t", "wilcoxon"]
    rows = compare_folds(together, groups=["c", "x", "y"], reference="c", tests=tests)
    concerned = (rows["group_a"] == "y") | (rows["group_b"] == "y")
    assert rows.loc[concerned, "p"].isna().all()
    alone = compare_folds(quantities, groups=["c", "x"], reference="c", tests=tests)
    assert rows.loc[~concerned, "p"].tolist() == pytest.approx(alone["p"].tolist())


def test_group_folds_have_the_level_that_is_asked_for():
    """By hand: an interval on log2 grows with the quantile, from t(0.975) to t(0.995)."""
    usual, wide = (group_folds(study(), ["c", "x"], level=level) for level in (0.95, 0.99))
    df = usual["n"].to_numpy() - 1
    ratio = scipy_stats.t.ppf(0.995, df) / scipy_stats.t.ppf(0.975, df)
    spans = [np.log2(table["ci_high"] / table["ci_low"]) for table in (usual, wide)]
    assert (spans[1] / spans[0]).to_numpy() == pytest.approx(ratio)


def test_group_folds_are_geometric_means_with_their_intervals():
    """Authority: scipy's t interval on log2, taken back."""
    from scipy import stats

    quantities = study()
    held = quantities[(quantities["gene"] == "T2") & (quantities["group"] == "x")]
    log = held["log2_fold_change"]
    low, high = stats.t.interval(0.95, 4, log.mean(), log.sem())
    row = group_folds(quantities, ["c", "x"]).set_index(["gene", "group"]).loc[("T2", "x")]
    assert row["fold_change"] == pytest.approx(stats.gmean(held["fold_change"]))
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(2**low), pytest.approx(2**high))


def test_three_groups_run_the_default_tests():
    quantities = study()
    third = quantities[quantities["group"] == "x"].assign(group="y")
    third["animal"] = "y" + third["animal"]
    together = pd.concat([quantities, third], ignore_index=True)
    rows = compare_folds(together, groups=["c", "x", "y"], reference="c")
    assert set(rows["test"]) == {"anova", "welch_anova", "newman_keuls", "tukey_hsd", "kruskal"}
    pools = compare_folds(together.assign(pooled=True), groups=["c", "x", "y"], reference="c")
    assert pools["p"].isna().all()
