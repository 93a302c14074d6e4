"""Whole slides of DAB: their tiles measured by whoever is free, and what their overlays show."""

from dataclasses import dataclass

import numpy as np

from ..imgproc.measurement import Measurement
from ..imgproc.slide_dab import measure_planned
from ..imgproc.slide_plan import SlidePlan
from ..imgproc.tiles import Spread, TileSource
from .measured import Measured
from .pixel_sizes import with_scale
from .slide_labels import TemporarySheet


@dataclass(frozen=True)
class PlannedSlide:
    """A whole slide that was looked at: where its tiles are, and what is to be done with them."""

    tiles: TileSource
    plan: SlidePlan
    scale_source: str

    def carry_out(self, spread: Spread) -> Measurement:
        """Measure the tiles."""
        found = measure_planned(self.tiles, self.plan, spread=spread, make_sheet=TemporarySheet)
        return with_scale(found, self.plan.um_per_px, self.scale_source)


def drawn_beside(measured: Measured) -> dict[str, np.ndarray]:
    """Give what a slide's overlay shows beside its cells."""
    drawn = ("heat_od", "overview_regions")
    maps = {name: measured.profiles[name] for name in drawn if name in measured.profiles}
    if measured.notes.get("fields"):
        maps["fields"] = np.asarray(measured.notes["fields"])
    if measured.notes.get("bad_tiles"):
        maps["bad_tiles"] = np.array([tile["region"] for tile in measured.notes["bad_tiles"]])
    return maps
