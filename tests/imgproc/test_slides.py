"""Whole slides: equal to the plain formula and to themselves, however they are cut and shared out.

Accuracy here is accuracy on rendered fields.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
import tifffile
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc import slide_cells, slide_pigment
from xenoquant.imgproc.brown_sums import (
    BrownSums,
    BrownTables,
    CoarseRegions,
    add_coarse,
    add_labelled,
    brown_tables,
    histogram,
    summed_od,
)
from xenoquant.imgproc.dab import DabOptions, classify_dab, h_score, measure_dab
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.measurement import Measurement
from xenoquant.imgproc.optics import darker_than, optical_density, transmission_density
from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.imgproc.polygons import Polygon, inside
from xenoquant.imgproc.slide_area import SlideArea, measure_area
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.imgproc.slide_regions import RegionMap
from xenoquant.imgproc.slide_sampling import choose_fields
from xenoquant.imgproc.slide_tissue import _pieces, find_slide_tissue, off_or_black
from xenoquant.imgproc.stains import StainVectors, off_mixtures, separate, unmix
from xenoquant.imgproc.tiles import BadTile, Threads, blocks, in_order, read_region
from xenoquant.imgproc.tissue import BLACK_OD, INK_OFF_COLOUR_DEG
from xenoquant.pipeline.slide_files import ArrayTiles, TiffTiles, open_slide, read_whole
from xenoquant.pipeline.slide_labels import TemporarySheet
from xenoquant.pipeline.slides import reduce_slide

WHITE = np.array([241.0, 239.0, 236.0])
VECTORS = StainVectors((0.62, 0.72, 0.31), (0.25, 0.55, 0.79))


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Every count in every channel, also brighter than the white."""
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)


def plain_brown(rgb: np.ndarray) -> np.ndarray:
    """DAB by the formula: optical density times the inverse of the vectors."""
    return unmix(optical_density(rgb, WHITE), VECTORS)[..., 1]


def add_all(sums: BrownSums, rgb: np.ndarray, tables: BrownTables) -> None:
    """Add a whole image as one region."""
    one = CoarseRegions(np.ones((1, 1), np.int32), rgb.shape[:2])
    add_coarse(sums, rgb, (0, 0, *rgb.shape[:2]), one, tables, 256)


@pytest.mark.parametrize("columns", [128, 100, 7])
def test_tables_agree_with_the_formula(noise: np.ndarray, columns: int) -> None:
    """A pixel at a time, and summed: within 1e-6 OD of numpy, by words of eight pixels or not."""
    tables = brown_tables(WHITE, VECTORS)
    rgb = noise[:, :columns]
    plain = plain_brown(rgb)
    for y, x in ((0, 0), (5, 3), (40, columns - 1)):
        sums = BrownSums.empty(1, tables, (1, 1))
        add_all(sums, rgb[y : y + 1, x : x + 1], tables)
        assert summed_od(sums.units[1:], np.array([1]), tables)[0] == pytest.approx(
            plain[y, x], abs=1e-6
        )
    sums = BrownSums.empty(1, tables, (1, 1))
    add_all(sums, rgb, tables)
    total = summed_od(sums.units[1:], np.array([plain.size]), tables)[0]
    assert total / plain.size == pytest.approx(plain.mean(), abs=1e-6)
    found = histogram(sums, tables, 3000)[0]
    expected = np.bincount(np.clip(np.floor(plain * 1000), 0, 2999).astype(int).ravel())
    assert found.sum() == plain.size
    # a pixel on the edge between two bins may be in either
    assert np.abs(np.cumsum(found[: len(expected)]) - np.cumsum(expected)).max() <= 2


def test_coarse_regions_and_labels_count_the_same(noise: np.ndarray) -> None:
    """Regions by a coarse image and by a label image: the very same counts and sums."""
    tables = brown_tables(WHITE, VECTORS)
    coarse = np.array([[0, 1, 2, 2], [1, 1, 0, 2], [2, 0, 1, 1]], np.int32)
    regions = RegionMap(noise.shape[:2], coarse)
    region = (0, 0, *noise.shape[:2])
    plain = regions.plain()
    assert plain is not None
    first, second = (BrownSums.empty(2, tables, (1, 1)) for _ in range(2))
    add_coarse(first, noise, region, plain, tables, 256)
    add_labelled(second, noise, regions.at(region), tables, (0, 0))
    np.testing.assert_array_equal(first.counts, second.counts)
    np.testing.assert_array_equal(first.units, second.units)
    np.testing.assert_array_equal(first.map_pixels, second.map_pixels)
    by_hand = np.kron(coarse, np.ones((32, 32), int))
    np.testing.assert_array_equal(regions.at(region), by_hand)
    np.testing.assert_allclose(
        summed_od(first.units[1:], first.counts[1:].sum(axis=1), tables),
        [plain_brown(noise)[by_hand == k].sum() for k in (1, 2)],
        atol=1e-6 * noise.size,
    )


