"""Samples of File > Open Sample: rendered images, one for each method."""

import numpy as np

from ..imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)
from ._layer_data import LayerData, placed

_SEED = 7


def lung_photo() -> list[LayerData]:
    """Render a photo of a Bouin-fixed lung with twelve nodules, 40 px a mm."""
    scene = LungScene(size_px=(700, 1000), px_per_mm=40, nodules=12, jpeg_quality=None)
    look = {"name": "lung photo (rendered)", "rgb": True, **placed(1000 / 40)}
    return [(render_lungs(_SEED, scene=scene).rgb, look, "image")]


def fluorescent_field() -> list[LayerData]:
    """Render a confocal field of a nuclear marker, with its nuclear stain."""
    phantom = render_fluorescence(_SEED, scene=FluorescenceScene(positive_fraction=0.4))
    place = placed(phantom.um_per_px)
    colours = {"nuclei": "blue", "marker": "green"}
    names = {"nuclei": "DAPI", "marker": "marker"}
    return [
        (
            np.asarray(phantom.channels[channel]),
            {"name": names[channel], "colormap": colour, "blending": "additive", **place},
            "image",
        )
        for channel, colour in colours.items()
    ]


def dab_section() -> list[LayerData]:
    """Render a section stained with DAB and hematoxylin, 0.5 µm a pixel."""
    phantom = render_dab(_SEED, scene=DabScene(positive_fraction=0.5, jpeg_quality=None))
    look = {"name": "DAB section (rendered)", "rgb": True, **placed(0.5)}
    return [(phantom.rgb, look, "image")]
