"""A mixed model of growth: ln(volume) over days by group, animals with their own start and rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .columns import require_columns
from .comparison import Comparison, check_alpha, format_df, join_notes
from .multiplicity import holm

if TYPE_CHECKING:
    import pandas as pd

_BOUNDARY = 1e-5
"""Share of the variance under which the search has come to 0."""

_LEAST_REST = 1e-9
"""Share of the variance that is taken to lie within animals at least."""

_TOLERANCE = 1e-9
_MOST_STEPS = 5000
# Cholesky entries of the random part over the SD within animals: alike, small, start alone
_STARTS = ((1.0, 0.0, 1.0), (0.3, 0.1, 0.1), (3.0, 0.0, 0.3))


@dataclass(frozen=True)
class GrowthModel:
    """A fitted mixed model of ln(volume).

    Attributes
    ----------
    groups : tuple of str
        The reference first.
    rates_per_day : numpy.ndarray, shape (groups,)
        Fitted growth rate of each group.
    covariance : numpy.ndarray, shape (groups, groups)
        Of the rates.
    animals, measurements : int
        How many were used.
    measured_twice : int
        Animals with two days or more, which alone tell of rates.
    sd_start, sd_rate, sd_rest : float
        Standard deviations between animals' ln volumes at the mean day and between their rates,
        and within animals.
    log_likelihood : float
        Restricted, at the maximum, with time centred and in units of its SD.
    note : str
        What a reader must know: volumes left out, a simpler random part.
    """

    groups: tuple[str, ...]
    rates_per_day: np.ndarray
    covariance: np.ndarray
    animals: int
    measurements: int
    measured_twice: int
    sd_start: float
    sd_rate: float
    sd_rest: float
    log_likelihood: float
    note: str

    @property
    def df(self) -> int:
        """Degrees of freedom of a rate: animals with two days − groups."""
        return self.measured_twice - len(self.groups)

    def comparisons(self, *, alpha: float = 0.05) -> list[Comparison]:
        """Give the time × group interaction: over all groups if there are three, then each pair.

        Effect is the difference of growth rates per day, group − reference.
        """
        check_alpha(alpha)
        rows = [self._pair(place, alpha) for place in range(1, len(self.groups))]
        if len(rows) > 1:
            adjusted = holm([row.p for row in rows])
            text = f"p_adjusted: Holm over {len(rows)} groups against the reference"
            rows = [
                replace(row, p_adjusted=float(p), significant=bool(p < alpha)).noted(text)
                for row, p in zip(rows, adjusted, strict=True)
            ]
            rows.insert(0, self._overall(alpha))
        return rows

    def _words(self) -> str:
        return join_notes(
            "effect is the difference of growth rates of ln(volume) per day (time × group)",
            f"random intercept and slope of {self.animals} animals, "
            f"{self.measurements} measurements; SD between animals' rates {self.sd_rate:.3g} a day",
            self.note,
        )

    def _pair(self, place: int, alpha: float) -> Comparison:
        from scipy import stats

        effect = float(self.rates_per_day[place] - self.rates_per_day[0])
        c = self.covariance
        error = math.sqrt(c[place, place] + c[0, 0] - 2 * c[place, 0])
        statistic = effect / error
        p = float(2 * stats.t.sf(abs(statistic), self.df))
        half = float(stats.t.isf(alpha / 2, self.df)) * error
        return Comparison(
            test="mixed_model",
            group_a=self.groups[place],
            group_b=self.groups[0],
            statistic=statistic,
            df=format_df(self.df),
            p=p,
            p_adjusted=p,
            effect=effect,
            ci_low=effect - half,
            ci_high=effect + half,
            significant=p < alpha,
            note=self._words(),
        )

    def _overall(self, alpha: float) -> Comparison:
        from scipy import stats

        k = len(self.groups)
        contrasts = np.column_stack([-np.ones(k - 1), np.eye(k - 1)])
        effects = contrasts @ self.rates_per_day
        spread = contrasts @ self.covariance @ contrasts.T
        statistic = float(effects @ np.linalg.solve(spread, effects)) / (k - 1)
        p = float(stats.f.sf(statistic, k - 1, self.df))
        return Comparison(
            test="mixed_model",
            statistic=statistic,
            df=format_df(k - 1, self.df),
            p=p,
            p_adjusted=p,
            significant=p < alpha,
            note=join_notes("all groups grow at one rate (time × group, Wald F)", self.note),
        )


def growth_model(
    values: "pd.DataFrame", *, groups: Sequence[str], reference: str | None = None
) -> GrowthModel:
    """Fit ln(volume) ~ group + day + group × day with a random intercept and slope an animal.

    Animals that left early count with the days they have: the model needs no plain means after
    removals, as long as removal depends on the volumes that were measured.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, group, day, volume_mm3. Volumes of 0 have no logarithm and are left out.
    groups : sequence of str
        The groups in their order.
    reference : str, optional
        The group that the others are compared with; by default the first.

    Returns
    -------
    GrowthModel

    Raises
    ------
    ValueError
        If fewer than two groups have a measurement, no group has two animals with two days, the
        values don't vary, or the maximum isn't found.

    Notes
    -----
    Restricted maximum likelihood, profiled as lme4 does it: statsmodels' MixedLM, against which it
    is tested, stops short of the maximum where a variance comes to 0. Standard errors are those of
    generalised least squares at the variances found. t has animals − groups degrees of freedom:
    with all animals measured on the same days the test is the t-test (analysis of variance) on
    the animals' own growth rates.

    References
    ----------
    Laird NM, Ware JH (1982). Random-effects models for longitudinal data. Biometrics 38:963-974.
    Bates D, Mächler M, Bolker B, Walker S (2015). Fitting linear mixed-effects models using lme4.
    J Stat Softw 67(1):1-48.
    """
    require_columns(values, "animal", "group", "day", "volume_mm3")
    used, names, note = _usable(values, groups, reference)
    days = used["day"].to_numpy(float)
    middle, spread = float(days.mean()), float(days.std())
    time = (days - middle) / spread
    logs = np.log(used["volume_mm3"].to_numpy(float))
    scale = float(logs.std())
    if scale == 0 or spread == 0:
        raise ValueError("all volumes or all days are equal; there is no growth to model.")
    member = np.column_stack([(used["group"] == name).to_numpy(float) for name in names])
    design = np.hstack([member, member * time[:, None]])
    fit = _fit((logs - logs.mean()) / scale, design, time, used["animal"].to_numpy().astype(str))
    k = len(names)
    return GrowthModel(
        groups=tuple(names),
        rates_per_day=fit.coefficients[k:] * scale / spread,
        covariance=fit.covariance[k:, k:] * (scale / spread) ** 2,
        animals=int(used["animal"].nunique()),
        measurements=len(used),
        measured_twice=int((used.groupby("animal")["day"].nunique() > 1).sum()),
        sd_start=math.sqrt(fit.between[0, 0]) * scale,
        sd_rate=math.sqrt(fit.between[1, 1]) * scale / spread,
        sd_rest=math.sqrt(fit.within) * scale,
        log_likelihood=fit.log_likelihood - (len(used) - 2 * k) * math.log(scale),
        note=join_notes(note, _boundary_note(fit.between, fit.within)),
    )


def _usable(
    values: "pd.DataFrame", groups: Sequence[str], reference: str | None
) -> tuple["pd.DataFrame", list[str], str]:
    """Rows with a logarithm, the groups with the reference first, and what was left out."""
    held = values[values["group"].isin(list(groups))]
    used = held[held["volume_mm3"] > 0]
    zeros = len(held) - len(used)
    note = f"{zeros} volumes of 0 left out: they have no logarithm" if zeros else ""
    present = [name for name in groups if (used["group"] == name).any()]
    if len(present) < 2:
        raise ValueError(f"a growth model compares two groups or more; got {present}.")
    first = reference if reference in present else present[0]
    names = [first, *(name for name in present if name != first)]
    days = used.groupby(["group", "animal"])["day"].nunique()
    repeated = (days > 1).groupby("group").sum()
    if (repeated == 0).any() or repeated.sum() <= len(names):
        held = ", ".join(f"{name} {int(repeated[name])}" for name in names)
        raise ValueError(
            "every group needs an animal with volumes on two days, and some group two such "
            f"animals; there are: {held}."
        )
    return used, names, note


@dataclass(frozen=True)
class _Fit:
    """Fixed effects, their covariance, and both parts of the variance."""

    coefficients: np.ndarray
    covariance: np.ndarray
    between: np.ndarray
    within: float
    log_likelihood: float


def _fit(outcome: np.ndarray, design: np.ndarray, time: np.ndarray, animals: np.ndarray) -> _Fit:
    """Maximise the restricted likelihood over the random part's Cholesky factor.

    The fixed effects and the variance within animals have closed forms at a given factor, so only
    its three entries are searched, and a variance of 0 between animals is a point like any other.
    """
    from scipy import optimize

    products = _Products.of(outcome, design, time, animals)
    found = [
        optimize.minimize(
            lambda entries: products.solve(entries)[0],
            start,
            method="Nelder-Mead",
            options={"xatol": _TOLERANCE, "fatol": _TOLERANCE, "maxiter": _MOST_STEPS},
        )
        for start in _STARTS
    ]
    best = min(found, key=lambda result: result.fun)
    if not (best.success and math.isfinite(best.fun)):
        raise ValueError(
            "the mixed model of growth didn't converge; compare the animals' own growth rates "
            "(growth_rate_per_day) instead."
        )
    criterion, coefficients, information, within = products.solve(best.x)
    factor = _factor(best.x)
    return _Fit(
        coefficients,
        np.linalg.inv(information) * within,
        factor @ factor.T * within,
        within,
        -criterion / 2,
    )


def _factor(entries: np.ndarray) -> np.ndarray:
    return np.array([[entries[0], 0.0], [entries[1], entries[2]]])


@dataclass(frozen=True)
class _Products:
    """Sums over measurements from which the restricted likelihood is worked out.

    Attributes
    ----------
    total : numpy.ndarray, shape (p + 1, p + 1)
        Of the design's columns and the outcome with each other.
    random : numpy.ndarray, shape (animals, 2, 2)
        Of intercept and time with each other, an animal.
    cross : numpy.ndarray, shape (animals, 2, p + 1)
        Of intercept and time with the design and the outcome, an animal.
    freedom : int
        Measurements − p.
    """

    total: np.ndarray
    random: np.ndarray
    cross: np.ndarray
    freedom: int

    @classmethod
    def of(
        cls, outcome: np.ndarray, design: np.ndarray, time: np.ndarray, animals: np.ndarray
    ) -> "_Products":
        whole = np.column_stack([design, outcome])
        random = np.column_stack([np.ones(time.size), time])
        own = [animals == name for name in np.unique(animals)]
        return cls(
            whole.T @ whole,
            np.array([random[each].T @ random[each] for each in own]),
            np.array([random[each].T @ whole[each] for each in own]),
            time.size - design.shape[1],
        )

    def solve(self, entries: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
        """Give −2 log restricted likelihood, fixed effects, their information, and variance."""
        factor = _factor(entries)
        inner = np.eye(2) + factor.T @ self.random @ factor
        pulled = factor.T @ self.cross
        explained = np.swapaxes(pulled, 1, 2) @ np.linalg.solve(inner, pulled)
        left = self.total - explained.sum(axis=0)
        information, pull = left[:-1, :-1], left[:-1, -1]
        coefficients = np.linalg.solve(information, pull)
        rest = float(left[-1, -1] - pull @ coefficients)
        # curves without any noise would be ever more likely the nearer this comes to 0
        within = max(rest, _LEAST_REST * self.total[-1, -1]) / self.freedom
        spread = float(np.linalg.slogdet(inner)[1].sum() + np.linalg.slogdet(information)[1])
        criterion = self.freedom * (math.log(2 * math.pi * within) + 1) + spread
        return criterion, coefficients, information, within


def _boundary_note(between: np.ndarray, within: float) -> str:
    """Say that the random part lies at the edge of what is possible."""
    start, rate = between[0, 0], between[1, 1]
    if min(start, rate) < _BOUNDARY * (start + rate + within):
        return "at the boundary: animals differ in start or rate no more than their noise explains"
    if abs(between[0, 1]) > (1 - _BOUNDARY) * math.sqrt(start * rate):
        return "at the boundary: starts and rates of the animals go wholly together"
    return ""
