"""GRIM, GRIMMER, SPRITE and the rounding of printed numbers, held against brute force."""

import itertools

import numpy as np
import pytest
from scipy import stats

from xenoquant.stats.consistency import grim, grimmer, sd_limits, sprite
from xenoquant.stats.rounding import Printed, closest_means, p_range


def _printable(n, highest):
    """Every (mean, SD) to one and two decimals that n whole numbers from 0 to highest can have."""
    found = set()
    for values in itertools.combinations_with_replacement(range(highest + 1), n):
        array = np.array(values)
        found.add((f"{array.mean():.1f}", f"{array.std(ddof=1):.2f}"))
    return found


def test_grimmer_agrees_with_trying_every_sample():
    """Brute force over all samples of 4 whole numbers from 0 to 12."""
    possible = _printable(4, 12)
    for mean, sd in possible:
        assert grimmer(Printed(mean), Printed(sd), 4).consistent
    refused = allowed = 0
    for tenth, hundredth in itertools.product(range(20, 45, 3), range(0, 200, 3)):
        mean, sd = f"{tenth / 10:.1f}", f"{hundredth / 100:.2f}"
        if grimmer(Printed(mean), Printed(sd), 4).consistent:
            allowed += (mean, sd) not in possible
        else:
            refused += 1
            assert (mean, sd) not in possible
    assert refused > 300
    # the three tests are necessary, not sufficient; few impossible pairs pass them
    assert allowed <= 0.1 * refused


def test_grim_refuses_exactly_the_means_that_no_total_gives():
    """Of nine counts only a first decimal of 5 can't arise (k/9 printed to one decimal)."""
    refused = [m for m in range(100, 200) if not grim(Printed(f"{m / 10:.1f}"), 9).consistent]
    assert refused == [105, 115, 125, 135, 145, 155, 165, 175, 185, 195]
    assert grim(Printed("22.9"), 9).totals == (206,)
    assert grim(Printed("22.9"), 9).share_of_means_excluded == pytest.approx(0.1)
    assert grim(Printed("5.19"), 28).consistent is False  # Brown and Heathers 2017, their example


def test_several_whole_numbers_an_animal_allow_more_means():
    """Two lobes a mouse: halves are possible too."""
    assert not grim(Printed("10.5"), 9).consistent
    assert grim(Printed("10.5"), 9, items=2).totals == (189,)


def test_grimmer_names_the_test_that_failed():
    """Hand-made: no total; an SD too small for the fraction; a wrong parity."""
    assert "total" in grimmer(Printed("10.5"), Printed("2.0"), 9).reason
    assert "sum of squares gives" in grimmer(Printed("3.5"), Printed("0.1"), 4).reason
    # 4 numbers, total 12, SD 1.00: the squares sum to 39, odd, where 12 is even
    assert "odd" in grimmer(Printed("3.00"), Printed("1.000"), 4).reason


def test_sprite_finds_samples_that_print_as_reported():
    """Recomputed from each sample found."""
    samples = sprite(Printed("13.9"), Printed("2.4"), 9, kind="SEM", solutions=50)
    assert samples.shape[0] > 30
    assert samples.min() >= 0
    for sample in samples:
        assert f"{sample.mean():.1f}" == "13.9"
        assert f"{sample.std(ddof=1) / 3:.1f}" == "2.4"


def test_sprite_keeps_to_limits_and_to_its_seed():
    """Same seed, same samples; a scale of 1 to 7; nothing where nothing can be."""
    options = {"limits": (1, 7), "solutions": 20}
    first = sprite(Printed("4.2"), Printed("1.5"), 20, seed=3, **options)
    again = sprite(Printed("4.2"), Printed("1.5"), 20, seed=3, **options)
    assert np.array_equal(first, again)
    assert first.min() >= 1
    assert first.max() <= 7
    assert sprite(Printed("10.5"), Printed("2.0"), 9).shape == (0, 9)
    assert sprite(Printed("9.0"), Printed("1.0"), 9, limits=(0, 5)).shape == (0, 9)


def test_a_printed_number_knows_its_rounding():
    """116 and 116.0 are not the same print."""
    assert (Printed("116").low, Printed("116").high) == (115.5, 116.5)
    assert (Printed("116.0").low, Printed("116.0").high) == (115.95, 116.05)
    assert Printed("123.2").could_be(123.209)
    assert not Printed("123.2").could_be(123.282)
    with pytest.raises(ValueError, match="printed number"):
        Printed("13,9")


def test_sd_limits_of_a_sem_are_root_n_wide():
    """Hand computation."""
    assert sd_limits(Printed("2.6"), 9, kind="SEM") == pytest.approx((7.65, 7.95))
    assert sd_limits(Printed("0.0"), 9, kind="SD") == pytest.approx((0, 0.05))
    with pytest.raises(ValueError, match="'SD' or 'SEM'"):
        sd_limits(Printed("1"), 9, kind="CI")


def _t(means, sems):
    error = np.hypot(*sems)
    return float(2 * stats.t.sf(abs(means[0] - means[1]) / error, 16))


def test_range_of_p_is_that_of_a_dense_grid():
    """Brute force: 9 values of each printed number within its rounding."""
    means, sems = [Printed("22.9"), Printed("13.9")], [Printed("2.6"), Printed("2.4")]
    grid = [np.linspace(p.low, p.high, 9) for p in (*means, *sems)]
    tried = [_t((a, b), (c, d)) for a, b, c, d in itertools.product(*grid)]
    assert p_range(_t, means, sems, [9, 9]) == pytest.approx((min(tried), max(tried)), rel=1e-9)
    pair = p_range(_t, means, sems, [9, 9], pair=(0, 1))
    assert pair == pytest.approx((min(tried), max(tried)), rel=1e-9)


def test_means_that_may_be_equal_reach_p_of_one():
    """13.9 and 13.9 to one decimal may be the same number."""
    means, sems = [Printed("13.9"), Printed("13.9")], [Printed("2.6"), Printed("2.4")]
    low, high = p_range(_t, means, sems, [9, 9])
    assert high == 1.0
    assert 0.95 < low < 1
    assert closest_means([1, 1.9], [2, 3], [9, 9])[0] == closest_means([1, 1.9], [2, 3], [9, 9])[1]


def test_range_of_anova_p_is_that_of_a_grid():
    """Brute force over means of three groups with errors at their ends."""
    means = [Printed("13.7"), Printed("13.9"), Printed("22.9")]
    sems = [Printed("2.7"), Printed("2.4"), Printed("2.6")]

    def p_of(centres, errors):
        f = 9 * np.var(centres, ddof=1) / (9 * np.mean(np.square(errors)))
        return float(stats.f.sf(f, 2, 24))

    grid = [np.linspace(m.low, m.high, 11) for m in means]
    low = min(p_of(c, [s.low for s in sems]) for c in itertools.product(*grid))
    high = max(p_of(c, [s.high for s in sems]) for c in itertools.product(*grid))
    assert p_range(p_of, means, sems, [9, 9, 9]) == pytest.approx((low, high), rel=1e-9)
