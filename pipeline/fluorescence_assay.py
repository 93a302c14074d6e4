"""Immunofluorescence as an assay of a study."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ..imgproc.fluorescence import (
    FluorescenceOptions,
    Threshold,
    classify_fluorescence,
    measure_fluorescence,
    positivity_threshold,
)
from ..imgproc.fluorescence_features import (
    features_of_cells,
    summarise_fluorescence,
    summarised_columns,
)
from ..imgproc.measurement import Measurement
from ..imgproc.positivity import positive_cells, scored_column
from .acquisition import brightness_settings, differing_settings
from .assay import Calibration, Correctable, RollUp, missing_control
from .classified import Classified, ClassifiedImage
from .errors import InputError
from .image_channels import as_channels, channel_index
from .image_files import MAX_MEGAPIXELS
from .measured import Measured, given_or, readers_classes
from .overlays import draw_cells_fluorescence
from .pixel_sizes import pixel_size, with_scale
from .readers import Image, ImageInfo, read_image
from .samples import NEGATIVE_CONTROL, Sample
from .segmented_assay import SegmentedAssay
from .stored_tables import Shared, shared_rows


class ChannelNames(BaseModel):
    """Which channel of the image shows what: a name, or an index from 0."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nuclei: str | int = Field(description="The channel of the nuclear dye, such as DAPI.")
    marker: str | int | None = Field(
        None, description="The channel of the marker, if there is one."
    )


