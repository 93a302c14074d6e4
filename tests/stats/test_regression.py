"""Logistic regression and the ROC curve's area, held against R and against known truths."""

import json

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.regression import LOGISTIC_COLUMNS, logistic, roc_auc, separates

HAEMOGLOBIN = [112, 118, 125, 131, 104, 122, 119, 127, 133, 115, 109, 121]
HAEMOGLOBIN += [128, 117, 124, 136, 111, 120, 126, 130, 116, 123, 113, 129]
AGE = [
    33,
    41,
    38,
    29,
    36,
    44,
    31,
    35,
    40,
    27,
    39,
    42,
    30,
    34,
    37,
    43,
    28,
    32,
    26,
    36,
    45,
    33,
    38,
    41,
]
NODES = [1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]


@pytest.fixture
def patients() -> pd.DataFrame:
    return pd.DataFrame({"haemoglobin": HAEMOGLOBIN, "age": AGE}, dtype=float)


def test_coefficients_are_those_of_r_glm(patients):
    """R 4.2.2, glm(node ~ hb + age, binomial), epsilon 1e-15."""
    fit = logistic(NODES, patients)
    assert list(fit.table.columns) == list(LOGISTIC_COLUMNS)
    assert fit.table["coefficient"].to_list() == pytest.approx(
        [20.8758769675663700, -0.1802153997146763, 0.0211241480713691], rel=1e-9
    )
    assert fit.table["standard_error"].to_list() == pytest.approx(
        [9.6985557474110422, 0.0778301583316878, 0.0890885655877640], rel=1e-9
    )
    assert fit.table["p"].to_list() == pytest.approx(
        [0.0313601392049605, 0.0205858176687254, 0.8125683347969376], rel=1e-9
    )
    assert fit.log_likelihood == pytest.approx(-12.5625321332132, rel=1e-12)
    assert (fit.n, fit.events, fit.method, fit.note) == (24, 11, "maximum likelihood", "")


def test_profile_intervals_are_the_roots_that_r_finds(patients):
    """R 4.2.2, uniroot on the deviance of glm with one coefficient held as an offset."""
    fit = logistic(NODES, patients)
    expected = [
        (4.47042047658953, 43.8755953084106),
        (-0.36488560376907, -0.0490146220553823),
        (-0.154517401912374, 0.207204889119211),
    ]
    for row, (low, high) in zip(fit.table.itertuples(), expected, strict=True):
        assert np.log(row.profile_low) == pytest.approx(low, rel=1e-9)
        assert np.log(row.profile_high) == pytest.approx(high, rel=1e-9)


def test_firth_is_the_maximum_that_r_optim_finds_of_the_penalised_likelihood():
    """R 4.2.2, optim (BFGS, own slope) on log-likelihood + log det(information) / 2."""
    predictors = pd.DataFrame({"x": np.arange(1.0, 9), "z": [1.0, 0, 0, 1, 1, 0, 1, 0]})
    fit = logistic([0, 0, 0, 0, 1, 1, 1, 1], predictors)
    assert fit.method == "Firth"
    assert "separate" in fit.note
    assert fit.table["coefficient"].to_list() == pytest.approx(
        [-3.80611458322924, 0.82095006300567, 0.192774897439444], rel=2e-7
    )
    assert fit.table["p"].to_list()[1:] == pytest.approx(
        [0.0243538442646143, 0.913480869774826], rel=1e-9
    )
    limits = np.log(fit.table.loc[1, ["profile_low", "profile_high"]].astype(float))
    assert limits.to_list() == pytest.approx([0.0832438919686157, 4.46655856756714], rel=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "coefficient", "limits", "p"),
    [
        (
            *([3, 5, 1, 0, 8], [12, 18, 33, 9, 20], 0.33532834),
            *((0.04327993954095, 3.63061414221084), 0.0108900546456946),
        ),
        (
            *([1, 2], [7, 8], 0.52983957),
            *((-0.07770290018458, 1.58569804506085), 0.0928634273791642),
        ),
        (
            *([1, 2, 3, 1, 1, 1, 6, 2, 4, 3, 0], [14, 19, 9, 11, 14, 10, 16, 15, 10, 16, 7]),
            *(0.75737981, (0.28846419236682, 4.11148710238142), 2.34498926830073e-06),
        ),
    ],
)
def test_firth_settles_where_few_values_separate(low, high, coefficient, limits, p):
    """Profiles of the penalised likelihood by a scan of the intercept, its determinant written out
    as Σ w_i w_j (x_i − x_j)² over pairs, and scipy's bounded search; agreed to 1e-10 and, at the
    flat maximum, to 1e-7.
    """
    outcome = [0] * len(low) + [1] * len(high)
    row = logistic(outcome, pd.DataFrame({"x": np.array([*low, *high], float)})).table.iloc[1]
    assert row["coefficient"] == pytest.approx(coefficient, rel=1e-6)
    found = np.log([row["profile_low"], row["profile_high"]])
    assert found == pytest.approx(limits, abs=1e-8)
    assert row["p"] == pytest.approx(p, rel=1e-8)


