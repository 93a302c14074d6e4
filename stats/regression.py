"""Logistic regression with odds ratios per chosen unit, and the ROC curve's area."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .comparison import Comparison, check_alpha
from .estimate import Estimate
from .logistic_likelihood import LogisticModel, information, probabilities, profile_limit

if TYPE_CHECKING:
    import pandas as pd

_LARGEST_EXPONENT = 700.0
"""exp of more is infinite in double precision."""

LOGISTIC_COLUMNS = (
    "term",
    "unit",
    "coefficient",
    "standard_error",
    "z",
    "p",
    "odds_ratio",
    "wald_low",
    "wald_high",
    "profile_low",
    "profile_high",
)
"""Columns of a fit's table."""


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic regression.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a term, the intercept first, with the columns `LOGISTIC_COLUMNS`: coefficient and
        standard_error per 1 of the predictor, odds_ratio and its limits per ``unit``.
    log_likelihood : float
        At the maximum; with Firth's penalty, the penalised one.
    n, events : int
        Rows used and outcomes of 1 among them.
    method : {"maximum likelihood", "Firth"}
        How it was fitted.
    auc : Estimate
        Area under the ROC curve of the fitted probabilities, on the data that were fitted.
    note : str
        What a reader must know: excluded rows, separation.
    """

    table: "pd.DataFrame"
    log_likelihood: float
    n: int
    events: int
    method: str
    auc: Estimate
    note: str

    def comparisons(self, *, alpha: float = 0.05) -> list[Comparison]:
        """Give each predictor as a row of comparisons.csv; effect is the odds ratio per unit."""
        check_alpha(alpha)
        rows = []
        for row in self.table.itertuples():
            if row.term == "intercept":
                continue
            note = f"odds ratio per {row.unit:g} of {row.term}, profile interval; {self.method}"
            rows.append(
                Comparison(
                    test="logistic",
                    group_a=str(row.term),
                    statistic=float(row.z),
                    p=float(row.p),
                    p_adjusted=float(row.p),
                    effect=float(row.odds_ratio),
                    ci_low=float(row.profile_low),
                    ci_high=float(row.profile_high),
                    significant=bool(row.p < alpha),
                    note="; ".join(part for part in (note, self.note) if part),
                )
            )
        return rows


def separates(predictors: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether some combination of predictors splits the outcomes, wholly or but for ties.

    Parameters
    ----------
    predictors : numpy.ndarray
        Shape (n, predictors), without intercept.
    outcome : numpy.ndarray
        Shape (n,), 0 or 1.

    Returns
    -------
    bool
        True where maximum likelihood has no finite estimate.

    Notes
    -----
    A linear programme decides it exactly: separation is a direction in which no row's fit gets
    worse and some row's gets better. Watching the coefficients grow, as packages do, does not.

    References
    ----------
    Konis K (2007). Linear programming algorithms for detecting separated data in binary logistic
    regression models. DPhil thesis, University of Oxford.

    Examples
    --------
    >>> separates(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0, 0, 1, 1]))
    True
    """
    from scipy import optimize

    spread = predictors.std(axis=0)
    standard = (predictors - predictors.mean(axis=0)) / np.where(spread > 0, spread, 1)
    design = np.column_stack([np.ones(len(standard)), standard])
    signed = design * (2 * np.asarray(outcome, float) - 1)[:, None]
    found = optimize.linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1)
    )
    return bool(-found.fun > 1e-7)


def _clean(outcome: ArrayLike, predictors: "pd.DataFrame") -> tuple[np.ndarray, np.ndarray, str]:
    """Complete rows as arrays, and what was left out."""
    y = np.asarray(outcome, float)
    x = predictors.to_numpy(float)
    if len(y) != len(x):
        raise ValueError(f"{len(y)} outcomes for {len(x)} rows of predictors.")
    complete = np.isfinite(y) & np.all(np.isfinite(x), axis=1)
    note = f"{(~complete).sum()} rows with missing values left out" if not complete.all() else ""
    y, x = y[complete], x[complete]
    if not set(np.unique(y)) <= {0.0, 1.0}:
        raise ValueError(f"outcomes are 0 or 1; got {sorted(set(y.tolist()))[:5]}.")
    if y.size == 0 or y.min() == y.max():
        raise ValueError("every outcome is the same; there is nothing to explain.")
    for name, column in zip(predictors.columns, x.T, strict=True):
        if np.ptp(column) == 0:
            raise ValueError(f"predictor {name} is the same in every row; leave it out.")
    rank = np.linalg.matrix_rank(np.column_stack([np.ones(len(x)), x]))
    if rank <= x.shape[1]:
        raise ValueError(
            f"predictors {', '.join(predictors.columns)} can't be told apart in {len(y)} rows: "
            "one is a combination of the others. Leave one out."
        )
    return y, x, note