@pytest.mark.parametrize("seed", range(4))
def test_polygons_as_shapely_sees_them(seed: int) -> None:
    """Random rings with a hole: the pixels whose centres shapely finds inside."""
    chance = np.random.default_rng(seed)
    turns = np.sort(chance.random(9)) * 2 * np.pi
    radius = chance.uniform(12, 30, 9)
    ring = np.stack([33.3 + radius * np.cos(turns), 30.7 + radius * np.sin(turns)], axis=1)
    hole = np.array([[30.2, 28.3], [37.6, 28.3], [37.6, 33.7], [30.2, 33.7]])
    area = Polygon("a", (ring, hole))
    y, x = np.mgrid[:60, :70] + 0.5
    shape = shapely.Polygon(ring).symmetric_difference(shapely.Polygon(hole))
    expected = shapely.contains_xy(shape, x, y)
    found = inside(area, (0, 0, 60, 70))
    np.testing.assert_array_equal(found, expected)
    for top, left in ((0, 0), (17, 5), (31, 40)):
        part = inside(area, (top, left, 20, 25))
        np.testing.assert_array_equal(part, found[top : top + 20, left : left + 25])


@pytest.fixture(scope="module")
def slide() -> np.ndarray:
    """Two pieces of rendered tissue of different strength on glass, 640 x 896 pixels."""
    fields = [
        render_dab(seed, scene=DabScene(size_px=(640, 448), positive_fraction=share)).rgb
        for seed, share in ((3, 0.2), (4, 0.7))
    ]
    tissue = np.concatenate(fields, axis=1)
    mask = np.zeros(tissue.shape[:2], np.uint8)
    cv2.ellipse(mask, (210, 330), (170, 260), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (680, 300), (170, 240), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)[..., None]
    glass = WHITE + np.random.default_rng(1).normal(0, 1, tissue.shape)
    return np.clip(np.rint(tissue * soft + glass * (1 - soft)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def regions(slide: np.ndarray) -> RegionMap:
    pieces = np.zeros((40, 56), np.int32)
    cv2.ellipse(pieces, (13, 20), (9, 15), 0, 0, 360, 1, -1)
    cv2.ellipse(pieces, (42, 19), (9, 14), 0, 0, 360, 2, -1)
    return RegionMap(slide.shape[:2], pieces)


def same_area(first: SlideArea, second: SlideArea) -> None:
    np.testing.assert_array_equal(first.histograms, second.histograms)
    np.testing.assert_array_equal(first.integrated_od, second.integrated_od)
    np.testing.assert_array_equal(first.heat_od, second.heat_od)


@pytest.mark.parametrize("tile", [(16, 16), (80, 112), (240, 240), (256, 256), (640, 896)])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("outlined", [False, True])
def test_areas_are_the_same_however_cut(
    slide: np.ndarray, regions: RegionMap, tile: tuple[int, int], threads: int, outlined: bool
) -> None:
    """Any tile size and number of threads: exactly the numbers of the image as one tile, and
    those are the plain formula's.
    """
    if outlined:
        ring = np.array([[50.5, 100.0], [700.0, 120.0], [650.0, 500.0], [90.0, 420.0]])
        hole = Polygon(
            "fold", (np.array([[150.0, 200], [250, 200], [250, 300], [150, 300]]),), True
        )
        regions = RegionMap(regions.shape, regions.coarse, (Polygon("tumour", (ring,)), hole))
    tables = brown_tables(WHITE, VECTORS)
    whole = measure_area(ArrayTiles(slide, slide.shape[:2]), regions, tables, bins=3000)
    cut = measure_area(ArrayTiles(slide, tile), regions, tables, bins=3000, spread=Threads(threads))
    same_area(cut, whole)
    labels = regions.at((0, 0, *regions.shape))
    brown = plain_brown(slide)
    for number in range(1, len(regions.names) + 1):
        chosen = brown[labels == number]
        assert whole.histograms[number - 1].sum() == chosen.size
        assert whole.integrated_od[number - 1] / chosen.size == pytest.approx(
            chosen.mean(), abs=1e-6
        )


class Counting:
    """Tiles that remember which of them were decoded, and of which some can't be."""

    def __init__(self, pixels: np.ndarray, broken: Sequence[int] = ()) -> None:
        self.inner = ArrayTiles(pixels, (64, 64))
        self.shape, self.tile_shape = self.inner.shape, self.inner.tile_shape
        self.broken, self.decoded = set(broken), set[int]()

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        for number, pixels in self.inner.decode(numbers, buffer):
            self.decoded.add(number)
            row, column = divmod(number, 14)
            place = (row * 64, column * 64, 64, 64)
            yield number, BadTile(place, "broken") if number in self.broken else pixels


def test_glass_is_never_decoded(slide: np.ndarray, regions: RegionMap) -> None:
    """The tiles decoded are those under a tissue pixel of the overview, worked out by hand."""
    source = Counting(slide)
    found = measure_area(source, regions, brown_tables(WHITE, VECTORS), bins=3000)
    rows, columns = np.nonzero(regions.coarse)
    assert source.decoded == {r // 4 * 14 + c // 4 for r, c in zip(rows, columns, strict=True)}
    assert found.decoded == len(source.decoded) < found.tiles == 140


def test_a_bad_tile_is_named_and_the_rest_is_measured(slide: np.ndarray) -> None:
    """With a tile broken: its place is reported, its pixels are in no count, no cell lies in it,
    and everything else is what it was.
    """
    options = DabOptions(white=(241, 239, 236), stains="default")
    broken = 5 * 14 + 3
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    first = measure_slide(Counting(slide), small, um_per_px=0.5, options=options)
    second = measure_slide(Counting(slide, [broken]), small, um_per_px=0.5, options=options)
    assert second.notes["bad_tiles"] == [{"region": [320, 192, 64, 64], "reason": "broken"}]
    assert "bad_tiles" in second.flags
    lost = first.regions["area_px"].sum() - second.regions["area_px"].sum()
    assert 0 < lost <= 64 * 64
    y, x = second.objects["y_px"], second.objects["x_px"]
    assert not ((y > 320) & (y < 384) & (x > 192) & (x < 256)).any()
    far = [each.objects[each.objects["x_px"] > 448] for each in (first, second)]
    assert len(far[1]) == pytest.approx(len(far[0]), abs=2)
    np.testing.assert_array_equal(
        first.profiles["heat_od"][:, 2:], second.profiles["heat_od"][:, 2:]
    )


def same_measurement(first: Measurement, second: Measurement) -> None:
    assert first.objects.equals(second.objects)
    assert first.regions.equals(second.regions)
    for name, sheet in first.sheets.items():
        np.testing.assert_array_equal(sheet[:, :], second.sheets[name][:, :])
    for name, profile in first.profiles.items():
        np.testing.assert_array_equal(profile, second.profiles[name])


def test_cells_are_the_same_however_cut(slide: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untiled in memory, and in tiles of several sizes by several threads: the same cells, label
    images, areas and histograms, exactly; the overview given, as a pyramid gives it.
    """
    monkeypatch.setattr(slide_cells, "BLOCK_PX", 256)
    options = DabOptions(compartment="nucleus")
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    whole = ArrayTiles(slide, slide.shape[:2])
    untiled = measure_slide(whole, small, um_per_px=0.5, options=options)
    assert len(untiled.objects) > 150
    for tile, threads in (((80, 112), 3), ((256, 256), 1)):
        tiled = measure_slide(
            ArrayTiles(slide, tile),
            small,
            um_per_px=0.5,
            options=options,
            threads=threads,
            make_sheet=TemporarySheet,
        )
        same_measurement(tiled, untiled)


@pytest.fixture(scope="module")
def with_pigment() -> np.ndarray:
    """Hematoxylin with discs of a yellow brown 14 degrees off DAB, one over a block's corner."""
    density = np.zeros((300, 420, 3)) + 0.25 * StainVectors().matrix()[0]
    y, x = np.mgrid[:300, :420]
    discs = np.hypot(y % 80 - 50, x % 80 - 50) < 16
    density[discs] += 0.8 * np.array([0.187, 0.374, 0.908])
    density[250:] += 0.5 * StainVectors().matrix()[1]
    return np.rint(240 * 10**-density).astype(np.uint8)


@pytest.mark.parametrize(("tile", "threads"), [((64, 48), 1), ((300, 420), 3), ((112, 128), 2)])
def test_pigment_is_left_out_of_slides_as_of_fields(
    with_pigment: np.ndarray, tile: tuple[int, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very pixels that `measure_dab` leaves out of the same image as a field, whatever the
    blocks, the tiles and the threads; nothing but the drawn brown stays positive.
    """
    monkeypatch.setattr(slide_pigment, "BLOCK_PX", 128)
    options = DabOptions(white=(240, 240, 240), stains="default", exclude_pigment=True)
    field = measure_dab(with_pigment, um_per_px=0.5, options=options)
    source = ArrayTiles(with_pigment, tile)
    small = reduce_slide(ArrayTiles(with_pigment))
    found = measure_slide(source, small, um_per_px=0.5, options=options, threads=threads)
    kept = measure_slide(
        source, small, um_per_px=0.5, options=options.model_copy(update={"exclude_pigment": False})
    )
    assert found.regions["area_px"].sum() == field.regions["area_px"].sum()
    assert kept.regions["area_px"].sum() == with_pigment[..., 0].size
    share = 1 - found.regions["area_px"].sum() / with_pigment[..., 0].size
    assert found.regions["pigment_fraction"][0] == pytest.approx(share)
    assert found.regions["integrated_od"][0] == pytest.approx(
        field.regions["integrated_od"].sum(), rel=1e-5
    )
    # a pixel on the edge between two bins may be in either
    drift = np.cumsum(found.profiles["dab_od_histogram"] - field.profiles["dab_od_histogram"])
    assert np.abs(drift).max() <= 0.001 * with_pigment[..., 0].size


def test_cells_at_the_lines_between_blocks_are_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rendered field of 640 pixels as one block and as four, against the drawn nuclei: the lines
    add no second nucleus to a true one and lose none; count, levels and H-score stay.
    """
    field = render_dab(8, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default")
    source = ArrayTiles(field.rgb)
    small = reduce_slide(source)
    whole = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
    monkeypatch.setattr(slide_cells, "BLOCK_PX", 320)
    cut = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
    nuclei, alone = (np.asarray(each.sheets["nuclei"][:, :]) for each in (cut, whole))
    assert nuclei.max() == len(cut.objects) == len(np.unique(nuclei)) - 1
    drawn = np.bincount(np.asarray(cut.sheets["cells"][:, :]).ravel())[1:]
    np.testing.assert_array_equal(drawn, cut.objects["area_px"])
    np.testing.assert_allclose(cut.objects["area_um2"], drawn * field.um_per_px**2)
    # the outlines of some nuclei differ a little between blocks
    doubled, before = (
        int(((overlaps(labels, field.nuclei) >= 0.5).sum(axis=0) > 1).sum())
        for labels in (nuclei, alone)
    )
    assert doubled <= before + 2
    at_lines = [
        int((np.abs(each.objects[["y_px", "x_px"]] - 320) < 20).any(axis=1).sum())
        for each in (cut, whole)
    ]
    assert at_lines[0] == pytest.approx(at_lines[1], abs=2)
    assert len(cut.objects) == pytest.approx(len(whole.objects), rel=0.01)
    rows, columns = linear_sum_assignment(-overlaps(nuclei, alone))
    same = np.abs(
        cut.objects["dab_cytoplasm_od"].to_numpy()[rows]
        - whole.objects["dab_cytoplasm_od"].to_numpy()[columns]
    )
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (cut, whole)
    ]
    print(
        f"4 blocks: {len(cut.objects)} cells, one {len(whole.objects)}; near the lines {at_lines}; "
        f"{(same < 0.02).mean():.3f} within 0.02 OD; H-score {scores[0]:.1f}, {scores[1]:.1f}"
    )
    assert (same < 0.02).mean() > 0.95
    assert scores[0] == pytest.approx(scores[1], abs=2)
    as_field = measure_dab(field.rgb, um_per_px=field.um_per_px, options=options)
    in_one_go = classify_dab(as_field.objects, compartment="cytoplasm")["class"].to_numpy()
    true = np.digitize(field.table["level_od"].to_numpy(), options.cutoffs_od)
    print(f"as a field {h_score(in_one_go):.1f}, true {h_score(true):.1f}")
    assert scores[0] == pytest.approx(h_score(in_one_go), abs=3)
    assert scores[0] == pytest.approx(h_score(true), abs=3)


@pytest.mark.parametrize("corner", [(192, 256), (340, 10), (600, 700)])
def test_a_small_piece_is_looked_at_wherever_it_lies(corner: tuple[int, int]) -> None:
    """Rendered tissue of 300 pixels on much glass: stains and nuclei are estimated, and the cells'
    H-score is the field's.
    """
    field = render_dab(5, scene=DabScene(size_px=(300, 300), positive_fraction=0.5))
    glass = np.random.default_rng(0).normal(WHITE, 1, (1024, 1152, 3))
    whole = np.clip(np.rint(glass), 0, 255).astype(np.uint8)
    whole[corner[0] : corner[0] + 300, corner[1] : corner[1] + 300] = field.rgb
    source = ArrayTiles(whole)
    found = measure_slide(source, reduce_slide(source), um_per_px=0.5)
    alone = measure_dab(whole, um_per_px=0.5)
    assert found.notes["sampled_squares"] > 0
    assert found.notes["hematoxylin_estimated"]
    assert found.notes["nucleus_diameter_um"] is not None
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (found, alone)
    ]
    print(f"H-score as a slide {scores[0]:.1f}, as a field {scores[1]:.1f}")
    assert scores[0] == pytest.approx(scores[1], abs=5)


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_cells_of_a_slide_end_where_those_of_a_field_do(seed: int) -> None:
    """Rendered tissue with gaps, whose middle shows no glass: the slide's threshold comes from its
    rim, as near the field's own as its lamp's unevenness allows, and so is the H-score.
    """
    field = render_dab(seed, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default")
    source = ArrayTiles(field.rgb)
    as_field = measure_dab(field.rgb, um_per_px=0.5, options=options)
    as_slide = measure_slide(source, reduce_slide(source), um_per_px=0.5, options=options)
    found, alone = as_slide.notes["cell_threshold_od"], as_field.notes["tissue_threshold_od"]
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (as_slide, as_field)
    ]
    print(f"tissue from {found:.3f} OD, in the field {alone:.3f}; H-scores {scores}")
    assert found == pytest.approx(alone, abs=0.02)
    assert scores[0] == pytest.approx(scores[1], abs=3)


def test_the_network_finds_the_same_nuclei_block_by_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rendered field of 640 pixels as one block and as nine, by the network: blocks share the
    slide's scale and light, so nearly every nucleus is found in both, and none twice.
    """
    field = render_dab(8, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default", segmenter="network")
    source = ArrayTiles(field.rgb)
    small = reduce_slide(source)
    found = []
    for side in (640, 224):
        monkeypatch.setattr(slide_cells, "BLOCK_PX", side)
        slide = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
        found.append(np.asarray(slide.sheets["nuclei"][:, :]))
    in_both = overlaps(found[1], found[0]).max(axis=1) > 0.8
    counts = [int(labels.max()) for labels in found]
    print(f"one block {counts[0]} nuclei, nine {counts[1]}; {in_both.mean():.3f} in both")
    assert counts[1] == pytest.approx(counts[0], rel=0.01)
    assert in_both.mean() > 0.98


def overlaps(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of each found nucleus that lies on each true one, shape (found, true)."""
    shared = np.zeros((found.max() + 1, truth.max() + 1))
    np.add.at(shared, (found.ravel(), truth.ravel()), 1)
    return (shared / np.maximum(shared.sum(axis=1, keepdims=True), 1))[1:, 1:]


def test_blocks_cover_the_slide_once() -> None:
    """The cores tile 700 x 500 pixels; each halo reaches 30 beyond, as far as there is slide."""
    covered = np.zeros((700, 500), int)
    for block in blocks((700, 500), side=256, halo=30):
        top, left, height, width = block.core
        covered[top : top + height, left : left + width] += 1
        y, x, rows, columns = block.whole
        assert (y, x) == (max(top - 30, 0), max(left - 30, 0))
        assert (y + rows, x + columns) == (
            min(top + height + 30, 700),
            min(left + width + 30, 500),
        )
    assert (covered == 1).all()


def test_results_come_in_order_with_few_held() -> None:
    """By construction: 40 items through 3 threads in their order, never more than 6 begun ahead."""
    begun: list[int] = []
    for taken, value in enumerate(in_order(lambda k: begun.append(k) or k, range(40), threads=3)):
        assert value == taken
        assert len(begun) <= taken + 7


def test_tissue_white_and_ink_of_a_drawn_overview() -> None:
    """Drawn: two pieces, a lumen, a pen stroke, glass of a known white: each where it was drawn."""
    glass = WHITE + np.random.default_rng(2).normal(0, 1, (400, 500, 3))
    mask = np.zeros((400, 500), np.uint8)
    cv2.ellipse(mask, (130, 180), (80, 120), 0, 0, 360, 1, -1)
    cv2.circle(mask, (130, 180), 20, 0, -1)
    cv2.ellipse(mask, (370, 200), (60, 60), 0, 0, 360, 1, -1)
    cell = np.array([170.0, 150, 180]) + np.random.default_rng(3).normal(0, 12, (400, 500, 3))
    drawn = np.where(mask[..., None] > 0, cell, glass)
    cv2.line(drawn, (60, 360), (440, 340), (20, 120, 40), 40)
    overview = np.clip(drawn, 0, 255).astype(np.uint8)
    found = find_slide_tissue(overview, um_per_px=8.0)
    assert found.white is not None
    np.testing.assert_allclose(found.white, WHITE, atol=1)
    true = mask > 0
    assert ((found.pieces > 0) & true).sum() / ((found.pieces > 0) | true).sum() > 0.97
    assert found.pieces[180, 70] == 1  # the larger
    assert found.pieces[200, 370] == 2
    assert found.pieces[180, 130] == 0  # the lumen
    assert found.ink[350, 250]
    assert not found.ink[true].any()


def test_ink_is_told_in_one_pass_as_step_by_step(noise: np.ndarray) -> None:
    """Any counts, dense or not: `off_mixtures` of the unmixed colours, or `darker_than`."""
    dense = transmission_density(noise, WHITE) > 0.2
    noise = noise.copy()
    noise[:20] //= 16  # black, too
    amounts = separate(noise, WHITE, StainVectors())
    off = off_mixtures(amounts, StainVectors(), INK_OFF_COLOUR_DEG)
    black = darker_than(noise, WHITE, 10**-BLACK_OD)
    expected = dense & (off | black)
    found = off_or_black(noise, WHITE, dense)
    assert 0 < (dense & black).sum() < expected.sum() < dense.sum()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("gap_px", [3.0, 24.0, 41.0])
def test_pieces_by_the_plain_way(gap_px: float) -> None:
    """Numbers from scikit-image's blocks, scipy's distances and labels: the same pixels, numbered
    from the largest; sizes that no square divides.
    """
    chance = np.random.default_rng(int(gap_px))
    mask = cv2.GaussianBlur(chance.random((203, 317)), (0, 0), 6) > 0.53
    by = max(1, int(gap_px / 8))
    rows, columns = (-(-length // by) for length in mask.shape)
    padded = np.zeros((rows * by, columns * by), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    held = padded.reshape(rows, by, columns, by).any(axis=(1, 3))
    away = cv2.distanceTransform((~held).astype(np.uint8), cv2.DIST_L2, 5)
    joined, _ = ndimage.label(away <= gap_px / by / 2, np.ones((3, 3)))
    wide = np.kron(joined, np.ones((by, by), int))[: mask.shape[0], : mask.shape[1]] * mask
    found = _pieces(mask, gap_px)
    np.testing.assert_array_equal(found > 0, mask)
    pairs = np.unique(np.stack([found[mask], wide[mask]]), axis=1)
    assert pairs.shape[1] == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))
    areas = np.bincount(found[mask])[1:]
    assert areas.size > 1
    assert (np.diff(areas) <= 0).all()


def test_pieces_are_parts_that_lie_near_each_other() -> None:
    """Drawn on glass at 8 µm: two squares 120 µm apart are one piece, one 400 µm away is another,
    and the larger is the first.
    """
    glass = WHITE + np.random.default_rng(2).normal(0, 1, (300, 500, 3))
    drawn = np.clip(glass, 0, 255).astype(np.uint8)
    for left, width in ((20, 60), (95, 60), (205, 180)):
        drawn[100:200, left : left + width] = (170, 150, 180)
    pieces = find_slide_tissue(drawn, um_per_px=8.0).pieces
    assert (pieces[150, 50], pieces[150, 120], pieces[150, 300]) == (2, 2, 1)
    assert pieces[150, 87] == 0
    assert (pieces > 0).sum() == pytest.approx(100 * 300, rel=0.05)


@pytest.mark.parametrize("method", ["systematic", "random"])
def test_fields_are_as_asked_and_repeatable(regions: RegionMap, method: str) -> None:
    """By construction: at least the wanted number, each at least half on tissue, the same for the
    same seed, others for another, and the record says how.
    """
    wanted = {"wanted": 6, "side_px": 64, "method": method}
    first = choose_fields(regions, seed=1, **wanted)  # type: ignore[arg-type]
    again = choose_fields(regions, seed=1, **wanted)  # type: ignore[arg-type]
    other = choose_fields(regions, seed=2, **wanted)  # type: ignore[arg-type]
    assert first == again
    assert first.fields != other.fields
    assert len(first.fields) >= 6 if method == "systematic" else len(first.fields) == 6
    assert {**wanted, "seed": 1, "chosen": len(first.fields)}.items() <= first.record.items()
    for top, left, height, width in first.fields:
        assert (height, width) == (64, 64)
        assert (regions.at((top, left, 64, 64)) > 0).mean() > 0.3
    if method == "systematic":
        step = first.record["step_px"]
        assert {(t - first.record["start_y_px"]) % step for t, *_ in first.fields} == {0}


def test_random_fields_have_the_same_chance_all_over(regions: RegionMap) -> None:
    """Over 100 seeds, each square of tissue is drawn as often as the others (binomial, 4 SD)."""
    drawn: dict[tuple[int, int], int] = {}
    for seed in range(100):
        sample = choose_fields(regions, wanted=5, side_px=64, method="random", seed=seed)
        for top, left, *_ in sample.fields:
            drawn[top, left] = drawn.get((top, left), 0) + 1
    share = 5 / len(drawn)
    spread = np.sqrt(100 * share * (1 - share))
    assert max(abs(count - 100 * share) for count in drawn.values()) < 4 * spread


def test_sampled_fields_stand_for_the_slide(slide: np.ndarray) -> None:
    """Fields are the regions, with their places; the measured area is theirs within tissue."""
    options = DabOptions(
        white=(241, 239, 236), stains="default", cells=False, fields=6, field_um=40
    )
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    found = measure_slide(ArrayTiles(slide, (64, 64)), small, um_per_px=0.5, options=options)
    assert "sampled_fields" in found.flags
    record = found.notes["sampling"]
    assert record["side_px"] == 80
    table = found.regions
    assert len(table) == record["chosen"] >= 6
    assert (table["area_px"] <= 80 * 80).all()
    places = table[["y_px", "x_px", "height_px", "width_px"]].to_numpy().tolist()
    assert places == found.notes["fields"]
    y, x, height, width = places[0]
    brown = unmix(
        optical_density(slide[y : y + height, x : x + width], np.array([241.0, 239, 236])),
        StainVectors(),
    )[..., 1]
    pieces = RegionMap(
        slide.shape[:2],
        find_slide_tissue(small, um_per_px=8.0, white=np.array([241.0, 239, 236])).pieces,
    ).at((y, x, height, width))
    assert table["mean_od"][0] == pytest.approx(brown[pieces > 0].mean(), abs=1e-6)


def test_a_slide_that_is_fluorescence_or_grey_is_refused() -> None:
    """With the sentence that the field gives."""
    dark = np.full((64, 64, 3), 20, np.uint8)
    grey = np.tile(np.arange(120, 248, 2, dtype=np.uint8)[:, None, None], (1, 64, 3))
    for overview, words in ((dark, "dark background"), (grey, "grey")):
        with pytest.raises(MeasurementError, match=words):
            measure_slide(ArrayTiles(overview), overview, um_per_px=0.5)


@pytest.fixture(scope="module")
def jpeg_slide(tmp_path_factory: pytest.TempPathFactory, slide: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("slides") / "slide.ome.tif"
    how = {"tile": (64, 64), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(path) as writer:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(slide, subifds=1, metadata={"axes": "YXS", **sizes}, **how)
        small = cv2.resize(slide, (112, 80), interpolation=cv2.INTER_AREA)
        writer.write(small, subfiletype=1, **how)
    return path


@pytest.mark.parametrize("compression", ["jpeg", "lzw", "deflate", "none"])
def test_tiles_of_a_tiff_are_tifffiles_own(
    tmp_path: Path, slide: np.ndarray, compression: str
) -> None:
    """Decoded by offsets into a buffer: the pixels that tifffile reads."""
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(
        path,
        slide[:600, :850],
        tile=(112, 96),
        photometric="rgb",
        compression=None if compression == "none" else compression,
    )
    opened = open_slide(path)
    assert isinstance(opened.full, TiffTiles)
    np.testing.assert_array_equal(read_whole(opened.full), tifffile.imread(path))
    part = read_region(opened.full, (101, 203, 330, 411))
    np.testing.assert_array_equal(part, tifffile.imread(path)[101:431, 203:614])


def test_the_real_slide_as_openslide_reads_it(shared_data: Path) -> None:
    """An Aperio slide by its tile offsets: OpenSlide's pixels."""
    import openslide

    path = shared_data / "whole_slide" / "cmu_small_region.svs"
    with openslide.OpenSlide(path) as reference:
        expected = np.asarray(reference.read_region((0, 0), 0, reference.dimensions))[..., :3]
    opened = open_slide(path)
    assert isinstance(opened.full, TiffTiles)
    np.testing.assert_array_equal(read_whole(opened.full), expected)


def test_a_truncated_and_a_corrupt_tile_have_their_places(tmp_path: Path, jpeg_slide: Path) -> None:
    """A file cut short and one with a tile overwritten: those tiles are bad, no other is."""
    with tifffile.TiffFile(jpeg_slide) as tiff:
        page = tiff.pages[0]
        offsets, counts = page.dataoffsets, page.databytecounts
    data = bytearray(jpeg_slide.read_bytes())
    number = 37
    data[offsets[number] : offsets[number] + counts[number]] = bytes(counts[number])
    path = tmp_path / "corrupt.ome.tif"
    path.write_bytes(data)
    whole = np.empty(64 * 64 * 3, np.uint8)
    found = {
        n: p.region if isinstance(p, BadTile) else None
        for n, p in open_slide(path).full.decode(range(140), whole)
    }
    assert {n: place for n, place in found.items() if place} == {number: (128, 576, 64, 64)}
    source = open_slide(jpeg_slide).full
    assert isinstance(source, TiffTiles)
    source.size = offsets[100] + 10
    late = [n for n, p in source.decode(range(140), whole) if isinstance(p, BadTile)]
    assert late == [n for n in range(140) if offsets[n] + counts[n] > offsets[100] + 10]


def test_a_tile_whose_end_is_zeros_is_bad(tmp_path: Path, jpeg_slide: Path) -> None:
    """Half a tile written over with zeros, as after a copy that stopped: decoders fill it in with
    grey and say nothing. Zeros behind the end marker are padding.
    """
    with tifffile.TiffFile(jpeg_slide) as tiff:
        page = tiff.pages[0]
        offsets, counts = page.dataoffsets, page.databytecounts
    data = bytearray(jpeg_slide.read_bytes())
    number = 37
    half = counts[number] // 2
    data[offsets[number] + half : offsets[number] + counts[number]] = bytes(counts[number] - half)
    path = tmp_path / "half.ome.tif"
    path.write_bytes(data)
    buffer = np.empty(64 * 64 * 3, np.uint8)
    tiles = list(open_slide(path).full.decode(range(140), buffer))
    bad = {n: tile for n, tile in tiles if isinstance(tile, BadTile)}
    assert list(bad) == [number]
    assert "cut short" in bad[number].reason
    padded = open_slide(jpeg_slide).full
    assert isinstance(padded, TiffTiles)
    encoded = jpeg_slide.read_bytes()[offsets[5] : offsets[5] + counts[5]]
    decoded = padded.decode_bytes(memoryview(encoded + bytes(6)), 5, buffer.reshape(64, 64, 3))
    np.testing.assert_array_equal(decoded, read_region(padded, (0, 320, 64, 64)))


def test_overview_made_from_tiles_is_the_mean_of_squares(slide: np.ndarray) -> None:
    """Against numpy's mean over 16 x 16 pixels, within rounding."""
    plain = slide.reshape(40, 16, 56, 16, 3).mean(axis=(1, 3))
    for tile in ((64, 64), (80, 112), slide.shape[:2]):
        found = reduce_slide(ArrayTiles(slide, tile))
        assert np.abs(found - plain).max() <= 0.5001
