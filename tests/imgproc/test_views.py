"""Both sides of a lobe: pairs by hand, and lobes simulated with nodules all over their surface."""

import cv2
import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.views import FRAME_COLUMNS, LobeFrame, combine_views, lobe_frames


def egg(size=400, turn_deg=0.0, mirrored=False, scale=1.0):
    """Label image of an egg 200 px long (at scale 1), its thin end along the turn."""
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    along, across = 100 * np.cos(t), 60 * np.sin(t) * (1 - 0.3 * np.cos(t))
    across = across + 25 * (along / 100) ** 2
    image = np.zeros((size, size), np.int32)
    points = to_photo(np.stack([along, across], 1), size, turn_deg, mirrored, scale)
    cv2.fillPoly(image, [np.round(points).astype(np.int32)], 1)
    return image


def to_photo(points, size=400, turn_deg=0.0, mirrored=False, scale=1.0):
    """Points (along, across) of the egg as x, y on its photo."""
    turn = np.deg2rad(turn_deg)
    points = points * [1, -1] if mirrored else points
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return scale * points @ spin + size / 2


def region(labels, nodules=0):
    row = lobe_frames(labels, 1).iloc[0].copy()
    row["nodules"] = row["count_low"] = row["count_high"] = nodules
    return row


def objects(xy, diameter, at_rim):
    xy = np.asarray(xy, float).reshape(-1, 2)
    return pd.DataFrame(
        {
            "object": np.arange(1, len(xy) + 1),
            "y_px": xy[:, 1],
            "x_px": xy[:, 0],
            "diameter_px": np.asarray(diameter, float),
            "at_rim": np.asarray(at_rim, bool),
        }
    )


NODULES = np.array([[95.0, 22.0], [-60.0, 65.0], [0.0, -58.0], [10.0, 5.0], [-30.0, -10.0]])
"""Three on the egg's rim, two on its face; along and across, in px at scale 1."""
DIAMETERS = np.array([12.0, 20.0, 15.0, 18.0, 18.0])
AT_RIM = np.array([True, True, True, False, False])


def both(turn_deg, scale=1.0, ventral=(0, 1, 2, 4)):
    """Both views: face nodule 3 lies on the dorsal side, 4 on the ventral one."""
    dorsal, seen = [0, 1, 2, 3], list(ventral)
    first = objects(to_photo(NODULES[dorsal]), DIAMETERS[dorsal], AT_RIM[dorsal])
    size = int(400 * max(scale, 1))
    place = to_photo(NODULES[seen], size, turn_deg, True, scale)
    second = objects(place, scale * DIAMETERS[seen], AT_RIM[seen])
    return combine_views(
        first,
        second,
        dorsal_region=region(egg(), len(first)),
        ventral_region=region(egg(size, turn_deg, True, scale), len(second)),
    )


@pytest.mark.parametrize("turn_deg", [0, 25, 90, 180, -130])
@pytest.mark.parametrize("scale", [1.0, 0.6, 2.0])
def test_rim_nodules_of_a_turned_over_lobe_are_counted_once(turn_deg, scale):
    """Authority: by hand; 4 + 4 nodules, 3 of them at the rim in both views: 5."""
    combined = both(turn_deg, scale)
    assert (combined.count, combined.count_low, combined.count_high) == (5, 5, 5)
    assert combined.pairs["dorsal"].tolist() == combined.pairs["ventral"].tolist() == [1, 2, 3]
    assert (combined.pairs["reliability"] > 0.9).all()
    assert combined.pairs["size_ratio"].to_numpy() == pytest.approx(1.0, rel=0.03)
    assert combined.flags == ()


def test_a_rim_nodule_that_one_view_misses_stays():
    """Authority: by hand; the ventral view lacks nodule 2, which is counted from the other."""
    combined = both(40, ventral=(0, 2, 4))
    assert combined.count == 5
    assert combined.pairs["dorsal"].tolist() == [1, 3]


def test_nodules_of_unlike_size_or_place_are_two():
    """Authority: by hand; one rim nodule a view, at the same place but four times as large."""
    lobe = region(egg(), 1)
    mirror = region(egg(mirrored=True), 1)
    place = np.array([[0.0, -58.0]])
    one = objects(to_photo(place), [10], [True])
    large = objects(to_photo(place, mirrored=True), [40], [True])
    far = objects(to_photo(np.array([[0.0, 60.0]]), mirrored=True), [10], [True])
    for other in (large, far):
        combined = combine_views(one, other, dorsal_region=lobe, ventral_region=mirror)
        assert (combined.count, len(combined.pairs)) == (2, 0)


