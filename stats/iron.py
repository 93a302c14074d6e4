"""Iron status of animals: units, transferrin saturation, correlation with other features."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .columns import as_numbers, require_columns
from .estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

IRON_G_PER_MOL = 55.845
"""Standard atomic weight of iron (IUPAC)."""

IRON_DEFICIENT_BELOW_PERCENT = 20.0
"""Transferrin saturation below which iron is deficient, as Jian et al. (2013) take it."""

_UMOL_L_PER_UG_DL = 10 / IRON_G_PER_MOL  # 1 µg/dL is 10 µg/L
_G_L_PER_G_DL = 10.0
_SMALLEST_CORRELATION = 4  # Fisher's interval divides by n − 3
_EXACT_ABOVE = 1 - 1e-12


def ug_dl_to_umol_l(iron_ug_dl: ArrayLike) -> np.ndarray:
    """Convert a concentration of iron from µg/dL to µmol/L.

    Parameters
    ----------
    iron_ug_dl : array_like
        Iron, or iron-binding capacity as iron, in µg/dL.

    Returns
    -------
    numpy.ndarray
        µmol/L.

    Examples
    --------
    >>> round(float(ug_dl_to_umol_l(100)), 3)
    17.907
    """
    return np.asarray(iron_ug_dl, float) * _UMOL_L_PER_UG_DL


def umol_l_to_ug_dl(iron_umol_l: ArrayLike) -> np.ndarray:
    """Convert a concentration of iron from µmol/L to µg/dL.

    Parameters
    ----------
    iron_umol_l : array_like
        Iron, or iron-binding capacity as iron, in µmol/L.

    Returns
    -------
    numpy.ndarray
        µg/dL.

    Examples
    --------
    >>> round(float(umol_l_to_ug_dl(20)), 2)
    111.69
    """
    return np.asarray(iron_umol_l, float) / _UMOL_L_PER_UG_DL


def g_dl_to_g_l(concentration_g_dl: ArrayLike) -> np.ndarray:
    """Convert haemoglobin from g/dL to g/L.

    Examples
    --------
    >>> float(g_dl_to_g_l(12.5))
    125.0
    """
    return np.asarray(concentration_g_dl, float) * _G_L_PER_G_DL


def g_l_to_g_dl(concentration_g_l: ArrayLike) -> np.ndarray:
    """Convert haemoglobin from g/L to g/dL.

    Examples
    --------
    >>> float(g_l_to_g_dl(125))
    12.5
    """
    return np.asarray(concentration_g_l, float) / _G_L_PER_G_DL


def total_iron_binding_capacity(iron: ArrayLike, uibc: ArrayLike) -> np.ndarray:
    """Total iron-binding capacity, serum iron + unsaturated iron-binding capacity.

    Parameters
    ----------
    iron, uibc : array_like
        In one unit, µmol/L or µg/dL.

    Returns
    -------
    numpy.ndarray
        In the same unit.

    Examples
    --------
    >>> float(total_iron_binding_capacity(12, 48))
    60.0
    """
    return np.asarray(iron, float) + np.asarray(uibc, float)


def transferrin_saturation_percent(iron: ArrayLike, tibc: ArrayLike) -> np.ndarray:
    """Transferrin saturation, 100 · serum iron / total iron-binding capacity.

    Parameters
    ----------
    iron, tibc : array_like
        In one unit, 0 or more.

    Returns
    -------
    numpy.ndarray
        Percent; NaN where one is missing or the capacity is 0. Iron above the capacity gives more
        than 100: it happens with haemolysed serum, and is for the caller to flag.

    Raises
    ------
    ValueError
        If a value is below 0.

    Examples
    --------
    >>> float(transferrin_saturation_percent(12, 60))
    20.0
    """
    fe, capacity = np.broadcast_arrays(np.asarray(iron, float), np.asarray(tibc, float))
    if (fe < 0).any() or (capacity < 0).any():
        raise ValueError("serum iron and binding capacity are 0 or more; a value lies below 0.")
    whole = np.full(fe.shape, math.nan)
    np.divide(100 * fe, capacity, out=whole, where=capacity > 0)
    return whole


def iron_deficient(saturation_percent: ArrayLike) -> np.ndarray:
    """Whether a transferrin saturation lies below the 20 % mark; False where it is missing.

    Examples
    --------
    >>> iron_deficient([19.9, 20.0, float("nan")]).tolist()
    [True, False, False]
    """
    return np.asarray(saturation_percent, float) < IRON_DEFICIENT_BELOW_PERCENT


def spearman(
    x: ArrayLike, y: ArrayLike, *, name: str = "spearman", level: float = 0.95
) -> Estimate:
    """Spearman's rank correlation with an interval.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        A pair an animal; pairs with a missing value are left out, and the note says so.
    name : str
        What the correlation is of.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        Fisher's z with the variance (1 + ρ²/2) / (n − 3) of Bonett and Wright. NaN with a note
        where fewer than four pairs are complete or one side doesn't vary.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Bonett DG, Wright TA (2000). Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations. Psychometrika 65:23-28.

    Examples
    --------
    >>> found = spearman([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    >>> round(found.value, 4), round(found.ci_low, 3), round(found.ci_high, 3)
    (0.8286, -0.127, 0.986)
    """
    from scipy import special

    from .ranks import midranks

    a, b = np.asarray(x, float), np.asarray(y, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a pair an animal is expected; got shapes {a.shape} and {b.shape}.")
    known = np.isfinite(a) & np.isfinite(b)
    left_out = f"{int((~known).sum())} pairs with a missing value left out"
    note = "" if known.all() else left_out
    a, b = a[known], b[known]
    method = "Fisher's z, variance of Bonett and Wright"
    reason = ""
    if a.size < _SMALLEST_CORRELATION:
        reason = f"no correlation: {a.size} complete pairs, four are needed"
    elif np.ptp(a) == 0 or np.ptp(b) == 0:
        reason = "no correlation: all values of one side are equal"
    if reason:
        note = "; ".join(part for part in (reason, note) if part)
        return Estimate(name, math.nan, math.nan, math.nan, int(a.size), method, note)
    rho = float(np.corrcoef(midranks(a), midranks(b))[0, 1])
    if abs(rho) > _EXACT_ABOVE:
        rho = math.copysign(1.0, rho)
        note = "; ".join(part for part in ("no interval: the ranks agree wholly", note) if part)
        return Estimate(name, rho, math.nan, math.nan, int(a.size), method, note)
    error = math.sqrt((1 + rho**2 / 2) / (a.size - 3))
    half = float(special.ndtri((1 + level) / 2)) * error
    z = math.atanh(rho)
    low, high = math.tanh(z - half), math.tanh(z + half)
    return Estimate(name, rho, low, high, int(a.size), method, note)


def correlate_animals(
    animals: "pd.DataFrame", first: str, second: str, *, level: float = 0.95
) -> tuple[Estimate, "pd.DataFrame"]:
    """Correlate two features over animals, of whatever assays.

    Parameters
    ----------
    animals : pandas.DataFrame
        Rows of animals.csv: feature, animal, group, value.
    first, second : str
        Features, such as ``transferrin_saturation_percent`` and ``nodules``.
    level : float
        Of the interval.

    Returns
    -------
    estimate : Estimate
        Spearman's correlation with the animal as the unit. All groups are together: it may stand
        for no more than that the groups differ in both.
    pairs : pandas.DataFrame
        animal, group, x, y of the animals that have both, for a figure.

    Raises
    ------
    ValueError
        If a feature isn't in the table, or an animal has it twice.
    """
    require_columns(animals, "feature", "animal", "group", "value")
    sides = []
    for feature in (first, second):
        held = animals[animals["feature"] == feature]
        if held.empty:
            known = ", ".join(dict.fromkeys(animals["feature"].astype(str)))
            raise ValueError(f"there is no feature {feature!r}; there are {known}.")
        if held["animal"].duplicated().any():
            raise ValueError(
                f"animals have {feature!r} more than once; give the rows of one assay."
            )
        values = as_numbers(held["value"], "value")
        sides.append(held[["animal", "group"]].assign(value=values).set_index("animal"))
    x, y = (side.rename(columns={"value": name}) for side, name in zip(sides, "xy", strict=True))
    pairs = x.join(y["y"], how="inner").reset_index()
    name = f"Spearman correlation of {first} and {second}"
    return spearman(pairs["x"], pairs["y"], name=name, level=level), pairs