class FluorescenceAssay(FluorescenceOptions, SegmentedAssay):
    """A fluorescent marker and a nuclear dye, cell by cell, against the negative controls."""

    method: Literal["fluorescence"] = "fluorescence"
    marker: str = Field("marker", min_length=1, description="The stained protein.")
    channels: ChannelNames = Field(
        ChannelNames(nuclei="DAPI"),
        description="The channels' names in the files, or indices from 0.",
    )
    z: Literal["max", "mean", "sum"] | int = Field(
        "max", description="How a z-stack becomes a plane: a projection, or a plane's index from 0."
    )

    working_bytes_per_px: ClassVar[int] = 100
    measuring_version: ClassVar[int] = 6
    applied_at_roll_up: ClassVar[frozenset[str]] = FluorescenceOptions.ROLL_UP_FIELDS | {"marker"}
    noun: ClassVar[str] = "cells"
    features: ClassVar[Mapping[str, RollUp]] = {
        "positive_fraction": RollUp(),
        "mean_intensity": RollUp(),
        "cells": RollUp("sum"),
        "membrane_completeness": RollUp(),
        "nuclear_cytoplasmic_ratio": RollUp(),
    }

    correctable: ClassVar[Correctable | None] = Correctable(
        "nuclei", grown="cells", classes=("negative", "positive")
    )

    def open(self, reference: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Image:
        """Read a field as channels; a z-stack becomes a plane as the options say."""
        return as_channels(read_image(reference, z=self.z, max_megapixels=max_megapixels))

    def refuse(
        self, reference: Path, info: ImageInfo, *, max_megapixels: float = MAX_MEGAPIXELS
    ) -> None:
        """Refuse an image that is too large, or has no channel of the names given."""
        super().refuse(reference, info, max_megapixels=max_megapixels)
        self._places(info)

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say if there is a marker and no negative control, or the other way round."""
        if self.channels.marker is not None:
            return missing_control(samples)
        if any(sample.role == NEGATIVE_CONTROL for sample in samples):
            return [
                "there is a negative control and no marker channel: nuclei alone are measured; "
                'name the marker\'s channel, for example channels = { marker = "Alexa488" }.'
            ]
        return []

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Measure one field."""
        return self._measured(image, sample)

    def measure_corrected(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray],
        program: Measurement,
    ) -> Measurement:
        """Measure the channels in corrected nuclei and cells."""
        return self._measured(image, sample, labels)

    def _measured(
        self, image: Image, sample: Sample, labels: Mapping[str, np.ndarray] | None = None
    ) -> Measurement:
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        measurement = measure_fluorescence(
            self._planes(image), um_per_px=um_per_px, options=self, corrected=labels
        )
        return with_scale(measurement, um_per_px, source)

    def _planes(self, image: Image) -> dict[str, np.ndarray]:
        """Give the planes of the channels that the study names."""
        return {role: image.pixels[place] for role, place in self._places(image).items()}

    def _places(self, image: Image | ImageInfo) -> dict[str, int]:
        """Give the numbers of the channels that the study names.

        Raises
        ------
        InputError
            If the image has no such channel, or one is named for both.
        """
        named = {"nuclei": self.channels.nuclei, "marker": self.channels.marker}
        places = {
            role: channel_index(image, name) for role, name in named.items() if name is not None
        }
        if places["nuclei"] == places.get("marker"):
            raise InputError(
                "",
                f"nuclei and marker are the same channel, {places['nuclei']} "
                f"{image.channel_names[places['nuclei']]!r}",
                "name the marker's channel, or leave the marker out to measure nuclei alone",
            )
        return places

    def calibrate(self, controls: Sequence[Measured], samples: Sequence[Measured]) -> Calibration:
        """Take the limit of positivity from the negative controls' cells."""
        if self.channels.marker is None:
            return Calibration()
        threshold = positivity_threshold(
            [control.objects for control in controls],
            compartment=self.compartment,
            options=self,
            control_profiles=[control.profiles for control in controls],
            sample_objects=(sample.objects for sample in samples),
            sample_profiles=(sample.profiles for sample in samples),
        )
        values = {
            "threshold": threshold.as_dict(),
            "display": _display(chain(controls, samples)),
            "control_settings": [brightness_settings(control.notes) for control in controls],
        }
        return Calibration(values, threshold.flags)

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Tell positive cells from negative ones by the study's threshold."""
        objects = self._classed(measured, calibration)
        features = summarise_fluorescence(
            objects, compartment=self.compartment, threshold=_threshold(calibration)
        )
        return ClassifiedImage(
            objects, measured.regions, features, _all_flags(measured, calibration)
        )

    def classify_alike(
        self, images: Sequence[Measured], calibration: Calibration
    ) -> Sequence[Classified]:
        """Tell the cells of many fields apart at once; where a reader corrected one, one by one."""
        profiles = _joined_profiles(images)
        if profiles is None or any(readers_classes(image) for image in images):
            return super().classify_alike(images, calibration)
        objects, regions = shared_rows(images, "objects"), shared_rows(images, "regions")
        threshold = _threshold(calibration)
        table = self._by_threshold(objects[0].table, profiles, threshold)
        columns = {
            name: table[name].to_numpy() for name in summarised_columns(table, self.compartment)
        }
        found = []
        for image, cells, pieces in zip(images, objects, regions, strict=True):
            features = features_of_cells(
                {name: held[cells.start : cells.stop] for name, held in columns.items()},
                len(cells),
                compartment=self.compartment,
                threshold=threshold,
            )
            flags = _all_flags(image, calibration)
            found.append(Shared(replace(cells, table=table), pieces, features, flags))
        return found

    def shown(self, measured: Measured, calibration: Calibration) -> Classified:
        """Give the cells, positive or negative."""
        threshold = _threshold(calibration)
        outlined = self.compartment == "membrane" and self.min_completeness > 0
        if threshold is None or outlined or readers_classes(measured):
            return ClassifiedImage(self._classed(measured, calibration), measured.regions, {})
        positive = positive_cells(measured.column(scored_column(self.compartment)), threshold)
        cells = pd.DataFrame({"object": measured.column("object"), "positive": positive})
        return ClassifiedImage(cells, measured.regions, {})

    def _classed(self, measured: Measured, calibration: Calibration) -> pd.DataFrame:
        """Tell positive cells from negative ones, if there is a threshold; a reader's word wins."""
        threshold = _threshold(calibration)
        objects = self._by_threshold(measured.objects, measured.profiles, threshold)
        if threshold is None:
            return objects
        given = readers_classes(measured)
        if given:
            classes = np.array(given_or(given, objects, "positive"), dtype=bool)
            objects = objects.assign(positive=classes)
        return objects

    def _by_threshold(
        self,
        objects: pd.DataFrame,
        profiles: Mapping[str, np.ndarray],
        threshold: Threshold | None,
    ) -> pd.DataFrame:
        if threshold is None:
            return objects
        return classify_fluorescence(
            objects,
            profiles,
            threshold=threshold,
            compartment=self.compartment,
            min_completeness=self.min_completeness,
        )

    def doubt(self, measured: Classified, calibration: Calibration) -> float:
        """Give the share of cells whose level is within a fifth of the limit of positivity."""
        threshold = _threshold(calibration)
        column = scored_column(self.compartment)
        if threshold is None or column not in measured.objects or not threshold.value > 0:
            return 0.0
        near = (measured.objects[column] / threshold.value - 1).abs() < 0.2
        return float(near.mean()) if len(near) else 0.0

    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Outline nuclei and cells, positive ones apart."""
        return draw_cells_fluorescence(
            self._planes(image),
            labels,
            classified.objects,
            um_per_px=um_per_px,
            limits=calibration.values.get("display"),
        )


def _joined_profiles(images: Sequence[Measured]) -> dict[str, np.ndarray] | None:
    """Join the outlines' arcs of images of one layout; None where not all have those of a cell."""
    if len(images) == 1:
        return None
    arcs = [image.profiles.get("membrane_arcs") for image in images]
    whole = [
        held
        for image, held in zip(images, arcs, strict=True)
        if held is not None and len(held) == image.n_objects
    ]
    if len(whole) < len(images) or len({held.shape[1:] for held in whole}) > 1:
        return None
    return {"membrane_arcs": np.concatenate(whole)}


def _all_flags(measured: Measured, calibration: Calibration) -> tuple[str, ...]:
    return (*measured.flags, *calibration.flags, *_other_settings(measured, calibration))


def _other_settings(measured: Measured, calibration: Calibration) -> tuple[str, ...]:
    """Flag an image that was taken with other settings than a negative control."""
    own = brightness_settings(measured.notes)
    controls = calibration.values.get("control_settings", ())
    names = {name for control in controls for name in differing_settings(own, control)}
    return tuple(f"{name}_differs_from_control" for name in sorted(names))


def _threshold(calibration: Calibration) -> Threshold | None:
    held = calibration.values.get("threshold")
    if held is None:
        return None
    return Threshold(**{**held, "flags": tuple(held["flags"])})


def _display(images: Iterable[Measured]) -> dict[str, list[float]]:
    """Give one range of grey values for the marker in all overlays of a study."""
    ends = [
        (
            _percentile(image.column("marker_cell_p5"), 0.0),
            _percentile(image.column("marker_cell_p95"), 99.0),
        )
        for image in images
        if image.n_objects
    ]
    if not ends:
        return {}
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    return {"marker": [low, high]} if high > low else {}


def _percentile(values: np.ndarray, percent: float) -> float:
    """Give a percentile of the values that are there; NaN without any."""
    known = values[~np.isnan(values)]
    return float(np.percentile(known, percent)) if known.size else float("nan")
