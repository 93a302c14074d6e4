"""Nodules on lung photos as an assay of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from ..imgproc.nodules import NoduleOptions, measure_nodules, summarise_nodules
from ..imgproc.nodules_corrected import measure_corrected_nodules
from ..imgproc.ruler import read_ruler
from .assay import Assay, Calibration, Correctable, RollUp
from .classified import Classified, ClassifiedImage
from .image_files import MAX_MEGAPIXELS
from .lobe_views import count_lobes, has_both_views, lobe_features
from .measured import Measured
from .overlays import draw_nodules
from .readers import Image, ImageInfo, photo_px_per_mm, read_image, split_reference
from .samples import SAMPLE, Sample
from .shared_rows import join_tables
from .table_assay import TableResult

if TYPE_CHECKING:
    from .study import StudyHeader

_UM_PER_MM = 1000.0
_LEAST_CONFIDENCE = 0.5  # of a ruler's reading; below it the unit may be another


class NodulesAssay(NoduleOptions, Assay):
    """Tumour nodules counted on photos of fixed lungs, lobe by lobe."""

    method: Literal["nodules"] = "nodules"
    px_per_mm: Annotated[float, Field(gt=0)] | Literal["ruler", "metadata"] | None = Field(
        None,
        description="Scale of the photos in pixels per millimetre, 'ruler' to read it from a ruler "
        "in each photo, or 'metadata' where the files carry it; a px_per_mm column in the sample "
        "sheet wins. Without a scale nodules are still counted, and sizes are in pixels.",
    )

    working_bytes_per_px: ClassVar[int] = 60
    measuring_version: ClassVar[int] = 5
    noun: ClassVar[str] = "nodules"
    overlay_needs_study: ClassVar[bool] = False
    counts: ClassVar[frozenset[str]] = frozenset({"nodules"})
    features: ClassVar[Mapping[str, RollUp]] = {
        "nodules_per_lobe": RollUp(weight="lobes"),
        "nodules": RollUp("sum"),
        "burden": RollUp(weight="lobe_area_mm2"),
        "lobe_area_mm2": RollUp("sum"),
        "median_diameter_mm": RollUp(weight="nodules"),
        "lobes": RollUp("sum"),
        "count_low": RollUp("sum"),
        "count_high": RollUp("sum"),
    }

    correctable: ClassVar[Correctable | None] = Correctable("nodules", regions="lobes")

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say how many photos have no scale."""
        unscaled = sum(sample.px_per_mm is None for sample in samples)
        if self.px_per_mm is not None or not unscaled:
            return []
        return [
            f"{unscaled} of {len(samples)} images have no px_per_mm; nodules will be counted, "
            "sizes in mm will be missing, and flagged. Set px_per_mm in the study or the sheet."
        ]

    def open(self, reference: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Image:
        """Read a photo; with px_per_mm = "metadata" its scale is what the file states."""
        image = read_image(reference, max_megapixels=max_megapixels)
        if self.px_per_mm != "metadata":
            return image
        path, _ = split_reference(reference)
        return replace(image, um_per_px=_UM_PER_MM / photo_px_per_mm(path))

    def refuse(
        self, reference: Path, info: ImageInfo, *, max_megapixels: float = MAX_MEGAPIXELS
    ) -> None:
        """Refuse an image that is too large, no colour photo, or states no scale where it must."""
        super().refuse(reference, info, max_megapixels=max_megapixels)
        _require_colour(info)
        if self.px_per_mm == "metadata":
            photo_px_per_mm(split_reference(reference)[0])

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Count nodules on one photo."""
        scale, source, flags, reading = self._scale(image, sample)
        measurement = measure_nodules(_colour(image), px_per_mm=scale, options=self)
        notes: dict[str, Any] = {
            "px_per_mm": scale,
            "scale_source": source,
            "um_per_px": _UM_PER_MM / scale if scale else None,
            **reading,
        }
        return replace(
            measurement, flags=(*measurement.flags, *flags), notes=measurement.notes | notes
        )

    def measure_corrected(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray],
        program: Measurement,
    ) -> Measurement:
        """Measure corrected nodules and lobes at the scale that the program used."""
        scale = program.notes.get("px_per_mm")
        return measure_corrected_nodules(_colour(image), labels, px_per_mm=scale, program=program)

    def doubt(self, measured: Classified, calibration: Calibration) -> float:
        """Give the share of nodules that may be none, and of none that may be nodules."""
        regions = measured.regions
        spread = float((regions["count_high"] - regions["count_low"]).sum())
        return spread / max(1.0, float(regions["nodules"].sum()))

    def _scale(
        self, image: Image, sample: Sample
    ) -> tuple[float | None, str, tuple[str, ...], dict[str, Any]]:
        """Choose the scale: the sheet's, the ruler's, the file's, else the study's."""
        if self.px_per_mm == "ruler" and sample.px_per_mm is None:
            return _ruler_scale(_colour(image))
        scale, source = self._stated_scale(image, sample)
        return scale, source, (), {}

    def _stated_scale(self, image: Image, sample: Sample) -> tuple[float | None, str]:
        if sample.px_per_mm is not None:
            return sample.px_per_mm, "sample sheet"
        if self.px_per_mm == "metadata" and image.um_per_px is not None:
            return _UM_PER_MM / image.um_per_px, "file"
        if isinstance(self.px_per_mm, float):
            return self.px_per_mm, "study"
        return None, "none"

    def together(self, images: Sequence[tuple[Sample, Classified]]) -> Mapping[str, float]:
        """Count lobes that were photographed from both sides once."""
        return lobe_features(count_lobes(images).lobes) if has_both_views(images) else {}

    def conclude(
        self, name: str, measured: Sequence[Measured], header: "StudyHeader"
    ) -> TableResult | None:
        """Give the tables of lobes seen from both sides, and of the nodules that both show."""
        images = [(m.sample, self.classify(m, Calibration())) for m in measured]
        images = [pair for pair in images if pair[0].role == SAMPLE and pair[0].animal]
        if not has_both_views(images):
            return None
        lobes, pairs = [], []
        for animal in dict.fromkeys(sample.animal for sample, _ in images):
            counts = count_lobes([pair for pair in images if pair[0].animal == animal])
            lobes.append(counts.lobes.assign(animal=animal))
            pairs.append(counts.pairs.assign(animal=animal))
        tables = {f"{name}_lobes": join_tables(lobes), f"{name}_pairs": join_tables(pairs)}
        return TableResult(tables=tables)

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Give the photo's features; lobes take the name that the sample sheet gives them."""
        objects, regions = measured.objects, measured.regions
        if measured.sample.lobe:
            objects = _named(objects, measured.sample.lobe, len(regions))
            regions = _named(regions, measured.sample.lobe, len(regions))
        features = summarise_nodules(objects, regions)
        features = {
            **features,
            "lobes": float(len(regions)),
            "count_low": float(regions["count_low"].sum()),
            "count_high": float(regions["count_high"].sum()),
        }
        if "no_scale" in measured.flags:
            features["lobe_area_mm2"] = float("nan")
        return ClassifiedImage(objects, regions, features, measured.flags)

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


def _ruler_scale(
    rgb: np.ndarray,
) -> tuple[float | None, str, tuple[str, ...], dict[str, Any]]:
    """Read the scale from a ruler; one that isn't sure of its unit gives none, and says so."""
    reading = read_ruler(rgb)
    if reading is None:
        return None, "none", ("no_ruler",), {}
    notes = {"ruler": {**asdict(reading), "flags": list(reading.flags)}}
    if reading.confidence < _LEAST_CONFIDENCE or "millimetre_assumed" in reading.flags:
        return None, "none", ("ruler_unsure", *reading.flags), notes
    return reading.px_per_mm, "ruler", reading.flags, notes


def _named(table: pd.DataFrame, lobe: str, lobes: int) -> pd.DataFrame:
    """Name a photo's lobes from the sheet: the name itself, numbered where there are several."""
    names = table["lobe"].map(lambda number: lobe if lobes == 1 else f"{lobe} {number}")
    return table.assign(lobe=names.astype("object"))


def _colour(image: Image) -> np.ndarray:
    """Give the pixels of a colour photo."""
    _require_colour(image)
    return image.pixels


def _require_colour(image: Image | ImageInfo) -> None:
    """Refuse what is no colour photo.

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
