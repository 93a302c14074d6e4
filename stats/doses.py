"""Doses carried from mouse to patient, and the iron in blood, diets and salts."""

_KM = {"mouse": 3.0, "rat": 6.0, "human": 37.0}
"""Body mass over body surface, kg/m², of the FDA's guidance (2005), table 1."""

_IRON_MG_PER_G_HAEMOGLOBIN = 3.47
"""Four iron atoms (55.845) in one tetramer (64,458 g/mol)."""

_IRON_SHARE_OF_SALT = {
    "ferrous sulfate": 55.845 / 151.908,
    "ferrous sulfate heptahydrate": 55.845 / 278.015,
}
"""Mass of iron in a mass of salt, from the molar masses."""


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be above zero; got {value}.")


def _km(species: str) -> float:
    if species not in _KM:
        raise ValueError(f"species is one of {', '.join(_KM)}; got {species!r}.")
    return _KM[species]


def dose_mg_per_kg(dose_mg: float, body_mass_kg: float) -> float:
    """Dose per body mass.

    Parameters
    ----------
    dose_mg, body_mass_kg : float
        Dose given and the body it was given to.

    Returns
    -------
    float
        Dose in mg/kg.

    Examples
    --------
    >>> round(dose_mg_per_kg(0.5, 0.030), 2)
    16.67
    """
    _positive(dose_mg=dose_mg, body_mass_kg=body_mass_kg)
    return dose_mg / body_mass_kg


def equivalent_dose_mg_per_kg(dose: float, *, animal: str = "mouse", other: str = "human") -> float:
    """Dose of the same size by body surface in another species.

    Parameters
    ----------
    dose : float
        Dose in mg/kg in `animal`.
    animal, other : {"mouse", "rat", "human"}
        From which species to which.

    Returns
    -------
    float
        Dose in mg/kg in `other`: dose · Km(animal) / Km(other).

    References
    ----------
    US FDA (2005). Guidance for industry: estimating the maximum safe starting dose in initial
    clinical trials for therapeutics in adult healthy volunteers, table 1.

    Examples
    --------
    >>> round(equivalent_dose_mg_per_kg(50 / 3), 3)
    1.351
    """
    _positive(dose=dose)
    return dose * _km(animal) / _km(other)


def dose_mg_per_m2(dose: float, *, species: str = "mouse") -> float:
    """Dose per body surface.

    Parameters
    ----------
    dose : float
        Dose in mg/kg.
    species : {"mouse", "rat", "human"}
        Whose body.

    Returns
    -------
    float
        Dose in mg/m²: dose · Km, body mass over body surface.

    References
    ----------
    US FDA (2005). Guidance for industry: estimating the maximum safe starting dose in initial
    clinical trials for therapeutics in adult healthy volunteers, table 1.

    Examples
    --------
    >>> dose_mg_per_m2(10.0, species="rat")
    60.0
    """
    _positive(dose=dose)
    return dose * _km(species)


def iron_in_blood_mg(volume_ml: float, haemoglobin_g_l: float) -> float:
    """Iron that stands in the haemoglobin of a volume of blood.

    Parameters
    ----------
    volume_ml : float
        Blood.
    haemoglobin_g_l : float
        Its haemoglobin.

    Returns
    -------
    float
        Iron in mg, at 3.47 mg a gram of haemoglobin (four atoms a tetramer).

    Examples
    --------
    >>> round(iron_in_blood_mg(100, 144), 1)
    50.0
    """
    _positive(volume_ml=volume_ml, haemoglobin_g_l=haemoglobin_g_l)
    return volume_ml / 1000 * haemoglobin_g_l * _IRON_MG_PER_G_HAEMOGLOBIN


def iron_in_salt(mass: float, salt: str) -> float:
    """Iron in a mass of salt, in the same unit (mg, ppm).

    Parameters
    ----------
    mass : float
        Of the salt.
    salt : {"ferrous sulfate", "ferrous sulfate heptahydrate"}
        Which one.

    Returns
    -------
    float
        Mass of its iron.

    Raises
    ------
    ValueError
        If the mass isn't above 0, or the salt is none of the two.

    Examples
    --------
    >>> round(iron_in_salt(3.5, "ferrous sulfate heptahydrate"), 2)
    0.7
    """
    _positive(mass=mass)
    if salt not in _IRON_SHARE_OF_SALT:
        raise ValueError(f"salt is one of {', '.join(_IRON_SHARE_OF_SALT)}; got {salt!r}.")
    return mass * _IRON_SHARE_OF_SALT[salt]
