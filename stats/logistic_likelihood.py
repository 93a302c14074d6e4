"""The likelihood of logistic regression, plain or with Firth's penalty, and its profiles."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_TOLERANCE = 1e-12
_PENALISED_TOLERANCE = 1e-10
"""Of slopes to either side there are not the digits for more, nor is there need: near its maximum
the likelihood falls by the square of this."""
_STEPS = 500
_NOISE = 1e-13
"""A fall of the log-likelihood within rounding is none."""
_FLAT = 1e-7
"""Which slope per SD counts as flat."""
_NUDGE = 1e-5
"""How far to either side the slope is looked at for the penalised likelihood's curvature."""
_LEAST_BEND = 1e-8
"""Of the largest; a direction with less is taken to have this."""
_LONGEST_STEP = 5.0
"""In SDs of the linear predictor's parts: keeps Newton's step from leaping over the maximum."""


def probabilities(predictor: np.ndarray) -> np.ndarray:
    """Chance of a 1 at these log-odds."""
    from scipy.special import expit

    return np.asarray(expit(predictor))


def information(design: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Fisher's information about the coefficients."""
    return design.T @ (design * (probability * (1 - probability))[:, None])


def _root_weights(predictor: np.ndarray) -> np.ndarray:
    """Square roots of p(1 − p), which far out are small but never 0."""
    far = np.exp(-0.5 * np.abs(predictor))
    return np.asarray(far / (1 + far**2))


def _heaviest_first(full: np.ndarray, predictor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose cross product is the information, the heaviest first, and their order.

    Far out the weights of rows differ by many powers of ten; a QR decomposition of the rows in
    this order keeps what the information, which has their squares, would lose.
    """
    rows = full * _root_weights(predictor)[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1), kind="stable")
    return rows[order], order


def objective(
    design: np.ndarray, full: np.ndarray, y: np.ndarray, offset: np.ndarray, b: np.ndarray
) -> float:
    """Log-likelihood at `b`, with Firth's penalty over the columns of `full` if there are any."""
    predictor = design @ b + offset
    value = float(y @ predictor - np.logaddexp(0, predictor).sum())
    if full.shape[1]:
        rows, _ = _heaviest_first(full, predictor)
        diagonal = np.abs(np.diag(np.linalg.qr(rows, mode="r")))
        value += float(np.log(diagonal).sum()) if diagonal.all() else -math.inf
    return value


def _leverage(full: np.ndarray, predictor: np.ndarray) -> np.ndarray:
    """Diagonal of the weighted hat matrix, in the order of the rows."""
    rows, order = _heaviest_first(full, predictor)
    leverage = np.empty(len(rows))
    leverage[order] = (np.linalg.qr(rows)[0] ** 2).sum(axis=1)
    return leverage


def _score(
    design: np.ndarray, full: np.ndarray, y: np.ndarray, offset: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Slope of `objective` in `b`."""
    predictor = design @ b + offset
    probability = probabilities(predictor)
    residual = y - probability
    if full.shape[1]:
        residual = residual + _leverage(full, predictor) * (0.5 - probability)
    return np.asarray(design.T @ residual)


def _newton_step(
    design: np.ndarray, full: np.ndarray, y: np.ndarray, offset: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Step towards the maximum, by the curvature that the objective has at `b`.

    Of the plain likelihood that is the information. The penalty bends the likelihood too, far out
    more than the data do, so with it the slopes to either side say how much; upward bends are
    taken as downward ones, which keeps the step one that climbs.
    """
    slope = _score(design, full, y, offset, b)
    if not full.shape[1]:
        return np.linalg.solve(information(design, probabilities(design @ b + offset)), slope)
    nudges = _NUDGE * np.eye(b.size)
    sides = [[_score(design, full, y, offset, b + s * d) for s in (1, -1)] for d in nudges]
    bend = np.array([(down - up) / (2 * _NUDGE) for up, down in sides])
    values, vectors = np.linalg.eigh((bend + bend.T) / 2)
    size = np.maximum(np.abs(values), _LEAST_BEND * max(float(np.abs(values).max()), _NOISE))
    return np.asarray(vectors @ ((vectors.T @ slope) / size))


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
        step = _newton_step(design, full, y, offset, b)
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
    penalised = full.shape[1] > 0
    tolerance = _PENALISED_TOLERANCE if penalised else _TOLERANCE
    b = _ascend(design, y, offset, full, start, tolerance=tolerance)
    if penalised and np.max(np.abs(_score(design, full, y, offset, b)), initial=0.0) > _FLAT:
        raise ValueError(
            "Firth's fit didn't settle; a predictor may be nearly constant or a copy of another."
        )
    return b, objective(design, full, y, offset, b)


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
