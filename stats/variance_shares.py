"""Shares of variance between groups: eta² and omega²."""

import math
from collections.abc import Sequence

from .effect import Effect, unknown_effect
from .layout import no_spread, usable_groups, variation
from .noncentral import eta_squared_interval
from .summaries import Group


def eta_squared(groups: Sequence[Group], *, level: float = 0.95) -> Effect:
    """Eta²: the share of the sample's variation that lies between groups, SSB / SST.

    The interval, by the noncentral F, is that of the population's share.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries; groups of n < 2 are left out.
    level : float
        Confidence level, two-sided.

    Returns
    -------
    Effect
        A share of 1; where no interval can be had, its reason.

    References
    ----------
    Steiger (2004), Psychological Methods 9, 164-182.

    Examples
    --------
    >>> spreads = {10: 1.7, 10.15: 2.1, 12.45: 0.9}
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=sd) for mean, sd in spreads.items()]
    >>> effect = eta_squared(groups)
    >>> round(effect.estimate, 4), round(effect.ci_low, 4), round(effect.ci_high, 4)
    (0.3582, 0.0, 0.5759)
    """
    return _share("eta_squared", groups, level)


def omega_squared(groups: Sequence[Group], *, level: float = 0.95) -> Effect:
    """Omega²: eta² with its bias taken off, (SSB − df MSE) / (SST + MSE); may fall below 0.

    Parameters
    ----------
    groups : sequence of Group
        From raw values or from summaries; groups of n < 2 are left out.
    level : float
        Confidence level, two-sided; the interval is that of `eta_squared`, since both estimate
        the same share.

    Returns
    -------
    Effect
        A share of 1; where no interval can be had, its reason.

    References
    ----------
    Hays (1963), Statistics for Psychologists.

    Examples
    --------
    >>> spreads = {10: 1.7, 10.15: 2.1, 12.45: 0.9}
    >>> groups = [Group.from_sd(str(mean), 6, mean=mean, sd=sd) for mean, sd in spreads.items()]
    >>> round(omega_squared(groups).estimate, 4)
    0.2614
    """
    return _share("omega_squared", groups, level)


def _share(name: str, groups: Sequence[Group], level: float) -> Effect:
    how = "noncentral F"
    usable, left_out = usable_groups(groups)
    if reason := no_spread(usable):
        return unknown_effect(name, math.nan, level, how, reason)
    parts = variation(usable)
    statistic = parts.between / parts.df_between / parts.mse
    low, high = eta_squared_interval(statistic, parts.df_between, parts.df_within, level=level)
    estimate = parts.eta_squared if name == "eta_squared" else parts.omega_squared
    return Effect(name, estimate, low, high, level, how, left_out)
