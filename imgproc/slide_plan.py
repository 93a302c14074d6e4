"""A first look at a slide: its tissue, white, stains and nuclei, from the overview and samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .artefacts import Artefacts, find_artefacts
from .bright_field import check_bright_field
from .corrected import NOT_ASSESSABLE, checked_labels
from .dab import chosen_vectors, tissue_sample
from .dab_cells import contrasts
from .dab_options import DEFAULTS, DabOptions
from .dab_search import CellGuide, find_nuclei, nuclear_channel
from .nuclei import OVERESTIMATED, Segmenter, typical_diameter_px
from .nucleus_network import Levels
from .polygons import Polygon
from .slide_glass import tissue_threshold
from .slide_regions import RegionMap, worth_measuring
from .slide_sampling import FieldSample, choose_fields
from .slide_tissue import SlideTissue, find_slide_tissue
from .stain_estimates import StainEstimate
from .stains import densest_blue, separate
from .tiles import Region, TileSource, in_order, read_region
from .white import ASSUMED_UM_PER_PX
from .white_level import white_level

SAMPLES = 12
SAMPLE_PX = 384
SAMPLE_STEP_PX = 512
SAMPLE_PIXELS = 16_000
SAMPLE_TISSUE = 0.8
SPOTS = (400, 20_000)
"""White, stains and the look of nuclei come from up to 12 squares spread evenly over the tissue, on
a lattice whose squares the usual tiles of 256, 512 and 1024 pixels don't cut through needlessly."""


@dataclass(frozen=True)
class SlidePlan:
    """What a first look at a slide settles, so that its tiles can be measured anywhere.

    Attributes
    ----------
    regions : RegionMap
        What is measured.
    um_per_px : float or None
        Pixel size, where it is known.
    options : DabOptions
        The choices.
    segmenter : Segmenter or None
        What finds the nuclei.
    white : numpy.ndarray
        I0 in counts, shape (3,).
    white_source : str
        Where it comes from.
    look : Look
        What samples of the slide show.
    threshold_od : float
        From which optical density a pixel is tissue, where cells are looked for.
    tissue_threshold_od : float
        The same on the overview.
    sampling : FieldSample or None
        The fields that were drawn.
    white_flags : tuple of str
        Of the white.
    has_ink : bool
        Whether a pen's ink was seen.
    has_blind_spot : bool
        Whether a person marked a part in which nothing can be judged.
    """

    regions: RegionMap
    um_per_px: float | None
    options: DabOptions
    segmenter: Segmenter | None
    white: np.ndarray
    white_source: str
    look: "Look"
    threshold_od: float
    tissue_threshold_od: float
    sampling: FieldSample | None
    white_flags: tuple[str, ...]
    has_ink: bool
    has_blind_spot: bool

    @property
    def scale(self) -> float:
        """Micrometres a pixel, known or assumed."""
        return self.um_per_px or ASSUMED_UM_PER_PX


def plan_slide(
    source: TileSource,
    overview: np.ndarray,
    *,
    um_per_px: float | None,
    options: DabOptions = DEFAULTS,
    areas: Sequence[Polygon] = (),
    white: np.ndarray | None = None,
    threads: int = 1,
    segmenter: Segmenter | None = None,
    corrected: Mapping[str, np.ndarray] | None = None,
) -> SlidePlan:
    """Settle tissue, white, stains and the look of nuclei.

    Parameters
    ----------
    source, overview, um_per_px, options, areas, white, threads, segmenter
        As of `slide_dab.measure_slide`.
    corrected : mapping of str to numpy.ndarray, optional
        ``tissue`` (and ``not_assessable``) as a person corrected it on the overview, shape of the
        overview: what is measured. White, stains and the look of nuclei stay those of the tissue
        that was found, so that what wasn't corrected keeps its numbers; where none was found, they
        come from the corrected tissue.

    Returns
    -------
    SlidePlan
        What the tiles are measured by.

    Raises
    ------
    MeasurementError
        If the overview is grey or looks like fluorescence, or corrected labels don't fit it.
    """
    check_bright_field(overview)
    scale = um_per_px or ASSUMED_UM_PER_PX
    given = white if white is not None else _given_white(options)
    tissue = find_slide_tissue(
        overview,
        um_per_px=scale * source.shape[0] / overview.shape[0],
        white=given,
    )
    pieces = None if corrected is None else _corrected_pieces(corrected, overview)
    looked_at = tissue.pieces if pieces is None or tissue.pieces.any() else pieces
    regions = RegionMap(source.shape, looked_at, tuple(areas))
    sampling = _sampling(regions, options, scale)
    if sampling is not None:
        regions = replace(regions, fields=sampling.fields)
    samples = _read_samples(source, regions, threads)
    level, white_flags, white_source = _white(given, tissue, samples, white is not None)
    threshold_od = 0.0
    if options.cells and tissue.threshold_od:
        threshold_od = tissue_threshold(source, overview, regions, level, scale, threads=threads)
    if pieces is not None:
        regions = replace(regions, coarse=pieces)
    return SlidePlan(
        regions,
        um_per_px,
        options,
        segmenter,
        level,
        white_source,
        _look(samples, level, scale, options, segmenter),
        threshold_od,
        tissue.threshold_od,
        sampling,
        white_flags,
        bool(tissue.ink.any()),
        bool(np.any((corrected or {}).get(NOT_ASSESSABLE, False))),
    )


