"""What an act did to a label image: the pixels it changed, with their numbers before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PixelChange:
    """Changed pixels of one label image, as runs in reading order.

    Attributes
    ----------
    runs : numpy.ndarray of int64, shape (n, 4)
        A row a run of neighbouring pixels of one line: its first pixel's index in the flattened
        image, its length, the number before and the number after.
    """

    runs: np.ndarray

    @classmethod
    def of_pixels(cls, indices: np.ndarray, before: np.ndarray, after: np.ndarray) -> "PixelChange":
        """Gather pixels into runs; those that don't change are left out.

        Parameters
        ----------
        indices : numpy.ndarray of int
            Places in the flattened image, each once.
        before, after : numpy.ndarray of int
            Their numbers.
        """
        differs = np.flatnonzero(before != after)
        order = differs[np.argsort(indices[differs], kind="stable")]
        places, old, new = (np.asarray(a)[order].astype(np.int64) for a in (indices, before, after))
        if not len(places):
            return cls(np.zeros((0, 4), np.int64))
        joined = (np.diff(places) == 1) & (np.diff(old) == 0) & (np.diff(new) == 0)
        starts = np.flatnonzero(np.r_[True, ~joined])
        lengths = np.diff(np.r_[starts, len(places)])
        return cls(np.stack([places[starts], lengths, old[starts], new[starts]], axis=1))

    @classmethod
    def of_window(
        cls, labels: np.ndarray, window: tuple[slice, slice], after: np.ndarray
    ) -> "PixelChange":
        """Compare a window of a label image with what shall stand there."""
        rows, columns = np.nonzero(labels[window] != after)
        places = (rows + window[0].start) * labels.shape[1] + columns + window[1].start
        return cls.of_pixels(places, labels[window][rows, columns], after[rows, columns])

    @classmethod
    def from_json(cls, runs: Sequence[Sequence[int]]) -> "PixelChange":
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            If these aren't runs.
        """
        table = np.asarray(runs, np.int64).reshape(-1, 4) if len(runs) else np.zeros((0, 4), int)
        if (table < 0).any():
            raise ValueError("a run of pixels holds a negative number")
        return cls(table.astype(np.int64))

    def to_json(self) -> list[list[int]]:
        """Give the runs as lists of numbers."""
        return [[int(value) for value in run] for run in self.runs]

    def __len__(self) -> int:
        """Count the pixels."""
        return int(self.runs[:, 1].sum())

    @property
    def indices(self) -> np.ndarray:
        """Places of the pixels in the flattened image."""
        lengths = self.runs[:, 1]
        offsets = np.arange(len(self)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(self.runs[:, 0], lengths) + offsets

    @property
    def before(self) -> np.ndarray:
        """Number of each pixel before."""
        return np.repeat(self.runs[:, 2], self.runs[:, 1])

    @property
    def after(self) -> np.ndarray:
        """Number of each pixel after."""
        return np.repeat(self.runs[:, 3], self.runs[:, 1])

    def inverted(self) -> "PixelChange":
        """Give the change that takes this one back."""
        return PixelChange(self.runs[:, [0, 1, 3, 2]])

    def apply(self, labels: np.ndarray) -> None:
        """Write the numbers after into a label image, in place.

        Raises
        ------
        ValueError
            If a pixel lies outside the image.
        """
        if len(self.runs) and int((self.runs[:, 0] + self.runs[:, 1]).max()) > labels.size:
            raise ValueError("a pixel of the change lies outside the image")
        labels.reshape(-1)[self.indices] = self.after
