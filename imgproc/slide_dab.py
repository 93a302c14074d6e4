"""DAB of a whole slide: white, stains and cut-offs from all of it, then tiles in bounded memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .artefacts import ARTEFACT_SHARE
from .brown_sums import brown_tables
from .dab import COARSEST_UM_PER_PX, nothing_found
from .dab_cells import OBJECT_COLUMNS
from .dab_options import DEFAULTS, DabOptions
from .dab_regions import HISTOGRAM_BINS, REGION_COLUMNS
from .measurement import Measurement
from .nuclei import Segmenter
from .polygons import Polygon
from .slide_area import MAP_PX, SlideArea, measure_area
from .slide_cells import CellSearch, LabelSheet, measure_cells
from .slide_pigment import PigmentColour, measure_area_without_pigment
from .slide_plan import SlidePlan, plan_slide
from .slide_regions import RegionMap
from .tiles import Spread, Threads, TileSource

SheetMaker = Callable[[str, tuple[int, int]], LabelSheet]


def sheet_in_memory(name: str, shape: tuple[int, int]) -> LabelSheet:
    """Make a label image in memory, for slides that fit."""
    sheet: LabelSheet = np.zeros(shape, np.int32)
    return sheet


def measure_slide(
    source: TileSource,
    overview: np.ndarray,
    *,
    um_per_px: float | None,
    options: DabOptions = DEFAULTS,
    areas: Sequence[Polygon] = (),
    white: np.ndarray | None = None,
    threads: int = 1,
    make_sheet: SheetMaker = sheet_in_memory,
    segmenter: Segmenter | None = None,
) -> Measurement:
    """Measure DAB in tissue and cells of a whole slide.

    Differs from `dab.measure_dab` in that tissue, lumen and ink are found on the overview, one
    white serves all of the slide, and pigment and folds are judged on samples.

    Parameters
    ----------
    source : TileSource
        The slide.
    overview : numpy.ndarray
        uint8, shape (height, width, 3): all of the slide, reduced by averaging.
    um_per_px : float or None
        Pixel size of the slide; 0.5 µm is assumed for lengths where it isn't known, areas are NaN.
    options : DabOptions
        The choices; `fields` measures a sample of fields in place of the slide.
    areas : sequence of Polygon
        Regions of interest; if there are any that aren't excluded, only they are measured.
    white : numpy.ndarray, optional
        I0 in counts, shape (3,), from a blank; options.white, then the slide's own glass.
    threads : int
        Threads at a time; they change no number.
    make_sheet : callable
        Makes an empty label image of a name and shape.
    segmenter : Segmenter, optional
        What finds the nuclei.

    Returns
    -------
    Measurement
        Objects (cells, with their ``region``), regions (pieces of tissue, areas or fields, with
        their ``name``), the label sheets ``nuclei`` and ``cells``, and the profiles
        ``dab_od_histogram``, ``heat_od`` (mean DAB by squares of 256 pixels) and
        ``overview_regions``. Flags: ``no_scale``, ``coarse_pixels``, ``no_glass``, ``no_white``,
        ``other_stain``, ``pigment``, ``ink``, ``folds``, ``bad_tiles``, ``sampled_fields``,
        ``partly_not_assessable``, ``no_tissue``, ``no_cells``.

    Raises
    ------
    MeasurementError
        If the overview is grey or looks like fluorescence.
    """
    plan = plan_slide(
        source,
        overview,
        um_per_px=um_per_px,
        options=options,
        areas=areas,
        white=white,
        threads=threads,
        segmenter=segmenter,
    )
    return measure_planned(source, plan, spread=Threads(threads), make_sheet=make_sheet)


def measure_planned(
    source: TileSource,
    plan: SlidePlan,
    *,
    spread: Spread,
    make_sheet: SheetMaker = sheet_in_memory,
) -> Measurement:
    """Measure a slide that was looked at, its tiles and blocks wherever `spread` carries them.

    Parameters
    ----------
    source : TileSource
        The slide; one that can be pickled, where the pieces go to other processes.
    plan : SlidePlan
        From `plan_slide`.
    spread : Spread
        What carries the pieces out; it changes no number.
    make_sheet : callable
        Makes an empty label image of a name and shape.

    Returns
    -------
    Measurement
        See `measure_slide`.
    """
    vectors, um_per_px = plan.look.estimate.vectors, plan.um_per_px
    area = _area(
        source, plan.regions, PigmentColour(plan.white, vectors, plan.scale), plan.options, spread
    )
    search = CellSearch(
        source, plan.regions, plan.white, vectors, plan.scale, bool(um_per_px), plan.options,
        plan.look.guide, plan.segmenter, area.bad, plan.threshold_od,
    )  # fmt: skip
    objects, sheets = _cells(search, make_sheet, spread)
    flags = {
        "no_scale": not um_per_px,
        "coarse_pixels": bool(um_per_px and um_per_px > COARSEST_UM_PER_PX),
        "other_stain": plan.look.other_stain,
        "pigment": plan.look.pigment_fraction >= ARTEFACT_SHARE,
        "ink": plan.has_ink,
        "folds": plan.look.fold_fraction >= ARTEFACT_SHARE,
        "bad_tiles": bool(area.bad),
        "sampled_fields": plan.sampling is not None,
        "partly_not_assessable": plan.has_blind_spot,
    }
    nothing = nothing_found(objects, bool(area.histograms.any()), plan.options)
    return Measurement(
        objects=objects,
        regions=_regions_table(plan.regions, area, um_per_px),
        labels={},
        sheets=sheets,
        profiles={
            "dab_od_histogram": area.histograms.sum(axis=0),
            "heat_od": area.heat_od,
            "overview_regions": plan.regions.coarse.astype(np.uint16),
        },
        flags=plan.white_flags + tuple(name for name, seen in flags.items() if seen) + nothing,
        notes={
            "white_source": plan.white_source,
            "white": [float(value) for value in plan.white],
            "full_scale": 255.0,
            "tissue_threshold_od": plan.tissue_threshold_od,
            "cell_threshold_od": plan.threshold_od,
            **plan.look.notes(),
            "slide": _facts(source, area, um_per_px, plan.scale),
            "sampling": None if plan.sampling is None else plan.sampling.record,
            "fields": None
            if plan.sampling is None
            else [list(place) for place in plan.sampling.fields],
            "bad_tiles": [{"region": list(b.region), "reason": b.reason} for b in area.bad],
        },
    )


def _area(
    source: TileSource,
    regions: RegionMap,
    colour: PigmentColour,
    options: DabOptions,
    spread: Spread,
) -> SlideArea:
    """Measure areas, with or without what looks like pigment."""
    tables = brown_tables(colour.white, colour.vectors)
    if not options.exclude_pigment:
        return measure_area(source, regions, tables, bins=HISTOGRAM_BINS, spread=spread)
    return measure_area_without_pigment(
        source, regions, tables, colour, bins=HISTOGRAM_BINS, spread=spread
    )


def _facts(
    source: TileSource, area: SlideArea, um_per_px: float | None, scale: float
) -> dict[str, Any]:
    return {
        "height_px": source.shape[0],
        "width_px": source.shape[1],
        "tiles": area.tiles,
        "tiles_decoded": area.decoded,
        "heat_square_px": MAP_PX,
        "assumed_um_per_px": None if um_per_px else scale,
    }


def _cells(
    search: CellSearch, make_sheet: SheetMaker, spread: Spread
) -> tuple[pd.DataFrame, dict[str, LabelSheet]]:
    """Measure the cells, if they are wanted."""
    if not search.options.cells:
        columns = OBJECT_COLUMNS | {"region": np.int64}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()}), {}
    sheets = {name: make_sheet(name, search.source.shape) for name in ("nuclei", "cells")}
    objects = measure_cells(search, sheets["nuclei"], sheets["cells"], spread=spread)
    return objects, sheets


def _regions_table(regions: RegionMap, area: SlideArea, um_per_px: float | None) -> pd.DataFrame:
    """A row a region; ink and folds of a single one aren't known.

    Its pigment is known where it was left out. An outlined one without tissue has its row, too.
    """
    pixels = area.histograms.sum(axis=1)
    pigment: Any = np.nan
    with np.errstate(invalid="ignore"):
        mean = area.integrated_od / pixels
        if area.pigment_px is not None:
            pigment = area.pigment_px / (area.pigment_px + pixels)
    table = pd.DataFrame(
        {
            "region": np.arange(1, len(pixels) + 1),
            "area_mm2": pixels * (um_per_px**2 * 1e-6 if um_per_px else np.nan),
            "area_px": pixels,
            "mean_od": mean,
            "integrated_od": area.integrated_od,
            "pigment_fraction": pigment,
            "ink_fraction": np.nan,
            "fold_fraction": np.nan,
        }
    ).astype(REGION_COLUMNS)
    table["name"] = list(regions.names)
    if regions.fields:
        place = np.array(regions.fields, dtype=np.int64)
        for column, name in enumerate(("y_px", "x_px", "height_px", "width_px")):
            table[name] = place[:, column]
    return table if regions.outlined else table[pixels > 0].reset_index(drop=True)