def _corrected_pieces(corrected: Mapping[str, np.ndarray], overview: np.ndarray) -> np.ndarray:
    """Give the pieces of tissue as corrected, without what can't be judged: int32."""
    held = checked_labels(corrected, ("tissue",), overview.shape[:2])
    pieces = held["tissue"]
    if NOT_ASSESSABLE in held:
        pieces = np.where(held[NOT_ASSESSABLE] > 0, 0, pieces)
    return pieces


def _given_white(options: DabOptions) -> np.ndarray | None:
    return None if options.white is None else np.asarray(options.white, dtype=np.float64)


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
    full = _squares_of_tissue(regions, min(SAMPLE_PX, *source.shape))
    count = min(SAMPLES, len(full))
    chosen = [full[(2 * k + 1) * len(full) // (2 * count)] for k in range(count)]
    return list(in_order(partial(_read_sample, source, regions), chosen, threads=threads))


def _squares_of_tissue(regions: RegionMap, side: int) -> list[Region]:
    """Give squares full of tissue: of a lattice, or where it has too few, around spots of tissue.

    A small piece may lie between the lattice's squares, and a small outlined area between spots.
    """
    height, width = regions.shape
    lattice = [
        (top, left, side, side)
        for top in range(0, height - side + 1, SAMPLE_STEP_PX)
        for left in range(0, width - side + 1, SAMPLE_STEP_PX)
    ]
    full = worth_measuring(regions, lattice, SAMPLE_TISSUE)
    if len(full) >= SAMPLES:
        return full
    for spots in SPOTS:
        around = _around_tissue(regions, side, spots)
        found = worth_measuring(regions, around, SAMPLE_TISSUE) or regions.held(around)
        if found:
            return found
    return full


def _around_tissue(regions: RegionMap, side: int, spots: int) -> list[Region]:
    """Give squares around about so many spots, spread evenly over the tissue."""
    (height, width), (high, wide) = regions.shape, regions.coarse.shape
    rows, columns = np.nonzero(regions.coarse)
    step = max(1, rows.size // spots)
    top = np.clip(rows[::step] * height // high - side // 2, 0, height - side)
    left = np.clip(columns[::step] * width // wide - side // 2, 0, width - side)
    return [(int(y), int(x), side, side) for y, x in zip(top, left, strict=True)]


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


@dataclass(frozen=True)
class Look:
    """What samples of the slide show."""

    estimate: StainEstimate
    guide: CellGuide
    pigment_fraction: float
    fold_fraction: float
    other_stain: bool
    samples: int

    def notes(self) -> dict[str, Any]:
        """Give what stands in the measurement's notes."""
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
) -> Look:
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
    return Look(
        estimate,
        _guide(samples, amounts, scale, options, segmenter),
        _pooled(found, "pigment"),
        _pooled(found, "folds"),
        sum(each.other_stain for each in found) > len(found) / 2,
        len(samples),
    )


def _pooled(found: list[Artefacts], name: str) -> float:
    tissue = sum(np.count_nonzero(each.tissue) for each in found)
    marked = sum(np.count_nonzero(getattr(each, name) & each.tissue) for each in found)
    return marked / max(1, tissue)


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
