"""An effect size with its interval and the name of the method that made it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """An effect size.

    Attributes
    ----------
    name : str
        What it is, such as "hedges_g".
    estimate, ci_low, ci_high : float
        The estimate and its interval; NaN where the note says why.
    level : float
        Confidence level.
    method : str
        How the interval was made.
    note : str
        Why a number is missing; empty where none is.
    """

    name: str
    estimate: float
    ci_low: float
    ci_high: float
    level: float
    method: str
    note: str = ""


def unknown_effect(name: str, estimate: float, level: float, method: str, reason: str) -> Effect:
    """Give an effect whose interval, and maybe estimate, isn't known, with the reason."""
    return Effect(name, estimate, math.nan, math.nan, level, method, reason)
