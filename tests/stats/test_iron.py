"""Iron status, held against hand computations and R."""

import math

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.iron import (
    correlate_animals,
    g_dl_to_g_l,
    g_l_to_g_dl,
    iron_deficient,
    spearman,
    total_iron_binding_capacity,
    transferrin_saturation_percent,
    ug_dl_to_umol_l,
    umol_l_to_ug_dl,
)

X = [7, 18, 22, 9, 31, 14, 25, 11]
Y = [41, 20, 25, 33, 12, 30, 14, 33]


def test_units_by_hand():
    """100 µg/dL = 1000 µg/L = 1000 / 55.845 µmol/L = 17.9067; 12.5 g/dL = 125 g/L."""
    assert ug_dl_to_umol_l(100) == pytest.approx(17.906706)
    assert umol_l_to_ug_dl(ug_dl_to_umol_l([3.0, 88.0])) == pytest.approx([3.0, 88.0])
    assert g_dl_to_g_l([12.5, 8.0]).tolist() == [125, 80]
    assert g_l_to_g_dl(125) == 12.5


def test_saturation_by_hand():
    """12 of 12 + 48 is 20 %, which is not below the mark; 9 of 50 is 18 %, which is."""
    capacity = total_iron_binding_capacity([12, 9], [48, 41])
    saturation = transferrin_saturation_percent([12, 9], capacity)
    assert saturation.tolist() == [20, 18]
    assert iron_deficient(saturation).tolist() == [False, True]


def test_saturation_is_the_same_in_either_unit():
    """A ratio has no unit."""
    iron, capacity = np.array([80.0, 25.0]), np.array([320.0, 400.0])
    in_moles = transferrin_saturation_percent(ug_dl_to_umol_l(iron), ug_dl_to_umol_l(capacity))
    assert in_moles == pytest.approx(transferrin_saturation_percent(iron, capacity))


def test_saturation_without_numbers_is_missing_not_zero():
    """Definition: missing iron, missing or no capacity give no saturation; below 0 is refused."""
    found = transferrin_saturation_percent([math.nan, 10, 10], [50, math.nan, 0])
    assert np.isnan(found).all()
    assert not iron_deficient(found).any()
    assert transferrin_saturation_percent(60, 50) == 120
    with pytest.raises(ValueError, match="below 0"):
        transferrin_saturation_percent(-1, 50)


def test_spearman_is_that_of_r():
    """R 4.2.2, cor(x, y, method = "spearman"), with ties; the interval by its formula in R."""
    found = spearman(X, Y)
    assert found.value == pytest.approx(-0.97007727215, rel=1e-10)
    assert found.ci_low == pytest.approx(-0.996381541226, rel=1e-10)
    assert found.ci_high == pytest.approx(-0.774184134433, rel=1e-10)
    assert found.n == 8


def test_spearman_says_why_there_is_none():
    """Definition: four complete pairs that vary are needed; full agreement has no interval."""
    assert "3 complete pairs" in spearman([1, 2, 3, math.nan], [3, 2, 1, 4]).note
    assert "1 pairs with a missing value" in spearman([*X, math.nan], [*Y, 3]).note
    assert "equal" in spearman([1, 1, 1, 1], [1, 2, 3, 4]).note
    perfect = spearman([1, 2, 3, 4], [10, 20, 30, 40])
    assert perfect.value == 1
    assert math.isnan(perfect.ci_low)
    with pytest.raises(ValueError, match="shapes"):
        spearman([1, 2], [1, 2, 3])


def test_intervals_hold_the_true_correlation_at_their_level():
    """Simulated truth: normal pairs of correlation 0.6 have Spearman's (6/π) asin(0.3) = 0.582."""
    rng = np.random.default_rng(8)
    truth = 6 / math.pi * math.asin(0.3)
    held = 0
    for _ in range(400):
        x = rng.normal(size=30)
        y = 0.6 * x + 0.8 * rng.normal(size=30)
        found = spearman(x, y)
        held += found.ci_low < truth < found.ci_high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_features_of_two_assays_meet_in_their_animals():
    """By hand: animals 007 and b to e have both; the unit is the animal."""
    animals = pd.DataFrame(
        {
            "feature": ["tsat"] * 5 + ["nodules"] * 6,
            "animal": ["007", "b", "c", "d", "e", "007", "b", "c", "d", "e", "f"],
            "group": "a",
            "value": [1, 2, 3, 4, 5, 9, 8, 7, 5, 6, 1],
        }
    )
    estimate, pairs = correlate_animals(animals, "tsat", "nodules")
    assert pairs["animal"].tolist() == ["007", "b", "c", "d", "e"]
    assert pairs["y"].tolist() == [9, 8, 7, 5, 6]
    assert estimate.value == pytest.approx(-0.9)  # 1 − 6 · 38 / 120
    with pytest.raises(ValueError, match="no feature 'hb'"):
        correlate_animals(animals, "tsat", "hb")
    with pytest.raises(ValueError, match="more than once"):
        correlate_animals(pd.concat([animals, animals]), "tsat", "nodules")
