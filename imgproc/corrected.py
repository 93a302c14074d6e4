"""Label images that a person corrected, brought into the form in which they are measured."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .errors import MeasurementError
from .labelled import sums

NOT_ASSESSABLE = "not_assessable"
"""Name of the label image that is above 0 where the reader says that nothing can be judged."""


def checked_labels(
    labels: Mapping[str, np.ndarray], names: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Give the label images that a method needs, or say which is missing or of another shape.

    Parameters
    ----------
    labels : mapping of str to numpy.ndarray
        Label images by name.
    names : tuple of str
        Those needed.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    dict of str to numpy.ndarray
        All of them, (H, W) int32, contiguous.

    Raises
    ------
    MeasurementError
        If a label image is missing or its shape isn't the image's.
    """
    for name in (*names, *(n for n in labels if n not in names)):
        found = labels.get(name)
        if found is None or found.shape != shape:
            came = "there are none" if found is None else f"they have shape {found.shape}"
            raise MeasurementError(
                f"corrected labels {name!r} of shape {shape} were expected; {came}",
                "review the image again; it may have been replaced by another one",
            )
    return {name: np.ascontiguousarray(held, np.int32) for name, held in labels.items()}


def without_unassessable(
    labels: Mapping[str, np.ndarray], objects: str, together: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], int]:
    """Take out what lies where the reader says that nothing can be judged.

    An object goes whole when its centre lies there, and stays whole otherwise; regions (lobes,
    tissue) lose the pixels.

    Parameters
    ----------
    labels : mapping of str to numpy.ndarray
        Label images of one shape (H, W), maybe with `NOT_ASSESSABLE`.
    objects : str
        The label image of the objects.
    together : tuple of str
        Label images that share the objects' numbers (cells with nuclei).

    Returns
    -------
    labels : dict of str to numpy.ndarray
        Copies without `NOT_ASSESSABLE`.
    left_out : int
        Objects that were taken out.
    """
    kept = {name: held.copy() for name, held in labels.items() if name != NOT_ASSESSABLE}
    blind = labels.get(NOT_ASSESSABLE)
    if blind is None or not blind.any():
        return kept, 0
    centres = sums(kept[objects], {})
    rows = centres["y_px"].round().to_numpy(int)
    columns = centres["x_px"].round().to_numpy(int)
    gone = centres.index.to_numpy()[blind[rows, columns] > 0]
    for name, held in kept.items():
        if name == objects or name in together:
            held[np.isin(held, gone)] = 0
        else:
            held[blind > 0] = 0
    return kept, len(gone)


def in_sequence(main: np.ndarray, *others: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Number the objects 1 to n in their order; those of `others` that aren't in `main` go.

    Returns
    -------
    labels : list of numpy.ndarray
        int32, `main` and the others with the new numbers.
    numbers : numpy.ndarray of int64, shape (n,)
        The number that each object had before.
    """
    numbers = np.unique(main[main > 0]).astype(np.int64)
    highest = max(int(held.max(initial=0)) for held in (main, *others))
    table = np.zeros(highest + 1, np.int32)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return [table[np.maximum(held, 0)] for held in (main, *others)], numbers


def with_numbers(table: pd.DataFrame, numbers: np.ndarray) -> pd.DataFrame:
    """Give the objects of a table, 1 to n, the numbers that they have in the label images.

    Parameters
    ----------
    table : pandas.DataFrame
        Column object, 1 to n.
    numbers : numpy.ndarray
        (n,) int: the number of each in the label images.

    Returns
    -------
    pandas.DataFrame
        A copy with those numbers.
    """
    return table.assign(object=numbers[table["object"].to_numpy(int) - 1])
