"""What every image method gives: tables of objects and regions, labels, profiles, flags."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .slide_cells import LabelSheet


@dataclass(frozen=True)
class Measurement:
    """One image, measured.

    Attributes
    ----------
    objects : pandas.DataFrame
        A row an object (nodule, cell). Starts with ``object`` (int, the object's number in the
        label image), ``y_px``, ``x_px`` (float, centre; pixel centres are whole numbers, origin
        at the top left), then the method's own columns. No row where nothing was found, with the
        columns still there.
    regions : pandas.DataFrame
        A row a region (lobe, piece of tissue). Starts with ``region`` (int), then the method's own.
    labels : dict of str to numpy.ndarray
        Label images, int32, shape (height, width); 0 is background and the numbers are those of
        ``objects`` or ``regions``.
    sheets : dict of str to LabelSheet
        Label images of a whole slide, which may be larger than the memory: read by rectangles.
    profiles : dict of str to numpy.ndarray
        Distributions that thresholds are applied to after measuring (a histogram of optical
        density, the arcs of each cell's membrane), so that a changed threshold measures nothing
        again.
    flags : tuple of str
        Short codes of what a reader should know (``no_scale``, ``saturated``), in a fixed order.
    notes : dict
        Choices the method made for this image (white level, thresholds, estimated sizes);
        JSON-serialisable.
    """

    objects: pd.DataFrame
    regions: pd.DataFrame
    labels: dict[str, np.ndarray]
    profiles: dict[str, np.ndarray] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    sheets: "dict[str, LabelSheet]" = field(default_factory=dict)
