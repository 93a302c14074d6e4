"""Candidates from cone maps drawn by hand, and the features of drawn lobes."""

import numpy as np
import pytest

from xenoquant.imgproc.lobe_patch import LobePatch
from xenoquant.imgproc.nodule_candidates import FEATURES, find_candidates
from xenoquant.imgproc.nodule_features import (
    context_features,
    pixel_features,
    rim_distance,
    stacked,
    surface,
)

PX_PER_MM = 20.0


def patch(nodules=()):
    """A yellow disc of 6 mm on black with pale discs (y, x, radius in pixels)."""
    rows, columns = np.mgrid[:160, :160]
    mask = np.hypot(rows - 80, columns - 80) < 60
    rgb = np.full((160, 160, 3), 0.08, np.float32)
    rgb[mask] = (0.72, 0.58, 0.22)
    for y, x, radius in nodules:
        rgb[np.hypot(rows - y, columns - x) < radius] = (0.8, 0.76, 0.66)
    frame = {"top": 0, "left": 0, "height": 160, "width": 160}
    return LobePatch(rgb, mask, np.zeros_like(mask), PX_PER_MM, **frame)


def cones(shape, nodules):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape, np.float32)
    for y, x, radius in nodules:
        distance = np.hypot(rows - y, columns - x)
        image = np.maximum(image, np.where(distance < radius, 1 - 0.75 * distance / radius, 0))
    return image.astype(np.float32)


NODULES = [(60.0, 60.0, 12.0), (60.0, 80.0, 9.0), (100.0, 95.0, 6.0)]


def test_peaks_and_basins_are_those_of_the_cones_drawn():
    """Authority: three cones, two of which touch; centres to half a pixel, areas to a fifth."""
    lobe = surface(patch(NODULES))
    found = find_candidates(cones(lobe.mask.shape, NODULES), lobe)
    assert len(found.y) == 3
    for y, x, radius in NODULES:
        row = int(np.argmin(np.hypot(found.y - y, found.x - x)))
        assert np.hypot(found.y[row] - y, found.x[row] - x) < 0.5
        assert found.radius[row] == pytest.approx(radius, rel=0.2)
        assert (found.labels == row + 1).sum() == pytest.approx(np.pi * found.radius[row] ** 2)


def test_features_of_a_candidate_describe_it():
    """Authority: the drawing; discs are round, paler than around, and far from the rim."""
    lobe = surface(patch(NODULES))
    found = find_candidates(cones(lobe.mask.shape, NODULES), lobe)
    looks = dict(zip(FEATURES, found.features.T, strict=True))
    assert np.all(looks["elongation"] < 1.25)
    assert np.all(looks["contrast"] > 0.3)
    assert np.all(looks["glare_inside"] == 0)
    alone = int(np.argmax(found.y))
    assert looks["saddle_share"][alone] == 0
    assert looks["prominence"][alone] == pytest.approx(looks["peak"][alone])
    assert looks["rim_mm"][alone] == pytest.approx((60 - np.hypot(20, 15) - 6) / 20, abs=0.12)


def test_an_empty_cone_map_has_no_candidates():
    """Authority: nothing was drawn."""
    lobe = surface(patch())
    found = find_candidates(np.zeros(lobe.mask.shape, np.float32), lobe)
    assert found.features.shape == (0, len(FEATURES))
    assert found.labels.max() == 0


def test_pixel_features_are_finite_and_see_paleness():
    """Authority: the drawing; a pale disc misses most of its yellow, plain tissue none."""
    drawn = patch(NODULES)
    lobe = surface(drawn)
    layers = pixel_features(lobe)
    rows = stacked(layers, lobe.mask)
    assert rows.shape == (lobe.mask.sum(), len(layers))
    assert np.isfinite(rows).all()
    assert layers["pale"][60, 60] > 0.6
    assert abs(layers["pale"][120, 60]) < 0.02
    assert layers["blob_0.68"][60, 60] > layers["blob_0.68"][120, 60] + 0.2
    context = context_features(cones(lobe.mask.shape, NODULES), lobe)
    assert np.isfinite(stacked(context, lobe.mask)).all()


def test_distance_to_the_rim_counts_the_frame_as_outside():
    """Authority: by hand, a mask that fills a frame of 5 by 5 is 3 deep at its centre."""
    assert rim_distance(np.ones((5, 5), bool))[2, 2] == pytest.approx(3, abs=0.1)
