"""Agreement between readers, or between a reader and the program.

A correlation says that two readings move together; these say that they are the same. Kappa comes
from statsmodels; no library at hand gives the others with their intervals, so their formulas are
written out.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .estimate import Estimate


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"readings come in pairs; got shapes {a.shape} and {b.shape}.")
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        raise ValueError("a reading is missing or infinite; leave out the pair, and say so.")
    if a.size < 3:
        raise ValueError(f"at least 3 pairs of readings are needed; got {a.size}.")
    return a, b


def bland_altman(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> list[Estimate]:
    """Bias and limits of agreement.

    Parameters
    ----------
    first, second : array_like
        Two readings of the same things, in the same order.
    level : float
        Share of differences within the limits, and level of the intervals.

    Returns
    -------
    list of Estimate
        ``bias`` (mean of first − second), ``lower_limit`` and ``upper_limit`` of agreement. The
        interval of a limit is exact (noncentral t), not Bland and Altman's approximation, which is
        too short on the outside in small samples.

    References
    ----------
    Bland JM, Altman DG (1999). Measuring agreement in method comparison studies. Stat Methods Med
    Res 8:135-160.
    Carkeet A (2015). Exact parametric confidence intervals for Bland-Altman limits of agreement.
    Optom Vis Sci 92:e71-e80.

    Examples
    --------
    >>> bias, low, high = bland_altman([10, 12, 15, 20, 22], [11, 12, 13, 19, 24])
    >>> bias.value, round(low.value, 3), round(high.value, 3)
    (0.0, -3.099, 3.099)
    """
    from scipy import stats

    a, b = _pairs(first, second)
    difference = a - b
    n, bias, sd = a.size, float(difference.mean()), float(difference.std(ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * sd / math.sqrt(n)
    z, tail = float(stats.norm.ppf((1 + level) / 2)), (1 - level) / 2
    factors = stats.nct.ppf([tail, 1 - tail], n - 1, z * math.sqrt(n)) / math.sqrt(n)
    near, far = (float(factor) * sd for factor in factors)
    exact = "exact, noncentral t"
    return [
        Estimate("bias", bias, bias - half, bias + half, n, "Student's t"),
        Estimate("lower_limit", bias - z * sd, bias - far, bias - near, n, exact),
        Estimate("upper_limit", bias + z * sd, bias + near, bias + far, n, exact),
    ]


def lin_concordance(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Lin's concordance correlation coefficient.

    Parameters
    ----------
    first, second : array_like
        Two readings of the same things.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        ρc = 2 s₁₂ / (s₁² + s₂² + (x̄₁ − x̄₂)²), moments with n below; the interval on Fisher's z.

    Raises
    ------
    ValueError
        If there are fewer than three pairs, a value is missing, or a reader gave one value
        throughout.

    References
    ----------
    Lin LI-K (1989). A concordance correlation coefficient to evaluate reproducibility. Biometrics
    45:255-268; correction in Biometrics 56 (2000):324-325.

    Examples
    --------
    >>> round(lin_concordance([10, 12, 15, 20, 22], [11, 12, 13, 19, 24]).value, 4)
    0.9561
    """
    from scipy import stats

    a, b = _pairs(first, second)
    n, shift = a.size, float(a.mean() - b.mean())
    var_a, var_b = float(a.var()), float(b.var())
    if var_a == 0 or var_b == 0:
        raise ValueError("one reader gave the same value throughout; concordance is undefined.")
    covariance = float(np.mean((a - a.mean()) * (b - b.mean())))
    concordance = 2 * covariance / (var_a + var_b + shift**2)
    name, method = "lin_concordance", "Fisher's z with Lin's variance"
    correlation = covariance / math.sqrt(var_a * var_b)
    if abs(concordance) > 1 - 1e-12 or correlation == 0:
        # identical readings, or none of the correlation on which the variance is built
        at_end = float(np.round(concordance)) if correlation else math.nan
        note = "no interval: readings are identical" if correlation else "no interval: r is 0"
        return Estimate(name, concordance, at_end, at_end, n, method, note)
    u2 = shift**2 / math.sqrt(var_a * var_b)
    c2, r2 = concordance**2, correlation**2
    variance = (1 - r2) * c2 / ((1 - c2) * r2)
    variance += 2 * concordance**3 * (1 - concordance) * u2 / (correlation * (1 - c2) ** 2)
    variance -= concordance**4 * u2**2 / (2 * r2 * (1 - c2) ** 2)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(max(0.0, variance) / (n - 2))
    centre = math.atanh(concordance)
    return Estimate(
        name, concordance, math.tanh(centre - half), math.tanh(centre + half), n, method
    )


