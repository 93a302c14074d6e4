"""Nuclei: against rendered truth, hand-made shapes, and annotated images where they are at hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.morphology import h_maxima, label

from xenoquant.imgproc.basins import merge, object_sums, steepness, trim
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.flooding import flood
from xenoquant.imgproc.nuclei import (
    ClassicalSegmenter,
    classical_segmenter,
    segment_nuclei,
    typical_diameter_px,
)
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence


def _matches(labels: np.ndarray, truth: np.ndarray, least: float) -> tuple[int, int]:
    """Give the matched objects, and true plus found ones."""
    n, m = int(truth.max()), int(labels.max())
    pairs = np.bincount((truth.astype(np.int64) * (m + 1) + labels).ravel(),
                        minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)  # fmt: skip
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - pairs[1:, 1:]
    hits = int(np.count_nonzero(pairs[1:, 1:] / np.maximum(union, 1) > least))
    return hits, int(np.count_nonzero(pairs.sum(1)[1:])) + m


def _precision(labels: np.ndarray, truth: np.ndarray, least: float) -> float:
    hits, objects = _matches(labels, truth, least)
    return hits / max(objects - hits, 1)


def _blobs(
    shape: tuple[int, int], centres: list[tuple[float, float]], radius: float, level: float = 100.0
) -> np.ndarray:
    y, x = np.indices(shape)
    image = np.zeros(shape)
    for cy, cx in centres:
        image[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = level
    return image


@pytest.mark.parametrize("um_per_px", [0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("known", [True, False])
def test_rendered_nuclei_are_found_at_every_scale(um_per_px: float, known: bool) -> None:
    """Truth of the phantom: uneven background, debris, touching, dim and bright nuclei.

    The scale is given, or estimated from the image.
    """
    scene = FluorescenceScene(um_per_px=um_per_px, nuclei_log_sd=0.5, uneven_background=0.8)
    phantom = render_fluorescence(11, scene=scene)
    found = segment_nuclei(phantom.channels["nuclei"], um_per_px if known else None)
    scores = [_precision(found, phantom.nuclei, least) for least in (0.5, 0.75)]
    print(f"{um_per_px} µm/px, scale {'known' if known else 'unknown'}: AP (rendered) {scores}")
    assert scores[0] > 0.8
    assert scores[1] > 0.7


def test_offset_gain_and_bit_depth_do_not_matter() -> None:
    """A camera's offset and gain change no label (an exact linear map of the same photons)."""
    image = render_fluorescence(2).channels["nuclei"][:256, :256]
    plain = segment_nuclei(image, 0.5)
    scaled = segment_nuclei((image.astype(np.float64) * 0.01 - 3.0), 0.5)
    assert plain.max() > 40
    assert np.mean((plain > 0) != (scaled > 0)) < 0.002
    assert abs(int(plain.max()) - int(scaled.max())) <= 1
    eight = np.round(image / image.max() * 255).astype(np.uint8)
    assert abs(int(segment_nuclei(eight, 0.5).max()) - int(plain.max())) <= 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_levels_looked_up_give_the_labels_of_levels_computed(dtype: type) -> None:
    """The plain way: the same numbers as 32-bit whole numbers, evened pixel by pixel."""
    image = render_fluorescence(2).channels["nuclei"][:300, :300]
    image = (image // (1 if dtype == np.uint16 else 1 + image.max() // 256)).astype(dtype)
    plain = segment_nuclei(image.astype(np.int32), 0.5)
    assert plain.max() > 40
    np.testing.assert_array_equal(segment_nuclei(image, 0.5), plain)


@pytest.mark.parametrize(
    "empty",
    [
        np.zeros((200, 200), np.uint8),
        np.full((200, 200), 65535, np.uint16),
        np.random.default_rng(0).normal(100, 10, (256, 256)),
        np.random.default_rng(1).poisson(3, (256, 256)).astype(np.uint8),
        np.full((100, 100), np.nan),
        np.zeros((0, 0)),
        np.ones((3, 3)),
    ],
    ids=["dark", "saturated", "normal noise", "poisson noise", "nan", "no pixel", "tiny"],
)
@pytest.mark.parametrize("um_per_px", [None, 0.25, 1.0])
def test_nothing_is_found_where_there_is_nothing(
    empty: np.ndarray, um_per_px: float | None
) -> None:
    """An empty field has no nuclei, at any scale, with noise or without."""
    found = segment_nuclei(empty, um_per_px)
    assert found.shape == empty.shape
    assert found.dtype == np.int32
    assert found.max(initial=0) == 0


def test_nuclei_beside_missing_pixels_are_found() -> None:
    """Four discs drawn by hand; a corner of NaN and infinity changes nothing."""
    centres = [(30, 30), (30, 90), (90, 30), (90, 90)]
    image = cv2.GaussianBlur(_blobs((120, 120), centres, 9), (0, 0), 1)
    image += np.random.default_rng(0).normal(10, 1, image.shape)
    image[:5, :5] = np.nan
    image[-5:, -5:] = np.inf
    found = segment_nuclei(image)
    assert found.max() == 4
    area = np.bincount(found.ravel())[1:]
    np.testing.assert_allclose(area, np.pi * 81, rtol=0.12)


def test_negative_floats_are_as_good_as_any() -> None:
    """The same discs below zero: the offset doesn't matter."""
    image = cv2.GaussianBlur(_blobs((120, 120), [(30, 30), (80, 80)], 9), (0, 0), 1) - 500.0
    image += np.random.default_rng(0).normal(0, 1, image.shape)
    assert segment_nuclei(image.astype(np.float32)).max() == 2


def test_volumes_and_diameters_without_scale_are_refused() -> None:
    """Said, with a remedy."""
    with pytest.raises(MeasurementError, match="one 2-D plane") as caught:
        segment_nuclei(np.zeros((4, 20, 20)))
    assert "z-stack" in caught.value.remedy
    with pytest.raises(MeasurementError, match="be looked for at None"):
        segment_nuclei(np.zeros((20, 20)), None, diameter_um=8.0)


@pytest.mark.parametrize("diameter", [8, 15, 30, 60])
def test_diameter_is_estimated_from_the_image(diameter: int) -> None:
    """Hand-made field of discs of one size, blurred and noisy."""
    step = 2.2 * diameter
    shape = (int(5 * step), int(5 * step))
    centres = [((i + 0.5) * step, (j + 0.5) * step) for i in range(5) for j in range(5)]
    image = cv2.GaussianBlur(_blobs(shape, centres, diameter / 2), (0, 0), max(0.7, diameter / 20))
    image += np.random.default_rng(0).normal(20, 2, shape)
    assert typical_diameter_px(image) == pytest.approx(diameter, rel=0.15)


def test_the_segmenter_is_one_place_to_stand_in() -> None:
    """The protocol: image and pixel size in, labels out; equal to the function behind it."""
    image = render_fluorescence(3).channels["nuclei"][:200, :200]
    expected = segment_nuclei(image, 0.5, diameter_um=9.0)
    np.testing.assert_array_equal(ClassicalSegmenter(9.0)(image, 0.5), expected)
    np.testing.assert_array_equal(classical_segmenter(9.0)(image, 0.5), expected)


def test_flooding_gives_one_basin_for_each_h_maximum() -> None:
    """scikit-image's h_maxima on whole-number heights; the basins fill the mask."""
    rng = np.random.default_rng(6)
    height = cv2.GaussianBlur(rng.normal(0, 1, (100, 120)), (0, 0), 3)
    height = np.round(400 * (height - height.min()) / np.ptp(height))
    plain = label(h_maxima(height.astype(np.uint16), 40)).max()
    labels, n = flood(height.astype(np.float32), np.ones(height.shape, np.uint8), 40.0)
    assert n == plain
    assert (labels > 0).all()
    assert np.unique(labels).tolist() == list(range(1, n + 1))


def test_flooding_gives_the_basins_of_a_flood_pixel_by_pixel() -> None:
    """The definition, slowly: from the highest pixel down, the lower of two shallow basins joins.

    A pixel belongs with its highest neighbour; heights are all different, so nothing is a tie.
    """
    rng = np.random.default_rng(8)
    height = cv2.GaussianBlur(rng.normal(0, 1, (60, 50)).astype(np.float32), (0, 0), 2)
    mask = (height > np.quantile(height, 0.4)).astype(np.uint8)
    depth = 0.1 * float(np.ptp(height))
    basin, peak = np.zeros(height.shape, int), {}
    for y, x in sorted(np.argwhere(mask), key=lambda place: -height[tuple(place)]):
        around = [
            (v, u)
            for v in range(max(0, y - 1), min(60, y + 2))
            for u in range(max(0, x - 1), min(50, x + 2))
            if basin[v, u]
        ]
        if not around:
            basin[y, x] = len(peak) + 1
            peak[len(peak) + 1] = height[y, x]
            continue
        basin[y, x] = basin[max(around, key=lambda place: height[place])]
        for other in {int(basin[place]) for place in around}:
            own = int(basin[y, x])
            low, high = sorted((own, other), key=peak.__getitem__)
            if own != other and peak[low] - height[y, x] < depth:
                basin[basin == low] = high
    labels, n = flood(height, mask, depth)
    assert n == np.unique(basin[basin > 0]).size
    pairs = {(int(a), int(b)) for a, b in zip(labels.ravel(), basin.ravel(), strict=True)}
    assert len(pairs) == n + 1  # one to one, background with background


def test_sums_of_objects_are_those_of_their_basins_drawn_as_one() -> None:
    """Two halves of a disc as one object, against the disc itself as a label."""
    y, x = np.indices((40, 40))
    signal = np.hypot(y - 20, x - 20).max() - np.hypot(y - 20, x - 20)
    disc = np.hypot(y - 20, x - 20) < 12
    halves = np.where(disc, np.where(x < 20, 1, 2), 0).astype(np.int32)
    whole = object_sums(disc.astype(np.int32), signal, np.array([0, 1], np.int32), 1)
    made = object_sums(halves, signal, np.array([0, 1, 1], np.int32), 1)
    for one, other in zip(whole, made, strict=True):
        np.testing.assert_allclose(other, one)
    assert whole[0][1] == disc.sum()


def test_halves_of_a_disc_merge_and_two_discs_do_not() -> None:
    """By the moments: a disc's fit is 1, its halves' 0.95, two touching discs' 0.89."""
    y, x = np.indices((60, 90))
    one = (y - 30) ** 2 + (x - 45) ** 2 <= 15**2
    halves = np.where(one, np.where(x < 45, 1, 2), 0).astype(np.int32)
    flat = np.zeros(halves.shape, np.float32)
    assert merge(halves, flat, 2, 0.0, 0.0, 0.0, 1e9).tolist() == [0, 1, 1]
    two = np.zeros((60, 90), np.int32)
    two[(y - 30) ** 2 + (x - 30) ** 2 <= 15**2] = 1
    two[((y - 30) ** 2 + (x - 60) ** 2 <= 15**2) & (two == 0)] = 2
    assert merge(two, flat, 2, 0.0, 0.0, 0.0, 1e9).tolist() == [0, 1, 2]


def test_trimming_puts_the_outline_at_half_height() -> None:
    """A cone 20 high over a disc of radius 20 is above half its settled mean inside radius 13.

    Mean of the cone above level m / 2: with the cut at radius r, the mean is 20 − 2 r / 3, and the
    cut is where 20 − r is half of it; r = 15.
    """
    y, x = np.indices((61, 61))
    away = np.hypot(y - 30, x - 30)
    signal = np.maximum(20 - away, 0).astype(np.float32)
    labels = (away < 20).astype(np.int32)
    trim(labels, signal, 1, 0.5, 30)
    assert np.sqrt(labels.sum() / np.pi) == pytest.approx(15, abs=0.5)


def test_steepness_is_the_slope_of_the_outline() -> None:
    """A cone falls by 1 a pixel everywhere."""
    y, x = np.indices((61, 61))
    away = np.hypot(y - 30, x - 30)
    labels = (away < 15).astype(np.int32)
    slope = steepness(labels, np.maximum(30 - away, 0).astype(np.float32), 1)
    assert slope[1] == pytest.approx(1, rel=0.02)


@pytest.mark.slow
@pytest.mark.shared_data
def test_annotated_fluorescence_images_kept_apart(shared_data: Path) -> None:
    """BBBC038 as corrected, 234 images that no share was chosen on: pooled average precision.

    The plain scikit-image pipeline of ``benchmarks/nuclei.py`` gives 0.583 and 0.367 on them.
    """
    folder = shared_data / "nuclei_dsb2018"
    counts = {0.5: np.zeros(2, int), 0.75: np.zeros(2, int)}
    names = sorted(path.name for path in (folder / "images").glob("*.png"))
    manifest = (folder / "manifest.csv").read_text(encoding="utf-8").splitlines()[1:]
    kept_apart = [f"{row.split(',')[0]}.png" for row in manifest][0::2]
    assert set(kept_apart) <= set(names)
    for name in kept_apart:
        image = cv2.imread(str(folder / "images" / name), cv2.IMREAD_UNCHANGED)
        truth = cv2.imread(str(folder / "labels" / name), cv2.IMREAD_UNCHANGED)
        found = segment_nuclei(image if image.ndim == 2 else image[..., :3].max(axis=2))
        for least, count in counts.items():
            count += _matches(found, truth, least)
    scores = {least: hits / (objects - hits) for least, (hits, objects) in counts.items()}
    print(f"{len(kept_apart)} images kept apart: average precision {scores}")
    assert scores[0.5] > 0.78
    assert scores[0.75] > 0.56
