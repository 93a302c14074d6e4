"""DAB immunohistochemistry as an assay of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..imgproc.dab import DabOptions, classify_dab, control_floor, measure_dab, summarise_dab
from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from .assay import (
    Assay,
    Calibration,
    Classified,
    Correctable,
    Measured,
    RollUp,
    given_or,
    missing_control,
    readers_classes,
)
from .overlays import draw_cells_dab
from .readers import Image
from .samples import Sample


class DabAssay(DabOptions, Assay):
    """A brown-stained protein on a hematoxylin counterstain, cell by cell."""

    method: Literal["dab"] = "dab"
    marker: str = Field("DAB", min_length=1, description="The stained protein.")
    um_per_px: float | None = Field(
        None, gt=0, description="Pixel size in µm, used where the file doesn't say."
    )

    measuring_version: ClassVar[int] = 1
    applied_at_roll_up: ClassVar[frozenset[str]] = frozenset({"cutoffs_od", "marker"})
    noun: ClassVar[str] = "cells"
    reminders: ClassVar[tuple[str, ...]] = (
        "DAB is not stoichiometric: its optical density orders cells and areas, but is no measure "
        "of how much protein there is. Area and positivity come first; mean optical density is "
        "descriptive.",
    )
    features: ClassVar[Mapping[str, RollUp]] = {
        "h_score": RollUp(),
        "positive_cell_fraction": RollUp(),
        "positive_area_fraction": RollUp(),
        "mean_od": RollUp(),
        "cells": RollUp("sum"),
        "tissue_area_mm2": RollUp("sum"),
    }

    correctable: ClassVar[Correctable | None] = Correctable(
        "nuclei", grown="cells", regions="tissue", classes=("0", "1+", "2+", "3+")
    )

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say if there is no negative control."""
        return missing_control(samples)

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Measure one bright-field image against its batch's blank fields."""
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        return self._measured(image, blanks, um_per_px, source)

    def measure_corrected(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray],
        program: Measurement,
    ) -> Measurement:
        """Measure DAB in corrected cells and tissue."""
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        return self._measured(image, blanks, um_per_px, source, labels)

    def _measured(
        self,
        image: Image,
        blanks: Sequence[Image],
        um_per_px: float | None,
        source: str,
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> Measurement:
        measurement = measure_dab(
            _brightfield(image),
            um_per_px=um_per_px,
            blank=_mean_blank(image, blanks),
            options=self,
            corrected=labels,
        )
        notes = {"um_per_px": um_per_px, "scale_source": source}
        return replace(measurement, notes=measurement.notes | notes)

    def doubt(self, measured: Classified, calibration: Calibration) -> float:
        """Give the share of cells whose level is within a tenth of a cut-off."""
        level = measured.objects[f"dab_{self.compartment}_od"]
        near = pd.concat([(level / cut - 1).abs() < 0.1 for cut in self.cutoffs_od], axis=1)
        return float(near.any(axis=1).mean()) if len(near) else 0.0

    def calibrate(self, controls: Sequence[Measured], samples: Sequence[Measured]) -> Calibration:
        """Lock the cut-offs, and see how much brown the controls without primary have."""
        values = {"cutoffs_od": list(self.cutoffs_od), "controls": len(controls)}
        if not controls:
            return Calibration(values, ("no_control",))
        floor = control_floor(
            pd.concat([control.objects for control in controls], ignore_index=True),
            {
                "dab_od_histogram": np.sum(
                    [c.profiles["dab_od_histogram"] for c in controls], axis=0
                )
            },
            compartment=self.compartment,
            cutoffs_od=self.cutoffs_od,
        )
        held = asdict(floor)
        flags = tuple(held.pop("flags"))
        return Calibration(
            values | {f"control_{name}": value for name, value in held.items()}, flags
        )

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Class the cells by the study's cut-offs."""
        objects = classify_dab(
            measured.objects, compartment=self.compartment, cutoffs_od=self.cutoffs_od
        )
        given = readers_classes(measured)
        if given:
            classes = np.array(given_or(given, objects, "class"), dtype=np.int64)
            objects = objects.assign(**{"class": classes, "positive": classes > 0})
        features = summarise_dab(
            objects, measured.regions, dict(measured.profiles), cutoffs_od=self.cutoffs_od
        )
        flags = (*measured.flags, *calibration.flags)
        return Classified(objects, measured.regions, features, flags)

    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Outline the cells by class."""
        return draw_cells_dab(_brightfield(image), labels, classified.objects, um_per_px=um_per_px)


def pixel_size(image: Image, sample: Sample, fallback: float | None) -> tuple[float | None, str]:
    """Choose the pixel size: the sheet's, else the file's, else the study's.

    Returns
    -------
    um_per_px : float or None
        Micrometres a pixel.
    source : str
        Where it comes from.
    """
    if sample.um_per_px is not None:
        return sample.um_per_px, "sample sheet"
    if image.um_per_px is not None:
        return image.um_per_px, "file"
    return fallback, "study" if fallback is not None else "none"


def _brightfield(image: Image) -> np.ndarray:
    if image.kind != "rgb":
        raise MeasurementError(
            f"a bright-field colour image was expected, and this image has the channels "
            f"{', '.join(image.channel_names)}",
            "give the colour image, or measure it with the method fluorescence",
        )
    return image.pixels


def _mean_blank(image: Image, blanks: Sequence[Image]) -> np.ndarray | None:
    """Average the blank fields of a batch.

    Raises
    ------
    MeasurementError
        If a blank has another shape or bit depth than the image.
    """
    for blank in blanks:
        if blank.pixels.shape != image.pixels.shape or blank.pixels.dtype != image.pixels.dtype:
            raise MeasurementError(
                f"the blank has shape {blank.pixels.shape} and type {blank.pixels.dtype}, the "
                f"image {image.pixels.shape} and {image.pixels.dtype}",
                "take the blank with the image's camera settings, or give each batch its own blank "
                "in the sheet's batch column",
            )
    if not blanks:
        return None
    mean = np.mean([blank.pixels for blank in blanks], axis=0)
    rounded: np.ndarray = np.rint(mean).astype(image.pixels.dtype)
    return rounded
