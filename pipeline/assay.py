"""What every assay of the study file has: a method, its options, and how its numbers roll up."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from ..imgproc.tiles import Spread
from .chosen_tests import known_tests
from .classified import Classified
from .image_files import MAX_MEGAPIXELS
from .measured import Measured
from .problems import ProblemRow
from .readers import Image, ImageInfo, read_image, refuse_size
from .samples import NEGATIVE_CONTROL, Sample
from .table_assay import TableResult

if TYPE_CHECKING:
    from .study import StudyHeader


@dataclass(frozen=True)
class RollUp:
    """How a feature of images becomes a feature of their animal.

    Attributes
    ----------
    combine : {"mean", "sum"}
        Counts and areas are summed over an animal's images, everything else is averaged.
    weight : str or None
        The image feature that weighs a mean; without one every image counts the same.
    """

    combine: Literal["mean", "sum"] = "mean"
    weight: str | None = None


@dataclass(frozen=True)
class Calibration:
    """What belongs to the study and not to one image: thresholds, and where they come from.

    Attributes
    ----------
    values : mapping
        JSON-serialisable; stands in ``run.json`` and in the report.
    flags : tuple of str
        Carried by every image that the calibration is applied to.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


def missing_control(samples: Sequence[Sample]) -> list[str]:
    """Say that a stained assay has no negative control, if so."""
    if not samples or any(sample.role == NEGATIVE_CONTROL for sample in samples):
        return []
    return ["no negative control; every row of its results will be flagged."]


class Split(Protocol):
    """A measurement that was begun and can be pickled; its pieces can be carried out anywhere."""

    def carry_out(self, spread: Spread) -> Measurement:
        """Give the measurement, the same whatever carries the pieces out."""


@dataclass(frozen=True)
class Correctable:
    """What of a method's label images a person may correct in review.

    Attributes
    ----------
    objects : str
        The label image of what is counted: nodules, nuclei.
    grown : str or None
        The label image of cells, which share their nuclei's numbers.
    regions : str or None
        The label image of what objects lie in: lobes, tissue.
    classes : tuple of str
        What a reader may call an object, class 0 first; empty where objects have no class.
    profile : str or None
        The profile of a measurement that holds the label image of the objects, where it isn't
        among the label images: the tissue of a whole slide, on its overview.
    """

    objects: str
    grown: str | None = None
    regions: str | None = None
    classes: tuple[str, ...] = ()
    profile: str | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """All label images, the objects first."""
        return tuple(n for n in (self.objects, self.grown, self.regions) if n is not None)


@dataclass(frozen=True)
class Prepared:
    """An assay ready to plan, with what it found beside study.toml and the sample sheet.

    Attributes
    ----------
    assay : Assay
        The assay, knowing what its own sheet says.
    samples : tuple of Sample
        Images that its own sheet names.
    problems : tuple of ProblemRow
        Rows of its own sheet that can't be used.
    """

    assay: "Assay"
    samples: tuple[Sample, ...] = ()
    problems: tuple[ProblemRow, ...] = ()


