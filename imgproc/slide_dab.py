"""DAB of a whole slide: white, stains and cut-offs from all of it, then tiles in bounded memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import pandas as pd

from .artefacts import ARTEFACT_SHARE, Artefacts, find_artefacts
from .brown_sums import brown_tables
from .dab import COARSEST_UM_PER_PX, chosen_vectors, tissue_sample
from .dab_cells import OBJECT_COLUMNS, contrasts
from .dab_options import DEFAULTS, DabOptions
from .dab_regions import HISTOGRAM_BINS, REGION_COLUMNS
from .dab_search import CellGuide, find_nuclei, nuclear_channel
from .measurement import Measurement
from .nuclei import OVERESTIMATED, Segmenter, typical_diameter_px
from .nucleus_network import Levels
from .optics import check_bright_field, transmission_density, white_level
from .polygons import Polygon
from .slide_area import MAP_PX, SlideArea, measure_area
from .slide_cells import CellSearch, LabelSheet, measure_cells
from .slide_pigment import PigmentColour, measure_area_without_pigment
from .slide_regions import RegionMap, worth_measuring
from .slide_sampling import FieldSample, choose_fields
from .slide_tissue import SlideTissue, find_slide_tissue
from .stains import StainEstimate, densest_blue, separate
from .tiles import Region, TileSource, in_order, read_region
from .tissue import SMOOTHING_UM, THINNEST_TISSUE_OD, glass_threshold
from .white import ASSUMED_UM_PER_PX, find_glass

SAMPLES = 12
SAMPLE_PX = 384
SAMPLE_PIXELS = 16_000
"""White, stains and the look of nuclei come from up to 12 squares spread evenly over the tissue."""

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
        ``other_stain``, ``pigment``, ``ink``, ``folds``, ``bad_tiles``, ``sampled_fields``.

    Raises
    ------
    MeasurementError
        If the overview is grey or looks like fluorescence.
    """
    check_bright_field(overview)
    scale = um_per_px or ASSUMED_UM_PER_PX
    given = white if white is not None else _given_white(options)
    tissue = find_slide_tissue(
        overview,
        um_per_px=scale * source.shape[0] / overview.shape[0],
        white=given,
    )
    regions = RegionMap(source.shape, tissue.pieces, tuple(areas))
    sampling = _sampling(regions, options, scale)
    if sampling is not None:
        regions = RegionMap(source.shape, tissue.pieces, tuple(areas), sampling.fields)
    samples = _read_samples(source, regions, threads)
    level, white_flags, white_source = _white(given, tissue, samples, white is not None)
    look = _look(samples, level, scale, options, segmenter)
    area = _area(
        source, regions, PigmentColour(level, look.estimate.vectors, scale), options, threads
    )
    search = CellSearch(
        source, regions, level, look.estimate.vectors, scale, bool(um_per_px), options,
        look.guide, segmenter, area.bad,
        _pixel_threshold(samples, level, scale) if options.cells and tissue.threshold_od else 0.0,
    )  # fmt: skip
    objects, sheets = _cells(search, make_sheet, threads)
    flags = {
        "no_scale": not um_per_px,
        "coarse_pixels": bool(um_per_px and um_per_px > COARSEST_UM_PER_PX),
        "other_stain": look.other_stain,
        "pigment": look.pigment_fraction >= ARTEFACT_SHARE,
        "ink": bool(tissue.ink.any()),
        "folds": look.fold_fraction >= ARTEFACT_SHARE,
        "bad_tiles": bool(area.bad),
        "sampled_fields": sampling is not None,
    }
    return Measurement(
        objects=objects,
        regions=_regions_table(regions, area, um_per_px),
        labels={},
        sheets=sheets,
        profiles={
            "dab_od_histogram": area.histograms.sum(axis=0),
            "heat_od": area.heat_od,
            "overview_regions": tissue.pieces.astype(np.uint8),
        },
        flags=white_flags + tuple(name for name, seen in flags.items() if seen),
        notes={
            "white_source": white_source,
            "white": [float(value) for value in level],
            "full_scale": 255.0,
            "tissue_threshold_od": tissue.threshold_od,
            **look.notes(),
            "slide": _facts(source, area, um_per_px, scale),
            "sampling": None if sampling is None else sampling.record,
            "fields": None if sampling is None else [list(place) for place in sampling.fields],
            "bad_tiles": [{"region": list(b.region), "reason": b.reason} for b in area.bad],
        },
    )


