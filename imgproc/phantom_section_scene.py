"""What fields of sections show, and what is known about rendered ones."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from .phantom_optics import DAB, HEMATOXYLIN

FLUORESCENCE_TYPES = {
    "label": "int64",
    "positive": "bool",
    "level": "float64",
    "completeness": "float64",
    "y_px": "float64",
    "x_px": "float64",
}
"""Columns of the truth about cells."""


@dataclass(frozen=True)
class FluorescenceScene:
    """What a two-channel field shows; light in photons per pixel, lengths in micrometres.

    Attributes
    ----------
    compartment : str
        Where the marker is: ``nucleus``, ``membrane`` or ``cytoplasm``.
    positive_fraction : float
        Share of positive cells.
    control : bool
        Normal IgG in place of the marker's antibody: every cell at the unspecific level.
    size_px : tuple of int
        Height and width.
    um_per_px : float
        Pixel size.
    nuclei_per_mm2 : float
        Density of nuclei asked for; fewer where they don't fit.
    nucleus_diameter_um, nucleus_diameter_log_sd : float
        Median and spread of nuclear diameters.
    elongation, irregularity : float
        Mean ratio of axes; departure from ellipses.
    touching : float
        Share of nuclei placed against a neighbour.
    cell_reach_um : float
        How far a cell reaches from its nucleus.
    membrane_width_um : float
        Width of the stained band inside a cell's border.
    completeness : tuple of float
        Range of the stained share of a positive cell's membrane.
    positive_photons, positive_log_sd : float
        Median and spread (of the logarithm) of the marker in positive cells.
    negative_photons, negative_log_sd : float
        The same of the unspecific signal in negative cells and in a control.
    nuclei_photons, nuclei_log_sd : float
        The same of the nuclear stain.
    autofluorescence_photons : float
        Marker-channel light of cells outside the compartment.
    background_photons : float
        Light between cells, both channels.
    uneven_background : float
        Variation of the background and illumination, 0 to 1.
    texture : float
        Granularity inside compartments and chromatin, 0 to 1.
    glow : float
        Share of the nuclear stain's light that planes out of focus spread wide.
    debris : int
        Bright specks that belong to no cell.
    blur_um : float
        Standard deviation of the point spread function.
    gain, offset, read_noise : float
        Grey values per photon, of darkness, and of the electronics' noise.
    bit_depth : int
        8, 12 or 16.
    """

    compartment: Literal["nucleus", "membrane", "cytoplasm"] = "nucleus"
    positive_fraction: float = 0.5
    control: bool = False
    size_px: tuple[int, int] = (512, 512)
    um_per_px: float = 0.5
    nuclei_per_mm2: float = 4500.0
    nucleus_diameter_um: float = 8.0
    nucleus_diameter_log_sd: float = 0.16
    elongation: float = 1.3
    irregularity: float = 0.06
    touching: float = 0.15
    cell_reach_um: float = 3.5
    membrane_width_um: float = 1.0
    completeness: tuple[float, float] = (0.4, 1.0)
    positive_photons: float = 150.0
    positive_log_sd: float = 0.35
    negative_photons: float = 12.0
    negative_log_sd: float = 0.35
    nuclei_photons: float = 180.0
    nuclei_log_sd: float = 0.35
    autofluorescence_photons: float = 3.0
    background_photons: float = 8.0
    uneven_background: float = 0.4
    texture: float = 0.5
    glow: float = 0.03
    debris: int = 4
    blur_um: float = 0.25
    gain: float = 3.0
    offset: float = 90.0
    read_noise: float = 4.0
    bit_depth: int = 12


@dataclass(frozen=True)
class FluorescencePhantom:
    """A rendered field and the truth about it.

    Attributes
    ----------
    channels : dict of str to numpy.ndarray
        ``marker`` and ``nuclei``, uint16, (height, width).
    nuclei, cells : numpy.ndarray
        int32, the same numbers in both; a cell contains its nucleus.
    membranes : numpy.ndarray
        int32, band inside each cell's border, stained or not.
    stained : numpy.ndarray
        int32, where the marker is: the nucleus, the cytoplasm or the stained part of the membrane
        of every cell.
    table : pandas.DataFrame
        One row a cell: label, positive, level (mean of the marker over the cell's part of
        `stained` above background and autofluorescence, in grey values, before blur and noise),
        completeness (stained share of the outline's pixels; NaN unless the marker is on the
        membrane), y_px, x_px (centre of the nucleus).
    um_per_px : float
        Pixel size.
    background : numpy.ndarray
        float32, expected grey values of the marker channel without any cell.
    """

    channels: dict[str, np.ndarray]
    nuclei: np.ndarray
    cells: np.ndarray
    membranes: np.ndarray
    stained: np.ndarray
    table: pd.DataFrame
    um_per_px: float
    background: np.ndarray


DAB_TYPES = {
    "label": "int64",
    "positive": "bool",
    "level_od": "float64",
    "y_px": "float64",
    "x_px": "float64",
}
"""Columns of the truth about cells."""


@dataclass(frozen=True)
class DabScene:
    """What an H-DAB field shows; stain in optical density along unit vectors.

    Attributes
    ----------
    compartment : str
        Where the marker is: ``nucleus`` or ``cytoplasm``.
    positive_fraction : float
        Share of positive cells.
    tissue : str
        ``tumour`` (crowded irregular nuclei), ``hepatocyte`` (round nuclei in wide cells with
        sinusoids between) or ``stroma`` (spindle nuclei in fibres).
    size_px : tuple of int
        Height and width.
    um_per_px : float
        Pixel size.
    density : float
        Factor on the number of nuclei usual for the tissue.
    positive_od, positive_log_sd : float
        Median and spread (of the logarithm) of DAB in positive cells.
    negative_od, negative_log_sd : float
        The same in negative cells.
    unspecific_od : float
        DAB everywhere in tissue.
    hematoxylin_od : float
        Median hematoxylin of nuclei.
    counterstain_od : float
        Median hematoxylin of cytoplasm and fibres.
    texture : float
        Granularity of stain and chromatin, 0 to 1.
    hematoxylin_vector, dab_vector : tuple of float
        Optical densities in red, green, blue.
    vector_jitter : float
        Standard deviation of a random change of both vectors' entries.
    hemosiderin : int
        Clusters of brown pigment granules.
    gaps : float
        Share of the field without tissue (lumen, glass).
    folds : int
        Folds, in which everything lies double.
    white : tuple of float
        Camera values of empty glass.
    uneven_light : float
        0 to 1.
    blur_px : float
        Standard deviation of the optics' blur.
    full_well : float
        Electrons at 255; infinity for no noise.
    jpeg_quality : int or None
        None for no compression.
    """

    compartment: Literal["nucleus", "cytoplasm"] = "cytoplasm"
    positive_fraction: float = 0.4
    tissue: Literal["tumour", "hepatocyte", "stroma"] = "tumour"
    size_px: tuple[int, int] = (512, 512)
    um_per_px: float = 0.5
    density: float = 1.0
    positive_od: float = 0.45
    positive_log_sd: float = 0.35
    negative_od: float = 0.02
    negative_log_sd: float = 0.5
    unspecific_od: float = 0.01
    hematoxylin_od: float = 0.55
    counterstain_od: float = 0.06
    texture: float = 0.6
    hematoxylin_vector: tuple[float, float, float] = HEMATOXYLIN
    dab_vector: tuple[float, float, float] = DAB
    vector_jitter: float = 0.0
    hemosiderin: int = 0
    gaps: float = 0.08
    folds: int = 0
    white: tuple[float, float, float] = (242.0, 240.0, 236.0)
    uneven_light: float = 0.2
    blur_px: float = 0.7
    full_well: float = 12000.0
    jpeg_quality: int | None = 92


@dataclass(frozen=True)
class DabPhantom:
    """A rendered field and the truth about it.

    Attributes
    ----------
    rgb : numpy.ndarray
        uint8, (height, width, 3).
    blank : numpy.ndarray
        uint8, (height, width, 3), the same light without a section.
    nuclei, cells : numpy.ndarray
        int32, the same numbers in both; a cell contains its nucleus.
    tissue : numpy.ndarray
        bool, (height, width), section against glass and lumen.
    table : pandas.DataFrame
        One row a cell: label, positive, level_od (mean DAB over the cell's compartment before
        optics, without the unspecific stain, pigment and folds), y_px, x_px (centre of nucleus).
    vectors : numpy.ndarray
        (2, 3), unit vectors of hematoxylin and DAB used in this field.
    um_per_px : float
        Pixel size.
    """

    rgb: np.ndarray
    blank: np.ndarray
    nuclei: np.ndarray
    cells: np.ndarray
    tissue: np.ndarray
    table: pd.DataFrame
    vectors: np.ndarray
    um_per_px: float
