"""Candidates from maps drawn by hand: grouped, split where they touch, described."""

import numpy as np
import pytest

from xenoquant.imgproc.lobe_patch import LobePatch
from xenoquant.imgproc.nodule_candidates import FEATURES, find_candidates
from xenoquant.imgproc.nodule_network import NoduleMaps
from xenoquant.imgproc.nodule_surface import rim_distance, surface

PX_PER_MM = 20.0
SHAPE = (160, 160)
NODULES = [(60.0, 60.0, 12.0), (60.0, 80.0, 9.0), (100.0, 95.0, 3.0)]


def patch(nodules=()):
    """A yellow disc of 6 mm on black with pale discs (y, x, radius in pixels)."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = np.hypot(rows - 80, columns - 80) < 60
    rgb = np.full((*SHAPE, 3), 0.08, np.float32)
    rgb[mask] = (0.72, 0.58, 0.22)
    for y, x, radius in nodules:
        rgb[np.hypot(rows - y, columns - x) < radius] = (0.8, 0.76, 0.66)
    frame = {"top": 0, "left": 0, "height": SHAPE[0], "width": SHAPE[1]}
    return LobePatch(rgb, mask, np.zeros_like(mask), PX_PER_MM, **frame)


def maps(nodules, *, error=0.0, seed=0):
    """What a network would say of discs, with an error of the way as a share of the radius."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    inside, cone = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    size, way = np.ones(SHAPE, np.float32), np.zeros((2, *SHAPE), np.float32)
    nearest = np.full(SHAPE, np.inf)
    for y, x, radius in nodules:
        distance = np.hypot(rows - y, columns - x)
        here = (distance < radius) & (distance / radius < nearest)
        nearest[here] = (distance / radius)[here]
        inside[here], size[here] = 0.95, radius
        cone[here] = 1 - distance[here] / radius
        shift = rng.normal(0, error * radius, (2, int(here.sum()))) if error else 0.0
        way[:, here] = np.stack([y - rows[here], x - columns[here]]) + shift
    return NoduleMaps(inside, cone, size, way)


@pytest.mark.parametrize("error", [0.0, 0.2])
def test_discs_are_found_and_split_where_they_touch(error):
    """Authority: three discs, two of which overlap; middles to a pixel, areas as drawn."""
    lobe = patch(NODULES)
    drawn = maps(NODULES, error=error)
    found = find_candidates(drawn, surface(lobe), lobe.others)
    assert len(found.y) == 3
    for y, x, radius in NODULES:
        row = int(np.argmin(np.hypot(found.y - y, found.x - x)))
        assert np.hypot(found.y[row] - y, found.x[row] - x) < 1.0
        assert found.radius[row] == pytest.approx(radius, rel=0.1)
        own = drawn.radius == np.float32(radius)
        assert (found.labels == row + 1).sum() == pytest.approx(own.sum(), rel=0.05)


def test_two_peaks_on_one_nodule_are_one():
    """Authority: one disc of 3 mm whose halves point 0.4 radii apart."""
    drawn = maps([(80.0, 80.0, 30.0)])
    drawn.way[1][:, :80] -= 6
    drawn.way[1][:, 80:] += 6
    found = find_candidates(drawn, surface(patch()), np.zeros(SHAPE, bool))
    assert len(found.y) == 1


def test_features_of_a_candidate_describe_it():
    """Authority: the drawing; whole discs have all their votes, no glare and lie on the lobe."""
    lobe = patch(NODULES)
    found = find_candidates(maps(NODULES), surface(lobe), lobe.others)
    looks = dict(zip(FEATURES, found.features.T, strict=True))
    assert np.all(looks["votes"] > 0.6)
    assert looks["inside"] == pytest.approx(0.95)
    assert np.all(looks["scatter"] < 0.1)
    assert np.all(looks["glare"] == 0)
    assert np.all(looks["beyond"] == 0)
    assert np.all(found.contrast > 0.3)
    smallest = int(np.argmin(found.radius))
    assert looks["log_radius_mm"][smallest] == pytest.approx(np.log(3 / PX_PER_MM), abs=0.01)


def test_nodules_at_the_rim_stand_out_and_what_is_far_or_on_others_is_left():
    """Authority: discs 0.3 and 1.5 mm beyond the outline, and the same on another lobe."""
    at_rim, far = (80.0, 146.0, 6.0), (80.0, 14.0 - 24.0 + 5, 4.0)
    lobe = surface(patch())
    assert len(find_candidates(maps([at_rim, far]), lobe, np.zeros(SHAPE, bool)).y) == 1
    others = np.zeros(SHAPE, bool)
    others[:, 141:] = True
    assert len(find_candidates(maps([at_rim]), lobe, others).y) == 0


def test_empty_maps_have_no_candidates():
    """Authority: nothing was drawn."""
    found = find_candidates(maps([]), surface(patch()), np.zeros(SHAPE, bool))
    assert found.features.shape == (0, len(FEATURES))
    assert found.labels.max() == 0


def test_distance_to_the_rim_counts_the_frame_as_outside():
    """Authority: a mask that fills its frame; the distance of its middle row by hand."""
    assert rim_distance(np.ones((5, 9), bool))[2, 4] == pytest.approx(3, abs=0.05)
