"""Could these printed means and errors have come from whole numbers at all?

GRIM asks it of a mean, GRIMMER of a mean with its SD, and SPRITE finds data sets that would print
as reported. No library for Python has them, and counts of nodules are where they apply.
"""

import math
from dataclasses import dataclass

import numpy as np

from .rounding import Printed

_TOLERANCE = 1e-9
_ROUNDS = 50
_STEPS_A_ROUND = 100


@dataclass(frozen=True)
class GrimResult:
    """What GRIM says of a printed mean.

    Attributes
    ----------
    consistent : bool
        Whether some total of whole numbers gives the printed mean.
    totals : tuple of int
        Every total that does.
    share_of_means_excluded : float
        How many of all means with so many decimals the test could have refused at this n. Near
        0 the test has no teeth, and passing it says little.
    """

    consistent: bool
    totals: tuple[int, ...]
    share_of_means_excluded: float


@dataclass(frozen=True)
class GrimmerResult:
    """What GRIMMER says of a printed mean and SD.

    Attributes
    ----------
    consistent : bool
        Whether whole numbers can have both.
    totals : tuple of int
        The totals for which they can.
    reason : str
        Empty, or which test failed.
    """

    consistent: bool
    totals: tuple[int, ...]
    reason: str


def _check_n(n: int, least: int) -> None:
    if n < least:
        raise ValueError(f"at least {least} values are needed; got n = {n}.")


def grim(mean: Printed, n: int, *, items: int = 1) -> GrimResult:
    """Whether a printed mean can be the mean of `n` whole numbers.

    Parameters
    ----------
    mean : Printed
        The mean as printed.
    n : int
        How many animals.
    items : int
        How many whole numbers were averaged for each animal (lobes counted per mouse).

    Returns
    -------
    GrimResult
        The verdict with every total that fits.

    References
    ----------
    Brown NJL, Heathers JAJ (2017). The GRIM test. Soc Psychol Personal Sci 8:363-369.

    Examples
    --------
    Of nine counts, every first decimal but a 5 can arise:

    >>> grim(Printed("22.9"), 9).totals, grim(Printed("22.5"), 9).consistent
    ((206,), False)
    """
    _check_n(n * items, 1)
    parts = n * items
    first = math.ceil(mean.low * parts - _TOLERANCE)
    last = math.floor(mean.high * parts + _TOLERANCE)
    totals = tuple(range(first, last + 1))
    return GrimResult(bool(totals), totals, max(0.0, 1 - parts / 10**mean.decimals))


def _even_spread(total: int, n: int) -> int:
    """Give the least sum of squares of `n` whole numbers with this total."""
    base, extra = divmod(total, n)
    return (n - extra) * base**2 + extra * (base + 1) ** 2


def _squares_range(total: int, sd: tuple[float, float], n: int) -> tuple[int, int]:
    """Give the sums of squares that have an SD within `sd`, as whole numbers from, to."""
    low, high = (limit**2 * (n - 1) + total**2 / n for limit in sd)
    return math.ceil(low - _TOLERANCE), math.floor(high + _TOLERANCE)


def sd_limits(error: Printed, n: int, *, kind: str) -> tuple[float, float]:
    """Limits of the SD behind a printed error.

    Parameters
    ----------
    error : Printed
        The error as printed.
    n : int
        How many animals.
    kind : {"SD", "SEM"}
        What the error is taken to be; a SEM is multiplied by √n.

    Returns
    -------
    tuple of float
        Smallest and largest SD.

    Raises
    ------
    ValueError
        If `kind` is none of the two.

    Examples
    --------
    >>> [round(limit, 2) for limit in sd_limits(Printed("2.6"), 9, kind="SEM")]
    [7.65, 7.95]
    """
    if kind not in ("SD", "SEM"):
        raise ValueError(f"an error is 'SD' or 'SEM'; got {kind!r}.")
    factor = math.sqrt(n) if kind == "SEM" else 1.0
    return max(0.0, error.low) * factor, error.high * factor


