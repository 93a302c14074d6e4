"""Power and sample size, held against R's power.t.test and power.anova.test."""

import numpy as np
import pytest
from scipy import stats

from xenoquant.stats.power import (
    anova_power,
    anova_sample_size,
    t_detectable_effect,
    t_power,
    t_sample_size,
)


@pytest.mark.parametrize(
    ("n", "effect", "two_sided", "one_sided"),
    [
        (2, 0.2, 0.0518506949859947, 0.0669289258241887),
        (2, 2.0, 0.2183070748477, 0.383888822556593),
        (5, 0.5, 0.107685989798184, 0.178833894839845),
        (5, 1.0, 0.286295493381156, 0.421448264958824),
        (9, 0.2, 0.0684658421141042, 0.107807430798311),
        (9, 1.0, 0.513362533107613, 0.650070348478538),
        (9, 2.0, 0.978127923010854, 0.99201426683473),
        (20, 0.5, 0.33793902892509, 0.463374349296448),
        (20, 2.0, 0.999986574936862, 0.999997478744657),
    ],
)
def test_power_of_t_is_rs(n, effect, two_sided, one_sided):
    """R 4.2.2: power.t.test(n, delta, strict = TRUE), and alternative = "one.sided"."""
    assert t_power(effect, n) == pytest.approx(two_sided, rel=1e-9)
    assert t_power(effect, n, sides=1) == pytest.approx(one_sided, rel=1e-9)


@pytest.mark.parametrize(
    ("effect", "power", "two_sided", "one_sided"),
    [
        (0.5, 0.8, 63.7656101909419, 50.1507833868506),
        (0.5, 0.9, 85.0312841373596, 69.1978218448856),
        (1.0, 0.8, 16.7147224470265, 13.0977616198119),
        (1.0, 0.9, 22.0210884263736, 17.8471206265367),
        (1.4, 0.9, 11.7708326034998, 9.49996817135978),
    ],
)
def test_sample_size_is_rs_rounded_up(effect, power, two_sided, one_sided):
    """R 4.2.2: power.t.test(delta, power, strict = TRUE)$n."""
    assert t_sample_size(effect, power=power) == np.ceil(two_sided)
    assert t_sample_size(-effect, power=power, sides=1) == np.ceil(one_sided)


def test_detectable_effect_is_rs():
    """R 4.2.2: power.t.test(n = 9, power = 0.8, strict = TRUE, tol = 1e-12)$delta."""
    assert t_detectable_effect(9) == pytest.approx(1.40692713277309, rel=1e-9)
    assert t_power(t_detectable_effect(5, 13), 5, 13) == pytest.approx(0.8, rel=1e-9)


def test_anova_power_and_size_are_rs():
    """R 4.2.2: power.anova.test."""
    means = [13.7, 13.9, 22.9]
    assert anova_power(means, 7.7, 9) == pytest.approx(0.680463794547876, rel=1e-9)
    assert anova_sample_size(means, 7.7) == np.ceil(11.4039980508922)
    assert anova_power([1, 2, 3, 4], 2, 5) == pytest.approx(0.433937177448234, rel=1e-9)
    assert anova_sample_size([1, 2, 3, 4], 2, power=0.9) == np.ceil(12.3634953180202)


def test_two_groups_of_anova_are_the_t_test():
    """F with one degree of freedom is t squared."""
    assert anova_power([0, 1.2], 1.0, 8) == pytest.approx(t_power(1.2, 8), rel=1e-10)


def test_unequal_groups_by_simulation():
    """10,000 simulated experiments of 5 and 12 animals, one SD apart."""
    rng = np.random.default_rng(8)
    first, second = rng.normal(1, 1, (10_000, 5)), rng.normal(0, 1, (10_000, 12))
    found = np.mean(stats.ttest_ind(first, second, axis=1).pvalue < 0.05)
    assert t_power(1.0, 5, 12) == pytest.approx(found, abs=0.015)


def test_no_effect_is_found_at_the_level():
    """Power at zero is alpha, on two sides and one."""
    assert t_power(0.0, 7) == pytest.approx(0.05)
    assert t_power(0.0, 7, sides=1) == pytest.approx(0.05)
    assert anova_power([3, 3, 3], 1, 5) == 0.05


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: t_power(1, 1), "at least 2 animals"),
        (lambda: t_power(1, 5, alpha=5), "between 0 and 1"),
        (lambda: t_power(1, 5, sides=3), "1 or 2 sides"),
        (lambda: t_sample_size(0), "effect of zero"),
        (lambda: t_sample_size(1, power=1), "between 0 and 1"),
        (lambda: t_sample_size(1e-6), "too small to design for"),
        (lambda: anova_sample_size([2, 2], 1), "all equal"),
        (lambda: anova_power([1, 2], 0, 5), "SD above zero"),
        (lambda: t_detectable_effect(5, power=0.01), "between alpha and 1"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=said):
        call()
