"""What finds the nuclei, by the name that a person chooses."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .foreign_segmenters import CellposeSegmenter, InstansegSegmenter, StardistSegmenter
from .network_nuclei import NetworkSegmenter
from .nuclei import ClassicalSegmenter, Segmenter
from .nucleus_network import Levels

SegmenterName = Literal["network", "classical", "cellpose", "stardist", "instanseg"]

_FOREIGN: dict[str, Callable[[Path, float | None], Segmenter]] = {
    "cellpose": CellposeSegmenter,
    "stardist": StardistSegmenter,
    "instanseg": InstansegSegmenter,
}


class SegmenterOptions(BaseModel):
    """What a person may choose for finding nuclei."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segmenter: SegmenterName = Field(
        "network",
        description="What finds the nuclei: the network that comes with the program, the "
        "classical method, or cellpose, stardist or instanseg with weights of your own.",
    )
    weights: Path | None = Field(
        None,
        description="File (cellpose, instanseg) or folder (stardist) of the segmenter's weights; "
        "nothing is ever fetched from the web.",
    )

    @model_validator(mode="after")
    def _weights_go_with_the_segmenter(self) -> "SegmenterOptions":
        if self.segmenter in _FOREIGN and self.weights is None:
            raise ValueError(
                f"segmenter = '{self.segmenter}' needs weights, the path of a model that you have: "
                "xenoquant fetches nothing from the web"
            )
        if self.segmenter not in _FOREIGN and self.weights is not None:
            raise ValueError(
                f"segmenter = '{self.segmenter}' brings its own and takes no weights; "
                f"weights go with {', '.join(_FOREIGN)}"
            )
        return self

    def finder(self, diameter_um: float | None, levels: Levels | None = None) -> Segmenter:
        """Give what finds the nuclei.

        Parameters
        ----------
        diameter_um : float or None
            Typical diameter of a nucleus, where it is known.
        levels : Levels, optional
            Intensities of the slide that is searched part by part, for the network; the others
            go by what each part shows.
        """
        if self.segmenter == "network":
            return NetworkSegmenter(diameter_um, levels)
        if self.segmenter == "classical" or self.weights is None:
            return ClassicalSegmenter(diameter_um)
        return _FOREIGN[self.segmenter](self.weights, diameter_um)
