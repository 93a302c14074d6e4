"""Agreement between readers: published numbers, R, and coverage by simulation."""

import numpy as np
import pytest

from xenoquant.stats.agreement import bland_altman, cohen_kappa, icc_2_1, lin_concordance
from xenoquant.stats.estimate import estimate_table

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)


def test_icc_is_the_one_that_shrout_and_fleiss_published():
    """Shrout and Fleiss 1979, table 4: ICC(2,1) = 0.29; interval from R 4.2.2's mean squares."""
    found = icc_2_1(SHROUT_FLEISS)
    assert round(found.value, 2) == 0.29
    assert found.value == pytest.approx(0.289763779527559, rel=1e-12)
    assert found.ci_low == pytest.approx(0.018786513374712, rel=1e-9)
    assert found.ci_high == pytest.approx(0.761084369648953, rel=1e-9)


def test_icc_of_equal_readers_is_one():
    """Two readers who give the same numbers."""
    found = icc_2_1(np.array([[1, 1], [4, 4], [9, 9]]))
    assert (found.value, found.ci_low, found.ci_high) == (1.0, 1.0, 1.0)
    assert "identical" in found.note


def test_readers_that_differ_by_rounding_only_agree():
    """Authority: the intraclass correlation's limit of 1; areas of 1e9 that differ by 1e-6 leave
    no room for 1 - ICC in double precision."""
    one = np.array([0.0, 1e9, 2e9, 3e9])
    found = icc_2_1(np.stack([one, one + 1e-6 * np.array([1, 1, 2, 1])], axis=1))
    assert (found.value, found.ci_low, found.ci_high) == (1.0, 1.0, 1.0)
    assert "rounding" in found.note


def test_icc_interval_covers_the_truth_by_simulation():
    """Variances 4 (things), 1 (readers), 1 (rest): ICC 4/6, 20 things, 4 readers."""
    rng = np.random.default_rng(9)
    inside = 0
    for _ in range(400):
        table = 2 * rng.normal(size=(20, 1)) + rng.normal(size=(1, 4)) + rng.normal(size=(20, 4))
        found = icc_2_1(table)
        inside += found.ci_low <= 4 / 6 <= found.ci_high
    assert 0.92 <= inside / 400 <= 0.985


def test_bland_altman_is_the_hand_computation():
    """Differences −1, 0, 2, 1, −2: mean 0, SD √2.5, limits ± 1.96 SD."""
    bias, low, high = bland_altman([10, 12, 15, 20, 22], [11, 12, 13, 19, 24])
    assert bias.value == 0
    assert bias.ci_high == pytest.approx(2.776445105 * np.sqrt(2.5 / 5))
    assert high.value == pytest.approx(1.959963985 * np.sqrt(2.5))
    assert low.value == -high.value
    assert low.ci_low == pytest.approx(-high.ci_high)
    assert high.ci_low < high.value < high.ci_high


def test_limits_of_agreement_cover_the_truth_in_small_samples_by_simulation():
    """Eight pairs, differences N(1, 2): the upper limit is 1 + 1.96 · 2."""
    rng = np.random.default_rng(10)
    truth, inside = 1 + 1.959963985 * 2, 0
    for _ in range(500):
        first = rng.normal(50, 9, 8)
        limit = bland_altman(first, first - rng.normal(1, 2, 8))[2]
        inside += limit.ci_low <= truth <= limit.ci_high
    assert 0.925 <= inside / 500 <= 0.975


def test_readers_exchanged_turn_the_bias_round():
    """Property."""
    first, second = [3.0, 5, 9, 12], [4.0, 4, 10, 15]
    there, back = bland_altman(first, second), bland_altman(second, first)
    assert back[0].value == -there[0].value
    assert back[1].ci_low == pytest.approx(-there[2].ci_high)
    assert lin_concordance(first, second).value == lin_concordance(second, first).value


def test_concordance_is_lins_formula():
    """Hand computation: 2 s12 / (s1² + s2² + shift²), n below; a shift lowers it, r stays 1."""
    found = lin_concordance([1, 2, 3, 4], [2, 3, 4, 5])
    assert found.value == pytest.approx(2 * 1.25 / (1.25 + 1.25 + 1))
    assert lin_concordance([1, 2, 3, 4], [1, 2, 3, 4]).value == 1
    assert lin_concordance([1, 2, 3, 4], [4, 3, 2, 1]).value == pytest.approx(-1)


