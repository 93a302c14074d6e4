"""Nodules on photos: drawn scenes with known truth, rendered photos and a real one."""

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc.nodules import NoduleOptions, measure_nodules, summarise_nodules
from xenoquant.imgproc.views import FRAME_COLUMNS

PX_PER_MM = 40.0
OBJECT_COLUMNS = [
    "object", "y_px", "x_px", "lobe", "diameter_mm", "area_mm2", "circularity", "contrast",
    "confidence", "at_rim", "diameter_px", "area_px",
]  # fmt: skip
REGION_COLUMNS = [
    "region", "lobe", "area_mm2", "nodules", "count_low", "count_high", "burden",
    "glare_fraction", "focus", "diameter_q1_mm", "diameter_median_mm", "diameter_q3_mm",
    "tissue_hue_deg", "tissue_chroma", "cut_share", "area_px",
]  # fmt: skip


def photo(nodules, *, background=(20, 18, 22), tissue=(185, 150, 60), pale=(205, 195, 165)):
    """One lobe of half axes 5 and 7.5 mm with soft discs (y, x, radius in mm), and noise."""
    image = np.full((560, 800, 3), background, np.float32)
    cv2.ellipse(image, (400, 280), (300, 200), 0, 0, 360, tissue, -1, cv2.LINE_AA)
    for y, x, radius in nodules:
        centre = (round(x * PX_PER_MM), round(y * PX_PER_MM))
        cv2.circle(image, centre, round(radius * PX_PER_MM), pale, -1, cv2.LINE_AA)
    image = cv2.GaussianBlur(image, (0, 0), 2.0)
    image += np.random.default_rng(3).normal(0, 2.5, image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


NODULES = [(5, 7, 0.9), (6, 12, 0.5), (9, 9, 0.35), (8.5, 13, 0.7), (7.5, 6, 0.25)]


def matched(found, truth, radius, px_per_mm):
    """Pairs, one to one, whose centres lie within the larger of the radius and 0.25 mm."""
    if len(found) == 0 or len(truth) == 0:
        return []
    distance = np.hypot(*(found[:, None] - truth[None]).transpose(2, 0, 1))
    cost = np.where(distance <= np.maximum(radius, 0.25 * px_per_mm), distance / 1e5 - 1, 0.0)
    return [(a, b) for a, b in zip(*linear_sum_assignment(cost), strict=True) if cost[a, b] < 0]


def score(objects, truth, px_per_mm):
    """True positives, false positives, false negatives."""
    found = objects[["y_px", "x_px"]].to_numpy()
    centres = truth[["y_px", "x_px"]].to_numpy()
    pairs = matched(found, centres, truth["radius_px"].to_numpy(), px_per_mm)
    return np.array([len(pairs), len(found) - len(pairs), len(centres) - len(pairs)])


def test_drawn_discs_are_counted_and_sized():
    """Authority: the discs drawn; diameters within a fifth, centres within 0.1 mm."""
    measured = measure_nodules(photo(NODULES), px_per_mm=PX_PER_MM)
    objects = measured.objects
    assert len(objects) == len(NODULES)
    centres = np.array([n[:2] for n in NODULES]) * PX_PER_MM
    radius = np.array([n[2] for n in NODULES]) * PX_PER_MM
    pairs = matched(objects[["y_px", "x_px"]].to_numpy(), centres, radius, PX_PER_MM)
    assert len(pairs) == len(NODULES)
    for row, true in pairs:
        at = objects.loc[row, ["y_px", "x_px"]].to_numpy(float)
        assert np.hypot(*(at - centres[true])) < 0.1 * PX_PER_MM
        assert objects.loc[row, "diameter_mm"] == pytest.approx(2 * NODULES[true][2], rel=0.2)


def test_labels_tables_and_regions_agree():
    """Authority: the label images themselves, counted again here."""
    measured = measure_nodules(photo(NODULES), px_per_mm=PX_PER_MM)
    assert list(measured.objects) == OBJECT_COLUMNS
    frame = [name for name in FRAME_COLUMNS if name not in REGION_COLUMNS]
    assert list(measured.regions) == [*REGION_COLUMNS, *frame]
    nodules, lobes = measured.labels["nodules"], measured.labels["lobes"]
    assert nodules.dtype == lobes.dtype == np.int32
    for row in measured.objects.itertuples():
        assert (nodules == row.object).sum() == row.area_px
        assert row.area_mm2 == pytest.approx(row.area_px / PX_PER_MM**2)
        assert row.lobe == "1"
    lobe = measured.regions.iloc[0]
    assert (lobes == 1).sum() == lobe.area_px
    assert lobe.area_mm2 == pytest.approx(np.pi * 5 * 7.5, rel=0.02)
    assert lobe.burden == pytest.approx((nodules > 0).sum() / lobe.area_px)
    assert lobe.count_low <= lobe.nodules == len(measured.objects) <= lobe.count_high


def test_a_lobe_without_nodules_is_a_count_of_zero():
    """Authority: nothing was drawn on the lobe."""
    measured = measure_nodules(photo([]), px_per_mm=PX_PER_MM)
    assert len(measured.objects) == 0
    assert list(measured.objects) == OBJECT_COLUMNS
    assert measured.objects["at_rim"].dtype == bool
    assert measured.regions["nodules"].tolist() == [0]
    assert summarise_nodules(measured.objects, measured.regions)["nodules_per_lobe"] == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (300, 400, 3)])