def grimmer(mean: Printed, error: Printed, n: int, *, kind: str = "SD") -> GrimmerResult:
    """Whether whole numbers can have this printed mean and error.

    Parameters
    ----------
    mean, error : Printed
        As printed.
    n : int
        How many whole numbers, at least 2.
    kind : {"SD", "SEM"}
        What the error is taken to be.

    Returns
    -------
    GrimmerResult
        The verdict, with the test that failed.

    Notes
    -----
    A sum of squares of whole numbers is whole, at least that of the most even spread, and odd or
    even as the total is, since x² and x are odd together.

    References
    ----------
    Anaya J (2016). The GRIMMER test. PeerJ Preprints 4:e2400v1.
    Allard A (2018). Analytic-GRIMMER: a new way of testing the possibility of standard
    deviations. aurelienallard.netlify.app

    Examples
    --------
    >>> grimmer(Printed("22.9"), Printed("2.6"), 9, kind="SEM").consistent
    True
    >>> grimmer(Printed("3.0"), Printed("0.30"), 9).reason
    'no whole sum of squares gives this SD'
    """
    _check_n(n, 2)
    totals = grim(mean, n).totals
    if not totals:
        return GrimmerResult(False, (), "no whole total gives this mean")
    limits = sd_limits(error, n, kind=kind)
    ranges = {total: _squares_range(total, limits, n) for total in totals}
    whole = {t: (max(a, _even_spread(t, n)), b) for t, (a, b) in ranges.items()}
    whole = {t: (a, b) for t, (a, b) in whole.items() if a <= b}
    if not whole:
        return GrimmerResult(False, (), "no whole sum of squares gives this SD")
    fitting = tuple(t for t, (a, b) in whole.items() if b > a or (a - t) % 2 == 0)
    if not fitting:
        return GrimmerResult(False, (), "the sum of squares is odd where the total is even")
    return GrimmerResult(True, fitting, "")


def _walk_to(
    start: list[int], squares: tuple[int, int], limits: tuple[int, int], rng: np.random.Generator
) -> list[int] | None:
    """Shift units between values, the total kept, until the sum of squares is as asked."""
    values = start.copy()
    now = sum(value * value for value in values)
    for _ in range(_ROUNDS):
        for up, down in rng.integers(0, len(values), (_STEPS_A_ROUND, 2)).tolist():
            if squares[0] <= now <= squares[1]:
                return values
            change = 2 * (values[up] - values[down] + 1)
            towards = change > 0 if now < squares[0] else change < 0
            if up != down and towards and values[up] < limits[1] and values[down] > limits[0]:
                values[up] += 1
                values[down] -= 1
                now += change
    return None


def sprite(
    mean: Printed,
    error: Printed,
    n: int,
    *,
    kind: str = "SD",
    limits: tuple[int, int] = (0, 10**6),
    solutions: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Samples of whole numbers that would print as reported.

    Parameters
    ----------
    mean, error : Printed
        As printed.
    n : int
        How many whole numbers, at least 2.
    kind : {"SD", "SEM"}
        What the error is taken to be.
    limits : tuple of int
        Smallest and largest value possible; counts start at 0.
    solutions : int
        How many attempts are made; some may end at the same sample.
    seed : int
        Of the random walk, so that the same input gives the same samples.

    Returns
    -------
    numpy.ndarray
        int64, shape (samples, n), each row sorted, no row twice, in ascending order; no row where
        none was found.

    References
    ----------
    Heathers JAJ, Anaya J, van der Zee T, Brown NJL (2018). Recovering data from summary
    statistics: Sample Parameter Reconstruction via Iterative TEchniques (SPRITE). PeerJ Preprints
    6:e26968v1.

    Examples
    --------
    >>> sample = sprite(Printed("22.9"), Printed("2.6"), 9, kind="SEM", solutions=1)[0]
    >>> round(sample.mean(), 1), round(sample.std(ddof=1) / 3, 1)
    (np.float64(22.9), np.float64(2.6))
    """
    possible = grimmer(mean, error, n, kind=kind).totals
    inside = [t for t in possible if limits[0] * n <= t <= limits[1] * n]
    rng = np.random.default_rng(seed)
    sd = sd_limits(error, n, kind=kind)
    found = set()
    for _ in range(solutions if inside else 0):
        total = int(rng.choice(inside))
        base, extra = divmod(total, n)
        start = [base + (i < extra) for i in range(n)]
        sample = _walk_to(start, _squares_range(total, sd, n), limits, rng)
        if sample is not None:
            found.add(tuple(sorted(sample)))
    return np.array(sorted(found), np.int64).reshape(-1, n)