class Assay(BaseModel, ABC):
    """One ``[assays.*]`` table of the study file, with the behaviour of its method.

    A subclass adds the options of one image method and the five steps below. Options named in
    ``applied_at_roll_up`` don't enter the fingerprint of a measurement: changing them measures
    nothing again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    tests: tuple[str, ...] | None = Field(
        None, description="Tests to run between the groups, instead of the default ones."
    )

    _known_tests = field_validator("tests")(known_tests)

    # Raised when a method's numbers change for the same pixels and options.
    measuring_version: ClassVar[int]
    applied_at_roll_up: ClassVar[frozenset[str]] = frozenset()
    features: ClassVar[Mapping[str, RollUp]]
    noun: ClassVar[str]
    # Features that are counts of an animal, which the negative binomial test takes as such.
    counts: ClassVar[frozenset[str]] = frozenset()
    # What measuring takes at its peak, for the number of workers that fit into memory.
    working_bytes_per_px: ClassVar[int] = 200
    # Whether its images are worth measuring where what it has beside the sheet can't be read.
    measures_unprepared: ClassVar[bool] = True
    # Sentences that the report prints beside the assay.
    reminders: ClassVar[tuple[str, ...]] = ()
    # Whether an overlay depends on the study's thresholds. Where it doesn't, an image is drawn as
    # soon as it is measured, with an empty calibration.
    overlay_needs_study: ClassVar[bool] = True
    # What a person may correct; None for a method without review.
    correctable: ClassVar[Correctable | None] = None

    def working_bytes(self, info: ImageInfo) -> int:
        """Give what measuring an image takes of memory at its peak, from what its header says."""
        return self.pixels_at_once(info) * self.working_bytes_per_px

    def pixels_at_once(self, info: ImageInfo) -> int:
        """Give how many of an image's pixels are in memory at a time."""
        return info.height * info.width

    def measuring_parameters(self) -> dict[str, Any]:
        """Give the options that a measurement depends on, JSON-serialisable."""
        parameters = self.model_dump(mode="json", exclude={"tests", *self.applied_at_roll_up})
        return parameters | {"measuring_version": self.measuring_version}

    def files(self) -> tuple[str, ...]:
        """Give the paths of the tables the assay reads, relative to the study's folder."""
        return ()

    def sheets(self) -> tuple[str, ...]:
        """Give those of its files that name animals, as the sample sheet does."""
        return self.files()

    def prepare(self, name: str, folder: Path, header: "StudyHeader") -> Prepared:
        """Read what the assay has of its own beside the sample sheet.

        Raises
        ------
        InputError
            If a table of its own can't be read at all.
        """
        return Prepared(self)

    def together(self, images: Sequence[tuple[Sample, Classified]]) -> Mapping[str, float]:
        """Give those features of one animal that its images give together, not one by one."""
        return {}

    def conclude(
        self, name: str, measured: Sequence[Measured], header: "StudyHeader"
    ) -> TableResult | None:
        """Work out what all images give together, beyond the roll-up image by image."""
        return None

    def open(self, reference: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Image:
        """Read one of this assay's images.

        Parameters
        ----------
        reference : pathlib.Path
            The file, with ``#n`` behind it for one image of a container.
        max_megapixels : float
            Larger images are refused before decoding.

        Raises
        ------
        InputError
            If the file can't be read as the assay needs it.
        """
        return read_image(reference, max_megapixels=max_megapixels)

    def refuse(
        self, reference: Path, info: ImageInfo, *, max_megapixels: float = MAX_MEGAPIXELS
    ) -> None:
        """Refuse an image that measuring would, as far as its header tells; no pixel is decoded.

        Parameters
        ----------
        reference, max_megapixels
            As for `open`.
        info : ImageInfo
            What the file's header says.

        Raises
        ------
        InputError, MeasurementError
            What `open` or `measure` would raise.
        """
        refuse_size(reference, info, max_megapixels)

    def refuse_blank(self, info: ImageInfo, blank: ImageInfo) -> None:
        """Refuse an image for a blank of its batch, as far as headers tell.

        Raises
        ------
        MeasurementError
            What `measure` would raise.
        """

    def lacks_scale(self, info: ImageInfo, sample: Sample) -> bool:
        """Tell whether nothing says how large an image's pixels are, as far as headers tell."""
        return False

    def beside(self, reference: Path) -> tuple[Path, ...]:
        """Give the files beside an image that its measurement depends on, such as its regions."""
        return ()

    def doubts(self, samples: Sequence[Sample]) -> list[str]:
        """Say what a run would flag, from the sheet alone."""
        return []

    @abstractmethod
    def measure(self, image: Image, sample: Sample, blanks: Sequence[Image]) -> Measurement:
        """Measure one image: pure, the same input gives the same output."""

    def split(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> Split | None:
        """Begin to measure one image, where other workers can take pieces of it; else None.

        Parameters
        ----------
        image, sample, blanks
            As for `measure`.
        labels : mapping of str to numpy.ndarray, optional
            As for `measure_corrected`, where a person corrected the image.
        """
        return None

    def corrects(self, profiles: Mapping[str, np.ndarray]) -> Correctable | None:
        """Give what a person may correct of one image, from the profiles of its measurement."""
        return self.correctable

    def measure_corrected(
        self,
        image: Image,
        sample: Sample,
        blanks: Sequence[Image],
        labels: Mapping[str, np.ndarray],
        program: Measurement,
    ) -> Measurement:
        """Measure the label images that a person corrected; nothing is looked for again.

        Parameters
        ----------
        image, sample, blanks
            As for `measure`.
        labels : mapping of str to numpy.ndarray
            The corrected label images, with ``not_assessable``; shape (H, W), int32.
        program : Measurement
            What the program measured, with its label images.

        Raises
        ------
        MeasurementError
            If the method has no review, or the labels don't fit the image.
        """
        raise MeasurementError(
            f"the method {self.method} has no review", "remove its folder from review/"
        )

    def doubt(self, measured: Classified, calibration: Calibration) -> float:
        """Say how uncertain an image's result is, for the order of review; 0 is certain."""
        return 0.0

    def calibrate(self, controls: Sequence[Measured], samples: Sequence[Measured]) -> Calibration:
        """Work out the study's thresholds, from the negative controls where there are any."""
        return Calibration()

    @abstractmethod
    def classify(self, measured: Measured, calibration: Calibration) -> Classified:
        """Apply the study's thresholds to one stored image and give its features."""

    def classify_alike(
        self, images: Sequence[Measured], calibration: Calibration
    ) -> Sequence[Classified]:
        """Apply the study's thresholds to images of one layout; the same as one by one."""
        return [self.classify(image, calibration) for image in images]

    def shown(self, measured: Measured, calibration: Calibration) -> Classified:
        """Give what `draw` needs of `classify`; features and flags may be left out."""
        return self.classify(measured, calibration)

    @abstractmethod
    def draw(
        self,
        image: Image,
        labels: Mapping[str, np.ndarray],
        classified: Classified,
        calibration: Calibration,
        *,
        um_per_px: float | None,
    ) -> np.ndarray:
        """Draw one image's overlay, uint8 RGB."""