def _term(
    model: LogisticModel,
    index: int,
    fitted: np.ndarray,
    covariance: np.ndarray,
    *,
    best: float,
    level: float,
) -> dict[str, float]:
    """z, p and both intervals of one coefficient, per SD of its predictor."""
    from scipy import stats

    b, error = float(fitted[index]), math.sqrt(covariance[index, index])
    wald = float(stats.norm.ppf((1 + level) / 2)) * error
    target = best - float(stats.chi2.ppf(level, 1)) / 2

    def above(value: float) -> float:
        return model.held(index, value, fitted, covariance) - target

    p = float(2 * stats.norm.sf(abs(b / error)))
    if model.firth:
        # Wald's test is poor where data separate; this is the penalised likelihood ratio
        fall = best - model.held(index, 0.0, fitted, covariance)
        p = float(stats.chi2.sf(max(0.0, 2 * fall), 1))
    return {
        "coefficient": b,
        "standard_error": error,
        "z": b / error,
        "p": p,
        "wald_low": b - wald,
        "wald_high": b + wald,
        "profile_low": profile_limit(above, b, -wald),
        "profile_high": profile_limit(above, b, wald),
    }


def _per_unit(term: dict[str, float], sd: float, unit: float) -> dict[str, float]:
    """Coefficient per 1 of the predictor, odds ratios per `unit` of it."""

    def ratio(per_sd: float) -> float:
        exponent = per_sd / sd * unit
        return math.exp(exponent) if exponent < _LARGEST_EXPONENT else math.inf

    found = {"unit": unit, "z": term["z"], "p": term["p"]}
    found |= {key: term[key] / sd for key in ("coefficient", "standard_error")}
    found["odds_ratio"] = ratio(term["coefficient"])
    for kind in ("wald", "profile"):
        limits = sorted(ratio(term[f"{kind}_{end}"]) for end in ("low", "high"))
        found[f"{kind}_low"], found[f"{kind}_high"] = limits
    return found


def _choose(method: str, x: np.ndarray, y: np.ndarray) -> tuple[bool, str]:
    """Whether to penalise, and what to say of it."""
    if method not in ("auto", "maximum likelihood", "Firth"):
        raise ValueError(f"method is 'auto', 'maximum likelihood' or 'Firth'; got {method!r}.")
    if method == "Firth":
        return True, ""
    if not separates(x, y):
        return False, ""
    if method == "auto":
        return True, (
            "the predictors separate the outcomes, so maximum likelihood has no finite estimate; "
            "Firth's penalised likelihood instead"
        )
    raise ValueError(
        "the predictors separate the outcomes, so maximum likelihood has no finite estimate. "
        "Use method 'Firth'."
    )


def logistic(
    outcome: ArrayLike,
    predictors: "pd.DataFrame",
    *,
    units: Mapping[str, float] | None = None,
    method: str = "auto",
    level: float = 0.95,
) -> LogisticFit:
    """Logistic regression.

    Parameters
    ----------
    outcome : array_like
        0 or 1, a row each.
    predictors : pandas.DataFrame
        Numeric columns, in the same order of rows. Rows with a value missing are left out, which
        the note says.
    units : mapping of str to float, optional
        Odds ratios are per this much of a predictor (10 for haemoglobin: per 10 g/L); −10 gives
        the odds ratio of a fall by 10. 1 by default.
    method : {"auto", "maximum likelihood", "Firth"}
        "auto" is maximum likelihood unless the data separate, where it has no finite estimate;
        then Firth's penalised likelihood is used and the note says so.
    level : float
        Of the intervals.

    Returns
    -------
    LogisticFit
        Both Wald and profile-likelihood intervals. p is Wald's for maximum likelihood and of the
        penalised likelihood ratio for Firth. z is coefficient over standard error in either.

    Raises
    ------
    ValueError
        If outcomes aren't 0 and 1, all the same, or predictors can't be told apart; and if maximum
        likelihood is asked for where the data separate.

    References
    ----------
    Venzon DJ, Moolgavkar SH (1988). A method for computing profile-likelihood-based confidence
    intervals. Appl Stat 37:87-94.
    Firth D (1993). Bias reduction of maximum likelihood estimates. Biometrika 80:27-38.
    Heinze G, Schemper M (2002). A solution to the problem of separation in logistic regression.
    Stat Med 21:2409-2419.

    Examples
    --------
    >>> import pandas as pd
    >>> doses = pd.DataFrame({"dose": [0.0, 1, 2, 3, 4, 5, 6, 7]})
    >>> fit = logistic([0, 0, 1, 0, 1, 0, 1, 1], doses)
    >>> columns = ["odds_ratio", "profile_low", "profile_high"]
    >>> fit.table.loc[1, columns].astype(float).round(3).tolist()
    [1.811, 0.898, 5.825]
    """
    y, x, note = _clean(outcome, predictors)
    firth, separation = _choose(method, x, y)
    note = "; ".join(part for part in (note, separation) if part)
    spread = x.std(axis=0)
    ones = np.ones(len(x))
    raw = np.column_stack([ones, x / spread])
    design = np.column_stack([ones, (x - x.mean(axis=0)) / spread])
    model = LogisticModel(design, raw, y, firth)
    names = ["intercept", *(str(name) for name in predictors.columns)]
    table, best, fitted = _table(model, names, np.array([1.0, *spread]), units or {}, level)
    label = "Firth" if firth else "maximum likelihood"
    auc = roc_auc(y, fitted, level=level)
    return LogisticFit(table, best, y.size, int(y.sum()), label, auc, note)


