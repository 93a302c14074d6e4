"""Tissue, white and ink of a slide, told from its overview."""

import cv2
import numpy as np
import pytest
from drawn_slides import VECTORS, WHITE
from scipy import ndimage

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.optics import darker_than, transmission_density
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.imgproc.slide_tissue import (
    _pieces,
    _strokes,
    find_slide_tissue,
    off_or_black,
)
from xenoquant.imgproc.stains import StainVectors, off_mixtures, separate
from xenoquant.imgproc.tissue import BLACK_OD, INK_OFF_COLOUR_DEG
from xenoquant.pipeline.slide_files import ArrayTiles


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


@pytest.mark.parametrize("pale_od", [0.1, 0.18, 0.3])
def test_pale_even_tissue_of_a_slide_is_not_its_glass(pale_od: float) -> None:
    """Drawn: an eighth of glass beside tissue with nothing but pale hematoxylin."""
    tissue = np.broadcast_to(np.arange(400) >= 50, (400, 400))
    hematoxylin = np.array(VECTORS.hematoxylin) / np.linalg.norm(VECTORS.hematoxylin)
    overview = WHITE * 10 ** -(tissue[..., None] * pale_od * hematoxylin)
    overview = overview + np.random.default_rng(0).normal(0, 0.5, overview.shape)
    found = find_slide_tissue(np.rint(overview).astype(np.uint8), um_per_px=8.0)
    np.testing.assert_allclose(found.white, WHITE, atol=1)
    assert ((found.pieces > 0) == tissue).mean() > 0.99


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


@pytest.mark.parametrize("half_px", [1, 3, 6])
def test_strokes_are_those_of_a_plain_opening(half_px: int) -> None:
    """OpenCV's opening and dilation of the whole mask, with discs cut by edges and corners."""
    side = 2 * half_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    mask = np.random.default_rng(half_px).random((120, 150)) > 0.95
    for y, x in ((0, 0), (0, 75), (119, 149), (60, 60), (60, 61 + half_px)):
        cv2.circle(mask.view(np.uint8), (x, y), half_px + 1, 1, -1)
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)
    expected = cv2.dilate(opened, disc) > 0
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(_strokes(mask, half_px), expected)
    for y, x in (
        (0, 0),
        (0, 75),
        (119, 0),
    ):  # the least that holds a disc: cut by a corner, an edge
        alone = np.zeros((120, 150), np.uint8)
        alone[y, x] = 1
        alone = cv2.dilate(alone, disc)
        assert cv2.morphologyEx(alone, cv2.MORPH_OPEN, disc).any()
        assert _strokes(alone > 0, half_px).any()


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


def test_a_slide_that_is_fluorescence_or_grey_is_refused() -> None:
    """With the sentence that the field gives."""
    dark = np.full((64, 64, 3), 20, np.uint8)
    grey = np.tile(np.arange(120, 248, 2, dtype=np.uint8)[:, None, None], (1, 64, 3))
    for overview, words in ((dark, "dark background"), (grey, "grey")):
        with pytest.raises(MeasurementError, match=words):
            measure_slide(ArrayTiles(overview), overview, um_per_px=0.5)
