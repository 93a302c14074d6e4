"""The linear range of a dilution series, by hand."""

import math

import numpy as np
import pytest

from xenoquant.stats.linear_range import linear_range

AMOUNTS = np.array([1, 2, 4, 8, 16, 32], dtype=float)


def test_a_proportional_series_is_linear_throughout():
    """Authority: signal = 7 · amount."""
    found = linear_range(AMOUNTS, 7 * AMOUNTS)
    assert (found.low_amount, found.high_amount) == (1, 32)
    assert (found.low, found.high) == (7, 224)
    assert found.slope == pytest.approx(7)
    assert found.r_squared == pytest.approx(1)
    assert found.note == ""


def test_saturation_at_the_upper_end():
    """Authority: a detector that clips at 100."""
    found = linear_range(AMOUNTS, np.minimum(7 * AMOUNTS, 60))
    assert (found.low_amount, found.high_amount) == (1, 8)
    assert found.note == "signal falls short of the amount above 8"


def test_loss_at_the_lower_end():
    """Authority: what is below 5 isn't seen at all."""
    signal = np.where(3 * AMOUNTS > 5, 3 * AMOUNTS, 0)
    found = linear_range(AMOUNTS, signal)
    assert found.low_amount == 2
    assert found.note == "signal isn't in proportion below 2"


def test_repeats_of_a_level_are_averaged_and_order_does_not_matter():
    """Authority: means 10, 20, 40 of shuffled repeats."""
    found = linear_range([4, 1, 2, 2, 1, 4], [39, 9, 21, 19, 11, 41])
    assert (found.low, found.high, found.levels) == (10, 40, 3)


@pytest.mark.parametrize(
    ("amount", "signal", "reason"),
    [([1, 2], [1, 2], "2 levels"), ([1, 2, 4, 8], [10, 11, 12, 13], "no three levels")],
)
def test_without_a_range_it_says_so(amount, signal, reason):
    """Authority: two levels tell nothing; a signal that doesn't rise isn't in proportion."""
    found = linear_range(amount, signal)
    assert math.isnan(found.low)
    assert reason in found.note


def test_what_cant_be_is_refused():
    for amount, signal in (([1, 2], [1]), ([0, 1, 2], [1, 2, 3]), ([1, 2, 3], [1, np.nan, 2])):
        with pytest.raises(ValueError):
            linear_range(amount, signal)
