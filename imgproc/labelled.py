"""Sums and means of images over the numbers of a label image, in one pass each."""

from collections.abc import Mapping

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
def _sum(labels: np.ndarray, image: np.ndarray, n: int) -> np.ndarray:
    total = np.zeros(n + 1, np.float64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0:
                total[label] += image[y, x]
    return total


def typed_table(columns: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> pd.DataFrame:
    """Give a table whose columns have the types of `kinds`; much faster than casting the table.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        (n,) each.
    kinds : mapping of str to type
        A type for each column.

    Returns
    -------
    pandas.DataFrame
        n rows, the columns in the order given.
    """
    return pd.DataFrame({name: held.astype(kinds[name]) for name, held in columns.items()})


def checked_labels_of(labels: np.ndarray, images: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give the labels as int32, or say which array has the wrong shape.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (H, W), whole numbers.
    images : mapping of str to numpy.ndarray
        Images that must have the same shape.

    Returns
    -------
    numpy.ndarray
        int32, C-contiguous.

    Raises
    ------
    MeasurementError
        If the labels aren't a plane of whole numbers or an image has another shape.
    """
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
    labels = checked_labels_of(labels, images)
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
