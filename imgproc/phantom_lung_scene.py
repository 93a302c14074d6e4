"""What a photograph of lungs shows, and what is known about a rendered one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Background = Literal["black", "white", "blue", "green", "cloth", "paper"]
"""What the lobes lie on."""

LUNG_TYPES = {
    "lobe": "int64",
    "y_px": "float64",
    "x_px": "float64",
    "radius_px": "float64",
    "visible_fraction": "float64",
    "conspicuity": "float64",
    "countable": "bool",
    "at_rim": "bool",
    "contrast": "float64",
    "glare_fraction": "float64",
}
"""Columns of the truth about nodules."""


@dataclass(frozen=True)
class LungScene:
    """What a photograph of lungs shows.

    Attributes
    ----------
    size_px : tuple of int
        Height and width of the photograph.
    px_per_mm : float
        Scale, 20 to 120 in usual photographs.
    appearance : str
        ``bouin`` (pale nodules on yellow) or ``dark-lung`` (India ink: white on black).
    lobes : int
        Lobes in the photograph; 0 gives an empty table top.
    lobe_length_mm : tuple of float
        Range of lengths; a lobe that doesn't fit its place in the frame is made smaller.
    touching : bool
        Neighbouring lobes touch and overlap a little.
    nodules : int or tuple of int
        Nodules on every lobe, or a number for each lobe in reading order.
    diameter_mm : tuple of float
        Smallest and largest nodule.
    diameter_median_mm, diameter_log_sd : float
        Log-normal distribution of diameters.
    clustering : float
        Share of nodules that merge with another.
    rim_share : float
        Share of nodules placed at a lobe's rim.
    relief : float
        Height of a nodule relative to its radius.
    contrast : float
        Nodules' paleness: 0 as the tissue, 1 cream white.
    softness : float
        Share of a nodule over which it fades into the tissue, 0 sharp to 1.
    irregularity : float
        Departure of outlines from a circle.
    dark_centres : float
        Share of nodules with a darker centre.
    own_tint : float
        How far nodules of one lobe differ in colour, 0 to 1.
    flush : bool
        Nodules at the rim end at the lobe's outline instead of standing out over it.
    meniscus : float
        How far the wet film climbs up the nodules' feet, 0 to 1: bright crescents beside them.
    texture, vessels : float
        Strength, 0 to 1.
    brown_patches : int
        Patches on every lobe.
    hilum : bool
        Bronchus and fat at the lobes' hilum.
    glare, rim_light, uneven_light, shadow, reflection : float
        Strength, 0 to 1.
    background : str
        black, white, blue, green, cloth or paper.
    ruler, label : bool
        A millimetre ruler along a side; a written paper label in a corner.
    pins : int
        Pins stuck beside the lobes.
    white_balance : tuple of float
        Factors on red, green and blue.
    exposure : float
        Factor on light.
    full_well : float
        Electrons at white; photon noise is its inverse square root. Infinity for no noise.
    blur_px : float
        Standard deviation of the camera's blur.
    sharpening : float
        Unsharp masking by the camera, 0 for none.
    jpeg_quality : int or None
        Quality of compression, None for none.
    """

    size_px: tuple[int, int] = (800, 1100)
    px_per_mm: float = 50.0
    appearance: Literal["bouin", "dark-lung"] = "bouin"
    lobes: int = 1
    lobe_length_mm: tuple[float, float] = (10.0, 15.0)
    touching: bool = False
    nodules: int | tuple[int, ...] = 12
    diameter_mm: tuple[float, float] = (0.2, 3.0)
    diameter_median_mm: float = 0.8
    diameter_log_sd: float = 0.5
    clustering: float = 0.2
    rim_share: float = 0.12
    relief: float = 0.35
    contrast: float = 0.8
    softness: float = 0.35
    irregularity: float = 0.12
    dark_centres: float = 0.12
    own_tint: float = 0.6
    flush: bool = False
    meniscus: float = 0.0
    texture: float = 0.6
    vessels: float = 0.5
    brown_patches: int = 1
    hilum: bool = True
    glare: float = 0.35
    rim_light: float = 0.3
    uneven_light: float = 0.3
    shadow: float = 0.4
    reflection: float = 0.0
    background: Background = "black"
    ruler: bool = False
    label: bool = False
    pins: int = 0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 1.0
    full_well: float = 8000.0
    blur_px: float = 0.8
    sharpening: float = 0.0
    jpeg_quality: int | None = 90


@dataclass(frozen=True)
class LungPhantom:
    """A rendered photograph and the truth about it.

    Attributes
    ----------
    rgb : numpy.ndarray
        uint8, (height, width, 3), sRGB.
    lobes : numpy.ndarray
        int32, (height, width), lobes numbered in reading order, with nodules that stand out
        over the edge.
    nodules : numpy.ndarray
        int32, (height, width), visible footprint of each nodule, numbered as the table's rows
        from 1.
    table : pandas.DataFrame
        One row a nodule: lobe, y_px, x_px (centre), radius_px (of its disc on the surface),
        visible_fraction (area of the footprint in which the picture shows it, over pi times
        squared radius, at most 1), conspicuity (its signal over the clutter around it, see
        `phantom_visibility`), countable (half of it or more is visible, and it stands out from
        the clutter), at_rim (the disc reaches the lobe's outline), contrast (Michelson, blue
        reflectance against the tissue),
        glare_fraction (share of the footprint that is clipped to white).
    px_per_mm : float
        Scale.
    """

    rgb: np.ndarray
    lobes: np.ndarray
    nodules: np.ndarray
    table: pd.DataFrame
    px_per_mm: float