def test_a_photo_without_a_lobe_is_flagged(shape):
    """Authority: a black frame shows nothing."""
    measured = measure_nodules(np.zeros(shape, np.uint8), px_per_mm=None)
    assert measured.flags == ("no_scale", "no_lobe")
    assert len(measured.objects) == len(measured.regions) == 0
    assert measured.labels["nodules"].shape == shape[:2]
    features = summarise_nodules(measured.objects, measured.regions)
    assert np.isnan(features["nodules_per_lobe"])
    assert features["nodules"] == 0


def test_without_a_scale_sizes_are_in_pixels_only():
    """Authority: the contract; and the discs drawn for the count."""
    measured = measure_nodules(photo(NODULES), px_per_mm=None)
    assert "no_scale" in measured.flags
    assert measured.objects[["diameter_mm", "area_mm2"]].isna().all(axis=None)
    assert measured.regions["area_mm2"].isna().all()
    assert len(measured.objects) == pytest.approx(len(NODULES), abs=1)


def test_sixteen_bits_give_what_eight_give():
    """Authority: the same photo at 257 times the values."""
    image = photo(NODULES)
    eight = measure_nodules(image, px_per_mm=PX_PER_MM)
    sixteen = measure_nodules(image.astype(np.uint16) * 257, px_per_mm=PX_PER_MM)
    assert len(eight.objects) == len(sixteen.objects)
    both = [m.objects["diameter_mm"].to_numpy() for m in (eight, sixteen)]
    np.testing.assert_allclose(both[0], both[1], rtol=0.05)
    assert "sixteen_bits" not in eight.flags
    assert "sixteen_bits" in sixteen.flags
    assert sixteen.notes["white_level"] == 65535


def test_an_inked_lung_is_counted_too():
    """Authority: the discs drawn, white on black lung before a light background."""
    image = photo(NODULES, background=(200, 205, 210), tissue=(45, 40, 38), pale=(225, 222, 215))
    options = NoduleOptions(appearance="dark-lung")
    measured = measure_nodules(image, px_per_mm=PX_PER_MM, options=options)
    assert len(measured.objects) == len(NODULES)


def test_features_follow_from_the_tables():
    """Authority: by hand; three nodules of 2, 4 and 9 px on lobes of 100 and 50 px."""
    objects = pd.DataFrame({"area_px": [2, 4, 9], "diameter_mm": [0.5, 0.7, 1.5]})
    regions = pd.DataFrame({"area_px": [100, 50], "area_mm2": [60.0, 30.0]})
    assert list(summarise_nodules(objects, regions).items()) == [
        ("nodules_per_lobe", 1.5),
        ("nodules", 3.0),
        ("burden", 0.1),
        ("lobe_area_mm2", 90.0),
        ("median_diameter_mm", 0.7),
    ]


def test_the_callers_photo_is_not_changed_and_the_result_repeats():
    """Authority: the photo's own copy; the first result."""
    image = photo(NODULES)
    before = image.copy()
    first = measure_nodules(image, px_per_mm=PX_PER_MM)
    second = measure_nodules(image, px_per_mm=PX_PER_MM)
    np.testing.assert_array_equal(image, before)
    pd.testing.assert_frame_equal(first.objects, second.objects)
    np.testing.assert_array_equal(first.labels["nodules"], second.labels["nodules"])


@pytest.mark.shared_data
@pytest.mark.parametrize(("detector", "least_f1"), [("learned", 0.95), ("classical", 0.85)])
def test_rendered_photos_are_counted(shared_data, detector, least_f1):
    """Authority: the renderer's nodules (accuracy on rendered photographs)."""
    options = NoduleOptions(detector=detector)
    folder = shared_data / "lungs_rendered"
    truth = pd.read_csv(folder / "nodules.csv")
    total = np.zeros(3, int)
    for shot in pd.read_csv(folder / "photos.csv").itertuples():
        image = np.ascontiguousarray(cv2.imread(str(folder / shot.image))[..., ::-1])
        measured = measure_nodules(image, px_per_mm=shot.px_per_mm, options=options)
        result = score(measured.objects, truth[truth.image == shot.image], shot.px_per_mm)
        print(shot.image, "true, false, missed:", *result)
        total += result
    f1 = 2 * total[0] / (2 * total[0] + total[1] + total[2])
    print(f"F1 on rendered photos, {detector}: {f1:.3f}")
    assert f1 > least_f1


@pytest.mark.shared_data
@pytest.mark.parametrize("px_per_mm", [None, 100.0])
def test_glare_on_a_real_lung_is_not_counted(shared_data, px_per_mm):
    """Authority: the real photo shows no nodule in white light; fewer than five may be found."""
    path = shared_data / "lung_photo_real" / "30-2A1b.jpg"
    image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    measured = measure_nodules(image, px_per_mm=px_per_mm)
    print("false nodules on the real photo:", len(measured.objects))
    assert len(measured.regions) == 1
    assert len(measured.objects) < 5
