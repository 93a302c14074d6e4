"""Batches of sections whose white or control moved."""

import numpy as np
import pytest

from xenoquant.imgproc.dab_drift import batch_drift


def test_batches_that_moved_by_hand() -> None:
    """Whites 10 % apart are 0.046 OD: moved; 2 %: 0.009, not. Controls 0.1 OD browner: moved. One
    batch has nothing to be compared with, and one image is no batch that lacks a control.
    """
    whites = {"a": [(0.9, 0.9, 0.9)], "b": [(0.9, 0.9, 0.882)], "c": [(0.9, 0.81, 0.9)] * 2}
    whites["d"] = [(0.9, 0.9, 0.9)]
    brown = {"a": np.full(30, 0.05), "b": np.full(30, 0.15)}
    found = batch_drift(whites, brown)
    assert found["b"].white_od == pytest.approx(np.log10(0.9 / 0.882))
    assert found["c"].white_od == pytest.approx(np.log10(0.9 / 0.81))
    assert found["c"].flags == ("white_moved", "batch_without_control")
    assert found["d"].flags == ()
    assert found["a"].control_od == pytest.approx(-0.05)
    brown["c"] = np.full(30, 0.05)
    found = batch_drift(whites, brown)
    assert found["b"].flags == ("control_moved",)
    assert found["a"].flags == ()
    assert batch_drift({"": [(0.9, 0.9, 0.7)]}, {})[""].flags == ()
