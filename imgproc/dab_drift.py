"""Whether a batch's white or controls moved against the rest of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

WHITE_MOVED_OD = 0.03
"""Light that differs by more than this between batches (7 %) comes from another lamp setting or
another white balance; a scanner keeps its white within 2 %."""

CONTROL_MOVED_OD = 0.05
"""Controls of one study, stained alike, keep their brown within this; it is a quarter of the way to
the first cut-off."""

FEWEST_CELLS = 20
"""A percentile of fewer control cells is chance."""


@dataclass(frozen=True)
class BatchDrift:
    """How far one batch lies from the others.

    Attributes
    ----------
    white_difference_od : float
        Largest difference of a channel's white from the other batches', in optical density; NaN
        where there is nothing to compare with.
    control_difference_od : float
        90th percentile of the control cells' DAB less the other batches', in optical density; NaN
        without enough control cells here or elsewhere.
    flags : tuple of str
        ``white_moved``, ``control_moved``, ``batch_without_control``.
    """

    white_difference_od: float
    control_difference_od: float
    flags: tuple[str, ...]


def batch_drift(
    whites: Mapping[str, Sequence[Sequence[float]]],
    controls: Mapping[str, np.ndarray],
) -> dict[str, BatchDrift]:
    """Compare each batch with the median of the other batches.

    Of an even number of others the nearer of the two in the middle counts. So one batch that moved
    leaves the rest unflagged, and of two batches that differ both are flagged, since nothing tells
    which of them moved.

    Parameters
    ----------
    whites : mapping of str to sequence of (red, green, blue)
        The white of each image as a share of full scale, by batch.
    controls : mapping of str to numpy.ndarray
        DAB of the control cells in the chosen compartment, by batch.

    Returns
    -------
    dict of str to BatchDrift
        By batch, in alphabetical order. A study of one batch has nothing to compare.

    Examples
    --------
    >>> found = batch_drift({"a": [(0.9, 0.9, 0.9)], "b": [(0.9, 0.9, 0.9)],
    ...                      "c": [(0.9, 0.9, 0.75)]}, {})
    >>> [drift.flags for drift in found.values()]
    [(), (), ('white_moved',)]
    """
    names = sorted({*whites, *controls})
    levels = {
        name: np.median(np.log10(np.asarray(whites[name], dtype=np.float64)), axis=0)
        for name in names
        if len(whites.get(name, ()))
    }
    brown = {
        name: np.percentile(controls[name], 90)
        for name in names
        if len(controls.get(name, ())) >= FEWEST_CELLS
    }
    found = {}
    for name in names:
        white = float(np.abs(_from_others(levels, name)).max())
        control = float(_from_others(brown, name))
        flags = {
            "white_moved": white > WHITE_MOVED_OD,
            "control_moved": abs(control) > CONTROL_MOVED_OD,
            # one image with a blank of its own is no batch of stained sections
            "batch_without_control": (
                bool(brown) and name not in brown and len(whites.get(name, ())) > 1
            ),
        }
        found[name] = BatchDrift(white, control, tuple(f for f, seen in flags.items() if seen))
    return found


def _from_others(held: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Give how far a batch's level lies from the middle of the others'; NaN without either."""
    others = [level for other, level in held.items() if other != name]
    if name not in held or not others:
        return np.asarray(np.nan)
    low, high = (np.percentile(others, 50, axis=0, method=method) for method in ("lower", "higher"))
    return np.asarray(held[name] - np.clip(held[name], low, high))
