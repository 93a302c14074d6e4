"""A random intercept for each animal, fitted by restricted maximum likelihood."""

from dataclasses import dataclass

import numpy as np

_LARGEST_RATIO = 1e12
"""Of the variance between animals to that within them; beyond it there is none within."""


@dataclass(frozen=True)
class RandomIntercept:
    """Fixed effects with their standard errors, and both variances.

    Attributes
    ----------
    effects, errors : numpy.ndarray
        (k,) of the design's columns, in the outcome's unit.
    between, within : float
        Variance between animals and within them, in the square of that unit.
    """

    effects: np.ndarray
    errors: np.ndarray
    between: float
    within: float


def fit_random_intercept(
    outcome: np.ndarray, design: np.ndarray, animals: np.ndarray
) -> RandomIntercept:
    """Fit by restricted maximum likelihood.

    One unknown is left once the ratio of the variances is given, so its score is bracketed and
    solved. statsmodels' general fit stops unconverged on small tables, and its standard errors
    take the uncertainty of the variances in through the Hessian; lme4 and nlme give these.

    Parameters
    ----------
    outcome : numpy.ndarray
        (n,) float, a value an object.
    design : numpy.ndarray
        (n, k) float, of full rank.
    animals : numpy.ndarray
        (n,) whose object it is.

    Returns
    -------
    RandomIntercept

    Raises
    ------
    ValueError
        If all values, or those of each animal, are equal.

    References
    ----------
    Pinheiro JC, Bates DM (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 2.4.2.
    """
    from scipy import optimize

    centre, scale = float(outcome.mean()), float(outcome.std())
    if scale == 0:
        raise ValueError("all values are equal; there is nothing to compare.")
    sums = _AnimalSums.of((outcome - centre) / scale, design, animals)
    ratio = 0.0
    if sums.score(0.0) > 0:
        high = 1.0
        while sums.score(high) > 0:
            high *= 4
            if high > _LARGEST_RATIO:
                raise ValueError("objects of an animal are all equal; compare the animals' means.")
        ratio = float(optimize.brentq(sums.score, 0.0, high, xtol=1e-15, rtol=1e-14))
    effects, information, rest = sums.fit(ratio)
    within = rest / (outcome.size - design.shape[1])
    return RandomIntercept(
        effects * scale,
        np.sqrt(within * np.diag(np.linalg.inv(information))) * scale,
        ratio * within * scale**2,
        within * scale**2,
    )


@dataclass(frozen=True)
class _AnimalSums:
    """What the likelihood of a random intercept needs: sums over all rows and over each animal."""

    sizes: np.ndarray
    outcome: np.ndarray
    design: np.ndarray
    squares: tuple[float, np.ndarray, np.ndarray]

    @classmethod
    def of(cls, outcome: np.ndarray, design: np.ndarray, animals: np.ndarray) -> "_AnimalSums":
        _, place, sizes = np.unique(animals, return_inverse=True, return_counts=True)
        own = np.zeros((sizes.size, design.shape[1]))
        np.add.at(own, place, design)
        squares = (float(outcome @ outcome), design.T @ outcome, design.T @ design)
        return cls(sizes.astype(float), np.bincount(place, weights=outcome), own, squares)

    def fit(self, ratio: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Effects, their information and the residual sum of squares at a ratio of variances."""
        shrunk = ratio / (1 + self.sizes * ratio)
        information = self.squares[2] - self.design.T @ (self.design * shrunk[:, None])
        right = self.squares[1] - self.design.T @ (self.outcome * shrunk)
        effects = np.linalg.solve(information, right)
        rest = self.squares[0] - float(shrunk @ self.outcome**2) - float(effects @ right)
        return effects, information, rest

    def score(self, ratio: float) -> float:
        """Twice the slope of the restricted log-likelihood in the ratio of variances."""
        effects, information, rest = self.fit(ratio)
        spread = 1 + self.sizes * ratio
        own = self.design / spread[:, None]
        left = (self.outcome - self.design @ effects) / spread
        trace = float((self.sizes / spread).sum())
        trace -= float(np.trace(np.linalg.solve(information, own.T @ own)))
        degrees = self.sizes.sum() - self.design.shape[1]
        return float(degrees * (left @ left) / rest - trace)
