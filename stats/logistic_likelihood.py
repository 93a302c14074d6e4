"""The likelihood of logistic regression, plain or with Firth's penalty, and its profiles."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_TOLERANCE = 1e-12
_STEPS = 500
_NOISE = 1e-13
"""A fall of the log-likelihood within rounding is none."""
_NEAR, _FLAT = 1e-3, 1e-7
"""When Newton's steps hand over to secants, and which slope per SD counts as flat."""
_LONGEST_STEP = 5.0
"""In SDs of the linear predictor's parts: keeps Newton's step from leaping over the maximum."""


def probabilities(predictor: np.ndarray) -> np.ndarray:
    """Chance of a 1 at these log-odds."""
    from scipy.special import expit

    return np.asarray(expit(predictor))


def information(design: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Fisher's information about the coefficients."""
    return design.T @ (design * (probability * (1 - probability))[:, None])


def objective(
    design: np.ndarray, full: np.ndarray, y: np.ndarray, offset: np.ndarray, b: np.ndarray
) -> float:
    """Log-likelihood at `b`, with Firth's penalty over the columns of `full` if there are any."""
    predictor = design @ b + offset
    value = float(y @ predictor - np.logaddexp(0, predictor).sum())
    if full.shape[1]:
        fisher = information(full, probabilities(predictor))
        value += 0.5 * float(np.linalg.slogdet(fisher)[1])
    return value


def _score(
    design: np.ndarray, full: np.ndarray, y: np.ndarray, offset: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope of `objective` in `b`, and the information there."""
    probability = probabilities(design @ b + offset)
    residual = y - probability
    if full.shape[1]:
        weight = probability * (1 - probability)
        inverse = np.linalg.inv(information(full, probability))
        leverage = weight * np.einsum("ij,jk,ik->i", full, inverse, full)
        residual = residual + leverage * (0.5 - probability)
    return design.T @ residual, information(design, probability)


def _ascend(
    design: np.ndarray,
    y: np.ndarray,
    offset: np.ndarray,
    full: np.ndarray,
    start: np.ndarray,
    *,
    tolerance: float,
) -> np.ndarray:
    """Newton's steps, halved until they climb."""
    b, value = start, objective(design, full, y, offset, start)
    for _ in range(_STEPS):
        slope, curvature = _score(design, full, y, offset, b)
        step = np.linalg.solve(curvature, slope)
        longest = float(np.max(np.abs(design @ step), initial=0.0))
        step *= min(1.0, _LONGEST_STEP / longest) if longest > 0 else 1.0
        while objective(design, full, y, offset, b + step) < value - _NOISE * (1 + abs(value)):
            step = step / 2
        b = b + step
        value = objective(design, full, y, offset, b)
        if float(np.max(np.abs(step), initial=0.0)) < tolerance * (
            1 + np.max(np.abs(b), initial=0)
        ):
            return b
    raise ValueError(
        "the logistic fit didn't settle; a predictor may be nearly constant or a copy of another."
    )


def maximise(
    design: np.ndarray, y: np.ndarray, offset: np.ndarray, full: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float]:
    """Coefficients at the maximum, and the log-likelihood there.

    statsmodels has neither Firth's penalty nor fits with one coefficient held, which the profile
    intervals need; both are this function. `full` holds all columns of the model (for the
    penalty, which counts a held coefficient too), or none where there is no penalty.
    """
    from scipy import optimize

    if not full.shape[1]:
        b = _ascend(design, y, offset, full, start, tolerance=_TOLERANCE)
        return b, objective(design, full, y, offset, b)
    # the information is not the penalised likelihood's own curvature, so Newton's steps only bring
    # it near, closing in by a constant factor; the root of the slope is then found by secants
    near = _ascend(design, y, offset, full, start, tolerance=_NEAR)
    found = optimize.root(lambda b: _score(design, full, y, offset, b)[0], near, tol=_TOLERANCE)
    value = objective(design, full, y, offset, found.x)
    if (
        np.max(np.abs(found.fun)) > _FLAT
        or value < objective(design, full, y, offset, near) - _FLAT
    ):
        raise ValueError(
            "Firth's fit didn't settle; a predictor may be nearly constant or a copy of another."
        )
    return found.x, value


@dataclass(frozen=True)
class LogisticModel:
    """Data of a fit. Columns are in SDs, the intercept first.

    `design` is centred, which keeps the steps well conditioned; `raw` is not, and serves the
    intercept alone, whose meaning depends on where zero lies.
    """

    design: np.ndarray
    raw: np.ndarray
    y: np.ndarray
    firth: bool

    def fit(self) -> tuple[np.ndarray, float]:
        """Coefficients of `design` and the log-likelihood there."""
        if self.firth:
            zeros = np.zeros(self.design.shape[1])
            return maximise(self.design, self.y, np.zeros(self.y.size), self.design, zeros)
        from statsmodels.discrete.discrete_model import Logit

        result = Logit(self.y, self.design).fit(
            method="newton", tol=_TOLERANCE, maxiter=_STEPS, disp=False, warn_convergence=False
        )
        if not result.mle_retvals["converged"]:
            raise ValueError(
                "the logistic fit didn't settle; the predictors nearly separate the outcomes. "
                "Use method 'Firth'."
            )
        return np.asarray(result.params), float(result.llf)

    def held(self, index: int, value: float, fitted: np.ndarray, covariance: np.ndarray) -> float:
        """Best log-likelihood with one coefficient held.

        The others start where a normal likelihood would have them, on which Newton's steps
        depend far out, where most fitted probabilities are near 0 or 1.
        """
        design = self.raw if index == 0 else self.design
        others = np.delete(design, index, axis=1)
        full = design if self.firth else design[:, :0]
        along = np.delete(covariance[:, index], index) / covariance[index, index]
        start = np.delete(fitted, index) + along * (value - fitted[index])
        return maximise(others, self.y, value * design[:, index], full, start)[1]

    def uncentred(self) -> np.ndarray:
        """Matrix that turns coefficients of `design` into those of `raw`."""
        turn = np.eye(self.raw.shape[1])
        turn[0, 1:] = -(self.raw - self.design)[0, 1:]
        return turn


def profile_limit(fall: Callable[[float], float], best: float, step: float) -> float:
    """Where the profile has fallen to its target, going outwards from the maximum."""
    from scipy import optimize

    for _ in range(_STEPS):
        if fall(best + step) < 0:
            return float(optimize.brentq(fall, best, best + step, xtol=1e-12, rtol=1e-12))
        step *= 1.5
    return math.copysign(math.inf, step)
