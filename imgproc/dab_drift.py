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
    white_od : float
        Largest difference of a channel's white from the study's, in optical density; NaN where
        there is nothing to compare with.
    control_od : float
        90th percentile of the control cells' DAB less the study's, in optical density; NaN without
        enough control cells.
    flags : tuple of str
        ``white_moved``, ``control_moved``, ``batch_without_control``.
    """

    white_od: float
    control_od: float
    flags: tuple[str, ...]


def batch_drift(
    whites: Mapping[str, Sequence[Sequence[float]]],
    controls: Mapping[str, np.ndarray],
) -> dict[str, BatchDrift]:
    """Compare each batch with the median of all batches.

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
        name: float(np.percentile(controls[name], 90))
        for name in names
        if len(controls.get(name, ())) >= FEWEST_CELLS
    }
    usual = np.median(list(levels.values()), axis=0) if levels else np.zeros(3)
    usual_brown = float(np.median(list(brown.values()))) if brown else float("nan")
    several = len(names) > 1
    found = {}
    for name in names:
        white = float(np.abs(levels[name] - usual).max()) if name in levels else float("nan")
        control = brown[name] - usual_brown if name in brown else float("nan")
        flags = {
            "white_moved": several and white > WHITE_MOVED_OD,
            "control_moved": several and abs(control) > CONTROL_MOVED_OD,
            # one image with a blank of its own is no batch of stained sections
            "batch_without_control": (
                bool(brown) and name not in brown and len(whites.get(name, ())) > 1
            ),
        }
        found[name] = BatchDrift(white, control, tuple(f for f, seen in flags.items() if seen))
    return found