def test_nodules_on_the_faces_are_never_paired():
    """Authority: the geometry; a nodule away from the rim lies on one side only."""
    place = np.array([[5.0, 5.0], [-40.0, 10.0]])
    one = objects(to_photo(place), [15, 15], [False, False])
    other = objects(to_photo(place, mirrored=True), [15, 15], [False, False])
    combined = combine_views(
        one, other, dorsal_region=region(egg(), 2), ventral_region=region(egg(mirrored=True), 2)
    )
    assert (combined.count, combined.count_low, combined.count_high) == (4, 4, 4)


def test_without_positions_sizes_decide_and_nothing_is_sure():
    """Authority: the definition; rim nodules of like size pair, and the high count has none."""
    plain = pd.Series({"area_px": 18000.0, "nodules": 3, "count_low": 3, "count_high": 3})
    one = objects([[0, 0], [9, 9], [50, 50]], [10, 20, 15], [True, True, False])
    other = objects([[0, 0], [9, 9], [50, 50]], [21, 10, 15], [True, True, False])
    combined = combine_views(one, other, dorsal_region=plain, ventral_region=plain)
    assert combined.flags == ("no_positions",)
    assert (combined.count, combined.count_high) == (4, 6)
    assert combined.count_low <= 4
    assert combined.pairs[["dorsal", "ventral"]].to_numpy().tolist() == [[1, 2], [2, 1]]


def test_round_lobes_are_ambiguous():
    """Authority: the definition; a disc doesn't tell how it was turned over."""
    disc = cv2.circle(np.zeros((300, 300), np.uint8), (150, 150), 100, 1, -1)
    lobe = region(disc.astype(np.int32), 1)
    nodule = objects([[250, 150]], [15], [True])
    combined = combine_views(nodule, nodule, dorsal_region=lobe, ventral_region=lobe)
    assert combined.flags == ("views_ambiguous",)
    assert combined.count_low == 1
    assert combined.count_high == 2


def test_doubtful_nodules_widen_the_range():
    """Authority: by hand; the views' own ranges are 1-4 and 0-2, and no nodule is at the rim."""
    one = objects([[190, 200], [220, 200]], [15, 15], [False, False])
    other = objects([[200, 200]], [15], [False])
    lobe, mirror = region(egg(), 2), region(egg(mirrored=True), 1)
    lobe["count_low"], lobe["count_high"] = 1, 4
    mirror["count_low"], mirror["count_high"] = 0, 2
    combined = combine_views(one, other, dorsal_region=lobe, ventral_region=mirror)
    assert (combined.count, combined.count_low, combined.count_high) == (3, 1, 6)


def test_no_nodules_are_a_count_of_zero():
    """Authority: the contract; nothing found is zero, with the table's columns there."""
    none = objects([], [], [])
    lobe = region(egg())
    combined = combine_views(none, none, dorsal_region=lobe, ventral_region=lobe)
    assert (combined.count, combined.count_low, combined.count_high) == (0, 0, 0)
    assert list(combined.pairs) == ["dorsal", "ventral", "distance", "size_ratio", "reliability"]


def test_frames_are_the_shapes_moments():
    """Authority: an ellipse's axes and direction; an absent lobe has none."""
    image = np.zeros((300, 400), np.uint8)
    cv2.ellipse(image, (220, 140), (90, 45), 30, 0, 360, 2, -1)
    frames = lobe_frames(image.astype(np.int32), 2)
    assert list(frames) == list(FRAME_COLUMNS)
    assert frames.iloc[0].isna().all()
    assert LobeFrame.from_region(frames.iloc[0]) is None
    frame = LobeFrame.from_region(frames.iloc[1])
    assert (frame.y_px, frame.x_px) == (pytest.approx(140, abs=0.5), pytest.approx(220, abs=0.5))
    assert frame.orientation_deg % 180 == pytest.approx(30, abs=1)
    assert frame.length_px == pytest.approx(180, rel=0.02)
    assert frame.breadth_px == pytest.approx(90, rel=0.03)


def test_frames_hold_on_large_photos_and_turn_with_the_lobe():
    """Authority: the drawing; thinning of a large label image moves nothing much."""
    small = LobeFrame.from_region(region(egg(400, 70)))
    large = LobeFrame.from_region(region(egg(3200, 70, scale=8)))
    assert large.x_px / 8 == pytest.approx(small.x_px, abs=1)
    assert large.length_px / 8 == pytest.approx(small.length_px, rel=0.01)
    assert large.orientation_deg == pytest.approx(small.orientation_deg, abs=1)
    turned = LobeFrame.from_region(region(egg(turn_deg=-110)))
    assert abs(turned.orientation_deg - small.orientation_deg) == pytest.approx(180, abs=1.5)


