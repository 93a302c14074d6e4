"""Sums, means and percentiles of images over the numbers of a label image, in one pass each."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numba import njit

from .errors import MeasurementError


@njit(cache=True, nogil=True)
def _geometry(labels: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    area = np.zeros(n + 1, np.int64)
    y_sum = np.zeros(n + 1, np.float64)
    x_sum = np.zeros(n + 1, np.float64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0:
                area[label] += 1
                y_sum[label] += y
                x_sum[label] += x
    return area, y_sum, x_sum


@njit(cache=True, nogil=True)
def _areas(labels: np.ndarray, n: int) -> np.ndarray:
    area = np.zeros(n + 1, np.int64)
    for label in labels.ravel():
        if label > 0:
            area[label] += 1
    return area


@njit(cache=True, nogil=True)
def _sum(labels: np.ndarray, image: np.ndarray, n: int) -> np.ndarray:
    total = np.zeros(n + 1, np.float64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0:
                total[label] += image[y, x]
    return total


@njit(cache=True, nogil=True)
def _grouped(
    labels: np.ndarray, image: np.ndarray, area: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the pixels' values label after label, and where each label's values begin."""
    start = np.zeros(area.size + 1, np.int64)
    for label in range(area.size):
        start[label + 1] = start[label] + area[label]
    filled = start[:-1].copy()
    values = np.empty(start[-1], image.dtype)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0:
                values[filled[label]] = image[y, x]
                filled[label] += 1
    return values, start


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
def _selected_percentiles(held: np.ndarray, percents: np.ndarray, out: np.ndarray) -> None:
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
def _percentiles(
    values: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> np.ndarray:
    """Percentiles of every `joined` labels together, from label 1 on."""
    out = np.full(((start.size - 2) // joined, percents.size), np.nan)
    for group in range(out.shape[0]):
        begin, end = start[1 + group * joined], start[1 + (group + 1) * joined]
        if end > begin:
            _selected_percentiles(values[begin:end].copy(), percents, out[group])
    return out


_WIDE = 16  # grey levels a value, above which counting levels costs more than ordering values


@njit(cache=True, nogil=True)
def _counted_percentiles(
    values: np.ndarray, start: np.ndarray, percents: np.ndarray, joined: int
) -> np.ndarray:
    """Give the same for whole numbers of at most 16 bits, from how often each level occurs."""
    out = np.full(((start.size - 2) // joined, percents.size), np.nan)
    count = np.zeros(2**16, np.int32)
    for group in range(out.shape[0]):
        begin, end = start[1 + group * joined], start[1 + (group + 1) * joined]
        n = end - begin
        if n == 0:
            continue
        least, most = int(values[begin]), int(values[begin])
        for p in range(begin, end):
            least, most = min(least, int(values[p])), max(most, int(values[p]))
        if most - least > _WIDE * n:
            _selected_percentiles(values[begin:end].copy(), percents, out[group])
            continue
        for p in range(begin, end):
            count[int(values[p]) - least] += 1
        level, passed = 0, 0
        for k in range(percents.size):
            place = percents[k] / 100.0 * (n - 1)
            rank = int(np.floor(place))
            while passed + count[level] <= rank:
                passed += count[level]
                level += 1
            following = level
            if rank + 1 < n and passed + count[level] <= rank + 1:
                following += 1
                while count[following] == 0:
                    following += 1
            out[group, k] = least + level + (following - level) * (place - rank)
        count[: most - least + 1] = 0
    return out


def _checked(labels: np.ndarray, images: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give the labels as int32, or say which array has the wrong shape."""
    labels = np.asarray(labels)
    if labels.ndim != 2 or not (
        np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_
    ):
        raise MeasurementError(
            f"a label image must be 2-D and of whole numbers; it has shape {labels.shape} and "
            f"type {labels.dtype}",
            "give one plane of labels: 0 for background, 1, 2, … for the objects",
        )
    for name, image in images.items():
        if np.shape(image) != labels.shape:
            raise MeasurementError(
                f"image {name!r} has shape {np.shape(image)}, the labels {labels.shape}",
                "give 2-D images of the same height and width as the labels",
            )
    return np.ascontiguousarray(labels, dtype=np.int32)


def sums(
    labels: np.ndarray, images: Mapping[str, np.ndarray], *, n_labels: int | None = None
) -> pd.DataFrame:
    """Area, centre, and sum and mean of each image over each label.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers; 0 (and below) is background.
    images : mapping of str to numpy.ndarray
        Images of the same shape, any real dtype.
    n_labels : int, optional
        Give a row for every label from 1 to `n_labels`, also for those without a pixel (area 0,
        centre and means NaN, sums 0). By default only labels that have pixels get a row.

    Returns
    -------
    pandas.DataFrame
        Indexed by label (name ``object``): ``area_px`` (int), ``y_px``, ``x_px`` (centre of
        gravity), and per image ``<name>_sum`` and ``<name>_mean`` (float64).

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers or an image has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 0], [0, 2, 2]])
    >>> table = sums(labels, {"marker": np.array([[1.0, 3.0, 9.0], [9.0, 5.0, 6.0]])})
    >>> table["marker_mean"].tolist(), table["x_px"].tolist()
    ([2.0, 5.5], [0.5, 1.5])
    """
    labels = _checked(labels, images)
    n = max(int(labels.max(initial=0)), n_labels or 0)
    area, y_sum, x_sum = _geometry(labels, n)
    keep = np.arange(1, n + 1) if n_labels is not None else np.flatnonzero(area[1:]) + 1
    pixels = np.where(area[keep] > 0, area[keep], np.nan)
    columns = {"area_px": area[keep], "y_px": y_sum[keep] / pixels, "x_px": x_sum[keep] / pixels}
    for name, image in images.items():
        total = _sum(labels, np.ascontiguousarray(image), n)[keep]
        columns[f"{name}_sum"] = total
        columns[f"{name}_mean"] = total / pixels
    return pd.DataFrame(columns, index=pd.Index(keep, name="object"))


def label_areas(labels: np.ndarray, n: int) -> np.ndarray:
    """Pixels of each label from 1 to n, int64, shape (n,)."""
    return _areas(labels, n)[1:]


@njit(cache=True, nogil=True)
def label_means(labels: np.ndarray, image: np.ndarray, n: int) -> np.ndarray:
    """Mean of an image over each label.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), at most n; 0 is background.
    image : numpy.ndarray
        Shape (H, W), any real dtype.
    n : int
        Number of labels.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,), from label 1; NaN for a label without pixels.
    """
    area, total = np.zeros(n + 1, np.int64), np.zeros(n + 1)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0:
                area[label] += 1
                total[label] += image[y, x]
    means = np.full(n, np.nan)
    for k in range(n):
        if area[k + 1] > 0:
            means[k] = total[k + 1] / area[k + 1]
    return means


@njit(cache=True, nogil=True)
def relabelled(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Give each label another number.

    Parameters
    ----------
    labels : numpy.ndarray
        Whole numbers from 0, shape (H, W).
    numbers : numpy.ndarray
        Whole numbers: the new number of each label, that of 0 first.

    Returns
    -------
    numpy.ndarray
        int32, shape (H, W).
    """
    out = np.empty(labels.shape, np.int32)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            out[y, x] = numbers[labels[y, x]]
    return out


@njit(cache=True, nogil=True)
def _present(labels: np.ndarray, n: int) -> np.ndarray:
    found = np.zeros(n + 1, np.bool_)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            found[labels[y, x]] = True
    return found


def renumbered(labels: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
    """Number the labels that are left 1 to n, in their order.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers from 0, which is background.
    kept : numpy.ndarray, optional
        bool, one for each label from 1: those that are left; by default those that have pixels.

    Returns
    -------
    numpy.ndarray
        int32, shape (H, W).
    """
    if kept is None:
        kept = _present(labels, int(labels.max(initial=0)))[1:]
    left = np.concatenate([[False], kept])
    return relabelled(labels, np.where(left, np.cumsum(left), 0).astype(np.int32))


class LabelledPixels:
    """The values of an image under each label, put together once for several questions.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers; 0 (and below) is background.
    image : numpy.ndarray
        Image of the same shape, any real dtype.
    n_labels : int, optional
        Number of labels; by default the largest one.

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers or the image has another shape.
    """

    def __init__(
        self, labels: np.ndarray, image: np.ndarray, *, n_labels: int | None = None
    ) -> None:
        labels = _checked(labels, {"image": image})
        n = max(int(labels.max(initial=0)), n_labels or 0)
        area = _areas(labels, n)
        self._values, self._start = _grouped(labels, np.ascontiguousarray(image), area)

    def percentiles(self, percents: Sequence[float], *, joined: int = 1) -> np.ndarray:
        """Percentiles of each label, linear between ranks (numpy's default).

        Parameters
        ----------
        percents : sequence of float
            Percentiles wanted, 0 to 100, ascending.
        joined : int
            Take so many consecutive labels together: with 3, labels 1 to 3 are row 0.

        Returns
        -------
        numpy.ndarray
            Shape (labels / joined, len(percents)), float64; NaN for a label without pixels.
        """
        whole = np.issubdtype(self._values.dtype, np.integer) and self._values.itemsize <= 2
        find = _counted_percentiles if whole else _percentiles
        return find(self._values, self._start, np.asarray(percents, np.float64), joined)


def percentiles(
    labels: np.ndarray, image: np.ndarray, percents: Sequence[float], *, n_labels: int | None = None
) -> np.ndarray:
    """Percentiles of an image over each label, linear between ranks (numpy's default).

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers; 0 (and below) is background.
    image : numpy.ndarray
        Image of the same shape, any real dtype.
    percents : sequence of float
        Percentiles wanted, 0 to 100, ascending.
    n_labels : int, optional
        Number of rows; by default the largest label.

    Returns
    -------
    numpy.ndarray
        Shape (n_labels, len(percents)), float64; row 0 is label 1; NaN for a label without pixels.

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers or the image has another shape.
    """
    return LabelledPixels(labels, image, n_labels=n_labels).percentiles(percents)
