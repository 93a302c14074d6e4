"""Regression trees as plain arrays, evaluated without the library that grew them."""

from dataclasses import dataclass

import numba
import numpy as np


@dataclass(frozen=True)
class TreeEnsemble:
    """A sum of binary regression trees.

    Node `i` sends a row to `left[i]` where ``row[feature[i]] <= threshold[i]``, else to
    `right[i]`; a node whose `left` is -1 is a leaf and gives `value[i]`.

    Attributes
    ----------
    feature, left, right : numpy.ndarray of int32, shape (n_nodes,)
    threshold, value : numpy.ndarray of float32, shape (n_nodes,)
    roots : numpy.ndarray of int32, shape (n_trees,)
        Each tree's first node.
    base : float
        Added to the sum of all trees.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    base: float

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Sum the trees for every row.

        Parameters
        ----------
        rows : numpy.ndarray of float32, shape (n_rows, n_features)

        Returns
        -------
        numpy.ndarray of float32, shape (n_rows,)

        Raises
        ------
        ValueError
            If the rows hold fewer features than the trees ask for.
        """
        needed = int(self.feature.max(initial=-1)) + 1
        if rows.ndim != 2 or rows.shape[1] < needed:
            raise ValueError(
                f"The trees need rows of at least {needed} features; got shape {rows.shape}."
            )
        return _sum_trees(
            np.ascontiguousarray(rows, dtype=np.float32),
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.value,
            self.roots,
            np.float32(self.base),
        )

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """The ensemble as named arrays, for `numpy.savez`."""
        return {
            f"{prefix}_feature": self.feature.astype(np.uint8),
            f"{prefix}_threshold": self.threshold,
            f"{prefix}_left": self.left.astype(np.int32),
            f"{prefix}_right": self.right.astype(np.int32),
            f"{prefix}_value": self.value,
            f"{prefix}_roots": self.roots,
            f"{prefix}_base": np.array(self.base, np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: "dict[str, np.ndarray]", prefix: str) -> "TreeEnsemble":
        """Rebuild an ensemble from what `arrays` gave."""
        whole = {
            name: arrays[f"{prefix}_{name}"].astype(np.int32)
            for name in ("feature", "left", "right", "roots")
        }
        real = {
            name: arrays[f"{prefix}_{name}"].astype(np.float32) for name in ("threshold", "value")
        }
        return cls(**whole, **real, base=float(arrays[f"{prefix}_base"]))


@numba.njit(cache=True, nogil=True)
def _sum_trees(  # pragma: no cover - compiled
    rows: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    value: np.ndarray,
    roots: np.ndarray,
    base: np.float32,
) -> np.ndarray:
    total = np.full(rows.shape[0], base, np.float32)
    block = 2048  # rows that stay in the cache while a tree passes over them
    for start in range(0, rows.shape[0], block):
        stop = min(start + block, rows.shape[0])
        for tree in range(roots.shape[0]):
            root = roots[tree]
            for row in range(start, stop):
                node = root
                while left[node] >= 0:
                    if rows[row, feature[node]] <= threshold[node]:
                        node = left[node]
                    else:
                        node = right[node]
                total[row] += value[node]
    return total


def logistic(score: np.ndarray) -> np.ndarray:
    """Probability that belongs to a score in log odds."""
    return (1.0 / (1.0 + np.exp(-score.astype(np.float64)))).astype(np.float32)
