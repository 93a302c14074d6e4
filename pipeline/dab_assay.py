"""DAB immunohistochemistry as an assay of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PrivateAttr

from ..imgproc.dab import DabOptions, classify_dab, measure_dab
from ..imgproc.dab_scores import dab_classes, features_above_floor, features_of_cells
from ..imgproc.measurement import Measurement
from ..imgproc.polygons import Polygon
from ..imgproc.slide_plan import plan_slide
from ..imgproc.stain_estimates import StainName
from ..imgproc.tiles import HERE
from .assay import Calibration, Correctable, Prepared, RollUp, Split, missing_control
from .bright_field_images import (
    blank_level,
    bright_field,
    mean_blank,
    require_bright_field,
    require_same_size,
)
from .classified import Classified, ClassifiedImage
from .dab_calibration import all_flags, dab_calibration
from .dab_slides import PlannedSlide, drawn_beside
from .errors import InputError
from .image_files import MAX_MEGAPIXELS
from .measured import Measured, given_or, readers_classes
from .overlays import draw_cells_dab
from .pixel_sizes import pixel_size, with_scale
from .readers import Image, ImageInfo, inspect_image, read_image, split_reference
from .regions_file import find_regions, read_regions
from .samples import Sample
from .single_stains import SingleStain, read_single_stain
from .slide_files import ArrayTiles
from .slide_maps import draw_slide
from .slides import SlideImage, is_whole_slide, open_whole_slide, refuse_slide
from .stored_tables import Shared, shared_rows

if TYPE_CHECKING:
    from .study import StudyHeader
from .segmented_assay import SegmentedAssay

BLOCK_PIXELS = 3_000_000
"""What cells of a slide are looked for in at a time, with the rim around it."""


SLIDE_TISSUE = Correctable("tissue", profile="overview_regions")
"""Of a slide's cells there are too many to correct one by one; where they count can be."""