def _table(
    model: LogisticModel, names: list[str], sd: np.ndarray, units: Mapping[str, float], level: float
) -> tuple["pd.DataFrame", float, np.ndarray]:
    """Rows of all terms, the log-likelihood, and each outcome's fitted log-odds."""
    import pandas as pd

    unknown = set(units) - set(names)
    if unknown or not all(units.values()):
        raise ValueError(f"units are above or below 0 and of {names[1:]}; got {dict(units)}.")
    b, best = model.fit()
    turn = model.uncentred()
    covariance = np.linalg.inv(information(model.design, probabilities(model.design @ b)))
    rows = []
    for i, name in enumerate(names):
        system = (turn @ b, turn @ covariance @ turn.T) if i == 0 else (b, covariance)
        term = _term(model, i, *system, best=best, level=level)
        rows.append({"term": name, **_per_unit(term, float(sd[i]), float(units.get(name, 1)))})
    return pd.DataFrame(rows)[list(LOGISTIC_COLUMNS)], best, model.design @ b


def roc_auc(outcome: ArrayLike, score: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Area under the ROC curve with DeLong's interval.

    Parameters
    ----------
    outcome : array_like
        0 or 1.
    score : array_like
        Higher where 1 is expected.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        The chance that a row with outcome 1 has the higher score, ties as half. The interval is
        cut at 0 and 1; where the scores part the outcomes wholly it has no width, which the note
        says.

    Raises
    ------
    ValueError
        If there isn't one finite score for each outcome, or not both of 0 and 1 occur.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL (1988). Comparing the areas under two or more
    correlated receiver operating characteristic curves. Biometrics 44:837-845.
    Sun X, Xu W (2014). Fast implementation of DeLong's algorithm. IEEE Signal Process Lett
    21:1389-1393 (the form by midranks).

    Examples
    --------
    >>> found = roc_auc([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    >>> round(found.value, 4), round(found.ci_low, 4), found.ci_high
    (0.8889, 0.5809, 1.0)
    """
    from scipy import stats

    y, x = np.asarray(outcome, float), np.asarray(score, float)
    if y.shape != x.shape or y.ndim != 1 or not np.all(np.isfinite(x)):
        raise ValueError(f"one score an outcome, none missing; got {y.shape} and {x.shape}.")
    if set(np.unique(y)) != {0.0, 1.0}:
        raise ValueError("outcomes are 0 and 1, and both must occur.")
    positive, negative = x[y == 1], x[y == 0]
    m, n = positive.size, negative.size
    together = stats.rankdata(np.concatenate([positive, negative]))
    above = (together[:m] - stats.rankdata(positive)) / n
    below = 1 - (together[m:] - stats.rankdata(negative)) / m
    area = float(above.mean())
    if min(m, n) < 2:
        note = "no interval: one of the outcomes occurs only once"
        return Estimate("auc", area, math.nan, math.nan, m + n, "DeLong", note)
    error = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    note = "the scores part the outcomes wholly; the interval says nothing" if error == 0 else ""
    low, high = max(0.0, area - half), min(1.0, area + half)
    return Estimate("auc", area, low, high, m + n, "DeLong", note)
