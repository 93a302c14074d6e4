"""Western blots as an assay of a study: images of blots, and a sheet that names their lanes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import cv2
import numpy as np
import pandas as pd
from PIL import ImageColor
from pydantic import Field, PrivateAttr

from ..imgproc.blots import BlotOptions, measure_blot
from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from .assay import Assay, Calibration, Prepared, RollUp
from .blot_dilutions import dilution_ranges, note_ranges
from .blot_rows import RelativeVolumes, compare_volumes, name_bands, relative_volumes
from .classified import Classified, ClassifiedImage
from .lane_sheet import LaneSheet, read_lane_sheet
from .measured import Measured
from .overlay_canvas import Canvas
from .problems import ProblemRow
from .readers import Image
from .samples import Sample
from .table_assay import TableResult

if TYPE_CHECKING:
    from .study import StudyHeader

_BAND, _SATURATED, _LANE, _PROFILE = "#ffb000", "#e00000", "#3070ff", "#00c8c8"


class BlotAssay(BlotOptions, Assay):
    """Bands of Western blots, as volumes relative to loading control and reference group."""

    method: Literal["blot"] = "blot"
    lanes: str = Field(
        "lanes.csv",
        description="The lane sheet in the study's folder: image, lane (1 from the left), animal, "
        "group, protein, role (target or loading_control), top_px, bottom_px, pooled if any.",
    )
    bands: Literal["dark", "light"] = Field(
        "dark", description="Dark bands on a light ground, or light bands on a dark one."
    )

    measuring_version: ClassVar[int] = 1
    noun: ClassVar[str] = "bands"
    overlay_needs_study: ClassVar[bool] = False
    features: ClassVar[Mapping[str, RollUp]] = {
        "bands": RollUp("sum"),
        "saturated_bands": RollUp("sum"),
    }
    reminders: ClassVar[tuple[str, ...]] = (
        "A ratio of band volumes holds where both bands are in their linear range; show it with "
        "a dilution series.",
        "Saturated bands are left out of relative volumes; a pooled lane has n = 1 and never a p.",
    )

    _sheet: LaneSheet | None = PrivateAttr(default=None)

    def files(self) -> tuple[str, ...]:
        """Give the lane sheet; loose images have none."""
        return (self.lanes,) if self.lanes else ()

    def prepare(self, name: str, folder: Path, header: "StudyHeader") -> Prepared:
        """Read the lane sheet: it names the images, and how many lanes each has.

        Images that only the sample sheet names are measured with as many lanes as have bands.
        """
        if not self.lanes:
            return Prepared(self)
        sheet = read_lane_sheet(name, folder, self.lanes, header=header)
        ready = self.model_copy()
        ready._sheet = sheet
        samples = tuple(Sample(name, image) for image in sorted(sheet.lane_counts))
        return Prepared(ready, samples, sheet.problems)

    def measuring_parameters(self) -> dict[str, Any]:
        """Give the options that a measurement depends on, with the lanes of each image."""
        parameters = super().measuring_parameters()
        del parameters["lanes"]
        return parameters | {"lane_counts": dict(sorted(self._lane_counts().items()))}

    def _lane_counts(self) -> dict[str, int]:
        return {} if self._sheet is None else self._sheet.lane_counts

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Measure the bands of one blot."""
        return measure_blot(
            _grey(image),
            lanes=self._lane_counts().get(sample.image),
            bands=self.bands,
            options=self,
        )

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Name a blot's bands by the lane sheet, and count them."""
        objects = self._named(measured)
        features = {
            "bands": float(len(objects)),
            "saturated_bands": float(objects["saturated"].sum()),
        }
        return ClassifiedImage(objects, measured.regions, features, measured.flags)

    def _named(self, measured: Measured) -> pd.DataFrame:
        """Put the proteins' names beside the lanes; empty where the sheet names none."""
        objects = measured.objects.copy()
        names = [""] * len(objects)
        if self._sheet is not None:
            rows = self._sheet.table
            names = name_bands(objects, rows[rows["image"] == measured.sample.image])
        place = list(objects.columns).index("lane") + 1
        objects.insert(place, "protein", pd.Series(names, index=objects.index, dtype="str"))
        return objects

    def conclude(
        self, name: str, measured: Sequence[Measured], header: "StudyHeader"
    ) -> TableResult | None:
        """Work out the animals' relative volumes from all blots and the lane sheet.

        None without a lane sheet (loose images).
        """
        sheet = self._sheet
        if sheet is None:
            return None
        objects = _together(measured, "objects")
        found = relative_volumes(
            objects,
            _together(measured, "regions"),
            sheet.table,
            groups=header.groups,
            reference=header.reference,
            images=[item.sample.image for item in measured],
        )
        ranges = dilution_ranges(objects, sheet.dilutions)
        found = replace(found, bands=note_ranges(found.bands, ranges))
        comparisons = compare_volumes(
            found,
            groups=header.groups,
            reference=header.reference,
            alpha=header.alpha,
            tests=self.tests,
        )
        return TableResult(
            animals=found.animals,
            comparisons=comparisons,
            problems=tuple(_left_out(name, self.lanes, found)),
            notes=_notes(self, found, measured),
            tables={
                f"{name}_bands": found.bands,
                **({f"{name}_dilutions": ranges} if len(ranges) else {}),
            },
        )

    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Outline lanes and bands, saturated ones in red; number lanes and draw their profiles."""
        stored = _grey(image)
        grey = _as_8_bits(stored)
        canvas = Canvas.of(np.repeat(grey[:, :, None], 3, axis=2))
        lanes = np.ones(len(classified.regions) + 1, np.uint8)
        canvas.outline(labels["lanes"], lanes, (_LANE,), opacity=0.6)
        colours = np.ones(len(classified.objects) + 1, np.uint8)
        saturated = classified.objects.loc[classified.objects["saturated"], "object"]
        colours[saturated.to_numpy(dtype=int)] = 2
        canvas.outline(labels["bands"], colours, (_BAND, _SATURATED))
        light = -stored.astype(np.float64) if self.bands == "dark" else stored.astype(np.float64)
        _draw_profiles(canvas, light, labels["lanes"])
        texts = []
        for lane in classified.regions.to_dict("records"):
            x, _ = canvas.position(0, lane["x_px"])
            texts.append((x, 0.7 * canvas.text_px, str(lane["lane"])))
        canvas.write(texts, size_px=canvas.text_px, colour="#ffffff")
        return canvas.rgb


def _grey(image: Image) -> np.ndarray:
    """Give the pixels of a grey image; colour with three equal channels is grey.

    Raises
    ------
    MeasurementError
        If the image has colours or several channels.
    """
    pixels = image.pixels
    if image.kind == "rgb":
        if (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
            return np.ascontiguousarray(pixels[..., 0])
    elif pixels.shape[0] == 1:
        return np.ascontiguousarray(pixels[0])
    raise MeasurementError(
        f"a grey image was expected, and this one has the channels "
        f"{', '.join(image.channel_names)}",
        "save the scan or the exposure as one grey channel",
    )


def _as_8_bits(grey: np.ndarray) -> np.ndarray:
    """Spread the image's own range over 8 bits, for looking at."""
    low, high = float(grey.min()), float(grey.max())
    return np.rint(255.0 * (grey - low) / max(high - low, 1.0)).astype(np.uint8)


