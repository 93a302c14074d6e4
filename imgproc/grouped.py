"""Pixels put together by label once, for sums and percentiles of several images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from .labelled import checked_labels_of

_WIDE = 16  # grey levels a value, above which counting levels costs more than ordering values
_BLOCK = 32  # grey levels counted together, to pass over those below a rank


@njit(cache=True, nogil=True)
def _places(labels: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the flat indices of the pixels label after label, and where each label's begin."""
    flat = labels.ravel()
    start = np.zeros(n + 2, np.int64)
    for label in flat:
        if label > 0:
            start[label + 1] += 1
    for label in range(1, n + 2):
        start[label] += start[label - 1]
    places = np.empty(start[n + 1], np.int32)
    filled = start.copy()
    for p in range(flat.size):
        label = flat[p]
        if label > 0:
            places[filled[label]] = p
            filled[label] += 1
    return places, start[1:]


@njit(cache=True, nogil=True)
def _select(values: np.ndarray, low: int, high: int, rank: int) -> None:
    """Put the value of a rank in its place between two ends, lesser ones before it (Hoare)."""
    while high - low > 1:
        first, middle, last = values[low], values[(low + high) // 2], values[high - 1]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high - 1
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j + 1
        elif rank >= i:
            low = i
        else:
            return


@njit(cache=True, nogil=True)
def _selected(held: np.ndarray, percents: np.ndarray, out: np.ndarray) -> None:
    """Percentiles of some values, which change places."""
    n, low = held.size, 0
    for k in range(percents.size):
        place = percents[k] / 100.0 * (n - 1)
        rank = int(np.floor(place))
        _select(held, low, n, rank)
        low = rank
        below = float(held[rank])
        above = below
        if rank + 1 < n and place > rank:
            _select(held, rank + 1, n, rank + 1)
            above = float(held[rank + 1])
        out[k] = below + (above - below) * (place - rank)


@njit(cache=True, nogil=True)
def _counted(
    count: np.ndarray, blocks: np.ndarray, n: int, percents: np.ndarray, out: np.ndarray
) -> None:
    """Percentiles of n whole numbers, from how often each occurs and each block of 32."""
    block, passed = 0, 0  # values in the blocks before this one
    for k in range(percents.size):
        place = percents[k] / 100.0 * (n - 1)
        rank = int(np.floor(place))
        while passed + blocks[block] <= rank:
            passed += blocks[block]
            block += 1
        level, below = block * _BLOCK, passed
        while below + count[level] <= rank:
            below += count[level]
            level += 1
        following = level
        if rank + 1 < n and below + count[level] <= rank + 1:
            following += 1
            while count[following] == 0:
                following += 1
        out[k] = level + (following - level) * (place - rank)


@njit(cache=True, nogil=True)
def _percentiles_by_order(
    image: np.ndarray, places: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums and percentiles of each label, and percentiles of every `joined` labels together."""
    n = start.size - 1
    sums = np.zeros(n)
    each = np.full((n, percents.size), np.nan)
    together = np.full((n // joined, percents.size), np.nan)
    for group in range(n // joined):
        first = start[group * joined]
        held = image[places[first : start[group * joined + joined]]]
        for label in range(group * joined, group * joined + joined):
            own = held[start[label] - first : start[label + 1] - first]
            for value in own:
                sums[label] += value
            if own.size:
                _selected(own, percents, each[label])
        if held.size:
            _selected(held, percents, together[group])
    return sums, each, together


@njit(cache=True, nogil=True)
def _percentiles_by_count(
    image: np.ndarray, places: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the same for whole numbers of at most 16 bits, from how often each level occurs."""
    n = start.size - 1
    sums = np.zeros(n)
    each = np.full((n, percents.size), np.nan)
    together = np.full((n // joined, percents.size), np.nan)
    count, all_count = np.zeros(2**16 + _BLOCK, np.int32), np.zeros(2**16 + _BLOCK, np.int32)
    blocks = np.zeros(2**16 // _BLOCK + 1, np.int32)
    all_blocks = np.zeros(2**16 // _BLOCK + 1, np.int32)
    for group in range(n // joined):
        first, last = start[group * joined], start[group * joined + joined]
        if last == first:
            continue
        held = image[places[first:last]]
        least, most = int(held.min()), int(held.max())
        wide, used = most - least > _WIDE * held.size, (most - least) // _BLOCK + 1
        for label in range(group * joined, group * joined + joined):
            own = held[start[label] - first : start[label + 1] - first]
            total = 0
            for value in own:
                total += int(value)
            sums[label] = total
            if own.size == 0:
                continue
            if wide:
                _selected(own, percents, each[label])
                continue
            for value in own:
                level = int(value) - least
                count[level] += 1
                blocks[level // _BLOCK] += 1
            _counted(count, blocks, own.size, percents, each[label])
            each[label] += least
            all_count[: used * _BLOCK] += count[: used * _BLOCK]
            all_blocks[:used] += blocks[:used]
            count[: used * _BLOCK] = 0
            blocks[:used] = 0
        if wide:
            _selected(held, percents, together[group])
            continue
        _counted(all_count, all_blocks, held.size, percents, together[group])
        together[group] += least
        all_count[: used * _BLOCK] = 0
        all_blocks[:used] = 0
    return sums, each, together


@njit(cache=True, nogil=True)
def _sums(image: np.ndarray, places: np.ndarray, start: np.ndarray) -> np.ndarray:
    total = np.zeros(start.size - 1)
    for label in range(total.size):
        own = 0.0
        for place in places[start[label] : start[label + 1]]:
            own += image[place]
        total[label] = own
    return total


@dataclass(frozen=True)
class Summary:
    """Sums and percentiles of labels, float64; percentiles are NaN for those without pixels.

    Attributes
    ----------
    sums : numpy.ndarray
        Shape (labels,).
    each : numpy.ndarray
        Shape (labels, percents).
    together : numpy.ndarray
        Shape (labels / joined, percents): of so many consecutive labels' pixels together.
    """

    sums: np.ndarray
    each: np.ndarray
    together: np.ndarray


class GroupedPixels:
    """The pixels of each label, put together once for questions about several images.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers; 0 (and below) is background.
    n_labels : int
        Number of labels, at least the largest one.

    Attributes
    ----------
    places : numpy.ndarray
        int32, flat indices of the pixels, label after label, in reading order within each.
    start : numpy.ndarray
        int64, shape (n_labels + 1,): label i's are ``places[start[i - 1]:start[i]]``.

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers.
    """

    def __init__(self, labels: np.ndarray, n_labels: int) -> None:
        self.places, self.start = _places(checked_labels_of(labels, {}), n_labels)

    @property
    def area_px(self) -> np.ndarray:
        """Pixels of each label, int64."""
        return np.diff(self.start)

    def sums(self, image: np.ndarray) -> np.ndarray:
        """Sum of an image over each label.

        Parameters
        ----------
        image : numpy.ndarray
            Shape (H, W), any real dtype.

        Returns
        -------
        numpy.ndarray
            float64, shape (labels,).
        """
        return _sums(np.ravel(image), self.places, self.start)

    def summary(self, image: np.ndarray, percents: Sequence[float], *, joined: int = 1) -> Summary:
        """Sum of an image over each label, and percentiles, linear between ranks (numpy's default).

        Parameters
        ----------
        image : numpy.ndarray
            Shape (H, W), any real dtype.
        percents : sequence of float
            Percentiles wanted, 0 to 100, ascending.
        joined : int
            Take so many consecutive labels together, besides: with 3, labels 1 to 3 are row 0.

        Returns
        -------
        Summary
        """
        image = np.ravel(image)
        whole = np.issubdtype(image.dtype, np.integer) and image.itemsize <= 2
        find = _percentiles_by_count if whole else _percentiles_by_order
        wanted = np.asarray(percents, np.float64)
        return Summary(*find(image, self.places, self.start, wanted, joined))
