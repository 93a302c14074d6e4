"""Draws of crops to learn from, the same in every run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCH = 16


@dataclass(frozen=True)
class Draws:
    """Where crops are cut from.

    Attributes
    ----------
    sources : sequence
        Images, or parts of them.
    cut : callable
        A random crop of a source, drawn by a `numpy.random.Generator`.
    seed : int
        Of all draws.
    weight : numpy.ndarray, optional
        How often each source is drawn, against the others; all alike if not given.
    """

    sources: Sequence[Any]
    cut: Callable[[Any, np.random.Generator], Any]
    seed: int
    weight: np.ndarray | None = None

    def batch(self, *key: int, size: int = BATCH) -> list[Any]:
        """Crops of a step, which is the key."""
        rng = np.random.default_rng([self.seed, *key])
        share = None if self.weight is None else self.weight / self.weight.sum()
        chosen = rng.choice(len(self.sources), size, p=share)
        return [self.cut(self.sources[k], rng) for k in chosen]