def _draw_profiles(canvas: Canvas, light: np.ndarray, lanes: np.ndarray) -> None:
    """Draw each lane's mean light by row along its left side; one scale for all lanes."""
    curves = {}
    for lane in range(1, int(lanes.max(initial=0)) + 1):
        rows, columns = np.nonzero(lanes == lane)
        counts = np.bincount(rows, minlength=len(light))
        sums = np.bincount(rows, weights=light[rows, columns], minlength=len(light))
        held = np.flatnonzero(counts)
        if held.size:
            curves[lane] = (held, sums[held] / counts[held], columns.min(), columns.max())
    low = min((curve[1].min() for curve in curves.values()), default=0.0)
    high = max((curve[1].max() for curve in curves.values()), default=1.0)
    for held, level, left, right in curves.values():
        x = left + (right - left) * (level - low) / max(high - low, 1e-9)
        points = [
            canvas.position(float(row), float(place)) for row, place in zip(held, x, strict=True)
        ]
        line = np.rint(points).astype(np.int32)[:, None, :]
        colour = ImageColor.getrgb(_PROFILE)
        cv2.polylines(canvas.rgb, [line], False, colour, canvas.line_px, cv2.LINE_AA)


def _together(measured: Sequence[Measured], what: Literal["objects", "regions"]) -> pd.DataFrame:
    """Put the images' tables under one another, with the image's name."""
    tables = [
        (item.objects if what == "objects" else item.regions).assign(image=item.sample.image)
        for item in measured
    ]
    columns = ["image", "lane", "object", "y_px", "volume", "saturated"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _left_out(name: str, sheet: str, found: RelativeVolumes) -> list[ProblemRow]:
    """Give a row of problems for each row of the sheet that couldn't be used."""
    remedy = "take a shorter exposure, mend the lane sheet, or give top_px and bottom_px"
    return [
        ProblemRow(
            name,
            sheet,
            "measure",
            f"row {row['row']} ({row['image']}, lane {row['lane']}, {row['protein']}): "
            f"{row['reason']}",
            remedy,
        )
        for row in found.left_out.to_dict("records")
    ]


def _notes(
    assay: BlotAssay, found: RelativeVolumes, measured: Sequence[Measured]
) -> dict[str, Any]:
    doubtful = found.bands[(found.bands["note"] != "") & (found.bands["reason"] == "")]
    return {
        "background": assay.background,
        "formula": "volume = sum - background x area; divided by the loading control of the same "
        "lane, then by the reference group's mean on the same image",
        "doubtful": [
            f"{row['image']}, lane {row['lane']}, {row['protein']}: {row['note']}"
            for row in doubtful.to_dict("records")
        ],
        "flags": {item.sample.image: list(item.flags) for item in measured if item.flags},
        "pooled_animals": sorted(set(found.bands.loc[found.bands["pooled"], "animal"])),
    }