def test_all_of_rs_birth_weights(shared_data):
    """R 4.2.2: glm, confint.default, MASS profile (interpolated), brglm2 AS_mean, pROC DeLong."""
    folder = shared_data / "statistics"
    known = json.loads((folder / "logistic.json").read_text())["birthwt"]
    table = pd.read_csv(folder / "glm_birthwt.csv")
    predictors = table[["age", "lwt", "smoke"]]
    fit = logistic(table["low"], predictors)
    for row, expected in zip(fit.table.itertuples(), known["coef"], strict=True):
        assert row.coefficient == pytest.approx(expected["b"], rel=1e-9)
        assert row.standard_error == pytest.approx(expected["se"], rel=1e-9)
        assert row.p == pytest.approx(expected["p"], rel=1e-9)
        assert np.log([row.wald_low, row.wald_high]) == pytest.approx(expected["wald_ci"], rel=1e-9)
        # MASS interpolates the profile by a spline, good to three or four digits
        profile = np.log([row.profile_low, row.profile_high])
        assert profile == pytest.approx(expected["profile_ci"], rel=1e-3)
    assert fit.auc.value == pytest.approx(known["auc"], rel=1e-9)
    interval = [fit.auc.ci_low, fit.auc.value, fit.auc.ci_high]
    assert interval == pytest.approx(known["auc_ci_delong"], rel=1e-9)
    firth = logistic(table["low"], predictors, method="Firth")
    for row, expected in zip(firth.table.itertuples(), known["firth"], strict=True):
        assert row.coefficient == pytest.approx(expected["b"], rel=1e-9)
        assert row.standard_error == pytest.approx(expected["se"], rel=1e-9)


def test_an_odds_ratio_per_ten_is_the_tenth_power_and_a_fall_its_inverse(patients):
    """Hand computation: exp(10 b) = exp(b)^10, and limits swap for a fall."""
    one = logistic(NODES, patients).table.loc[1]
    ten = logistic(NODES, patients, units={"haemoglobin": 10}).table.loc[1]
    fall = logistic(NODES, patients, units={"haemoglobin": -10}).table.loc[1]
    assert ten["odds_ratio"] == pytest.approx(one["odds_ratio"] ** 10)
    assert fall["odds_ratio"] == pytest.approx(1 / ten["odds_ratio"])
    assert fall["profile_low"] == pytest.approx(1 / ten["profile_high"])
    assert fall["wald_high"] == pytest.approx(1 / ten["wald_low"])
    assert ten["coefficient"] == one["coefficient"]


def test_another_unit_of_measure_or_order_of_rows_changes_nothing(patients):
    """Property: g/dL for g/L scales the coefficient by ten; rows have no order."""
    order = np.random.default_rng(0).permutation(len(NODES))
    shuffled = logistic(np.array(NODES)[order], patients.iloc[order])
    scaled = logistic(NODES, patients.assign(haemoglobin=patients["haemoglobin"] / 10))
    known = logistic(NODES, patients)
    assert shuffled.table.loc[1, "p"] == pytest.approx(known.table.loc[1, "p"], rel=1e-10)
    assert scaled.table.loc[1, "coefficient"] == pytest.approx(
        10 * known.table.loc[1, "coefficient"], rel=1e-9
    )
    assert scaled.table.loc[1, "p"] == pytest.approx(known.table.loc[1, "p"], rel=1e-9)


