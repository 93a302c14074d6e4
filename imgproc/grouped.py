"""Pixels put together by label once, for sums and percentiles of several images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from .labelled import checked_labels_of

_WIDE = 16  # grey levels a value, above which counting levels costs more than ordering values
_MOST_COUNTED = 2**16 - 1  # values
_BLOCK_BITS = 5
_BLOCK = 2**_BLOCK_BITS  # grey levels counted together, to pass over those below a rank


@njit(cache=True, nogil=True)
def _starts(labels: np.ndarray, n: int) -> np.ndarray:
    """Give where each label's pixels begin if they are put together label after label."""
    flat = labels.ravel()
    start = np.zeros(n + 2, np.int64)
    own, first = 0, 0
    for p in range(flat.size):
        if flat[p] != own:
            start[max(own, 0) + 1] += p - first
            own, first = flat[p], p
    start[max(own, 0) + 1] += flat.size - first
    start[:2] = 0  # background
    return np.cumsum(start)[1:]


@njit(cache=True, nogil=True)
def _gathered(
    image: np.ndarray, ground: np.ndarray, labels: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put an image's values together label after label, and sum another image over each."""
    flat, last = labels.ravel(), start[-1]
    held = np.empty(last + 1, image.dtype)  # one more, for what is background
    total, at = np.zeros(start.size), np.empty(start.size, np.int64)
    at[0], at[1:] = last, start[:-1]
    own, to, passed = 0, last, 0.0
    for p in range(flat.size):
        label = max(flat[p], 0)
        if label != own:
            at[own] = to
            total[own] += passed
            own, to, passed = label, at[label], 0.0
        held[to] = image[p]
        passed += ground[p]
        to += label > 0
    total[own] += passed
    return held[:last], total[1:]


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
    held: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums and percentiles of each label, and percentiles of every `joined` labels together.

    The values held change places.
    """
    n = start.size - 1
    sums = np.zeros(n)
    each = np.full((n, percents.size), np.nan)
    together = np.full((n // joined, percents.size), np.nan)
    for group in range(n // joined):
        for label in range(group * joined, group * joined + joined):
            own = held[start[label] : start[label + 1]]
            for value in own:
                sums[label] += value
            if own.size:
                _selected(own, percents, each[label])
        whole = held[start[group * joined] : start[group * joined + joined]]
        if whole.size:
            _selected(whole, percents, together[group])
    return sums, each, together


@njit(cache=True, nogil=True)
def _moved(count: np.ndarray, total: np.ndarray, used: int) -> None:
    """Add counts to others and set them to zero."""
    for level in range(used):
        total[level] += count[level]
        count[level] = 0


@njit(cache=True, nogil=True)
def _percentiles_by_count(
    held: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the same for whole numbers of at most 16 bits, from how often each level occurs."""
    n = start.size - 1
    sums = np.zeros(n)
    each = np.full((n, percents.size), np.nan)
    together = np.full((n // joined, percents.size), np.nan)
    levels, blocks = 2**16 + _BLOCK, 2**16 // _BLOCK + 1
    count, in_block = np.zeros(levels, np.uint16), np.zeros(blocks, np.uint16)
    all_count, all_in_block = np.zeros(levels, np.uint16), np.zeros(blocks, np.uint16)
    for group in range(n // joined):
        whole = held[start[group * joined] : start[group * joined + joined]]
        if whole.size == 0:
            continue
        least, most = int(whole.min()), int(whole.max())
        used = (most - least) // _BLOCK + 1
        by_order = most - least > _WIDE * whole.size or whole.size > _MOST_COUNTED
        for label in range(group * joined, group * joined + joined):
            own = held[start[label] : start[label + 1]]
            total = 0
            for value in own:
                total += int(value)
            sums[label] = total
            if own.size == 0:
                continue
            if by_order:
                _selected(own, percents, each[label])
                continue
            for value in own:
                level = int(value) - least
                count[level] += 1
                in_block[level >> _BLOCK_BITS] += 1
            _counted(count, in_block, own.size, percents, each[label])
            each[label] += least
            _moved(count, all_count, used * _BLOCK)
            _moved(in_block, all_in_block, used)
        if by_order:
            _selected(whole, percents, together[group])
            continue
        _counted(all_count, all_in_block, whole.size, percents, together[group])
        together[group] += least
        all_count[: used * _BLOCK] = 0
        all_in_block[:used] = 0
    return sums, each, together


@njit(cache=True, nogil=True)
def _sums(image: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    flat, total = labels.ravel(), np.zeros(n + 1)
    own, passed = 0, 0.0
    for p in range(flat.size):
        label = max(flat[p], 0)
        if label != own:
            total[own] += passed
            own, passed = label, 0.0
        passed += image[p]
    total[own] += passed
    return total[1:]


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
    ground_sums : numpy.ndarray
        Shape (labels,): of the background.
    """

    sums: np.ndarray
    each: np.ndarray
    together: np.ndarray
    ground_sums: np.ndarray


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
    labels : numpy.ndarray
        int32, shape (H, W).
    start : numpy.ndarray
        int64, shape (n_labels + 1,): with the pixels label after label, in reading order within
        each, where each label's begin and where the last one's end.

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers.
    """

    def __init__(self, labels: np.ndarray, n_labels: int) -> None:
        self.labels = checked_labels_of(labels, {})
        self.start = _starts(self.labels, n_labels)

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
        return _sums(np.ravel(image), self.labels, self.start.size - 1)

    def summary(
        self,
        image: np.ndarray,
        percents: Sequence[float],
        *,
        joined: int = 1,
        ground: np.ndarray | None = None,
    ) -> Summary:
        """Sum of an image over each label, and percentiles, linear between ranks (numpy's default).

        Parameters
        ----------
        image : numpy.ndarray
            Shape (H, W), any real dtype.
        percents : sequence of float
            Percentiles wanted, 0 to 100, ascending.
        joined : int
            Take so many consecutive labels together, besides: with 3, labels 1 to 3 are row 0.
        ground : numpy.ndarray, optional
            Shape (H, W): the image's background, to be summed besides; none is 0.

        Returns
        -------
        Summary
        """
        image = np.ravel(image)
        under = np.broadcast_to(np.float32(0), image.shape) if ground is None else np.ravel(ground)
        held, ground_sums = _gathered(image, under, self.labels, self.start)
        whole = np.issubdtype(image.dtype, np.integer) and image.itemsize <= 2
        find = _percentiles_by_count if whole else _percentiles_by_order
        wanted = np.asarray(percents, np.float64)
        sums, each, together = find(held, self.start, wanted, joined)
        return Summary(sums, each, together, ground_sums)
