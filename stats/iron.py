"""Iron status of animals: units and transferrin saturation."""

import math

import numpy as np
from numpy.typing import ArrayLike

IRON_G_PER_MOL = 55.845
"""Standard atomic weight of iron (IUPAC)."""

IRON_DEFICIENT_BELOW_PERCENT = 20.0
"""Transferrin saturation below which iron is deficient, as Jian et al. (2013) take it."""

_UMOL_L_PER_UG_DL = 10 / IRON_G_PER_MOL  # 1 µg/dL is 10 µg/L
_G_L_PER_G_DL = 10.0


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
