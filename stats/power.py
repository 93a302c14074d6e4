"""Power and sample size of t-tests and one-way ANOVA, exact.

Power is the chance of finding an effect that is there. It is exact here: from the noncentral t
and F distributions, with both tails of a two-sided test counted.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

_LARGEST_N = 1_000_000
"""An effect that needs more animals than this a group is no effect to design for."""


def _check_alpha(alpha: float, sides: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1; got {alpha}.")
    if sides not in (1, 2):
        raise ValueError(f"a test has 1 or 2 sides; got {sides}.")


def _check_n(*n: int) -> None:
    if min(n) < 2:
        raise ValueError(f"each group needs at least 2 animals; got {list(n)}.")


def t_power(
    effect: float, n_a: int, n_b: int | None = None, *, alpha: float = 0.05, sides: int = 2
) -> float:
    """Power of Student's t-test on two independent groups.

    Parameters
    ----------
    effect : float
        Difference of the means in SDs (Cohen's d). For one side, positive is the side tested.
    n_a, n_b : int
        Animals in each group; `n_b` is `n_a` unless given.
    alpha : float
        Level of significance.
    sides : {2, 1}
        Of the test. With two, rejections on the wrong side count as well.

    Returns
    -------
    float
        Power, 0 to 1.

    Raises
    ------
    ValueError
        If `alpha` isn't between 0 and 1, `sides` is neither, or a group has fewer than 2 animals.

    References
    ----------
    Cohen J (1988). Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 2.

    Examples
    --------
    >>> round(t_power(1.0, 9), 4)
    0.5134
    """
    from scipy import stats

    _check_alpha(alpha, sides)
    n_b = n_a if n_b is None else n_b
    _check_n(n_a, n_b)
    df = n_a + n_b - 2
    shift = effect * math.sqrt(n_a * n_b / (n_a + n_b))
    critical = stats.t.isf(alpha / sides, df)
    upper = stats.nct.sf(critical, df, shift)
    # the other tail, mirrored, so that it too is computed as an upper tail
    lower = stats.nct.sf(critical, df, -shift) if sides == 2 else 0.0
    return float(upper + lower)


def _smallest_n(power_of: Callable[[int], float], power: float) -> int:
    """Give the first n from 2 that reaches the power, by doubling and halving."""
    if not 0 < power < 1:
        raise ValueError(f"power lies between 0 and 1; got {power}.")
    high = 2
    while power_of(high) < power:
        high *= 2
        if high > _LARGEST_N:
            raise ValueError(
                f"no sample of up to {_LARGEST_N} a group reaches a power of {power}: "
                "the effect is too small to design for. Give a larger one."
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power_of(middle) < power else (low, middle)
    return high


def t_sample_size(effect: float, *, power: float = 0.8, alpha: float = 0.05, sides: int = 2) -> int:
    """Animals a group that Student's t-test needs.

    Parameters
    ----------
    effect : float
        Difference of the means in SDs, not zero.
    power : float
        Chance of finding it that is asked for.
    alpha : float
        Level of significance.
    sides : {2, 1}
        Of the test.

    Returns
    -------
    int
        Animals in each of the two groups.

    Raises
    ------
    ValueError
        If the effect is zero or too small to design for, or `power`, `alpha` or `sides` isn't one
        that can be asked for.

    Examples
    --------
    >>> t_sample_size(1.0)
    17
    """
    if effect == 0:
        raise ValueError("no sample finds an effect of zero; give the difference worth finding.")
    return _smallest_n(lambda n: t_power(abs(effect), n, alpha=alpha, sides=sides), power)


def t_detectable_effect(
    n_a: int,
    n_b: int | None = None,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: int = 2,
) -> float:
    """Give the difference, in SDs, that a t-test of this size finds with this power.

    Parameters
    ----------
    n_a, n_b : int
        Animals in each group; `n_b` is `n_a` unless given.
    power, alpha : float
        Chance of finding it, and level of significance.
    sides : {2, 1}
        Of the test.

    Returns
    -------
    float
        Cohen's d.

    Raises
    ------
    ValueError
        If the power doesn't lie between alpha and 1.

    Examples
    --------
    >>> round(t_detectable_effect(9), 3)
    1.407
    """
    from scipy import optimize

    if not alpha < power < 1:
        raise ValueError(f"power lies between alpha and 1; got {power}.")

    def missing(effect: float) -> float:
        return t_power(effect, n_a, n_b, alpha=alpha, sides=sides) - power

    high = 1.0
    while missing(high) < 0:
        high *= 2
    return float(optimize.brentq(missing, 0.0, high, xtol=1e-12))


def anova_power(
    means: Sequence[float], sd: float, n: int | Sequence[int], *, alpha: float = 0.05
) -> float:
    """Power of one-way analysis of variance.

    Parameters
    ----------
    means : sequence of float
        Mean of each group, two groups or more.
    sd : float
        Standard deviation within every group.
    n : int or sequence of int
        Animals in each group, or one number for all.
    alpha : float
        Level of significance.

    Returns
    -------
    float
        Power, 0 to 1.

    Raises
    ------
    ValueError
        If there are fewer than two means, the SD isn't above zero, or a group is too small.

    References
    ----------
    Cohen J (1988). Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 8.

    Examples
    --------
    >>> round(anova_power([13.7, 13.9, 22.9], 7.7, 9), 3)
    0.68
    """
    from scipy import stats

    _check_alpha(alpha, 2)
    centres = np.asarray(means, float)
    if centres.size < 2 or not sd > 0:
        raise ValueError(
            f"two or more means and an SD above zero are needed; got {centres.size} and {sd}."
        )
    sizes = np.broadcast_to(np.asarray(n), centres.shape)
    _check_n(*(int(size) for size in sizes))
    grand = np.average(centres, weights=sizes)
    noncentrality = float(np.sum(sizes * (centres - grand) ** 2)) / sd**2
    between, within = centres.size - 1, int(sizes.sum()) - centres.size
    critical = stats.f.isf(alpha, between, within)
    if noncentrality == 0:
        return float(alpha)
    return float(stats.ncf.sf(critical, between, within, noncentrality))


def anova_sample_size(
    means: Sequence[float], sd: float, *, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Animals a group that one-way analysis of variance needs.

    Parameters
    ----------
    means : sequence of float
        Mean of each group, not all equal.
    sd : float
        Standard deviation within every group.
    power : float
        Chance of finding the difference that is asked for.
    alpha : float
        Level of significance.

    Returns
    -------
    int
        Animals in each group.

    Raises
    ------
    ValueError
        If the means are all equal or too near for any sample, or `sd`, `power` or `alpha` isn't one
        that can be asked for.

    Examples
    --------
    >>> anova_sample_size([13.7, 13.9, 22.9], 7.7)
    12
    """
    if len(set(means)) < 2:
        raise ValueError("the means are all equal; give the difference worth finding.")
    return _smallest_n(lambda n: anova_power(means, sd, n, alpha=alpha), power)
