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
    assert found["b"].white_difference_od == pytest.approx(np.log10(0.9 / 0.882))
    assert found["c"].white_difference_od == pytest.approx(np.log10(0.9 / 0.81))
    assert found["c"].flags == ("white_moved", "batch_without_control")
    assert found["d"].flags == ()
    assert found["a"].control_difference_od == pytest.approx(-0.1)
    brown["c"] = np.full(30, 0.05)
    found = batch_drift(whites, brown)
    assert found["b"].flags == ("control_moved",)
    assert found["a"].flags == ()
    assert batch_drift({"": [(0.9, 0.9, 0.7)]}, {})[""].flags == ()


def test_of_two_batches_that_differ_both_are_flagged_at_the_stated_difference() -> None:
    """By hand, limits as docs/dab.md states them: whites 0.04 OD apart lie 0.04 from each other,
    not 0.02 from a middle between them; controls 0.06 apart likewise; 0.02 and 0.04 flag nothing.
    """
    white, brown = (0.9, 0.9, 0.9), {"a": np.full(30, 0.02), "b": np.full(30, 0.08)}
    paler = tuple(value * 10**-0.04 for value in white)
    found = batch_drift({"a": [white], "b": [paler]}, brown)
    for drift in found.values():
        assert drift.white_difference_od == pytest.approx(0.04)
        assert drift.flags == ("white_moved", "control_moved")
    assert (found["a"].control_difference_od, found["b"].control_difference_od) == pytest.approx(
        (-0.06, 0.06)
    )
    near = tuple(value * 10**-0.02 for value in white)
    brown["b"] = np.full(30, 0.06)
    found = batch_drift({"a": [white], "b": [near]}, brown)
    assert [drift.flags for drift in found.values()] == [(), ()]


@pytest.mark.parametrize(
    ("shifts", "flagged"),
    [
        ((0.0, 0.0, 0.1), (2,)),
        ((0.0, 0.0, 0.0, 0.1), (3,)),
        ((0.0, 0.0, 0.05, 0.05), (0, 1, 2, 3)),
        ((0.0, 0.0, 0.0, 0.1, 0.1), (3, 4)),
        ((0.0, 0.02, 0.04), ()),
    ],
)
def test_a_batch_is_held_against_the_others_not_against_a_middle_with_itself(
    shifts: tuple[float, ...], flagged: tuple[int, ...]
) -> None:
    """By hand: one that moved among several leaves the rest unflagged; two halves flag all."""
    whites = {str(n): [(0.9 * 10**-shift,) * 3] for n, shift in enumerate(shifts)}
    found = batch_drift(whites, {})
    assert tuple(n for n in range(len(shifts)) if found[str(n)].flags) == flagged
