"""Where the objects of label images are and how large, kept up with every correction."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from ..pipeline.review_state import Change

Box = tuple[int, int, int, int]


class LabelIndex:
    """Areas and boxes of all objects, so that a correction needn't search the image.

    Parameters
    ----------
    labels : mapping of str to numpy.ndarray
        int32 label images of one shape (H, W).
    """

    def __init__(self, labels: Mapping[str, np.ndarray]) -> None:
        self._labels = labels
        self.shape: tuple[int, ...] = next(iter(labels.values())).shape
        self._areas: dict[str, dict[int, int]] = {}
        self._boxes: dict[str, dict[int, Box]] = {}
        for name, held in labels.items():
            counts = np.bincount(held.ravel())
            self._areas[name] = {int(n): int(counts[n]) for n in np.flatnonzero(counts) if n}
            found = ndimage.find_objects(held)
            self._boxes[name] = {n: _box(found[n - 1]) for n in self._areas[name]}
        self.highest = max((n for held in self._areas.values() for n in held), default=0)

    def numbers(self, what: str) -> list[int]:
        """Give the objects of a label image."""
        return [n for n, area in self._areas[what].items() if area > 0]

    def area(self, what: str, number: int) -> int:
        """Give an object's pixels; 0 where there is none."""
        return self._areas[what].get(number, 0)

    def total(self, what: str) -> int:
        """Give the pixels of all objects."""
        return sum(self._areas[what].values())

    def count(self, what: str) -> int:
        """Count the objects."""
        return sum(area > 0 for area in self._areas[what].values())

    def window(self, what: str, number: int, margin: int = 0) -> tuple[slice, slice]:
        """Give slices that hold all of an object (and may hold more)."""
        top, left, bottom, right = self._boxes[what][number]
        return (
            slice(max(0, top - margin), min(self.shape[0], bottom + margin)),
            slice(max(0, left - margin), min(self.shape[1], right + margin)),
        )

    def mask(self, what: str, number: int, window: tuple[slice, slice]) -> np.ndarray:
        """Give an object's pixels within a window."""
        return self._labels[what][window] == number

    def update(self, change: Change) -> None:
        """Follow a change that was made to the label images."""
        for name, pixels in change.labels.items():
            areas, boxes = self._areas[name], self._boxes[name]
            for start, length, before, after in pixels.runs.tolist():
                if before:
                    areas[before] = areas.get(before, 0) - length
                if after:
                    areas[after] = areas.get(after, 0) + length
                    boxes[after] = _joined(boxes.get(after), self._box_of(start, length))
                    self.highest = max(self.highest, after)

    def _box_of(self, start: int, length: int) -> Box:
        """Box of a run; one that goes on in the next line takes the image's whole width."""
        top, left = divmod(start, self.shape[1])
        bottom, right = divmod(start + length - 1, self.shape[1])
        if bottom > top:
            left, right = 0, self.shape[1] - 1
        return top, left, bottom + 1, right + 1


def _box(window: tuple[slice, slice]) -> Box:
    return window[0].start, window[1].start, window[0].stop, window[1].stop


def _joined(one: Box | None, other: Box) -> Box:
    if one is None:
        return other
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )
