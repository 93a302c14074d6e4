"""One image measured with one method, as label images with their tables, without a study."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..pipeline.assay import Assay
from ..pipeline.measured import MeasuredImage
from ..pipeline.samples import Sample
from .layer_images import LayerImage


@dataclass(frozen=True)
class MeasuredLayers:
    """What measuring gave.

    Attributes
    ----------
    layers : list of (str, numpy.ndarray, pandas.DataFrame or None)
        Name, label image, and the table of its objects for napari (``index`` is the number).
    features : list of (str, float)
        Features of the image, the first reported first.
    flags : sequence of str
        What a reader should know.
    """

    layers: list[tuple[str, np.ndarray, pd.DataFrame | None]] = field(default_factory=list)
    features: list[tuple[str, float]] = field(default_factory=list)
    flags: Sequence[str] = ()


def measure_image(image: LayerImage, assay: Assay) -> MeasuredLayers:
    """Measure an image as `xenoquant measure` would, with no blanks and no controls.

    Parameters
    ----------
    image : LayerImage
        The image.
    assay : Assay
        Method and options.

    Returns
    -------
    MeasuredLayers
        Label layers with their tables, and the first features with flags.

    Raises
    ------
    MeasurementError, InputError
        If the image can't be measured as asked.
    """
    size = image.image.um_per_px
    px_per_mm = 1000 / size if size and assay.method == "nodules" else None
    sample = Sample(assay.method, "layer", px_per_mm=px_per_mm, um_per_px=size)
    found = assay.measure(image.image, sample, [])
    measured = MeasuredImage.of(sample, found)
    calibration = assay.calibrate([], [measured])
    classified = assay.classify(measured, calibration)
    tables = {"nodules": classified.objects, "nuclei": classified.objects}
    tables |= {"cells": classified.objects, "lobes": classified.regions}
    layers = [
        (name, labels, features_table(tables[name]) if name in tables else None)
        for name, labels in found.labels.items()
    ]
    features = [(name, value) for name, value in classified.features.items() if value == value]
    return MeasuredLayers(layers, features[:6], classified.flags)


def features_table(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table in napari's form: its first column, ``index``, is the number on the picture."""
    number = "object" if "object" in table else "region"
    rest = table.drop(columns=[number])
    rest.insert(0, "index", table[number].to_numpy())
    return rest.reset_index(drop=True)