class DabAssay(DabOptions, SegmentedAssay):
    """A brown-stained protein on a hematoxylin counterstain, cell by cell."""

    method: Literal["dab"] = "dab"
    marker: str = Field("DAB", min_length=1, description="The stained protein.")
    regions: str = Field(
        "",
        description="QuPath GeoJSON file, or a folder that holds one for each image, named like "
        "it: only what lies in its areas is measured. Those of class Ignore or Exclude are cut "
        "out.",
    )

    hematoxylin_only: str = Field(
        "",
        description="Image of a section with hematoxylin alone: its colour is the vector of "
        "hematoxylin (Ruifrok's method), in place of `stains`.",
    )
    dab_only: str = Field(
        "", description="Image of a section with DAB alone: its colour is the vector of DAB."
    )

    _regions: Path | None = PrivateAttr(default=None)
    _single_stains: dict[str, SingleStain] = PrivateAttr(default_factory=dict)

    working_bytes_per_px: ClassVar[int] = 110
    measuring_version: ClassVar[int] = 7
    # the regions' bytes and the single stains' vectors enter a fingerprint, their places don't
    applied_at_roll_up: ClassVar[frozenset[str]] = frozenset(
        {"cutoffs_od", "marker", "regions", "hematoxylin_only", "dab_only"}
    )
    # without its regions or its stains' colours the numbers would be others
    measures_unprepared: ClassVar[bool] = False
    noun: ClassVar[str] = "cells"
    overlay_needs_study: ClassVar[bool] = False
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

    def corrects(self, profiles: Mapping[str, np.ndarray]) -> Correctable | None:
        """Give what may be corrected: of a whole slide its tissue, on the overview."""
        return SLIDE_TISSUE if SLIDE_TISSUE.profile in profiles else self.correctable

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say if there is no negative control."""
        return missing_control(samples)

    def files(self) -> tuple[str, ...]:
        """Give the weights and the images of single stains."""
        return (*super().files(), *filter(None, (self.hematoxylin_only, self.dab_only)))

    def prepare(self, name: str, folder: Path, header: "StudyHeader") -> Prepared:
        """Find the folder of regions and the segmenter's weights, and read the single stains.

        Raises
        ------
        InputError
            If there is no such file or folder, or an image of a single stain doesn't show it.
        """
        ready = self.model_copy(update={"weights": self.found_weights(folder)})
        if self.regions:
            ready._regions = folder / self.regions
            if not ready._regions.exists():
                remedy = "mend the path (it is relative to the study's folder), or remove it"
                raise InputError(self.regions, "there is no such file or folder of regions", remedy)
        return Prepared(ready._with_single_stains(folder, header.max_megapixels))

    def _with_single_stains(self, folder: Path, max_megapixels: float) -> "DabAssay":
        """Take the vectors of stains that an image shows alone."""
        named: dict[str, tuple[str, StainName]] = {
            "hematoxylin_vector": (self.hematoxylin_only, "hematoxylin"),
            "dab_vector": (self.dab_only, "DAB"),
        }
        found = {
            vector: read_single_stain(
                folder, image, stain,
                options=self, um_per_px=self.um_per_px, max_megapixels=max_megapixels,
            )
            for vector, (image, stain) in named.items()
            if image
        }  # fmt: skip
        for vector, single in found.items():
            if getattr(self, vector) not in (None, single.vector):
                raise InputError(
                    single.image,
                    f"both this image and {vector} say what the stain's colour is",
                    "leave one of the two out",
                )
        ready = self.model_copy(update={name: each.vector for name, each in found.items()})
        ready._single_stains = found
        return ready

    def beside(self, reference: Path) -> tuple[Path, ...]:
        """Give the file of an image's regions."""
        if self._regions is None:
            return ()
        found = find_regions(self._regions, split_reference(reference)[0])
        return () if found is None else (found,)

    def open(self, reference: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Image:
        """Read a field, or a whole slide's overview.

        Raises
        ------
        InputError
            If the file or its regions can't be read, or it should have regions and has none.
        """
        info = inspect_image(reference)
        if is_whole_slide(info):
            areas = self._areas(reference, (info.height, info.width))
            return open_whole_slide(reference, areas, info, max_megapixels=max_megapixels)
        return read_image(reference, max_megapixels=max_megapixels)

    def refuse(
        self, reference: Path, info: ImageInfo, *, max_megapixels: float = MAX_MEGAPIXELS
    ) -> None:
        """Refuse what isn't in colour, is too large to be read, or has unreadable regions."""
        if is_whole_slide(info):
            refuse_slide(reference, info, max_megapixels=max_megapixels)
        else:
            super().refuse(reference, info, max_megapixels=max_megapixels)
        require_bright_field(info)
        self._areas(reference, (info.height, info.width))

    def refuse_blank(self, info: ImageInfo, blank: ImageInfo) -> None:
        """Refuse a blank of another size than its image; a slide takes one of any size."""
        if not is_whole_slide(info):
            require_same_size(info, blank)

    def _areas(self, reference: Path, shape: tuple[int, int]) -> tuple[Polygon, ...]:
        if self._regions is None:
            return ()
        files = self.beside(reference)
        if not files:
            name = split_reference(reference)[0].stem
            raise InputError(
                str(reference),
                f"the study measures regions, and {self.regions} has none for this image",
                f"export its annotations as {name}.geojson, or leave the image out",
            )
        return read_regions(files[0], shape)

    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Measure one bright-field image against its batch's blank fields."""
        if isinstance(image, SlideImage):
            return self._slide(image, sample, blanks).carry_out(HERE)
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        return self._measured(image, sample, blanks, um_per_px, source)

    def measure_corrected(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray],
        program: Measurement,
    ) -> Measurement:
        """Measure DAB in corrected cells and tissue; of a slide, all of the corrected tissue."""
        if isinstance(image, SlideImage):
            return self._slide(image, sample, blanks, labels).carry_out(HERE)
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        return self._measured(image, sample, blanks, um_per_px, source, labels)

    def pixels_at_once(self, info: ImageInfo) -> int:
        """Give how many pixels are in memory at a time: of a slide, its overview and a block."""
        whole = info.height * info.width
        return min(whole, BLOCK_PIXELS + whole // 256) if is_whole_slide(info) else whole

    def split(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> Split | None:
        """Look at a whole slide, and leave its tiles to whoever is free."""
        if not isinstance(image, SlideImage) or isinstance(image.tiles, ArrayTiles):
            return None
        return self._slide(image, sample, blanks, labels)

    def _slide(
        self,
        image: SlideImage,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> PlannedSlide:
        um_per_px, source = pixel_size(image, sample, self.um_per_px)
        plan = plan_slide(
            image.tiles,
            image.pixels,
            um_per_px=um_per_px,
            options=self,
            areas=image.areas,
            white=blank_level(blanks),
            corrected=labels,
        )
        return PlannedSlide(image.tiles, plan, source)

    def _measured(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        um_per_px: float | None,
        source: str,
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> Measurement:
        measurement = measure_dab(
            bright_field(image),
            um_per_px=um_per_px,
            blank=mean_blank(image, blanks),
            options=self,
            areas=self._areas(Path(sample.image), (image.pixels.shape[0], image.pixels.shape[1])),
            corrected=labels,
        )
        return with_scale(measurement, um_per_px, source)

    def doubt(self, measured: Classified, calibration: Calibration) -> float:
        """Give the share of cells whose level is within a tenth of a cut-off."""
        level = measured.objects[f"dab_{self.compartment}_od"]
        near = pd.concat([(level / cut - 1).abs() < 0.1 for cut in self.cutoffs_od], axis=1)
        return float(near.any(axis=1).mean()) if len(near) else 0.0

    def calibrate(self, controls: Sequence[Measured], samples: Sequence[Measured]) -> Calibration:
        """Lock the cut-offs, see how much brown the controls have, and whether a batch moved."""
        return dab_calibration(
            controls,
            samples,
            cutoffs_od=self.cutoffs_od,
            compartment=self.compartment,
            single_stains=self._single_stains,
        )

    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Class the cells by the study's cut-offs."""
        objects, regions = self._classed(measured), measured.regions
        features = self._features(
            measured.profiles["dab_od_histogram"],
            calibration,
            classes=objects["class"].to_numpy(),
            density=objects[self._level].to_numpy(np.float64),
            tissue_mm2=regions["area_mm2"].to_numpy(),
        )
        flags = all_flags(measured, calibration)
        return ClassifiedImage(objects, regions, features, flags, drawn_beside(measured))

    def classify_alike(
        self, images: Sequence[Measured], calibration: Calibration
    ) -> Sequence[Classified]:
        """Class the cells of many fields at once; where a reader corrected one, one by one."""
        if len(images) == 1 or any(readers_classes(image) for image in images):
            return super().classify_alike(images, calibration)
        objects, regions = shared_rows(images, "objects"), shared_rows(images, "regions")
        table = self._by_cutoffs(objects[0].table)
        classes, density = table["class"].to_numpy(), table[self._level].to_numpy(np.float64)
        areas = regions[0].table["area_mm2"].to_numpy()
        found = []
        for image, cells, pieces in zip(images, objects, regions, strict=True):
            own = slice(cells.start, cells.stop)
            features = self._features(
                image.profiles["dab_od_histogram"],
                calibration,
                classes=classes[own],
                density=density[own],
                tissue_mm2=areas[pieces.start : pieces.stop],
            )
            flags = all_flags(image, calibration)
            found.append(Shared(replace(cells, table=table), pieces, features, flags))
        return found

    @property
    def _level(self) -> str:
        """The column that is compared with the cut-offs."""
        return f"dab_{self.compartment}_od"

    def _features(
        self,
        histogram: np.ndarray,
        calibration: Calibration,
        *,
        classes: np.ndarray,
        density: np.ndarray,
        tissue_mm2: np.ndarray,
    ) -> dict[str, float]:
        features = features_of_cells(
            classes, histogram, tissue_mm2=tissue_mm2, cutoffs_od=self.cutoffs_od
        )
        if not self.cells:
            features["cells"] = float("nan")  # not looked for is not none
        values = calibration.values
        if values.get("controls"):
            features |= features_above_floor(
                density,
                histogram,
                cutoffs_od=self.cutoffs_od,
                floor_od=values["control_floor_od"],
                area_floor_od=values["control_area_floor_od"],
            )
        return features

    def shown(self, measured: Measured, calibration: Calibration) -> Classified:
        """Give the cells' classes, and of a slide all that its maps show."""
        maps = drawn_beside(measured)
        if maps or readers_classes(measured):
            return ClassifiedImage(self._classed(measured), measured.regions, {}, (), maps)
        density = measured.column(self._level).astype(np.float64)
        classes = dab_classes(density, cutoffs_od=self.cutoffs_od)
        cells = pd.DataFrame({"object": measured.column("object"), "class": classes})
        return ClassifiedImage(cells, measured.regions, {})

    def _classed(self, measured: Measured) -> pd.DataFrame:
        """Class the cells; a reader's word wins."""
        objects = self._by_cutoffs(measured.objects)
        given = readers_classes(measured)
        if given:
            classes = np.array(given_or(given, objects, "class"), dtype=np.int64)
            objects = objects.assign(**{"class": classes, "positive": classes > 0})
        return objects

    def _by_cutoffs(self, objects: pd.DataFrame) -> pd.DataFrame:
        return classify_dab(objects, compartment=self.compartment, cutoffs_od=self.cutoffs_od)

    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Outline the cells by class; of a whole slide, draw its class map and heat map."""
        if isinstance(image, SlideImage):
            return draw_slide(
                image,
                classified.objects,
                classified.maps,
                cutoffs_od=self.cutoffs_od,
                fields=classified.maps["fields"].tolist() if "fields" in classified.maps else (),
            )
        return draw_cells_dab(bright_field(image), labels, classified.objects, um_per_px=um_per_px)
