"""Looking for cells in unmixed stains: nuclei of either colour, then cells around them."""

from dataclasses import dataclass

import numpy as np

from .cells import expand_cells
from .dab_cells import assumed_scale, split_by_colour, without_pale
from .dab_options import DabOptions
from .labelled import renumbered
from .nuclei import Segmenter
from .nucleus_network import Levels
from .stains import nuclear_signal


@dataclass(frozen=True)
class CellGuide:
    """What the nuclei of a whole slide look like, so that each part is searched alike.

    Attributes
    ----------
    diameter_um : float or None
        Typical diameter of a nucleus.
    densest_od : float
        See `stains.densest_blue`.
    typical_od : float or None
        What dense nuclei stand out by, see `dab_cells.without_pale`.
    levels : Levels or None
        How dark and how bright the signal is that nuclei are looked for in.
    """

    diameter_um: float | None
    densest_od: float
    typical_od: float | None
    levels: Levels | None = None


def find_cells(
    amounts: np.ndarray,
    tissue: np.ndarray,
    um_per_px: float | None,
    options: DabOptions,
    segmenter: Segmenter | None = None,
    guide: CellGuide | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Find nuclei and grow cells within the tissue.

    Parameters
    ----------
    amounts : numpy.ndarray
        Hematoxylin, DAB and residual, shape (3, height, width).
    tissue : numpy.ndarray
        bool, shape (height, width).
    um_per_px : float or None
        Pixel size.
    options : DabOptions
        The choices.
    segmenter : Segmenter, optional
        What finds the nuclei; the classical one by default.
    guide : CellGuide, optional
        What to go by where this is a part of a slide; the image's own nuclei if not given.

    Returns
    -------
    nuclei, cells : numpy.ndarray
        int32 labels 1 to n, shape (height, width).
    scale : float
        Pixel size that cells were grown by, known or assumed.
    """
    if not options.cells:
        nothing = np.zeros(tissue.shape, np.int32)
        return nothing, nothing, um_per_px or assumed_scale(nothing)
    signal, nuclei = find_nuclei(amounts, tissue, um_per_px, options, segmenter, guide)
    scale = um_per_px or assumed_scale(nuclei, options.nucleus_diameter_um)
    nuclei = without_pale(nuclei, signal, scale, typical_od=guide.typical_od if guide else None)
    if options.compartment == "nucleus":
        nuclei = renumbered(split_by_colour(nuclei, amounts[0], amounts[1]))
    cells = expand_cells(nuclei, options.cell_distance_um / scale)
    cells[~tissue] = 0
    return nuclei, cells, scale


def find_nuclei(
    amounts: np.ndarray,
    tissue: np.ndarray,
    um_per_px: float | None,
    options: DabOptions,
    segmenter: Segmenter | None = None,
    guide: CellGuide | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the signal that nuclei are looked for in, and all that was found there.

    Parameters
    ----------
    amounts : numpy.ndarray
        (3, H, W) hematoxylin, DAB and what is neither, in OD.
    tissue : numpy.ndarray
        (H, W) bool.
    um_per_px : float or None
        Side of a pixel in micrometres.
    options : DabOptions
        The compartment, and how nuclei are found.
    segmenter : callable, optional
        In place of the options' own.
    guide : CellGuide, optional
        Levels and diameter that hold for all of a slide.

    Returns
    -------
    signal : numpy.ndarray
        (H, W) OD: what nuclei were looked for in.
    nuclei : numpy.ndarray
        (H, W) int32 labels from 1.
    """
    signal = nuclear_channel(amounts, options, guide.densest_od if guide else None)
    diameter_um = guide.diameter_um if guide else options.nucleus_diameter_um
    find = segmenter or options.finder(
        diameter_um if um_per_px else None, guide.levels if guide else None
    )
    nuclei = find(signal, um_per_px).astype(np.int32)  # a copy: a segmenter may keep its own
    nuclei[~tissue] = 0
    return signal, renumbered(nuclei)


def nuclear_channel(
    amounts: np.ndarray, options: DabOptions, densest_od: float | None
) -> np.ndarray:
    """Give the signal that nuclei are looked for in, shape (height, width), in OD.

    Parameters
    ----------
    amounts : numpy.ndarray
        (3, H, W) hematoxylin, DAB and what is neither, in OD.
    options : DabOptions
        Names the compartment: where nuclei are brown, brown counts.
    densest_od : float or None
        Of a slide's nuclei; this image's own if None.

    Returns
    -------
    numpy.ndarray
        (H, W), OD.
    """
    hematoxylin, dab, _ = amounts
    if options.compartment == "nucleus":
        return nuclear_signal(hematoxylin, dab, densest=densest_od)
    signal: np.ndarray = np.maximum(hematoxylin, 0)
    return signal
