"""DAB immunohistochemistry: from a bright-field image to tissue, cells and their DAB density."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd

from .artefacts import ARTEFACT_SHARE, Artefacts, find_artefacts
from .bright_field import as_rgb, check_bright_field, full_scale
from .corrected import (
    NOT_ASSESSABLE,
    checked_labels,
    in_sequence,
    with_numbers,
    without_unassessable,
)
from .dab_cells import assumed_scale, objects_table
from .dab_options import DEFAULTS, DabOptions
from .dab_regions import regions_table
from .dab_scores import (
    CUTOFFS_OD,
    Compartment,
    ControlFloor,
    allred,
    classify_dab,
    control_floor,
    h_score,
    summarise_dab,
)
from .dab_search import find_cells
from .measurement import Measurement
from .nuclei import Segmenter
from .optics import optical_density
from .polygons import Polygon, within
from .stain_estimates import GRAIN_PX, StainEstimate, estimate_stains, macenko_estimate
from .stains import StainVectors, separate
from .tissue import Tissue, find_tissue
from .white import ChosenWhite, choose_white

__all__ = [
    "CUTOFFS_OD",
    "Compartment",
    "ControlFloor",
    "DabOptions",
    "allred",
    "classify_dab",
    "control_floor",
    "h_score",
    "measure_dab",
    "stain_sample",
    "summarise_dab",
]

COARSEST_UM_PER_PX = 0.6
"""Beyond, blur and JPEG colour mix thin cytoplasm with its surroundings: on rendered fields at 0.7
µm a pixel the H-score of tumour cells comes out 20 too low, at 0.5 µm 5."""

SAMPLE_PIXELS = 200_000
"""Enough pixels for stain vectors; more change them by less than a tenth of a degree."""


def measure_dab(
    rgb: np.ndarray,
    *,
    um_per_px: float | None,
    blank: np.ndarray | None = None,
    options: DabOptions = DEFAULTS,
    segmenter: Segmenter | None = None,
    corrected: Mapping[str, np.ndarray] | None = None,
    areas: Sequence[Polygon] = (),
) -> Measurement:
    """Measure DAB in tissue and cells of one bright-field image.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16 (a 16-bit image is scaled by its bit depth).
    um_per_px : float or None
        Pixel size in micrometres; without it areas are NaN, cells are grown by taking a typical
        nucleus for 8 µm, and the flag ``no_scale`` is set.
    blank : numpy.ndarray, optional
        Empty field of the same shape, for the white level of each pixel.
    options : DabOptions
        The choices.
    segmenter : Segmenter, optional
        What finds the nuclei; by default the one that `options` names.
    corrected : mapping of str to numpy.ndarray, optional
        ``nuclei``, ``cells`` and ``tissue`` (and ``not_assessable``) as a person corrected them,
        shape (height, width), whole numbers: measured as they are, with the white and the stains
        of the whole image. Numbers needn't be in sequence.
    areas : sequence of Polygon
        Regions of interest: only tissue in them (and in none that is excluded) is measured.

    Returns
    -------
    Measurement
        Objects (cells), regions (pieces of tissue), labels ``nuclei``, ``cells``, ``tissue`` and
        the profile ``dab_od_histogram``. Classes are set by `classify_dab`. Flags: those of
        `white.ChosenWhite`, and ``no_scale``, ``coarse_pixels`` (over 0.6 µm: levels of thin cells
        come out low), ``other_stain`` (not an H-DAB slide), ``pigment``, ``ink``, ``folds``,
        ``no_tissue``, ``no_cells`` (where they were looked for).

    Raises
    ------
    MeasurementError
        If the image isn't in colour, is grey, or looks like fluorescence.
    """
    rgb = as_rgb(rgb)
    check_bright_field(rgb)
    white = choose_white(rgb, um_per_px=um_per_px, blank=blank, given=options.white)
    tissue = find_tissue(rgb, white, um_per_px=um_per_px)
    estimate = _stain_vectors(rgb, white.level, tissue.pieces > 0, options)
    amounts = separate(rgb, white.level, estimate.vectors)
    artefacts = find_artefacts(
        rgb, white.level, amounts, tissue.pieces > 0, estimate.vectors, um_per_px=um_per_px
    )
    left_out = artefacts.ink | artefacts.pigment if options.exclude_pigment else artefacts.ink
    kept_out = left_out | ~within(areas, tissue.pieces.shape)
    pieces = np.where(kept_out, 0, tissue.pieces).astype(np.int32)
    if corrected is None:
        found = _looked_for(amounts, pieces, tissue.pieces, um_per_px, options, segmenter)
    else:
        found = _as_corrected(corrected, amounts, tissue.pieces, um_per_px, options)
    regions, histogram = regions_table(found.whole, found.pieces, amounts[1], artefacts, um_per_px)
    missing = nothing_found(found.objects, bool(found.pieces.any()), options)
    return Measurement(
        objects=found.objects,
        regions=regions,
        labels={"nuclei": found.nuclei, "cells": found.cells, "tissue": found.pieces},
        profiles={"dab_od_histogram": histogram},
        flags=(*_flags(white, artefacts, um_per_px), *found.flags, *missing),
        notes=_notes(rgb, white, tissue, estimate)
        | {
            "assumed_um_per_px": None if um_per_px else found.scale,
            "pigment_fraction": artefacts.share(artefacts.pigment),
        },
    )


@dataclass(frozen=True)
class _Found:
    """Cells and tissue of an image, looked for or as a person corrected them.

    Attributes
    ----------
    pieces, whole : numpy.ndarray
        (H, W) int32 pieces of tissue: what is measured, and with what is left out of it.
    nuclei, cells : numpy.ndarray
        (H, W) int32 labels.
    scale : float
        Micrometres a pixel, assumed where they aren't known.
    objects : pandas.DataFrame
        A row a cell.
    flags : tuple of str
        What correcting adds.
    """

    pieces: np.ndarray
    whole: np.ndarray
    nuclei: np.ndarray
    cells: np.ndarray
    scale: float
    objects: pd.DataFrame
    flags: tuple[str, ...] = ()


def _looked_for(
    amounts: np.ndarray,
    pieces: np.ndarray,
    whole: np.ndarray,
    um_per_px: float | None,
    options: DabOptions,
    segmenter: Segmenter | None,
) -> _Found:
    nuclei, cells, scale = find_cells(amounts, pieces > 0, um_per_px, options, segmenter)
    objects = objects_table(nuclei, cells, amounts, um_per_px, scale)
    return _Found(pieces, whole, nuclei, cells, scale, objects)


def _as_corrected(
    corrected: Mapping[str, np.ndarray],
    amounts: np.ndarray,
    whole: np.ndarray,
    um_per_px: float | None,
    options: DabOptions,
) -> _Found:
    """Measure corrected labels, which keep their numbers."""
    held = checked_labels(corrected, ("nuclei", "cells", "tissue"), whole.shape)
    kept, _ = without_unassessable(held, "nuclei", together=("cells",))
    whole = np.where(kept["tissue"] > 0, kept["tissue"], whole)
    blind = held.get(NOT_ASSESSABLE)
    flags: tuple[str, ...] = ()
    if blind is not None and blind.any():
        whole, flags = np.where(blind > 0, 0, whole), ("partly_not_assessable",)
    (nuclei, cells), numbers = in_sequence(kept["nuclei"], kept["cells"])
    scale = um_per_px or assumed_scale(nuclei, options.nucleus_diameter_um)
    objects = with_numbers(objects_table(nuclei, cells, amounts, um_per_px, scale), numbers)
    own = np.where(cells > 0, kept["cells"], 0).astype(np.int32)
    return _Found(kept["tissue"], whole, kept["nuclei"], own, scale, objects, flags)


def stain_sample(
    rgb: np.ndarray,
    *,
    um_per_px: float | None = None,
    blank: np.ndarray | None = None,
    options: DabOptions = DEFAULTS,
    pixels: int = SAMPLE_PIXELS,
) -> np.ndarray:
    """Optical densities of evenly spaced tissue pixels, to estimate the vectors of a whole batch.

    Concatenate the samples of a batch's images, give them to `stain_estimates.estimate_stains`, and
    measure every image with the vectors found: then a group with less DAB isn't measured with
    others.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.
    um_per_px : float, optional
        Pixel size in micrometres.
    blank : numpy.ndarray, optional
        Empty field of the same shape.
    options : DabOptions
        For the white.
    pixels : int
        Largest number of pixels.

    Returns
    -------
    numpy.ndarray
        Shape (n, 3), float64; n is 0 where there is no tissue.

    Raises
    ------
    MeasurementError
        As `measure_dab`.
    """
    rgb = as_rgb(rgb)
    check_bright_field(rgb)
    white = choose_white(rgb, um_per_px=um_per_px, blank=blank, given=options.white)
    tissue = find_tissue(rgb, white, um_per_px=um_per_px).pieces > 0
    return tissue_sample(rgb, white.level, tissue, pixels)


def tissue_sample(
    rgb: np.ndarray, white: np.ndarray, tissue: np.ndarray, pixels: int
) -> np.ndarray:
    """Take optical densities at every k-th tissue pixel, free of grain.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).
    tissue : numpy.ndarray
        bool, shape (height, width).
    pixels : int
        Largest number of pixels.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, 3).
    """
    places = np.flatnonzero(tissue)
    places = places[:: max(1, -(-places.size // pixels))]
    smooth = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), GRAIN_PX)
    level = white if np.ndim(white) == 1 else np.reshape(white, (-1, 3))[places]
    return optical_density(smooth.reshape(-1, 3)[places], level)


def _stain_vectors(
    rgb: np.ndarray, white: np.ndarray, tissue: np.ndarray, options: DabOptions
) -> StainEstimate:
    """Take the vectors as given, or estimate them, or take the defaults."""
    sample = None
    if options.stains != "default":
        sample = tissue_sample(rgb, white, tissue, SAMPLE_PIXELS)
    return chosen_vectors(sample, options)


def chosen_vectors(sample: np.ndarray | None, options: DabOptions) -> StainEstimate:
    """Take the vectors as the options give them, or estimate them, or take the defaults.

    Parameters
    ----------
    sample : numpy.ndarray or None
        Optical densities of tissue pixels, shape (n, 3), to estimate from.
    options : DabOptions
        Which vectors are given, and the compartment: under a nuclear marker DAB isn't estimated.

    Returns
    -------
    StainEstimate
        The vectors, and which of them were estimated.
    """
    estimate = StainEstimate(StainVectors(), False, False)
    if sample is not None and options.stains == "macenko":
        estimate = macenko_estimate(sample)
    elif sample is not None:
        estimate = estimate_stains(sample, dab=options.compartment != "nucleus")
    vectors = StainVectors(
        options.hematoxylin_vector or estimate.vectors.hematoxylin,
        options.dab_vector or estimate.vectors.dab,
    )
    return StainEstimate(
        vectors,
        estimate.hematoxylin_estimated and options.hematoxylin_vector is None,
        estimate.dab_estimated and options.dab_vector is None,
    )


def _flags(white: ChosenWhite, artefacts: Artefacts, um_per_px: float | None) -> tuple[str, ...]:
    """Name what a reader should know."""
    found = {
        "no_scale": not um_per_px,
        "coarse_pixels": bool(um_per_px and um_per_px > COARSEST_UM_PER_PX),
        "other_stain": artefacts.other_stain,
        "pigment": artefacts.share(artefacts.pigment) >= ARTEFACT_SHARE,
        "ink": artefacts.ink.any(),
        "folds": artefacts.share(artefacts.folds) >= ARTEFACT_SHARE,
    }
    return white.flags + tuple(flag for flag, seen in found.items() if seen)


def nothing_found(objects: pd.DataFrame, tissue: bool, options: DabOptions) -> tuple[str, ...]:
    """Name what an image lacks, so that no score of it is missing without a reason.

    Parameters
    ----------
    objects : pandas.DataFrame
        A row a cell.
    tissue : bool
        Whether there is any.
    options : DabOptions
        Whether cells were looked for.

    Returns
    -------
    tuple of str
        ``no_tissue``, or ``no_cells`` where there is tissue.
    """
    if not tissue:
        return ("no_tissue",)
    return ("no_cells",) if options.cells and not len(objects) else ()


def _notes(
    rgb: np.ndarray,
    white: ChosenWhite,
    tissue: Tissue,
    estimate: StainEstimate,
) -> dict[str, Any]:
    """Record what was chosen for this image."""
    return {
        "full_scale": full_scale(rgb),
        "white_source": white.source,
        "white": white.mean(),
        "tissue_threshold_od": tissue.threshold_od,
        "lumen_px": int(tissue.lumen.sum()),
        "hematoxylin_vector": list(estimate.vectors.hematoxylin),
        "hematoxylin_estimated": estimate.hematoxylin_estimated,
        "dab_vector": list(estimate.vectors.dab),
        "dab_estimated": estimate.dab_estimated,
    }
