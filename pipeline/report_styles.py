"""How the report shows the numbers of each method, so that no page asks for a method's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MethodStyle:
    """How a method's numbers are shown.

    Attributes
    ----------
    ratios : bool
        Its features are ratios: shown on a logarithmic axis, with geometric means, and as ratios
        of pairs. Their p-values come adjusted over its features.
    lead_features : tuple of str or None
        Features beside the first one that have lines on the first page; None for all of them,
        where each is a gene, a protein or a predictor.
    centre : {"mean", "box"}
        Mean with SEM; or a box, where the test that goes with it was run.
    counts_images : bool
        Objects are counted over images, which may belong to no animal (lanes of many).
    stretched : bool
        Its overlays' brightness is stretched for display, as a sentence says.
    """

    ratios: bool = False
    lead_features: tuple[str, ...] | None = ()
    centre: Literal["mean", "box"] = "mean"
    counts_images: bool = False
    stretched: bool = False


PLAIN = MethodStyle()
STYLES: Mapping[str, MethodStyle] = {
    "fluorescence": MethodStyle(stretched=True),
    "blot": MethodStyle(lead_features=None, counts_images=True),
    "growth": MethodStyle(lead_features=("growth_rate_per_day",)),
    "qpcr": MethodStyle(ratios=True, lead_features=None),
    "clinical": MethodStyle(lead_features=None, centre="box"),
}
"""By method; `PLAIN` for the others."""
