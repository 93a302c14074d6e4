"""Draws of crops to learn from, the same in every run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCH = 16


@dataclass(frozen=True)
class Crop:
    """A piece to learn from.

    Attributes
    ----------
    planes : numpy.ndarray
        Float32, shape (planes, H, W): what the network is shown.
    targets : numpy.ndarray
        Float32, shape (maps, H, W): what it is to say.
    weight : numpy.ndarray
        Float32, shape (H, W), or (maps, H, W): how much each pixel counts.
    """

    planes: np.ndarray
    targets: np.ndarray
    weight: np.ndarray


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
    cut: Callable[[Any, np.random.Generator], Crop]
    seed: int
    weight: np.ndarray | None = None

    def batch(self, *key: int, size: int = BATCH) -> list[Crop]:
        """Crops of a step, which is the key."""
        rng = np.random.default_rng([self.seed, *key])
        share = None if self.weight is None else self.weight / self.weight.sum()
        chosen = rng.choice(len(self.sources), size, p=share)
        return [self.cut(self.sources[k], rng) for k in chosen]