def outline(rng):
    """A lobe's outline in mm: egg-shaped, a little bent."""
    length = rng.uniform(9, 15)
    breadth = length * rng.uniform(0.5, 0.8)
    t = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    x = length / 2 * np.cos(t)
    y = breadth / 2 * np.sin(t) * (1 - rng.uniform(0.1, 0.4) * np.cos(t))
    return np.stack([x, y + rng.uniform(-0.06, 0.06) * length * (2 * x / length) ** 2], 1)


def on_surface(rng, lobe, nodules):
    """Places all over an ellipsoid's surface seen from above, and their distance to the rim."""
    half = np.abs(lobe).max(axis=0)
    places = []
    while len(places) < nodules:
        place = rng.uniform(-half, half)
        depth = cv2.pointPolygonTest(lobe.astype(np.float32), place.tolist(), True)
        height = np.sqrt(max(1 - (1 - min(1, depth / (0.9 * half[1]))) ** 2, 0.08))
        # the surface is steep near the rim, so more of it lies behind a pixel there
        if depth > 0 and rng.random() < 0.28 / height:
            places.append((*place, depth))
    return np.array(places).reshape(-1, 3)


def photographed(rng, lobe, places, radius, on_top, mirrored):
    """One view, turned, scaled and slightly foreshortened; a few nodules are missed."""
    px_per_mm, turn = rng.uniform(20, 45), rng.uniform(-np.pi, np.pi)
    change = np.diag([1, -1 if mirrored else 1]).astype(float)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    change = change @ spin @ np.array([[rng.uniform(0.93, 1.07), rng.normal(0, 0.03)], [0, 1]])
    image = np.zeros((900, 900), np.int32)
    cv2.fillPoly(image, [np.round(lobe @ change * px_per_mm + 450).astype(np.int32)], 1)
    depth = places[:, 2]
    at_rim = depth < radius * rng.normal(1, 0.15, len(depth))
    seen = np.flatnonzero((on_top | (depth < 0.7 * radius)) & (rng.random(len(depth)) > 0.05))
    place = places[seen, :2] @ change + rng.normal(0, 0.1, (len(seen), 2))
    diameter = 2 * radius[seen] * np.exp(rng.normal(0, 0.12, len(seen)))
    table = objects(place * px_per_mm + 450, diameter * px_per_mm, at_rim[seen])
    return table, region(image, len(seen)), seen


def simulated(seed, nodules):
    """Naive sum, combined count and truth of a lobe seen from both sides."""
    rng = np.random.default_rng(seed)
    lobe = outline(rng)
    places = on_surface(rng, lobe, nodules)
    radius = np.exp(rng.normal(np.log(0.45), 0.45, nodules))
    upper = rng.random(nodules) < 0.5
    dorsal, dorsal_region, one = photographed(rng, lobe, places, radius, upper, False)
    ventral, ventral_region, other = photographed(rng, lobe, places, radius, ~upper, True)
    combined = combine_views(
        dorsal, ventral, dorsal_region=dorsal_region, ventral_region=ventral_region
    )
    return len(one) + len(other), combined, len(set(one) | set(other))


@pytest.mark.parametrize("nodules", [4, 14, 30])
def test_simulated_lobes_are_counted_within_a_nodule(nodules):
    """Authority: the simulation's nodules that any view shows; the plain sum counts rims twice.

    The combined count must be within 5 % (and half a nodule) on average, and its range hold the
    truth for nine lobes in ten.
    """
    runs = [simulated(1000 * nodules + seed, nodules) for seed in range(40)]
    truth = np.array([true for _, _, true in runs])
    error = np.array([combined.count for _, combined, _ in runs]) - truth
    plain = np.array([naive for naive, _, _ in runs]) - truth
    held = [combined.count_low <= true <= combined.count_high for _, combined, true in runs]
    print(f"{nodules} nodules: error {np.abs(error).mean():.2f}, bias {error.mean():+.2f}, "
          f"plain sum {plain.mean():+.2f}, range holds the truth {np.mean(held):.0%}")  # fmt: skip
    assert np.abs(error).mean() <= 0.05 * nodules + 0.1
    assert np.abs(error).mean() < 0.35 * plain.mean()
    assert np.mean(held) >= 0.9
