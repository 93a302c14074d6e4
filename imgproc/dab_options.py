"""The choices for measuring DAB."""

from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from .dab_scores import CUTOFFS_OD, Compartment, Triple, checked_cutoffs
from .segmenters import SegmenterName, SegmenterOptions


class DabOptions(SegmenterOptions):
    """How DAB images are measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    compartment: Compartment = Field(
        "cytoplasm",
        description="Part of the cell whose mean DAB is classed: nucleus, cytoplasm or cell. With "
        "nucleus, nuclei are also found by their brown, not only by hematoxylin.",
    )
    cutoffs_od: Triple = Field(
        CUTOFFS_OD,
        description="DAB optical densities from which a cell or pixel is 1+, 2+ and 3+, inclusive.",
    )
    stains: Literal["estimate", "macenko", "default"] = Field(
        "estimate",
        description="Colours of hematoxylin and DAB: estimated from the image where it shows "
        "enough of both and they are plausible, by Macenko's method, or the usual H-DAB vectors.",
    )
    hematoxylin_vector: Triple | None = Field(
        None,
        description="Optical density of hematoxylin in red, green and blue; overrides `stains`.",
    )
    dab_vector: Triple | None = Field(
        None, description="Optical density of DAB in red, green and blue; overrides `stains`."
    )
    white: Triple | None = Field(
        None,
        description="White level in red, green and blue, in the image's counts; found from the "
        "blank or the slide's own glass where not given.",
    )
    nucleus_diameter_um: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Typical diameter of a nucleus in µm; estimated from each image if not given.",
    )
    cell_distance_um: float = Field(
        4.0,
        ge=0,
        le=50,
        description="How far a cell reaches beyond its nucleus, in µm; neighbours never overlap. "
        "Tumour cells reach 3 to 4 µm, hepatocytes 8 to 10.",
    )
    exclude_pigment: bool = Field(
        False,
        description="Leave out brown pixels whose colour is clearly not that of DAB (yellow "
        "hemosiderin). Without a negative control much pigment stays unnoticed.",
    )
    segmenter: SegmenterName = Field(
        "classical",
        description="What finds the nuclei: the classical method, the network that comes with the "
        "program, or cellpose, stardist or instanseg with weights of your own.",
    )
    cells: bool = Field(
        True,
        description="Find cells; without them only areas are measured, on a whole slide many "
        "times faster.",
    )
    fields: int | None = Field(
        None,
        gt=0,
        le=100_000,
        description="Measure about so many fields of each whole slide instead of all of it.",
    )
    field_um: float = Field(500.0, gt=0, le=20_000, description="Side of such a field in µm.")
    sampling: Literal["systematic", "random"] = Field(
        "systematic",
        description="How fields are chosen: on a grid with a start by chance, or all by chance.",
    )
    seed: int = Field(1, ge=0, description="The same seed on the same slide, the same fields.")

    @field_validator("cutoffs_od")
    @classmethod
    def _rising(cls, value: Triple) -> Triple:
        return checked_cutoffs(value)

    @field_validator("hematoxylin_vector", "dab_vector")
    @classmethod
    def _stain(cls, value: Triple | None) -> Triple | None:
        if value is not None and not (min(value) >= 0 and 0 < sum(value) < float("inf")):
            raise ValueError(
                f"A stain vector is three optical densities of 0 or more, not all 0; got {value}."
            )
        return value


DEFAULTS = DabOptions()
