"""Iron status, held against hand computations and R."""

import math

import numpy as np
import pytest

from xenoquant.stats.iron import (
    g_dl_to_g_l,
    g_l_to_g_dl,
    iron_deficient,
    total_iron_binding_capacity,
    transferrin_saturation_percent,
    ug_dl_to_umol_l,
    umol_l_to_ug_dl,
)


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
