"""What a person may choose for a fluorescence assay."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from .positivity import ThresholdMethod
from .segmenters import SegmenterOptions

Compartment = Literal["nucleus", "cytoplasm", "membrane", "cell"]


class FluorescenceOptions(SegmenterOptions):
    """What a person may choose for a fluorescence assay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Options that are applied to stored measurements: changing them measures no image again.
    ROLL_UP_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {"threshold_method", "control_percentile", "control_sds", "min_completeness"}
    )

    compartment: Compartment = Field(
        "nucleus", description="Where in the cell the marker is scored."
    )
    nucleus_diameter_um: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Typical diameter of a nucleus in µm; estimated from each image if not given.",
    )
    drop_border_nuclei: bool = Field(
        False, description="Leave out nuclei that touch the edge of the image."
    )
    cell_distance_um: float = Field(
        5.0,
        ge=0,
        le=50,
        description="How far a cell reaches beyond its nucleus, in µm; neighbours never overlap.",
    )
    cell_outline: Literal["auto", "distance", "membrane"] = Field(
        "auto",
        description="Where a cell ends: at the distance above, or already where the marker shows a "
        "membrane; 'auto' looks for membranes only when the marker is scored on them.",
    )
    membrane_width_um: float = Field(
        1.0, ge=0, le=10, description="Width of the membrane band inside a cell's outline, in µm."
    )
    threshold_method: ThresholdMethod = Field(
        "outer_fence",
        description="How the negative controls' cells set the limit of positivity: the outer fence "
        "(third quartile + 3 interquartile ranges), a percentile, or mean + k standard deviations.",
    )
    control_percentile: float = Field(
        99.0, ge=50, le=100, description="Percentile of the negative controls' cells."
    )
    control_sds: float = Field(
        3.0, ge=0, le=20, description="k, standard deviations above the negative controls' mean."
    )
    min_completeness: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of its outline that must be stained, besides its level, for a cell to "
        "be membrane-positive.",
    )