def _area(
    source: TileSource,
    regions: RegionMap,
    colour: PigmentColour,
    options: DabOptions,
    threads: int,
) -> SlideArea:
    """Measure areas, with or without what looks like pigment."""
    tables = brown_tables(colour.white, colour.vectors)
    if not options.exclude_pigment:
        return measure_area(source, regions, tables, bins=HISTOGRAM_BINS, threads=threads)
    return measure_area_without_pigment(
        source, regions, tables, colour, bins=HISTOGRAM_BINS, threads=threads
    )


def _given_white(options: DabOptions) -> np.ndarray | None:
    return None if options.white is None else np.asarray(options.white, dtype=np.float64)


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


def _sampling(regions: RegionMap, options: DabOptions, scale: float) -> FieldSample | None:
    if options.fields is None:
        return None
    side = max(64, round(options.field_um / scale))
    return choose_fields(
        regions,
        wanted=options.fields,
        side_px=min(side, *regions.shape),
        method=options.sampling,
        seed=options.seed,
    )


@dataclass(frozen=True)
class _Sample:
    """A square of tissue at full resolution."""

    rgb: np.ndarray
    tissue: np.ndarray


def _read_samples(source: TileSource, regions: RegionMap, threads: int) -> list[_Sample]:
    """Read squares spread evenly over the tissue, the same whatever the file's tiles."""
    side = min(SAMPLE_PX, *source.shape)
    squares = [
        (top, left, side, side)
        for top in range(0, source.shape[0] - side + 1, side)
        for left in range(0, source.shape[1] - side + 1, side)
    ]
    full = worth_measuring(regions, squares, 0.8) or worth_measuring(regions, squares, 0.0)
    count = min(SAMPLES, len(full))
    chosen = [full[(2 * k + 1) * len(full) // (2 * count)] for k in range(count)]
    return list(in_order(partial(_read_sample, source, regions), chosen, threads=threads))


def _read_sample(source: TileSource, regions: RegionMap, place: Region) -> _Sample:
    rgb = read_region(source, place)
    return _Sample(rgb, regions.at(place) > 0)


def _white(
    given: np.ndarray | None, tissue: SlideTissue, samples: list[_Sample], from_blank: bool
) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Choose one white for the slide: as given, its glass, or the brightest spots of its tissue."""
    if given is not None:
        return given, (), "blank" if from_blank else "given"
    if tissue.white is not None:
        return tissue.white, (), "slide"
    if not samples:
        return np.full(3, 255.0), ("no_white",), "full scale"
    brightest = white_level(np.concatenate([sample.rgb for sample in samples]))
    if not brightest.found:
        return brightest.level, ("no_white",), "full scale"
    return brightest.level, ("no_glass",), "slide"


def _pixel_threshold(samples: list[_Sample], white: np.ndarray, scale: float) -> float:
    """Give the density from which a pixel is tissue, as in fields: just above the glass's noise."""
    found = []
    for sample in samples:
        density = transmission_density(sample.rgb, white)
        density = cv2.GaussianBlur(density, (0, 0), SMOOTHING_UM / scale)
        glass = find_glass(sample.rgb, white, um_per_px=scale)
        if glass.any():
            found.append(glass_threshold(density, glass))
    return float(np.median(found)) if found else THINNEST_TISSUE_OD[0]


@dataclass(frozen=True)
class _Look:
    """What samples of the slide show."""

    estimate: StainEstimate
    guide: CellGuide
    pigment_fraction: float
    fold_fraction: float
    other_stain: bool
    samples: int

    def notes(self) -> dict[str, Any]:
        vectors = self.estimate.vectors
        return {
            "hematoxylin_vector": list(vectors.hematoxylin),
            "hematoxylin_estimated": self.estimate.hematoxylin_estimated,
            "dab_vector": list(vectors.dab),
            "dab_estimated": self.estimate.dab_estimated,
            "pigment_fraction": self.pigment_fraction,
            "fold_fraction": self.fold_fraction,
            "nucleus_diameter_um": self.guide.diameter_um,
            "sampled_squares": self.samples,
        }


def _look(
    samples: list[_Sample],
    white: np.ndarray,
    scale: float,
    options: DabOptions,
    segmenter: Segmenter | None,
) -> _Look:
    """Estimate stains, nuclei and artefacts from the samples."""
    density = None
    if options.stains != "default" and samples:
        taken = [tissue_sample(s.rgb, white, s.tissue, SAMPLE_PIXELS) for s in samples]
        density = np.concatenate(taken)
    estimate = chosen_vectors(density, options)
    amounts = [separate(sample.rgb, white, estimate.vectors) for sample in samples]
    found = [
        find_artefacts(s.rgb, white, a, s.tissue, estimate.vectors, um_per_px=scale)
        for s, a in zip(samples, amounts, strict=True)
    ]
    return _Look(
        estimate,
        _guide(samples, amounts, scale, options, segmenter),
        _pooled(found, "pigment"),
        _pooled(found, "folds"),
        sum(each.other_stain for each in found) > len(found) / 2,
        len(samples),
    )


def _pooled(found: list[Artefacts], name: str) -> float:
    tissue = sum(int(each.tissue.sum()) for each in found)
    return sum(int((getattr(each, name) & each.tissue).sum()) for each in found) / max(1, tissue)


def _guide(
    samples: list[_Sample],
    amounts: list[np.ndarray],
    scale: float,
    options: DabOptions,
    segmenter: Segmenter | None,
) -> CellGuide:
    """Look at the nuclei of all samples together."""
    if not options.cells or not samples:
        return CellGuide(options.nucleus_diameter_um, 0.0, None)
    densest = densest_blue(np.concatenate([each[0] for each in amounts]))
    signals = [nuclear_channel(each, options, densest) for each in amounts]
    first = CellGuide(options.nucleus_diameter_um, densest, None, Levels.of(signals))
    areas, contrast, blobs = [], [], []
    for sample, each in zip(samples, amounts, strict=True):
        signal, nuclei = find_nuclei(each, sample.tissue, scale, options, segmenter, first)
        areas.append(np.bincount(nuclei.ravel())[1:])
        contrast.append(contrasts(nuclei, signal, scale))
        blobs.append(typical_diameter_px(signal, scale) * scale)
    pooled, stands_out = np.concatenate(areas), np.concatenate(contrast)
    if pooled.size == 0:
        return first
    # as a field is searched: by the size of its blobs, unless much smaller nuclei are found
    found = 2 * float(np.sqrt(np.median(pooled) / np.pi)) * scale
    diameter = float(np.median(blobs))
    diameter = found if found < OVERESTIMATED * diameter else diameter
    return CellGuide(
        options.nucleus_diameter_um or diameter,
        densest,
        float(np.percentile(stands_out, 80.0)),
        first.levels,
    )


def _cells(
    search: CellSearch, make_sheet: SheetMaker, threads: int
) -> tuple[pd.DataFrame, dict[str, LabelSheet]]:
    """Measure the cells, if they are wanted."""
    if not search.options.cells:
        columns = OBJECT_COLUMNS | {"region": np.int64}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()}), {}
    sheets = {name: make_sheet(name, search.source.shape) for name in ("nuclei", "cells")}
    objects = measure_cells(search, sheets["nuclei"], sheets["cells"], threads=threads)
    return objects, sheets


def _regions_table(regions: RegionMap, area: SlideArea, um_per_px: float | None) -> pd.DataFrame:
    """A row a region that has pixels; ink and folds of a single one aren't known.

    Its pigment is known where it was left out.
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
    return table[pixels > 0].reset_index(drop=True)