def icc_2_1(ratings: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Intraclass correlation ICC(2,1): two-way random, absolute agreement, one reader.

    Parameters
    ----------
    ratings : numpy.ndarray
        Shape (things, readers), no value missing, at least 2 × 2.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        Interval by Shrout and Fleiss, with Satterthwaite's degrees of freedom.

    Raises
    ------
    ValueError
        If the table isn't full and at least 2 × 2, or all ratings are equal.

    References
    ----------
    Shrout PE, Fleiss JL (1979). Intraclass correlations: uses in assessing rater reliability.
    Psychol Bull 86:420-428.
    McGraw KO, Wong SP (1996). Forming inferences about some intraclass correlation coefficients.
    Psychol Methods 1:30-46.

    Examples
    --------
    The ratings of Shrout and Fleiss, whose ICC(2,1) is 0.29:

    >>> ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8],
    ...                     [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> round(icc_2_1(ratings).value, 4)
    0.2898
    """
    from scipy import stats

    table = np.asarray(ratings, float)
    if table.ndim != 2 or min(table.shape) < 2 or not np.all(np.isfinite(table)):
        raise ValueError(
            f"ratings are a full table of 2 or more things by 2 or more readers; got shape "
            f"{table.shape}{'' if np.all(np.isfinite(table)) else ' with values missing'}."
        )
    n, k = table.shape
    rows, columns, error = _mean_squares(table)
    below = rows + (k - 1) * error + k * (columns - error) / n
    if below == 0:
        raise ValueError("all ratings are equal; agreement has nothing to be measured against.")
    icc = (rows - error) / below
    if icc >= 1:  # also where they differ by less than floating point can tell beside the spread
        how = "readers are identical" if error == columns == 0 else "readers differ by rounding"
        return Estimate("icc_2_1", 1.0, 1.0, 1.0, n, "Shrout and Fleiss", how)
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    upper_tail = (1 - level) / 2
    f_low = stats.f.isf(upper_tail, n - 1, freedom)
    f_high = stats.f.isf(upper_tail, freedom, n - 1)
    noise = k * columns + (k * n - k - n) * error
    low = n * (rows - f_low * error) / (f_low * noise + n * rows)
    high = n * (f_high * rows - error) / (noise + n * f_high * rows)
    return Estimate("icc_2_1", icc, float(low), float(high), n, "Shrout and Fleiss")


def _mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of things, of readers, and of what is left."""
    n, k = table.shape
    grand = table.mean()
    by_row, by_column = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rows = k * float(np.sum((by_row - grand) ** 2)) / (n - 1)
    columns = n * float(np.sum((by_column - grand) ** 2)) / (k - 1)
    error = float(np.sum((table - by_row - by_column + grand) ** 2)) / ((n - 1) * (k - 1))
    return rows, columns, error


def cohen_kappa(
    first: Sequence[object],
    second: Sequence[object],
    *,
    categories: Sequence[object] | None = None,
    weights: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Cohen's kappa of two readers, plain or weighted.

    Parameters
    ----------
    first, second : sequence
        Category that each reader gave each thing.
    categories : sequence, optional
        All categories in their order; needed for weights where some did not occur. By default
        those that occur, sorted.
    weights : {None, "linear", "quadratic"}
        How far apart two categories are taken to be.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        κ = 1 − observed / expected disagreement; large-sample interval.

    Raises
    ------
    ValueError
        If readings aren't pairs of the categories, both readers used one category throughout, or
        the weights are none of these.

    References
    ----------
    Cohen J (1968). Weighted kappa. Psychol Bull 70:213-220.
    Fleiss JL, Cohen J, Everitt BS (1969). Large sample standard errors of kappa and weighted
    kappa. Psychol Bull 72:323-327.

    Examples
    --------
    >>> found = cohen_kappa([0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15)
    >>> round(found.value, 3), round(found.ci_low, 3), round(found.ci_high, 3)
    (0.4, 0.151, 0.649)
    """
    from scipy import stats
    from statsmodels.stats import inter_rater

    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"two pairs or more are needed; got {len(first)} and {len(second)}.")
    order = list(categories) if categories is not None else sorted({*first, *second}, key=str)
    if categories is None and all(isinstance(c, (int, float, np.number)) for c in order):
        order = sorted(order, key=lambda c: float(c))  # type: ignore[arg-type]
    unknown = {*first, *second} - set(order)
    if unknown:
        raise ValueError(f"categories given are {order}; the readings also hold {unknown}.")
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(f"weights are None, 'linear' or 'quadratic'; got {weights!r}.")
    table = np.zeros((len(order), len(order)))
    place = {category: i for i, category in enumerate(order)}
    for a, b in zip(first, second, strict=True):
        table[place[a], place[b]] += 1
    if len({*first, *second}) < 2:
        raise ValueError("both readers used one category throughout; kappa is undefined.")
    with np.errstate(invalid="ignore"):  # a variance of 0 may come out as −1e-18; see below
        found = inter_rater.cohens_kappa(table, wt=weights)
    kappa = float(found.kappa)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(max(0.0, float(found.var_kappa)))
    name = "cohen_kappa" if weights is None else f"cohen_kappa_{weights}"
    low, high = max(-1.0, kappa - half), min(1.0, kappa + half)
    return Estimate(name, kappa, low, high, len(first), "large sample, Fleiss, Cohen and Everitt")
