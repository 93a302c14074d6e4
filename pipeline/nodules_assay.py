"""Nodules on lung photos as an assay of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from ..imgproc.nodules import NoduleOptions, measure_nodules, summarise_nodules
from .assay import Assay, Calibration, Classified, Measured, RollUp
from .overlays import draw_nodules
from .readers import Image, photo_px_per_mm, read_image, split_reference
from .samples import Sample

_UM_PER_MM = 1000.0


class NodulesAssay(NoduleOptions, Assay):
    """Tumour nodules counted on photos of fixed lungs, lobe by lobe."""

    method: Literal["nodules"] = "nodules"
    px_per_mm: Annotated[float, Field(gt=0)] | Literal["metadata"] | None = Field(
        None,
        description="Scale of the photos in pixels per millimetre, or 'metadata' where the files "
        "carry it; a px_per_mm column in the sample sheet wins. Without a scale nodules are still "
        "counted, and sizes are in pixels.",
    )

    measuring_version: ClassVar[int] = 1
    noun: ClassVar[str] = "nodules"
    features: ClassVar[Mapping[str, RollUp]] = {
        "nodules_per_lobe": RollUp(weight="lobes"),
        "nodules": RollUp("sum"),
        "burden": RollUp(weight="lobe_area_mm2"),
        "lobe_area_mm2": RollUp("sum"),
        "median_diameter_mm": RollUp(weight="nodules"),
        "lobes": RollUp("sum"),
    }

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say if photos have no scale."""
        if self.px_per_mm is None and any(sample.px_per_mm is None for sample in samples):
            return ["no px_per_mm; sizes will be in pixels, and flagged."]
        return []

    def open(self, reference: Path) -> Image:
        """Read a photo; with px_per_mm = "metadata" its scale is what the file states."""
        image = read_image(reference)
        if self.px_per_mm != "metadata":
            return image
        path, _ = split_reference(reference)
        return replace(image, um_per_px=_UM_PER_MM / photo_px_per_mm(path))

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Count nodules on one photo."""
        scale, source = self._scale(image, sample)
        measurement = measure_nodules(_colour(image), px_per_mm=scale, options=self)
        notes: dict[str, Any] = {
            "px_per_mm": scale,
            "scale_source": source,
            "um_per_px": _UM_PER_MM / scale if scale else None,
        }
        return replace(measurement, notes=measurement.notes | notes)

    def _scale(self, image: Image, sample: Sample) -> tuple[float | None, str]:
        if sample.px_per_mm is not None:
            return sample.px_per_mm, "sample sheet"
        if self.px_per_mm == "metadata" and image.um_per_px is not None:
            return _UM_PER_MM / image.um_per_px, "file"
        if isinstance(self.px_per_mm, float):
            return self.px_per_mm, "study"
        return None, "none"

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Give the photo's features; lobes take the name that the sample sheet gives them."""
        objects, regions = measured.objects, measured.regions
        if measured.sample.lobe:
            objects = _named(objects, measured.sample.lobe, len(regions))
            regions = _named(regions, measured.sample.lobe, len(regions))
        features = summarise_nodules(objects, regions)
        features = {**features, "lobes": float(len(regions))}
        if "no_scale" in measured.flags:
            features["lobe_area_mm2"] = float("nan")
        return Classified(objects, regions, features, measured.flags)

    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Outline lobes and nodules on the photo."""
        px_per_mm = _UM_PER_MM / um_per_px if um_per_px else None
        return draw_nodules(
            _colour(image), labels, classified.objects, classified.regions, px_per_mm=px_per_mm
        )


def _named(table: pd.DataFrame, lobe: str, lobes: int) -> pd.DataFrame:
    """Name a photo's lobes from the sheet: the name itself, numbered where there are several."""
    names = table["lobe"].map(lambda number: lobe if lobes == 1 else f"{lobe} {number}")
    return table.assign(lobe=names.astype("object"))


def _colour(image: Image) -> np.ndarray:
    """Give the pixels of a colour photo.

    Raises
    ------
    MeasurementError
        If the image isn't in colour.
    """
    if image.kind != "rgb":
        raise MeasurementError(
            f"a colour photo was expected, and this image has the channels "
            f"{', '.join(image.channel_names)}",
            "give the colour photo, or measure the image with the method fluorescence",
        )
    return image.pixels
