"""Objects of two label images of one picture, matched one to one."""

import numpy as np
import pandas as pd

from .errors import MeasurementError

LEAST_OVERLAP = 0.25
"""Two outlines are of one object from this share of their union on. Two people who mark a small
nodule by a click and a drag seldom share half of it; neighbours seldom share a tenth."""


def match_objects(
    first: np.ndarray, second: np.ndarray, *, least_overlap: float = LEAST_OVERLAP
) -> pd.DataFrame:
    """Pair the objects of two label images by their overlap, the closest pairs first.

    Parameters
    ----------
    first, second : numpy.ndarray
        Label images of one shape (H, W), whole numbers, 0 is background.
    least_overlap : float
        Least intersection over union of a pair.

    Returns
    -------
    pandas.DataFrame
        ``first``, ``second`` (numbers in the label images; 0 where the other image has no such
        object) and ``overlap`` (intersection over union; 0 for an object without a partner). A
        row a pair, then a row an unmatched object; every object stands in one row.

    Raises
    ------
    MeasurementError
        If the shapes differ.

    Examples
    --------
    >>> match_objects(np.array([[1, 1, 0, 2]]), np.array([[5, 5, 0, 0]])).values.tolist()
    [[1.0, 5.0, 1.0], [2.0, 0.0, 0.0]]
    """
    if first.shape != second.shape:
        raise MeasurementError(
            f"label images of one picture have one shape; these have {first.shape} and "
            f"{second.shape}",
            "compare readings of the same image",
        )
    pairs = _pairs(first, second)
    pairs = pairs[pairs["overlap"] >= least_overlap]
    pairs = pairs.sort_values(["overlap", "first", "second"], ascending=[False, True, True])
    taken_first: set[int] = set()
    taken_second: set[int] = set()
    rows: list[tuple[int, int, float]] = []
    for one, other, overlap in pairs.itertuples(index=False):
        if one not in taken_first and other not in taken_second:
            taken_first.add(one)
            taken_second.add(other)
            rows.append((one, other, overlap))
    rows += [(n, 0, 0.0) for n in _numbers(first) if n not in taken_first]
    rows += [(0, n, 0.0) for n in _numbers(second) if n not in taken_second]
    return pd.DataFrame(rows, columns=["first", "second", "overlap"]).astype(
        {"first": "int64", "second": "int64", "overlap": "float64"}
    )


def _numbers(labels: np.ndarray) -> list[int]:
    return [int(n) for n in np.unique(labels) if n > 0]


def _pairs(first: np.ndarray, second: np.ndarray) -> pd.DataFrame:
    """Every two objects that share a pixel, with their intersection over union."""
    both = (first > 0) & (second > 0)
    width = int(second.max(initial=0)) + 1
    keys, shared = np.unique(
        first[both].astype(np.int64) * width + second[both], return_counts=True
    )
    one, other = keys // width, keys % width
    size_one = np.bincount(first[first > 0].ravel(), minlength=1)
    size_other = np.bincount(second[second > 0].ravel(), minlength=1)
    union = size_one[one] + size_other[other] - shared
    return pd.DataFrame({"first": one, "second": other, "overlap": shared / union})