def test_separation_is_found_whole_quasi_and_not():
    """Hand-made data: a threshold, a threshold with a tie, an overlap."""
    x = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert separates(x, np.array([0, 0, 1, 1]))
    assert separates(np.array([[1.0], [2.0], [2.0], [4.0]]), np.array([0, 0, 1, 1]))
    assert not separates(x, np.array([0, 1, 0, 1]))


def test_separated_data_are_refused_where_maximum_likelihood_is_asked_for():
    """Maximum likelihood has no finite estimate there (Albert and Anderson 1984)."""
    with pytest.raises(ValueError, match="Firth"):
        logistic([0, 0, 1, 1], pd.DataFrame({"x": [1.0, 2, 3, 4]}), method="maximum likelihood")


@pytest.mark.parametrize(
    ("outcome", "columns", "said"),
    [
        ([1, 1, 1, 1], {"x": [1.0, 2, 3, 4]}, "same"),
        ([0, 1, 2, 1], {"x": [1.0, 2, 3, 4]}, "0 or 1"),
        ([0, 1, 0, 1], {"x": [5.0, 5, 5, 5]}, "same in every row"),
        ([0, 1, 0, 1, 1], {"x": [1.0, 2, 3, 4, 9], "y": [2.0, 4, 6, 8, 18]}, "combination"),
        ([0, 1, 0], {"x": [1.0, 2, 3, 4]}, "3 outcomes for 4 rows"),
    ],
)
def test_bad_input_is_refused_in_words(outcome, columns, said):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=said):
        logistic(outcome, pd.DataFrame(columns))


def test_rows_with_missing_values_are_left_out_and_said_to_be(patients):
    """The fit is that of the complete rows."""
    holed = patients.copy()
    holed.loc[3, "age"] = np.nan
    fit = logistic(NODES, holed)
    complete = logistic(NODES[:3] + NODES[4:], patients.drop(index=3))
    assert fit.n == 23
    assert "1 rows with missing values" in fit.note
    assert fit.table["coefficient"].to_list() == pytest.approx(
        complete.table["coefficient"].to_list()
    )


def test_comparisons_carry_the_odds_ratio_with_its_profile_interval(patients):
    """Form of comparisons.csv: effect is the odds ratio per the chosen unit."""
    fit = logistic(NODES, patients, units={"haemoglobin": -10})
    row = fit.comparisons()[0]
    assert (row.test, row.group_a, row.significant) == ("logistic", "haemoglobin", True)
    assert row.effect == pytest.approx(np.exp(1.802153997146763), rel=1e-9)
    assert row.ci_low < row.effect < row.ci_high
    assert "per -10 of haemoglobin" in row.note


def test_auc_is_the_share_of_pairs_in_order():
    """Hand count: of 9 pairs one is out of order and one is tied."""
    found = roc_auc([0, 0, 0, 1, 1, 1], [1, 2, 4, 2, 5, 6])
    assert found.value == pytest.approx((9 - 1 - 0.5) / 9)
    assert 0 <= found.ci_low < found.value < found.ci_high <= 1


def test_auc_interval_covers_the_truth_by_simulation():
    """Two normal groups one SD apart: AUC Φ(1/√2) = 0.760; DeLong's interval covers near 95 %."""
    rng = np.random.default_rng(3)
    outcome = np.repeat([0, 1], 40)
    inside = 0
    for _ in range(400):
        found = roc_auc(outcome, rng.normal(size=80) + outcome)
        inside += found.ci_low <= 0.7602499 <= found.ci_high
    assert 0.91 <= inside / 400 <= 0.98


def test_wald_p_is_uniform_under_the_null_by_simulation():
    """No effect: about a twentieth of p-values below 0.05 at n = 200."""
    rng = np.random.default_rng(5)
    p = [
        logistic(rng.random(200) < 0.4, pd.DataFrame({"x": rng.normal(size=200)})).table.loc[1, "p"]
        for _ in range(60)
    ]
    assert 0 <= np.mean(np.array(p) < 0.05) <= 0.12
    assert 0.4 <= np.mean(p) <= 0.6
