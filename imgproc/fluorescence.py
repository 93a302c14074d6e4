"""Immunofluorescence, cell by cell: a marker's level in each compartment of the cell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .cell_levels import add_membrane, away_from_cells, cell_levels
from .cells import cell_parts, expand_cells
from .channel_order import channels_look_swapped
from .corrected import (
    NOT_ASSESSABLE,
    checked_labels,
    in_sequence,
    with_numbers,
    without_unassessable,
)
from .errors import MeasurementError
from .fluorescence_options import Compartment, FluorescenceOptions
from .labelled import sums
from .measurement import Measurement
from .membranes import stop_at_membrane
from .nuclei import Segmenter, typical_diameter_px
from .positivity import Threshold, classify_fluorescence, positivity_threshold
from .quality import (
    BLURRED_EDGE,
    LEAST_BACKGROUND_SHARE,
    SATURATED_SHARE,
    UNEVEN_LIGHT,
    background_surface,
    edge_width_px,
    illumination_ratio,
    saturated_fraction,
)

__all__ = [
    "Compartment",
    "FluorescenceOptions",
    "Threshold",
    "classify_fluorescence",
    "measure_fluorescence",
    "positivity_threshold",
]

FEW_CELLS = 20  # a share of positives is then known to ± 20 points at best
TYPICAL_NUCLEUS_UM = 8.0  # to turn µm into pixels where the pixel size is unknown
BACKGROUND_REACH = 5.0  # nuclear diameters: shading and haze change over tens of cells
BACKGROUND_MARGIN = 0.25  # nuclear diameters between a cell's outline and background


def measure_fluorescence(
    channels: Mapping[str, np.ndarray],
    *,
    um_per_px: float | None,
    options: FluorescenceOptions | None = None,
    segmenter: Segmenter | None = None,
    corrected: Mapping[str, np.ndarray] | None = None,
) -> Measurement:
    """Find nuclei and cells and measure each cell's channels.

    Grey values ending in ``_mean`` and ``_integrated`` are as in the image; ``_net`` and ``ctcf``
    are over the local background, which is taken from pixels away from all cells.

    Parameters
    ----------
    channels : mapping of str to numpy.ndarray
        ``nuclei`` (required) and, if any, ``marker``; each of shape (H, W), any real dtype.
    um_per_px : float or None
        Pixel size in micrometres. Without it, distances are taken in nuclei of 8 µm, areas in µm²
        are NaN and the image is flagged ``no_scale``.
    options : FluorescenceOptions, optional
        Choices; the defaults if not given.
    segmenter : Segmenter, optional
        What finds the nuclei; by default the one that `options` names.
    corrected : mapping of str to numpy.ndarray, optional
        ``nuclei`` and ``cells`` (and ``not_assessable``) as a person corrected them, shape (H, W),
        whole numbers: measured as they are, nothing is looked for. Numbers needn't be in sequence.

    Returns
    -------
    Measurement
        Objects are cells: ``object``, ``y_px``, ``x_px`` (centre of the nucleus), ``area_um2`` and
        ``area_px`` (of the nucleus), ``touches_edge``, ``cell_area_um2``, and for channel
        ``nuclei`` and ``marker`` and compartment ``nucleus``, ``cytoplasm``, ``membrane``,
        ``cell``: ``<channel>_<compartment>_mean``, ``_net``, ``_integrated``, ``_p5``, ``_p50``,
        ``_p95``; of the marker ``ctcf`` (whole cell) and ``nuclear_cytoplasmic_ratio`` (NaN where
        the ring isn't above background), of the nuclear stain the same with ``nuclei_`` before
        them. For a marker scored on the membrane
        ``marker_membrane_shared`` and ``_own``: level of the membrane's stained part over
        background, with and without what neighbours add. A compartment without a pixel is NaN.
        Labels ``nuclei``, ``cells``; profile ``membrane_arcs`` (n, 32), marker over background.
        Flags: ``no_scale``, ``background_uncertain``, ``no_cells``, ``few_cells``, ``saturated``,
        ``out_of_focus``, ``uneven_illumination``, ``channels_look_swapped``,
        ``border_nuclei_dropped``.

    Raises
    ------
    MeasurementError
        If there is no nuclear channel or the channels are not planes of one shape.
    """
    options = options or FluorescenceOptions()
    planes = _checked(channels)
    given = None if corrected is None else _given(corrected, planes["nuclei"].shape)
    if given is None:
        nuclei, at_border = _found(planes, um_per_px, options, segmenter)
    else:
        nuclei, at_border = given.nuclei, int(_on_border(given.nuclei).size)
    table = _nuclear_table(nuclei, um_per_px)
    diameter_px = _diameter_px(table, planes["nuclei"], um_per_px, options)
    scale = um_per_px or TYPICAL_NUCLEUS_UM / diameter_px
    cells = _grown(nuclei, planes, options, scale) if given is None else given.cells
    width_px = options.membrane_width_um / scale
    parts = cell_parts(nuclei, cells, width_px)
    surfaces, seen_on = _backgrounds(planes, cells, diameter_px)
    levels = cell_levels(cells, parts, len(table), planes, surfaces)
    table = pd.concat([table, pd.DataFrame(levels, index=table.index)], axis=1)
    table["cell_area_um2"] = table.pop("cell_area_px") * (um_per_px or np.nan) ** 2
    profiles: dict[str, np.ndarray] = {}
    if "marker" in planes:
        marker = planes["marker"], surfaces["marker"]
        profiles = add_membrane(
            table, cells, parts, *marker, width_px, levels=options.compartment == "membrane"
        )
    seen = {
        "no_scale": um_per_px is None,
        "background_uncertain": bool(len(table)) and seen_on < LEAST_BACKGROUND_SHARE,
        **_quality(table, nuclei, planes, diameter_px),
        "border_nuclei_dropped": given is None and options.drop_border_nuclei and at_border > 0,
    }
    objects, labels = table.reset_index(), {"nuclei": nuclei, "cells": cells}
    if given is not None:
        seen["partly_not_assessable"] = given.has_blind_spot
        objects, labels = with_numbers(objects, given.numbers), given.labels
    return Measurement(
        objects=objects,
        regions=pd.DataFrame({"region": pd.Series([], dtype=np.int64)}),
        labels=labels,
        profiles=profiles,
        flags=tuple(flag for flag, is_so in seen.items() if is_so),
        notes={
            "nucleus_diameter_px": round(diameter_px, 2),
            "um_per_px_used": scale,
            "cell_outline": _outline(options),
            "border_nuclei": "dropped" if options.drop_border_nuclei else "kept",
            "nuclei_at_border": at_border,
            "background": {name: _typical(s) for name, s in surfaces.items() if s.size},
        },
    )


def _backgrounds(
    planes: Mapping[str, np.ndarray], cells: np.ndarray, diameter_px: float
) -> tuple[dict[str, np.ndarray], float]:
    """Give each channel's background, and the least share of an image that one was seen on."""
    away = away_from_cells(cells, BACKGROUND_MARGIN * diameter_px)
    grounds = {
        name: background_surface(plane, away, reach_px=BACKGROUND_REACH * diameter_px)
        for name, plane in planes.items()
    }
    surfaces = {name: surface for name, (surface, _) in grounds.items()}
    return surfaces, min(share for _, share in grounds.values())


def _typical(surface: np.ndarray) -> float:
    """Give the median of a smooth surface, from every eighth row and column."""
    return float(np.median(surface[::8, ::8]))


@dataclass(frozen=True)
class _Given:
    """Corrected labels, numbered in sequence, with the numbers that they had."""

    nuclei: np.ndarray
    cells: np.ndarray
    numbers: np.ndarray
    labels: dict[str, np.ndarray]
    has_blind_spot: bool


def _given(corrected: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> _Given:
    held = checked_labels(corrected, ("nuclei", "cells"), shape)
    kept, _ = without_unassessable(held, "nuclei", together=("cells",))
    (nuclei, cells), numbers = in_sequence(kept["nuclei"], kept["cells"])
    own = {
        "nuclei": kept["nuclei"],
        "cells": np.where(cells > 0, kept["cells"], 0).astype(np.int32),
    }
    blind = NOT_ASSESSABLE in held and bool(held[NOT_ASSESSABLE].any())
    return _Given(nuclei, cells, numbers, own, blind)


def _found(
    planes: Mapping[str, np.ndarray],
    um_per_px: float | None,
    options: FluorescenceOptions,
    segmenter: Segmenter | None,
) -> tuple[np.ndarray, int]:
    """Give the nuclei that count, and how many were found at the image's edge."""
    find = segmenter or options.finder(
        options.nucleus_diameter_um if um_per_px is not None else None
    )
    nuclei = np.ascontiguousarray(find(planes["nuclei"], um_per_px), np.int32)
    at_border = int(_on_border(nuclei).size)
    return without_border(nuclei) if options.drop_border_nuclei else nuclei, at_border


def _checked(channels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the planes, the marker's with finite values, or say what is wrong with them."""
    if "nuclei" not in channels:
        raise MeasurementError(
            f"fluorescence needs a nuclear channel; the channels given are {sorted(channels)}",
            'say which channel shows the nuclei, for example channels = { nuclei = "DAPI" }',
        )
    planes = {name: np.asarray(channels[name]) for name in ("nuclei", "marker") if name in channels}
    shapes = {name: plane.shape for name, plane in planes.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 2 for shape in shapes.values()):
        raise MeasurementError(
            f"the channels must be 2-D planes of one shape; their shapes are {shapes}",
            "choose single channels of one image, and project a z-stack",
        )
    for name, plane in planes.items():
        if np.issubdtype(plane.dtype, np.floating) and not np.isfinite(plane).all():
            finite = plane[np.isfinite(plane)]
            planes[name] = np.where(np.isfinite(plane), plane, finite.min() if finite.size else 0)
    return planes


def without_border(nuclei: np.ndarray) -> np.ndarray:
    """Leave out the nuclei that touch the image's edge, and close the numbering."""
    kept = np.ones(int(nuclei.max(initial=0)) + 1, bool)
    kept[_on_border(nuclei)] = False
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return numbers[nuclei]


def _on_border(nuclei: np.ndarray) -> np.ndarray:
    if nuclei.size == 0:
        return np.array([], np.int32)
    sides = (nuclei[0], nuclei[-1], nuclei[:, 0], nuclei[:, -1])
    on_border = np.unique(np.concatenate(sides))
    return on_border[on_border > 0]


def _nuclear_table(nuclei: np.ndarray, um_per_px: float | None) -> pd.DataFrame:
    n = int(nuclei.max(initial=0))
    table = sums(nuclei, {}, n_labels=n)[["y_px", "x_px", "area_px"]]
    table.insert(2, "area_um2", table["area_px"] * (um_per_px or np.nan) ** 2)
    table["touches_edge"] = np.isin(table.index.to_numpy(), _on_border(nuclei))
    return table


def _diameter_px(
    table: pd.DataFrame, plane: np.ndarray, um_per_px: float | None, options: FluorescenceOptions
) -> float:
    """Diameter of the typical nucleus: as found, as stated, or as the image suggests."""
    if len(table):
        return float(2 * np.sqrt(table["area_px"].median() / np.pi))
    if options.nucleus_diameter_um and um_per_px:
        return options.nucleus_diameter_um / um_per_px
    return typical_diameter_px(plane, um_per_px)


def _outline(options: FluorescenceOptions) -> str:
    if options.cell_outline == "auto":
        return "membrane" if options.compartment == "membrane" else "distance"
    return options.cell_outline


def _grown(
    nuclei: np.ndarray,
    planes: Mapping[str, np.ndarray],
    options: FluorescenceOptions,
    scale: float,
) -> np.ndarray:
    cells = expand_cells(nuclei, options.cell_distance_um / scale)
    if _outline(options) == "membrane" and "marker" in planes:
        width = options.membrane_width_um / scale
        cells = stop_at_membrane(nuclei, cells, planes["marker"], width_px=width)
    return cells


def _quality(
    table: pd.DataFrame,
    nuclei: np.ndarray,
    planes: Mapping[str, np.ndarray],
    diameter_px: float,
) -> dict[str, bool]:
    """Say which of the flags about the image's quality are to be raised."""
    edge = edge_width_px(nuclei, planes["nuclei"], table["nuclei_nucleus_net"].to_numpy())
    blurred = len(edge) > 0 and float(np.nanmedian(edge)) > BLURRED_EDGE * diameter_px
    ratio = illumination_ratio(
        table["y_px"].to_numpy(), table["x_px"].to_numpy(), table["nuclei_nucleus_net"].to_numpy()
    )
    return {
        "no_cells": len(table) == 0,
        "few_cells": 0 < len(table) < FEW_CELLS,
        "saturated": any(saturated_fraction(p) > SATURATED_SHARE for p in planes.values()),
        "out_of_focus": blurred,
        "uneven_illumination": bool(ratio > UNEVEN_LIGHT),
        "channels_look_swapped": "marker" in planes
        and channels_look_swapped(planes["nuclei"], planes["marker"], nuclei),
    }