def test_concordance_interval_covers_the_truth_by_simulation():
    """Correlation 0.9, second reader 0.3 higher: truth 2 · 0.9 / (2 + 0.09), 60 pairs."""
    rng = np.random.default_rng(12)
    truth, inside = 1.8 / 2.09, 0
    for _ in range(500):
        first = rng.normal(size=60)
        second = 0.9 * first + np.sqrt(1 - 0.81) * rng.normal(size=60) + 0.3
        found = lin_concordance(first, second)
        inside += found.ci_low <= truth <= found.ci_high
    assert 0.92 <= inside / 500 <= 0.98


def test_kappa_is_the_hand_computation():
    """Table 20, 5 / 10, 15: observed 0.7, expected 0.5, κ = 0.4."""
    first = ["neg"] * 25 + ["pos"] * 25
    second = ["neg"] * 20 + ["pos"] * 5 + ["neg"] * 10 + ["pos"] * 15
    found = cohen_kappa(first, second)
    assert found.value == pytest.approx(0.4)
    assert found.ci_low < 0.4 < found.ci_high
    assert cohen_kappa(second, first).value == pytest.approx(0.4)


def test_weights_forgive_near_misses():
    """Hand computation: 0-3 scores, two of four off by one; quadratic distance 1/9, chance 10/9."""
    first, second = [0, 1, 2, 3], [0, 2, 1, 3]
    plain = cohen_kappa(first, second)
    linear = cohen_kappa(first, second, weights="linear")
    quadratic = cohen_kappa(first, second, weights="quadratic")
    assert plain.value == pytest.approx(1 / 3)
    assert linear.value == pytest.approx(1 - (2 / 4) / (20 / 16))
    assert quadratic.value == pytest.approx(1 - (2 / 4) / (40 / 16))
    assert quadratic.name == "cohen_kappa_quadratic"


def test_a_category_that_nobody_used_counts_in_the_weights():
    """With category 3 in the scale, distance 1 is a third and not a half."""
    first, second = [0, 1, 2, 2, 0], [0, 2, 1, 2, 0]
    short = cohen_kappa(first, second, weights="linear")
    long = cohen_kappa(first, second, weights="linear", categories=[0, 1, 2, 3])
    assert short.value == pytest.approx(long.value)  # a common factor, so kappa stays
    with pytest.raises(ValueError, match="also hold"):
        cohen_kappa(first, second, categories=[0, 1])


def test_kappa_interval_covers_the_truth_by_simulation():
    """Two readers each right with chance 0.9 of a balanced truth: κ = 0.64, 150 things."""
    rng = np.random.default_rng(13)
    inside = 0
    for _ in range(200):
        truth = rng.random(150) < 0.5
        first, second = (np.where(rng.random(150) < 0.9, truth, ~truth) for _ in range(2))
        found = cohen_kappa(first.astype(int).tolist(), second.astype(int).tolist())
        inside += found.ci_low <= 0.64 <= found.ci_high
    assert 0.90 <= inside / 200 <= 0.985


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bland_altman([1, 2, 3], [1, 2]), "in pairs"),
        (lambda: bland_altman([1, 2, np.nan], [1, 2, 3]), "missing or infinite"),
        (lambda: bland_altman([1, 2], [1, 2]), "at least 3"),
        (lambda: lin_concordance([1, 1, 1], [1, 2, 3]), "same value throughout"),
        (lambda: icc_2_1(np.array([[1.0, np.nan], [2, 3]])), "values missing"),
        (lambda: icc_2_1(np.ones((3, 2))), "all ratings are equal"),
        (lambda: cohen_kappa([1, 1, 1], [1, 1, 1]), "one category"),
        (lambda: cohen_kappa([1, 2], [1, 2], weights="cubic"), "weights are"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=said):
        call()


def test_estimates_make_a_table():
    """Columns in their order."""
    table = estimate_table(bland_altman([1, 2, 3, 4], [1, 3, 3, 5]))
    assert list(table.columns) == ["name", "value", "ci_low", "ci_high", "n", "method", "note"]
    assert table["name"].to_list() == ["bias", "lower_limit", "upper_limit"]
